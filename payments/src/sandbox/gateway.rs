//! The gateway itself: its keys, its one merchant, its trades under a lock, and the verbs on them.

use super::admission::admit;
use super::cashier::{Cashier, TradeView};
use super::draft::NotifyDraft;
use super::keys::{MerchantRegistration, SandboxKeys};
use super::refusal::SandboxRefusal;
use super::trades::{Terms, Trade, Trades};
use crate::alipay::{PAGE_PAY, TRADE_QUERY, canonical};
use crate::form::{self, Params};
use crate::{Error, OutTradeNo, UnixMillis, sign};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A sandbox gateway for one merchant. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Gateway {
    keys: SandboxKeys,
    merchant: MerchantRegistration,
    trades: Mutex<Trades>,
}

/// What follows a payment. Send the notify, and send the buyer to the return address.
#[derive(Debug)]
#[non_exhaustive]
pub struct Paid {
    /// The return address with the signed sync return in its query, if the merchant gave one.
    pub return_url: Option<String>,
    /// The notify to POST, if the merchant gave an address for it.
    pub notify: Option<Request<Bytes>>,
}

#[derive(Deserialize)]
struct QueryContent {
    out_trade_no: String,
}

impl Gateway {
    /// A gateway with these keys that knows this merchant.
    #[must_use]
    pub fn new(keys: SandboxKeys, merchant: MerchantRegistration) -> Self {
        Self { keys, merchant, trades: Mutex::default() }
    }

    /// Takes the query of a page payment and opens a cashier. `random` has to be fresh: the token comes from it.
    ///
    /// # Errors
    /// The refusal that the merchant would get from the real gateway.
    pub fn page_pay(
        &self,
        query: &str,
        now: UnixMillis,
        random: [u8; 32],
    ) -> Result<Cashier, SandboxRefusal> {
        let params = admit(query, &[], &self.merchant)?;
        self.open(&params, now, random)
    }

    /// The buyer pays on the cashier page of this token.
    ///
    /// # Errors
    /// A refusal if the token was used or replaced, or the trade has expired.
    pub fn pay(&self, token: &str, now: UnixMillis) -> Result<Paid, SandboxRefusal> {
        let trade = self.trades().pay(token, now)?.clone();
        self.paid(&trade, now).map_err(|_| SandboxRefusal::failed("the sandbox cannot sign"))
    }

    /// The buyer refuses on the cashier page of this token; the trade stays unpaid.
    ///
    /// # Errors
    /// A refusal if the token was used or replaced.
    pub fn refuse(&self, token: &str) -> Result<TradeView, SandboxRefusal> {
        self.trades().refuse(token).map(TradeView::from)
    }

