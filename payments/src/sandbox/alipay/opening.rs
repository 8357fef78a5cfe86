//! The calls that open a trade: page, wap, app, QR code, mini program, and the shop's scanner.

use super::admission::{Admitted, Biz};
use super::refusal::SandboxRefusal;
use super::reply::{good, object};
use crate::sandbox::book::{Entry, Key, NewTrade, Terms, Trade};
use crate::sandbox::notices::About;
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Channel, Money, Subject, UnixMillis};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The calls that the buyer's browser or telephone carries, with their product codes.
const PAGES: &[(&str, &str)] = &[
    ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
];

/// What the buyer's code does, by its last four digits. Codes have 16 to 24 digits and begin with 25 to 30, as 28
/// does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BarCode {
    /// `…0003`: the buyer has to confirm on the telephone (code 10003); the console links to the cashier.
    Confirm,
    /// `…0004`: refused, the account has too little money.
    Refused,
    /// `…0005`: the money moves, and the reply says 20000.
    Unclear,
    /// Anything else: paid at once.
    Paid,
}

impl BarCode {
    /// Reads a buyer's code.
    #[must_use]
    pub fn find(auth_code: &str) -> Option<Self> {
        let digits =
            (16..=24).contains(&auth_code.len()) && auth_code.bytes().all(|byte| byte.is_ascii_digit());
        let begins = ["25", "26", "27", "28", "29", "30"].iter().any(|head| auth_code.starts_with(head));
        let ends = |tail| auth_code.ends_with(tail);
        match () {
            () if !digits || !begins => None,
            () if ends("0003") => Some(Self::Confirm),
            () if ends("0004") => Some(Self::Refused),
            () if ends("0005") => Some(Self::Unclear),
            () => Some(Self::Paid),
        }
    }
}

/// True for a call that is answered with a cashier page.
pub(super) fn is_page(method: &str) -> bool {
    PAGES.iter().any(|(page, _)| *page == method)
}

/// A trade for a browser: the cashier page opens at once.
pub(super) fn page(request: &Admitted, desk: &mut Desk<'_>) -> Result<Trade, SandboxRefusal> {
    let product = PAGES.iter().find(|(method, _)| *method == request.method).map(|(_, product)| *product);
    let product = product.ok_or_else(|| {
        SandboxRefusal::invalid("isv.invalid-method", "open this address for a page payment")
    })?;
    let terms = terms(request, Some(product))?;
    enter(request, desk, terms, Entry::Page)
}

/// A QR code. Nobody has scanned it, so there is no trade to query yet.
pub(super) fn precreate(
    request: &Admitted,
    desk: &mut Desk<'_>,
) -> Result<Map<String, Value>, SandboxRefusal> {
    let terms = terms(request, None)?;
    let trade = enter(request, desk, terms, Entry::Code)?;
    let qr_code = desk.cashier_url(trade.token.as_deref().unwrap_or_default());
    Ok(good([("out_trade_no", &trade.out_trade_no), ("qr_code", &qr_code)]))
}

/// A trade for a mini program, whose buyer is known; the console links to the cashier.
pub(super) fn create(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    if !["buyer_id", "buyer_open_id"].iter().any(|name| request.biz.text(name).is_some()) {
        return Err(SandboxRefusal::parameter("buyer_id or buyer_open_id says who pays"));
    }
    let terms = terms(request, None)?;
    let trade = enter(request, desk, terms, Entry::Code)?;
    desk.book.open(trade.token.as_deref().unwrap_or_default(), desk.now)?;
    Ok(good([("out_trade_no", &trade.out_trade_no), ("trade_no", &trade.trade_no)]))
}

