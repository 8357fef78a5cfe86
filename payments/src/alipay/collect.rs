//! A payment at the counter to its end: scan, ask every five seconds, and cancel what stays unknown.

use super::bar_code_pay::{BarCodeOutcome, BarCodePay};
use super::cancel::{Cancel, CancelOutcome};
use super::gateway::{Alipay, unknown};
use crate::client::Outcome;
use crate::error::{Cause, Error, ErrorKind};
use crate::notify::{Notify, TradeStatus, Verified};
use crate::{OutTradeNo, QueryOutcome};

/// The pause before each question about a payment that is not decided yet, in seconds.
pub const QUERY_EVERY_SECS: u64 = 5;
/// The most questions; after them the payment is cancelled.
pub const QUERIES_MAX: u32 = 6;
/// The most attempts to cancel, as long as the gateway says "again".
const CANCELS_MAX: u32 = 3;

/// How a payment at the counter ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Collected {
    /// The buyer paid: check and settle it as a notify.
    Paid(Box<Notify<Verified>>),
    /// No money was taken, and the number may be used with another code.
    Refused {
        /// The code, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
    /// It was given up unpaid, and no payment can come any more.
    Closed,
    /// It was paid at the last moment, and the money went back.
    Refunded,
}

impl Alipay {
    /// Takes a payment with the code that the scanner read, and waits for its end: about half a minute if the buyer
    /// does not confirm. The waiting is done by the [`Transport`](crate::Transport).
    ///
    /// [`Outcome::Unknown`] means that not even the cancelling was answered: mark the order unknown, let the cashier
    /// look at the buyer's telephone, and reconcile.
    ///
    /// # Errors
    /// As [`Gateway::pay`](crate::Gateway::pay), and only before the gateway took the payment.
    pub async fn collect(&self, pay: &BarCodePay) -> Result<Outcome<Collected>, Error> {
        let number = &pay.order.out_trade_no;
        match self.merchant().call(self.client(), pay).await? {
            Outcome::Known(BarCodeOutcome::Paid(notify)) => {
                return Ok(Outcome::Known(Collected::Paid(notify)));
            }
            Outcome::Known(BarCodeOutcome::Refused { code, message }) => {
                return Ok(Outcome::Known(Collected::Refused { code, message }));
            }
            Outcome::Known(BarCodeOutcome::AlreadyPaid) => {
                return Ok(self.paid_before(number).await.map(Collected::Paid));
            }
            Outcome::Known(BarCodeOutcome::BuyerConfirms) | Outcome::Unknown(_) => {}
        }
        for _ in 0..QUERIES_MAX {
            self.client().pause(QUERY_EVERY_SECS * 1000).await;
            if let Some(end) = self.end_seen(number).await {
                return Ok(Outcome::Known(end));
            }
        }
        Ok(self.undo(number).await)
    }

    /// None while the payment is not decided, and where the question failed: the next one, or the cancelling, tells.
    async fn end_seen(&self, number: &OutTradeNo) -> Option<Collected> {
        let Ok(QueryOutcome::Trade(notify)) = self.ask(number).await else {
            return None;
        };
        match notify.status() {
            TradeStatus::Paid => Some(Collected::Paid(notify)),
            TradeStatus::Closed | TradeStatus::Failed if notify.money_came() => Some(Collected::Refunded),
            TradeStatus::Closed | TradeStatus::Failed => Some(Collected::Closed),
            TradeStatus::Waiting => None,
        }
    }

    async fn undo(&self, number: &OutTradeNo) -> Outcome<Collected> {
        let call = Cancel::new(number.clone());
        let mut refusal = ("retry_flag".to_owned(), "cancel again".to_owned());
        for _ in 0..CANCELS_MAX {
            match self.merchant().call(self.client(), &call).await {
                Ok(Outcome::Known(CancelOutcome::Closed | CancelOutcome::NotFound)) => {
                    return Outcome::Known(Collected::Closed);
                }
                Ok(Outcome::Known(CancelOutcome::Refunded)) => return Outcome::Known(Collected::Refunded),
                Ok(Outcome::Known(CancelOutcome::Retry)) => {
                    self.client().pause(QUERY_EVERY_SECS * 1000).await;
                }
                Ok(Outcome::Known(CancelOutcome::Refused { code, message })) => {
                    refusal = (code, message);
                    break;
                }
                Ok(Outcome::Unknown(unknown)) => return Outcome::Unknown(unknown),
                Err(error) => return unknown(number, error),
            }
        }
        let (code, message) = refusal;
        unknown(number, Cause::Gateway { kind: ErrorKind::Unavailable, code, message }.into())
    }
}
