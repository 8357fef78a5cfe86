//! `alipay.trade.close`: no payment shall come any more.

use super::merchant::Merchant;
use super::reply::{self, Answer};
use super::request::{TRADE_CLOSE, number_content, post};
use crate::error::Error;
use crate::{Call, Effect, OutTradeNo, Reply, Stake, Stamp};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

/// Closes the unpaid trade of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    out_trade_no: OutTradeNo,
}

/// What closing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseAnswer {
    /// No payment can come any more.
    Closed,
    /// There is no trade: no buyer opened the page or scanned the code. A later visit may still open one.
    NotFound,
    /// The trade does not wait for a payment: it is paid, or was closed before. Query it.
    NotWaiting,
}

#[derive(Deserialize)]
struct Content {
    out_trade_no: Option<String>,
}

impl Close {
    /// Closes the trade of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }
}

impl Call for Close {
    type Merchant = Merchant;
    type Output = CloseAnswer;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Trade(self.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        post(merchant, TRADE_CLOSE, &number_content(&self.out_trade_no)?, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<CloseAnswer, Error> {
        match reply::read::<Content>(merchant, TRADE_CLOSE, reply)? {
            Answer::Done(content) => {
                reply::same(content.out_trade_no.as_deref(), self.out_trade_no.as_str(), "out_trade_no")?;
                Ok(CloseAnswer::Closed)
            }
            Answer::Refused(refusal) if refusal.is_one_of(&["TRADE_NOT_EXIST"]) => Ok(CloseAnswer::NotFound),
            Answer::Refused(refusal) if refusal.is_one_of(NOT_WAITING) => Ok(CloseAnswer::NotWaiting),
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }
}

/// The manual has one code for all of it and older pages have others.
const NOT_WAITING: &[&str] = &[
    "REASON_ILLEGAL_STATUS",
    "REASON_TRADE_STATUS_INVALID",
    "TRADE_HAS_CLOSE",
    "TRADE_HAS_FINISHED",
    "TRADE_HAS_SUCCESS",
    "TRADE_STATUS_ERROR",
];
