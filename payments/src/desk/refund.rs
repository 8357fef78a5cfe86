//! Money goes back: recorded first, under a number that stays the same, then asked for. However often and from how
//! many processes it is asked, one refund number moves money once.

use super::{Counter, Desk, Receipt};
use crate::client::{Outcome, OutcomeUnknown};
use crate::error::{Cause, Error};
use crate::store::{RefundRenewal, RefundStart, RefundStep, StoredRefund};
use crate::{Channel, Incoming, OutTradeNo, Refund, RefundNo, RefundOutcome, RefundRef, TradeNo};

/// What asking for a refund led to.
#[derive(Debug)]
#[must_use = "a refund that is not told to be over has to be asked about"]
#[non_exhaustive]
pub enum RefundAnswer {
    /// The gateway told where the refund stands, and this became of it.
    Told(Receipt),
    /// The gateway refuses it, and when asked tells of no such refund. The refund stays recorded as asked for and
    /// keeps its amount; ask again under the same number when the cause is gone, or give it up by
    /// [`Desk::drop_refund`].
    Refused {
        /// The gateway's code, such as `NOT_ENOUGH`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
    /// The gateway answered, and knows neither the refund nor, perhaps, the trade. The refund stays recorded.
    NotFound,
    /// The gateway did not answer. The refund stays recorded: ask again under the same number, or let the
    /// [`Reconciler`](crate::reconcile::Reconciler) do it.
    Unknown(OutcomeUnknown),
    /// The store did not let it begin: too much, another refund has the number, or this one is over.
    NotStarted(RefundStart),
    /// The desk has no such order or payment.
    UnknownTrade,
}

/// What giving a refund up led to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refund that the gateway has is not given up"]
#[non_exhaustive]
pub enum DropAnswer {
    /// The gateway has no such refund or has refused it, and this is what the store did. A refund that is over is not
    /// asked about.
    Stored(RefundStep),
    /// The gateway has the refund, and this became of it. It is not given up.
    Told(Receipt),
}

impl Desk {
    /// Gives money back. A repeat with the same refund is the same refund: the gateway is first asked what it did.
    ///
    /// # Errors
    /// As [`Gateway::refund`](crate::Gateway::refund), [`Gateway::query_refund`](crate::Gateway::query_refund) and
    /// the store's. After `InvalidInput` of [`Gateway::accepts_refund`](crate::Gateway::accepts_refund) nothing is
    /// recorded; otherwise the refund stays recorded: ask again under the same number.
    pub async fn refund(&self, refund: &Refund) -> Result<RefundAnswer, Error> {
        let counter = self.counter(refund.channel)?;
        let asked = RefundRef { refund: refund.clone(), requested_at: self.now() };
        // What the gateway does not take is not recorded: it would hold its amount for nothing.
        counter.gateway.accepts_refund(&asked)?;
        match self.store.begin_refund(refund, asked.requested_at).await? {
            RefundStart::Started => self.ask_for(counter, &asked).await,
            RefundStart::Same(state) if state.is_open() => self.resume_number(&refund.refund_no).await,
            start => Ok(RefundAnswer::NotStarted(start)),
        }
    }

    /// Gives back a whole payment that bought nothing: [`Task::GiveBack`](crate::store::Task::GiveBack). The refund
    /// number is made from the trade, so that doing this twice is doing it once.
    ///
    /// # Errors
    /// As [`Desk::refund`]; `InvalidInput` if the trade's number is too long to make a refund number of.
    pub async fn give_back(
        &self,
        number: &OutTradeNo,
        channel: Channel,
        trade_no: &TradeNo,
    ) -> Result<RefundAnswer, Error> {
        let Some(stored) = self.store.find(number).await? else { return Ok(RefundAnswer::UnknownTrade) };
        let (paid, number) = (stored.order.amount, number.clone());
        let refund_no = give_back_number(channel, trade_no)?;
        self.refund(&Refund::new(refund_no, number, (channel, trade_no.clone()), paid, paid)).await
    }

