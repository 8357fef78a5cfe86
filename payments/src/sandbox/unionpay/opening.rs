//! The calls that open a payment: the browser's form, and the application's `tn` (manual: 消费).

use super::SandboxUnionpay;
use super::admission::{Fields, Refusal, order_id, txn_time};
use super::message;
use crate::form::Params;
use crate::sandbox::book::{Entry, Key, NewTrade, No, Terms, Trade};
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Channel, Money, UnixMillis};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// How much of a cashier's token a `tn` is.
const TN_DIGITS: usize = 40;
const SUBJECT_CHARS_MAX: usize = 32;

/// What the number of an order ends with whose payment the bank refuses.
const FAILS: &str = "FAILED";

/// A payment opens the cashier in the browser that posted the form.
pub(super) fn front(side: &SandboxUnionpay, fields: &Fields, desk: &mut Desk<'_>) -> Result<Trade, Refusal> {
    let trade = enter(side, fields, Entry::Page, desk)?;
    if trade.out_trade_no.ends_with(FAILS) {
        desk.book.fail(&trade.key, desk.now).map_err(refused)?;
        return Err(Refusal::new("64", "卡上的余额不足"));
    }
    Ok(trade)
}

/// A payment from an application: `tn` opens the cashier at `/unionpay/pay/{tn}`.
pub(super) fn app(
    side: &SandboxUnionpay,
    fields: &Fields,
    desk: &mut Desk<'_>,
) -> Result<(Key, Params), Refusal> {
    let trade = enter(side, fields, Entry::Code, desk)?;
    let mut reply = message::done();
    reply.insert("tn".to_owned(), tn(trade.token.as_deref().unwrap_or_default()));
    Ok((trade.key, reply))
}

/// The trade that a `tn` opens.
pub(super) fn opened_by<'a>(tn_given: &str, desk: &'a mut Desk<'_>) -> Option<&'a Trade> {
    let known = desk.book.find_by(|trade| {
        let token = trade.token.as_deref().filter(|_| trade.key.channel == Channel::Unionpay);
        token.is_some_and(|token| tn(token) == tn_given)
    });
    let token = known.and_then(|trade| trade.token.clone())?;
    desk.book.open(&token, desk.now).ok()
}

fn tn(token: &str) -> String {
    token.chars().take(TN_DIGITS).collect()
}

/// The number of a trade or a refund, together with its time.
pub(super) fn identity(order_id: &str, txn_time: &str) -> String {
    format!("{order_id}.{txn_time}")
}

/// A number of the gateway: 21 digits.
pub(super) fn query_id(desk: &mut Desk<'_>) -> String {
    format!("{}{}", desk.now.china_digits(), desk.entropy.digits(7))
}

fn enter(
    side: &SandboxUnionpay,
    fields: &Fields,
    entry: Entry,
    desk: &mut Desk<'_>,
) -> Result<Trade, Refusal> {
    let order_id = order_id(fields)?.to_owned();
    let number = identity(&order_id, txn_time(fields, desk.now)?);
    let terms = terms(side, fields, entry, desk.now)?;
    let new = NewTrade {
        key: Key { channel: Channel::Unionpay, number },
        out_trade_no: order_id,
        trade_no: query_id(desk),
        token: desk.token(),
        terms,
        entry,
    };
    desk.book.enter(new, desk.now).cloned().map_err(refused)
}

/// A number and its time are used once; only a browser that comes back on the same terms opens it again.
fn refused(no: No) -> Refusal {
    match no {
        No::Full => Refusal::new("99", "沙箱已满"),
        _ => Refusal::new("12", "重复交易[orderId]"),
    }
}

fn terms(side: &SandboxUnionpay, fields: &Fields, entry: Entry, now: UnixMillis) -> Result<Terms, Refusal> {
    fields.fitting("txnType", |value| value == "01")?;
    fields.fitting("txnSubType", |value| value == "01")?;
    product(fields)?;
    check_account(side, fields)?;
    let url = |name: &str| CallbackUrl::parse(fields.text(name)).map_err(|_| Refusal::field(name));
    let return_url = if entry == Entry::Page { Some(url("frontUrl")?) } else { None };
    let expires_at = match fields.text("payTimeout") {
        "" => None,
        text => Some(UnixMillis::parse_china_digits(text).map_err(|_| Refusal::field("payTimeout"))?),
    };
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::new("39", "交易不在受理时间范围内[payTimeout]"));
    }
    let subject = match fields.text("orderDesc") {
        "" => format!("银联订单 {}", fields.text("orderId")),
        text => text.chars().take(SUBJECT_CHARS_MAX).collect(),
    };
    let fixed = ["channelType", "reqReserved"].map(|name| (name.to_owned(), fields.text(name).to_owned()));
    Ok(Terms {
        subject,
        amount: amount(fields)?,
        fixed: BTreeMap::from(fixed),
        expires_at,
        notify_url: Some(url("backUrl")?),
        return_url,
    })
}

/// The gateway product over a browser, in renminbi.
pub(super) fn product(fields: &Fields) -> Result<(), Refusal> {
    fields.fitting("bizType", |value| value == "000201")?;
    fields.fitting("channelType", |value| matches!(value, "07" | "08"))?;
    fields.fitting("currencyCode", |value| value.is_empty() || value == "156")?;
    Ok(())
}

/// Whole fen.
pub(super) fn amount(fields: &Fields) -> Result<Money, Refusal> {
    Money::parse_fen(fields.text("txnAmt")).map_err(|_| Refusal::field("txnAmt"))
}

/// A card number, if there is one, is encrypted for UnionPay.
fn check_account(side: &SandboxUnionpay, fields: &Fields) -> Result<(), Refusal> {
    let account = fields.text("accNo");
    let sealed = STANDARD.decode(account).unwrap_or_default();
    if account.is_empty() || side.authority.opens(fields.text("encryptCertId"), &sealed) {
        Ok(())
    } else {
        Err(Refusal::field("accNo"))
    }
}
