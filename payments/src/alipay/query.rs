//! `alipay.trade.query`: asks what became of a trade, for notifies that were lost or are late.

use super::merchant::Merchant;
use super::notify::status;
use super::reply::{self, Answer};
use super::request::{TRADE_QUERY, number_content, post};
use super::trade_reply::TradeMembers;
use crate::error::Error;
use crate::notify::Notify;
use crate::{Call, Effect, OutTradeNo, QueryOutcome, Reply, Stamp};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

/// Asks for the trade of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeQuery {
    out_trade_no: OutTradeNo,
}

/// The same in the form gateway and in version 3.
#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(flatten)]
    trade: TradeMembers,
    trade_status: Option<String>,
    /// When the buyer paid: it tells a refunded trade from one that was never paid.
    send_pay_date: Option<String>,
}

impl TradeQuery {
    /// A query for the order of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }
}

impl Call for TradeQuery {
    type Merchant = Merchant;
    type Output = QueryOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        post(merchant, TRADE_QUERY, &number_content(&self.out_trade_no)?, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<QueryOutcome, Error> {
        let content: Content = match reply::read(merchant, TRADE_QUERY, reply)? {
            Answer::Done(content) => content,
            Answer::Refused(refusal) if refusal.is_one_of(&["TRADE_NOT_EXIST"]) => {
                return Ok(QueryOutcome::NotFound);
            }
            Answer::Refused(refusal) => return Err(refusal.into()),
        };
        content.outcome(merchant, &self.out_trade_no)
    }
}

impl Content {
    /// The trade of a verified content, if it is the one that was asked about.
    pub(super) fn outcome(self, merchant: &Merchant, asked: &OutTradeNo) -> Result<QueryOutcome, Error> {
        let word = self.trade_status.unwrap_or_default();
        let status = status(&word).ok_or_else(|| reply::field("trade_status", None))?;
        let mut report = self.trade.report(merchant, asked, status, ("send_pay_date", self.send_pay_date))?;
        report.fields.insert("trade_status".to_owned(), word);
        Ok(QueryOutcome::Trade(Box::new(Notify::verified(report))))
    }
}