/// The shop scanned the buyer's code.
pub(super) fn pay(request: &Admitted, desk: &mut Desk<'_>) -> Result<Map<String, Value>, SandboxRefusal> {
    if request.biz.text("scene").as_deref() != Some("bar_code") {
        return Err(SandboxRefusal::parameter("scene is bar_code"));
    }
    let code = request.biz.text("auth_code").unwrap_or_default();
    let code = BarCode::find(&code).ok_or_else(|| {
        let remedy = "scan a code of 16 to 24 digits that begins with 25 to 30";
        SandboxRefusal::business("ACQ.PAYMENT_AUTH_CODE_INVALID", remedy)
    })?;
    let terms = terms(request, None)?;
    let entry = if code == BarCode::Confirm { Entry::Code } else { Entry::Scanned };
    let trade = enter(request, desk, terms, entry)?;
    let token = trade.token.clone().unwrap_or_default();
    match code {
        BarCode::Confirm => {
            desk.book.open(&token, desk.now)?;
            return Ok(object([
                ("code", "10003"),
                ("msg", "order success pay inprocess"),
                ("out_trade_no", &trade.out_trade_no),
                ("trade_no", &trade.trade_no),
                ("total_amount", &trade.terms.amount.yuan_text()),
            ]));
        }
        BarCode::Refused => {
            desk.book.refuse(&token)?;
            let remedy = "the buyer's account has too little money";
            return Err(SandboxRefusal::business("ACQ.BUYER_BALANCE_NOT_ENOUGH", remedy));
        }
        BarCode::Unclear | BarCode::Paid => {
            desk.book.pay(&token, desk.now)?;
            desk.announce(&trade.key, About::Payment);
        }
    }
    if code == BarCode::Unclear {
        return Err(SandboxRefusal::failed("query to learn whether the buyer paid"));
    }
    let amount = trade.terms.amount.yuan_text();
    Ok(good([
        ("out_trade_no", &trade.out_trade_no),
        ("trade_no", &trade.trade_no),
        ("total_amount", &amount),
        ("receipt_amount", &amount),
        ("buyer_pay_amount", &amount),
        ("gmt_payment", &desk.now.china_text()),
        ("buyer_user_id", "2088000000000001"),
        ("buyer_logon_id", "san***@sandbox.example"),
    ]))
}

fn enter(
    request: &Admitted,
    desk: &mut Desk<'_>,
    terms: Terms,
    entry: Entry,
) -> Result<Trade, SandboxRefusal> {
    let out_trade_no = number(&request.biz, "out_trade_no")?;
    let token = desk.token();
    let day: String = desk.now.china_digits().chars().take(8).collect();
    let trade_no = format!("{day}22001{}", desk.entropy.digits(15));
    let key = Key::new(Channel::Alipay, &out_trade_no);
    let new = NewTrade { key, out_trade_no, trade_no, token, terms, entry };
    Ok(desk.book.enter(new, desk.now)?.clone())
}

/// A number of the merchant: 1 to 64 letters, digits and `_`.
pub(super) fn number(biz: &Biz, name: &str) -> Result<String, SandboxRefusal> {
    let text = biz.text(name).unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(SandboxRefusal::parameter("out_trade_no takes 1 to 64 letters, digits and `_`"))
    }
}

/// What is bought, from `biz_content` and the two addresses.
fn terms(request: &Admitted, product: Option<&'static str>) -> Result<Terms, SandboxRefusal> {
    let refused = SandboxRefusal::parameter;
    let biz = &request.biz;
    if product.is_some() && biz.text("product_code").as_deref() != product {
        return Err(refused("product_code is that of the method in the manual"));
    }
    let subject = biz.text("subject").unwrap_or_default();
    if Subject::parse(&subject).is_err() || subject.contains(['/', '=', '&']) {
        return Err(refused("subject takes 1 to 256 characters, none of `/`, `=`, `&`"));
    }
    let amount = biz.text("total_amount").unwrap_or_default();
    let expires_at = biz.text("time_expire").map(|text| UnixMillis::parse_china_text(&text)).transpose();
    let url = |name: &str| {
        let given = request.params.get(name).filter(|url| !url.is_empty());
        given.map(|url| CallbackUrl::parse(url)).transpose()
    };
    let fixed = product.map(|product| ("product_code".to_owned(), product.to_owned()));
    Ok(Terms {
        subject,
        amount: Money::parse_yuan(&amount)
            .map_err(|_| refused("total_amount is yuan from 0.01 to 100000000, two places"))?,
        fixed: BTreeMap::from_iter(fixed),
        expires_at: expires_at.map_err(|_| refused("time_expire is yyyy-MM-dd HH:mm:ss"))?,
        notify_url: url("notify_url").map_err(|_| refused("notify_url is an address without a query"))?,
        return_url: url("return_url").map_err(|_| refused("return_url is an address without a query"))?,
    })
}
