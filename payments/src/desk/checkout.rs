//! A buyer wants to pay: the order is recorded first, then the gateway is asked.

use super::{Desk, Receipt};
use crate::client::{Outcome, OutcomeUnknown};
use crate::error::{Cause, Error};
use crate::store::{Creation, Step, Submission};
use crate::{
    CallbackUrl, Channel, Incoming, Order, OutTradeNo, PayRequest, PayWith, Scene, TradeState, UnixMillis,
};

/// What a buyer wants to pay, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkout {
    /// The gateway.
    pub channel: Channel,
    /// What is sold.
    pub order: Order,
    /// How.
    pub scene: Scene,
    /// Where the buyer's browser goes afterwards; needed where the scene is a page.
    pub return_url: Option<CallbackUrl>,
    /// After this moment the gateway takes no payment.
    pub expires_at: Option<UnixMillis>,
}

/// What a checkout led to.
#[derive(Debug)]
#[must_use = "the buyer waits for the next step"]
#[non_exhaustive]
pub enum CheckoutOutcome {
    /// Let the buyer pay this way.
    Pay(PayWith),
    /// The gateway answered with the payment itself (bar code), and this became of it.
    Told(Receipt),
    /// The gateway refuses this payment and takes no money (bar code). The buyer may show another code.
    Refused {
        /// The gateway's code.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
    /// The gateway did not answer: the order is marked unknown. Ask again with [`Desk::ask`], or let the
    /// [`Reconciler`](crate::reconcile::Reconciler) do it.
    Unknown(OutcomeUnknown),
    /// The order is in this state, which takes no payment: it is paid, closed or refunded.
    NotOpen(TradeState),
    /// Another order has this number: take a fresh one.
    Conflict {
        /// The order that is there.
        stored: Box<Order>,
    },
}

impl Checkout {
    /// A checkout without a return address and without a time limit of its own.
    #[must_use]
    pub fn new(channel: Channel, order: Order, scene: Scene) -> Self {
        Self { channel, order, scene, return_url: None, expires_at: None }
    }

    /// The same checkout with an address for the buyer's browser.
    #[must_use]
    pub fn returning_to(mut self, url: CallbackUrl) -> Self {
        self.return_url = Some(url);
        self
    }

    /// The same checkout, payable only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }
}

impl Desk {
    /// Records the order and the visit, then asks the gateway. The same checkout again is the same trade.
    ///
    /// # Errors
    /// As [`Gateway::pay`](crate::Gateway::pay) and the store's, and `Misuse` if the desk has no gateway of this
    /// channel. After `InvalidInput` of [`Gateway::accepts`](crate::Gateway::accepts) nothing is recorded; otherwise
    /// the order stays as it is: it can be tried again, there or elsewhere.
    pub async fn checkout(&self, checkout: &Checkout) -> Result<CheckoutOutcome, Error> {
        let counter = self.counter(checkout.channel)?;
        let number = &checkout.order.out_trade_no;
        let mut request = PayRequest {
            order: checkout.order.clone(),
            scene: checkout.scene.clone(),
            notify_url: counter.notify_url.clone(),
            return_url: checkout.return_url.clone(),
            expires_at: checkout.expires_at,
            submitted_at: self.now(),
        };
        // What this gateway does not take is not recorded: a number is taken for ever.
        counter.gateway.accepts(&request)?;
        if let Creation::Conflict { stored } = self.store.create(&checkout.order, self.now()).await? {
            return Ok(CheckoutOutcome::Conflict { stored });
        }
        request.submitted_at = match self.store.submit(number, checkout.channel, self.now()).await? {
            Submission::Submitted { at } => at,
            Submission::Refused(state) => return Ok(CheckoutOutcome::NotOpen(state)),
            Submission::UnknownOrder => return Err(lost(number)),
        };
        match counter.gateway.pay(&request).await? {
            Outcome::Known(PayWith::Paid(notify)) => {
                self.record(Incoming::Trade(notify)).await.map(CheckoutOutcome::Told)
            }
            Outcome::Known(PayWith::Refused { code, message }) => {
                Ok(CheckoutOutcome::Refused { code, message })
            }
            Outcome::Known(with) => Ok(CheckoutOutcome::Pay(with)),
            Outcome::Unknown(unknown) => self.mark_unknown(number, unknown).await,
        }
    }

    /// If this fails the order is still pending, and pending orders are asked about as well.
    async fn mark_unknown(
        &self,
        number: &OutTradeNo,
        unknown: OutcomeUnknown,
    ) -> Result<CheckoutOutcome, Error> {
        match self.store.mark_unknown(number, self.now()).await? {
            Step::Moved(_) | Step::Same(_) => Ok(CheckoutOutcome::Unknown(unknown)),
            // The notify was faster than the reply.
            Step::Refused(state) | Step::Changed(state) => Ok(CheckoutOutcome::NotOpen(state)),
            Step::UnknownOrder => Err(lost(number)),
        }
    }
}

/// The store gave no error when the order was recorded, and does not have it.
fn lost(number: &OutTradeNo) -> Error {
    Cause::Lost { number: number.to_string() }.into()
}
