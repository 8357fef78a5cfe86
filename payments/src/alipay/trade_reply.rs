//! A trade as the signed replies of several calls describe it, read into the same report as a notify.

use super::merchant::Merchant;
use super::reply;
use crate::form::Params;
use crate::notify::{Channel, Report, TradeStatus};
use crate::{Error, Money, OutTradeNo, TradeNo};
use serde::Deserialize;

/// The members that describe a trade.
#[derive(Deserialize)]
pub(super) struct TradeMembers {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    total_amount: Option<String>,
}

impl TradeMembers {
    /// The reply names neither app nor seller. It is signed with the key that Alipay keeps for this app alone, so
    /// both are the caller's own; the number is compared, because a reply to another call has the same key.
    ///
    /// `paid_on` is the member with the moment of the payment, and its name: a closed trade that has one was refunded.
    pub(super) fn report(
        self,
        merchant: &Merchant,
        asked: &OutTradeNo,
        status: TradeStatus,
        paid_on: (&str, Option<String>),
    ) -> Result<Report, Error> {
        reply::same(self.out_trade_no.as_deref(), asked.as_str(), "out_trade_no")?;
        let (name, moment) = paid_on;
        let moment = moment.filter(|moment| !moment.is_empty());
        Ok(Report {
            channel: Channel::Alipay,
            app_id: merchant.app_id.as_str().to_owned(),
            seller_id: merchant.seller_id.as_str().to_owned(),
            out_trade_no: asked.as_str().to_owned(),
            trade_no: reply::required(self.trade_no.as_deref(), "trade_no", TradeNo::parse)?,
            amount: reply::required(self.total_amount.as_deref(), "total_amount", Money::parse_yuan)?,
            status,
            notify_id: None,
            money_came: status == TradeStatus::Paid || moment.is_some(),
            refund_asked: false,
            fields: moment.map(|moment| (name.to_owned(), moment)).into_iter().collect::<Params>(),
        })
    }
}
