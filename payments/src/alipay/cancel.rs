//! `alipay.trade.cancel`: undoes a payment at the counter whose outcome is not known, whatever it was.

use super::merchant::Merchant;
use super::reply::{self, Answer};
use super::request::{TRADE_CANCEL, number_content, post};
use crate::error::Error;
use crate::{Call, Effect, OutTradeNo, Reply, Stake, Stamp};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

/// Cancels the trade of one order: an unpaid one is closed, a paid one is refunded in full. Only for payments by bar
/// code or QR code, within a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    out_trade_no: OutTradeNo,
}

/// What cancelling did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// It was not paid, and no payment can come any more.
    Closed,
    /// It was paid, and the money went back.
    Refunded,
    /// There is no trade.
    NotFound,
    /// It did not work yet: cancel again.
    Retry,
    /// The gateway refuses: its code and words. Query the trade, and refund it if it is paid.
    Refused {
        /// The code, such as `ACQ.TRADE_CANCEL_TIME_OUT`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
}

#[derive(Deserialize)]
struct Content {
    out_trade_no: Option<String>,
    retry_flag: Option<String>,
    action: Option<String>,
}

impl Cancel {
    /// Cancels the trade of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }
}

impl Call for Cancel {
    type Merchant = Merchant;
    type Output = CancelOutcome;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Trade(self.out_trade_no.clone()))
    }

    fn refusal_code<'a>(&self, outcome: &'a CancelOutcome) -> Option<&'a str> {
        match outcome {
            CancelOutcome::Refused { code, .. } => Some(code),
            CancelOutcome::Closed
            | CancelOutcome::Refunded
            | CancelOutcome::NotFound
            | CancelOutcome::Retry => None,
        }
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        post(merchant, TRADE_CANCEL, &number_content(&self.out_trade_no)?, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<CancelOutcome, Error> {
        match reply::read::<Content>(merchant, TRADE_CANCEL, reply)? {
            Answer::Done(content) => self.outcome(&content),
            Answer::Refused(refusal) if refusal.is_one_of(&["TRADE_NOT_EXIST"]) => {
                Ok(CancelOutcome::NotFound)
            }
            Answer::Refused(refusal) if refusal.is_decision() => {
                let (code, message) = refusal.into_words();
                Ok(CancelOutcome::Refused { code, message })
            }
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }
}

impl Cancel {
    fn outcome(&self, content: &Content) -> Result<CancelOutcome, Error> {
        if content.retry_flag.as_deref() == Some("Y") {
            return Ok(CancelOutcome::Retry);
        }
        // Where there was no trade, the reply names no action.
        let outcome = match content.action.as_deref().unwrap_or_default() {
            "" => return Ok(CancelOutcome::NotFound),
            "close" => CancelOutcome::Closed,
            "refund" => CancelOutcome::Refunded,
            _ => return Err(reply::field("action", None)),
        };
        reply::same(content.out_trade_no.as_deref(), self.out_trade_no.as_str(), "out_trade_no")?;
        Ok(outcome)
    }
}