    /// Gives up a refund that the gateway refuses, so that its amount is free and nobody asks for it any more. The
    /// gateway is asked first: what it has is recorded, not given up.
    ///
    /// A request that nobody saw answered may still be on its way, and Alipay tells of no refund that is under way. So
    /// nothing is given up within five minutes after the last request: [`RefundStep::TooSoon`]. Money that goes back after all is recorded when the gateway tells of
    /// it, and the bill of the day shows it.
    ///
    /// # Errors
    /// As [`Gateway::query_refund`](crate::Gateway::query_refund) and the store's; nothing is given up then.
    pub async fn drop_refund(&self, number: &RefundNo) -> Result<DropAnswer, Error> {
        let Some(stored) = self.store.find_refund(number).await? else {
            return Ok(DropAnswer::Stored(RefundStep::UnknownRefund));
        };
        if stored.state.is_open() {
            let gateway = self.gateway(stored.refund.channel)?;
            let asked = RefundRef { refund: stored.refund, requested_at: stored.created_at };
            match gateway.query_refund(&asked).await? {
                RefundOutcome::Refund(notify) => {
                    return self.record(Incoming::Refund(notify)).await.map(DropAnswer::Told);
                }
                RefundOutcome::NotFound | RefundOutcome::Refused { .. } => {}
            }
        }
        self.store.drop_refund(number, self.now()).await.map(DropAnswer::Stored)
    }

    async fn resume_number(&self, number: &RefundNo) -> Result<RefundAnswer, Error> {
        match self.store.find_refund(number).await? {
            Some(stored) => self.resume_refund(&stored).await,
            None => Err(Cause::Lost { number: number.to_string() }.into()),
        }
    }

    /// Asks what became of a refund that was asked for before; asks for it again if the gateway has none.
    pub(crate) async fn resume_refund(&self, stored: &StoredRefund) -> Result<RefundAnswer, Error> {
        let counter = self.counter(stored.refund.channel)?;
        let asked = RefundRef { refund: stored.refund.clone(), requested_at: stored.created_at };
        match counter.gateway.query_refund(&asked).await? {
            RefundOutcome::Refund(notify) => {
                self.record(Incoming::Refund(notify)).await.map(RefundAnswer::Told)
            }
            // Alipay has no answer for a refund under way either, and its manual asks for the same refund again.
            RefundOutcome::NotFound => self.ask_again(counter, &asked).await,
            RefundOutcome::Refused { code, message } => Ok(RefundAnswer::Refused { code, message }),
        }
    }

    /// Only while the refund is open in the store: what was read before may be old, and it may have been given up since.
    async fn ask_again(&self, counter: &Counter, asked: &RefundRef) -> Result<RefundAnswer, Error> {
        let number = &asked.refund.refund_no;
        match self.store.renew_refund(number, self.now()).await? {
            RefundRenewal::Renewed => self.ask_for(counter, asked).await,
            RefundRenewal::Over(state) => Ok(RefundAnswer::NotStarted(RefundStart::Same(state))),
            RefundRenewal::UnknownRefund => Err(Cause::Lost { number: number.to_string() }.into()),
        }
    }

    pub(super) async fn ask_for(&self, counter: &Counter, asked: &RefundRef) -> Result<RefundAnswer, Error> {
        match counter.gateway.refund(asked, &counter.notify_url).await? {
            Outcome::Known(RefundOutcome::Refund(notify)) => {
                self.record(Incoming::Refund(notify)).await.map(RefundAnswer::Told)
            }
            Outcome::Known(RefundOutcome::Refused { code, message }) => {
                self.confirm_refusal(counter, asked, code, message).await
            }
            Outcome::Known(RefundOutcome::NotFound) => Ok(RefundAnswer::NotFound),
            Outcome::Unknown(unknown) => Ok(RefundAnswer::Unknown(unknown)),
        }
    }

    /// "More than is left" and "it exists" may be the work of an earlier request under this number that nobody saw
    /// answered, in this process or in another. So a refusal counts only if the gateway has no such refund.
    async fn confirm_refusal(
        &self,
        counter: &Counter,
        asked: &RefundRef,
        code: String,
        message: String,
    ) -> Result<RefundAnswer, Error> {
        match counter.gateway.query_refund(asked).await? {
            RefundOutcome::Refund(notify) => {
                self.record(Incoming::Refund(notify)).await.map(RefundAnswer::Told)
            }
            RefundOutcome::NotFound | RefundOutcome::Refused { .. } => {
                Ok(RefundAnswer::Refused { code, message })
            }
        }
    }
}

/// Trade numbers are digits, 21 to 32 of them, so this fits every gateway; UnionPay takes letters and digits only.
fn give_back_number(channel: Channel, trade_no: &TradeNo) -> Result<RefundNo, Error> {
    let prefix = match channel {
        Channel::Alipay => "BACKA",
        Channel::Wechat => "BACKW",
        Channel::Unionpay => "BACKU",
    };
    RefundNo::parse(&format!("{prefix}{trade_no}"))
}