    /// A notify about a trade, honest until it is changed: for retries, and for tests of forged ones.
    /// None if there is no such trade, or the merchant gave no notify address.
    #[must_use]
    pub fn draft(&self, number: &OutTradeNo, now: UnixMillis) -> Option<NotifyDraft<'_>> {
        let trades = self.trades();
        let trade = trades.find(number.as_str())?;
        NotifyDraft::new(&self.keys, &self.merchant, trade, now)
    }

    pub(super) fn admit(&self, query: &str, body: &[u8]) -> Result<Params, SandboxRefusal> {
        admit(query, body, &self.merchant)
    }

    pub(super) fn open(
        &self,
        params: &Params,
        now: UnixMillis,
        random: [u8; 32],
    ) -> Result<Cashier, SandboxRefusal> {
        if params.get("method").map(String::as_str) != Some(PAGE_PAY) {
            return Err(SandboxRefusal::invalid(
                "isv.invalid-method",
                "open this address for a page payment",
            ));
        }
        let terms = Terms::read(params)?;
        let (token, trade_no) = draw(random, now);
        let mut trades = self.trades();
        let trade = trades.enter(&terms, trade_no, token.clone(), now)?;
        Ok(Cashier::new(token, TradeView::from(trade)))
    }

    /// The signed reply to `alipay.trade.query`.
    pub(super) fn query(&self, params: &Params, now: UnixMillis) -> Result<String, Error> {
        let content = match self.found(params) {
            Ok(trade) => found_content(&trade, now),
            Err(refusal) => refusal_content(&refusal),
        };
        self.reply(TRADE_QUERY, &content)
    }

    /// A reply as the real gateway writes it: slashes escaped, signed over its exact bytes.
    pub(super) fn reply(&self, method: &str, content: &Map<String, Value>) -> Result<String, Error> {
        let content = Value::Object(content.clone()).to_string().replace('/', "\\/");
        let sign = sign::sign_text(&self.keys.gateway, &content)?;
        Ok(format!("{{\"{}_response\":{content},\"sign\":\"{sign}\"}}", method.replace('.', "_")))
    }

    fn found(&self, params: &Params) -> Result<Trade, SandboxRefusal> {
        let text = params.get("biz_content").map(String::as_str).unwrap_or_default();
        let asked: QueryContent = serde_json::from_str(text).map_err(|_| {
            SandboxRefusal::business("ACQ.INVALID_PARAMETER", "biz_content misses out_trade_no")
        })?;
        let found = self.trades().find(&asked.out_trade_no).cloned();
        found.ok_or_else(|| SandboxRefusal::business("ACQ.TRADE_NOT_EXIST", "no trade has this number"))
    }

    fn paid(&self, trade: &Trade, now: UnixMillis) -> Result<Paid, Error> {
        let return_url = match &trade.terms.return_url {
            Some(url) => Some(format!("{url}?{}", self.sync_return(trade, now)?)),
            None => None,
        };
        let draft = NotifyDraft::new(&self.keys, &self.merchant, trade, now);
        Ok(Paid { return_url, notify: draft.map(|draft| draft.signed()).transpose()? })
    }

    fn sync_return(&self, trade: &Trade, now: UnixMillis) -> Result<String, Error> {
        let (amount, timestamp) = (trade.terms.amount.yuan_text(), now.china_text());
        let app_id = self.merchant.app_id.as_str();
        let pairs = [
            ("app_id", app_id),
            ("auth_app_id", app_id),
            ("charset", "utf-8"),
            ("method", "alipay.trade.page.pay.return"),
            ("out_trade_no", &trade.terms.out_trade_no),
            ("seller_id", self.merchant.seller_id.as_str()),
            ("timestamp", &timestamp),
            ("total_amount", &amount),
            ("trade_no", &trade.trade_no),
            ("version", "1.0"),
        ];
        let mut params: Params = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let sign = sign::sign_text(&self.keys.gateway, &canonical(&params, &[]))?;
        params.insert("sign".to_owned(), sign);
        params.insert("sign_type".to_owned(), "RSA2".to_owned());
        Ok(form::encode(&params))
    }

    /// A panic elsewhere cannot leave a trade half changed, so a poisoned lock is taken over.
    fn trades(&self) -> MutexGuard<'_, Trades> {
        self.trades.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token of 192 random bits, and a trade number that shares no bit with it.
fn draw(random: [u8; 32], now: UnixMillis) -> (String, String) {
    let (secret, public) = random.split_at(24);
    let token = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let serial = public.iter().fold(0_u64, |serial, byte| serial.wrapping_mul(256) + u64::from(*byte));
    let day: String = now.china_text().chars().filter(char::is_ascii_digit).take(8).collect();
    (token, format!("{day}22001{:015}", serial % 1_000_000_000_000_000))
}

fn found_content(trade: &Trade, now: UnixMillis) -> Map<String, Value> {
    let mut content = object([
        ("code", "10000"),
        ("msg", "Success"),
        ("out_trade_no", &trade.terms.out_trade_no),
        ("trade_no", &trade.trade_no),
        ("total_amount", &trade.terms.amount.yuan_text()),
        ("trade_status", trade.status(now)),
    ]);
    if let Some(paid_at) = trade.paid_at {
        content.insert("send_pay_date".to_owned(), Value::from(paid_at.china_text()));
    }
    content
}

pub(super) fn refusal_content(refusal: &SandboxRefusal) -> Map<String, Value> {
    object([
        ("code", refusal.code),
        ("msg", refusal.message()),
        ("sub_code", refusal.sub_code),
        ("sub_msg", refusal.remedy),
    ])
}

fn object<const N: usize>(members: [(&str, &str); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}
