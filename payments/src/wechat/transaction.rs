//! A transaction as WeChat Pay tells of it, in the reply to a query and in a notify.

use super::reply::trade_no;
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::notify::{Channel, Report, TradeStatus};
use crate::{Currency, Money};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Transaction {
    appid: String,
    mchid: String,
    pub(crate) out_trade_no: String,
    pub(crate) transaction_id: Option<String>,
    trade_state: String,
    trade_type: Option<String>,
    bank_type: Option<String>,
    attach: Option<String>,
    success_time: Option<String>,
    payer: Option<Payer>,
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Payer {
    openid: Option<String>,
}

#[derive(Deserialize)]
struct Amount {
    /// The price of the order. What the buyer paid is less if a coupon was used; it is never compared.
    total: Option<i64>,
    payer_total: Option<i64>,
    currency: Option<String>,
}

/// `REFUND` says that a refund was asked for, a part or all, done or not: the money came.
fn status(word: &str) -> Option<TradeStatus> {
    match word {
        "SUCCESS" | "REFUND" => Some(TradeStatus::Paid),
        "NOTPAY" | "USERPAYING" | "ACCEPT" => Some(TradeStatus::Waiting),
        "CLOSED" | "REVOKED" => Some(TradeStatus::Closed),
        "PAYERROR" => Some(TradeStatus::Failed),
        _ => None,
    }
}

impl Transaction {
    /// The facts. An unpaid trade has no number of WeChat Pay's, so ours stands in its place.
    pub(crate) fn report(self, what: &'static str, notify_id: Option<String>) -> Result<Report, Error> {
        let field = |field| Cause::Field { what, field, source: None };
        let status = status(&self.trade_state).ok_or_else(|| field("trade_state"))?;
        let amount = self.amount.as_ref().ok_or_else(|| field("amount"))?;
        let total = money(what, amount)?;
        let trade_no = match (self.transaction_id.as_deref().filter(|id| !id.is_empty()), status) {
            (Some(id), _) => trade_no(what, "transaction_id", id)?,
            (None, TradeStatus::Paid) => return Err(field("transaction_id").into()),
            (None, _) => trade_no(what, "out_trade_no", &self.out_trade_no)?,
        };
        let (fields, refund_asked) = (self.fields(), self.trade_state == "REFUND");
        Ok(Report {
            channel: Channel::Wechat,
            app_id: self.appid,
            seller_id: self.mchid,
            out_trade_no: self.out_trade_no,
            trade_no,
            amount: total,
            status,
            notify_id,
            money_came: status == TradeStatus::Paid,
            refund_asked,
            fields,
        })
    }

    /// Signed fields by their names at the gateway; members of an object after a point.
    fn fields(&self) -> Params {
        let openid = self.payer.as_ref().and_then(|payer| payer.openid.as_deref());
        let payer_total =
            self.amount.as_ref().and_then(|amount| amount.payer_total).map(|fen| fen.to_string());
        let named = [
            ("trade_state", Some(self.trade_state.as_str())),
            ("trade_type", self.trade_type.as_deref()),
            ("bank_type", self.bank_type.as_deref()),
            ("attach", self.attach.as_deref()),
            ("success_time", self.success_time.as_deref()),
            ("payer.openid", openid),
            ("amount.payer_total", payer_total.as_deref()),
        ];
        let told = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        told.filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Fen. A currency that is named is CNY; an unpaid trade names none.
fn money(what: &'static str, amount: &Amount) -> Result<Money, Error> {
    let field = |field, source: Option<Error>| Cause::Field { what, field, source: source.map(Box::new) };
    let currency = Currency::parse(amount.currency.as_deref().unwrap_or("CNY"))
        .map_err(|error| field("amount.currency", Some(error)))?;
    let total = amount.total.ok_or_else(|| field("amount.total", None))?;
    Ok(Money::from_minor(total, currency).map_err(|error| field("amount.total", Some(error)))?)
}
