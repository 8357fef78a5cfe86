//! A refund as WeChat Pay tells of it, in replies and in a notify.

use super::reply::trade_no;
use crate::error::{Cause, Error};
use crate::notify::Channel;
use crate::refund::{RefundReport, RefundStatus};
use crate::{Currency, Money, UnixMillis};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct RefundContent {
    /// Notifies name the merchant; replies do not.
    pub(crate) mchid: Option<String>,
    pub(crate) refund_id: Option<String>,
    pub(crate) out_refund_no: String,
    pub(crate) out_trade_no: String,
    transaction_id: Option<String>,
    /// In replies.
    status: Option<String>,
    /// In notifies.
    refund_status: Option<String>,
    success_time: Option<String>,
    amount: Amount,
}

#[derive(Deserialize)]
struct Amount {
    /// What was asked for; what the buyer gets back is less if a coupon had been used.
    refund: i64,
    currency: Option<String>,
}

fn status(word: &str) -> Option<RefundStatus> {
    match word {
        "PROCESSING" => Some(RefundStatus::Processing),
        "SUCCESS" => Some(RefundStatus::Succeeded),
        "ABNORMAL" => Some(RefundStatus::Abnormal),
        "CLOSED" => Some(RefundStatus::Closed),
        _ => None,
    }
}

impl RefundContent {
    /// The word of the state, whichever name it goes by here.
    pub(crate) fn state_word(&self) -> &str {
        self.status.as_deref().or(self.refund_status.as_deref()).unwrap_or_default()
    }

    /// The facts; `seller_id` is who pays the money back.
    pub(crate) fn report(self, what: &'static str, seller_id: String) -> Result<RefundReport, Error> {
        let field = |field, source: Option<Error>| Cause::Field { what, field, source: source.map(Box::new) };
        let status = status(self.state_word()).ok_or_else(|| field("status", None))?;
        let currency = Currency::parse(self.amount.currency.as_deref().unwrap_or("CNY"))
            .map_err(|error| field("amount.currency", Some(error)))?;
        let amount = Money::from_minor(self.amount.refund, currency)
            .map_err(|error| field("amount.refund", Some(error)))?;
        let transaction_id = self.transaction_id.filter(|id| !id.is_empty());
        let trade_no = transaction_id.map(|id| trade_no(what, "transaction_id", &id)).transpose()?;
        let succeeded_at = self.success_time.filter(|time| !time.is_empty());
        let succeeded_at = succeeded_at
            .map(|time| UnixMillis::parse_rfc3339(&time))
            .transpose()
            .map_err(|error| field("success_time", Some(error)))?;
        Ok(RefundReport {
            channel: Channel::Wechat,
            seller_id,
            out_trade_no: self.out_trade_no,
            trade_no,
            refund_no: self.out_refund_no,
            amount,
            status,
            succeeded_at,
        })
    }
}
