//! The front door: what the gateways tell, what buyers start and what the merchant gives back all go through here
//! into one store. Every message takes the same way: verified by its gateway, checked against the stored order or
//! refund, settled once, answered exactly.

use crate::client::Edge;
use crate::error::{Cause, Error, quoted};
use crate::store::{OrderStore, RefundSettlement};
use crate::{
    Ack, CallbackUrl, Channel, Gateway, Incoming, Mismatch, Notify, OutTradeNo, RefundNo, RefundNotify,
    Settlement, UnixMillis, Verified,
};
use std::fmt;
use std::sync::Arc;

mod ask;
mod checkout;
mod receive;
mod refund;
#[cfg(test)]
mod tests;

pub use self::ask::Asked;
pub use self::checkout::{Checkout, CheckoutOutcome};
pub use self::receive::{NOTIFY_BYTES_MAX, Received};
pub use self::refund::{DropAnswer, RefundAnswer};

/// One merchant's gateways over one order store. Cloning shares both.
///
/// ```no_run
/// # async fn example(
/// #     store: std::sync::Arc<dyn payments::store::OrderStore>,
/// #     edge: std::sync::Arc<dyn payments::Edge>,
/// #     alipay: std::sync::Arc<dyn payments::Gateway>,
/// #     posted: http::Request<bytes::Bytes>,
/// # ) -> Result<(), payments::Error> {
/// use payments::desk::{Checkout, CheckoutOutcome, Desk};
/// use payments::{CallbackUrl, Channel, Money, Order, OutTradeNo, PayWith, Scene, Subject};
///
/// let desk = Desk::new(store, edge).with_gateway(alipay, CallbackUrl::parse("https://shop.example/notify/alipay")?)?;
///
/// // A buyer comes:
/// let order = Order::new(OutTradeNo::parse("COURSE_0001")?, Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
/// match desk.checkout(&Checkout::new(Channel::Alipay, order, Scene::Page)).await? {
///     CheckoutOutcome::Pay(PayWith::Redirect { url }) => println!("303 {url}"),
///     other => println!("{other:?}"),
/// }
///
/// // The gateway posts to /notify/alipay; send back exactly what comes out:
/// let received = desk.receive(Channel::Alipay, &posted).await;
/// println!("{} {:?}", received.response.status(), received.receipt);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Desk {
    counters: Vec<Counter>,
    store: Arc<dyn OrderStore>,
    edge: Arc<dyn Edge>,
}

/// One gateway, and the address that it tells us at.
#[derive(Debug, Clone)]
struct Counter {
    gateway: Arc<dyn Gateway>,
    notify_url: CallbackUrl,
}

/// What became of one verified message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a settlement may ask for a refund, a mismatch for an alarm"]
#[non_exhaustive]
pub enum Receipt {
    /// It is about this order and is settled.
    Trade {
        /// The order.
        out_trade_no: OutTradeNo,
        /// What settling did.
        settlement: Settlement,
    },
    /// It is about this refund and is settled.
    Refund {
        /// The refund.
        refund_no: RefundNo,
        /// What settling did.
        settlement: RefundSettlement,
    },
    /// It is genuine, and not about what we sold or gave back: an alarm. Nothing changed.
    Mismatch(Mismatch),
    /// It is genuine and about an order that we do not have.
    UnknownOrder {
        /// The number, escaped and cut.
        number: String,
    },
    /// It is genuine and about a refund that we do not have, such as one made in the gateway's own console.
    UnknownRefund {
        /// The number, escaped and cut.
        number: String,
    },
}

impl Receipt {
    /// What to answer the gateway: success only if everything it tells is recorded.
    #[must_use]
    pub fn ack(&self) -> Ack {
        match self {
            Self::Trade { settlement, .. } => settlement.ack(),
            Self::Refund { settlement, .. } => match settlement {
                RefundSettlement::Moved { .. }
                | RefundSettlement::Duplicate
                | RefundSettlement::Refused(_) => Ack::Success,
                RefundSettlement::UnknownRefund | RefundSettlement::AmountDiffers { .. } => Ack::Fail,
            },
            Self::Mismatch(_) | Self::UnknownOrder { .. } | Self::UnknownRefund { .. } => Ack::Fail,
        }
    }
}

impl Desk {
    /// A desk without a gateway. Give each desk a store of its own: numbers of orders and refunds are unique within a
    /// store, and two merchants over one store would take each other's.
    #[must_use]
    pub fn new(store: Arc<dyn OrderStore>, edge: Arc<dyn Edge>) -> Self {
        Self { counters: Vec::new(), store, edge }
    }

    /// The same desk with one more gateway, which posts its notifies to this address.
    ///
    /// # Errors
    /// `Misuse` if the channel has a gateway already: a notify could not tell which of them it is for. Take a desk
    /// for each merchant, each with a store of its own.
    pub fn with_gateway(mut self, gateway: Arc<dyn Gateway>, notify_url: CallbackUrl) -> Result<Self, Error> {
        if self.counters.iter().any(|counter| counter.gateway.channel() == gateway.channel()) {
            return Err(Cause::Setup { what: "desk", why: "give one gateway for each channel" }.into());
        }
        self.counters.push(Counter { gateway, notify_url });
        Ok(self)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn OrderStore> {
        &self.store
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.edge.now()
    }

    /// The gateway of a channel.
    ///
    /// # Errors
    /// `Misuse` if the desk has none.
    pub fn gateway(&self, channel: Channel) -> Result<&Arc<dyn Gateway>, Error> {
        self.counter(channel).map(|counter| &counter.gateway)
    }

    fn counter(&self, channel: Channel) -> Result<&Counter, Error> {
        let found = self.counters.iter().find(|counter| counter.gateway.channel() == channel);
        found.ok_or_else(|| Cause::Setup { what: "desk", why: "give the gateway of this channel" }.into())
    }

    /// Checks and settles a verified message, whatever way it came: a notify, a query, the reply to a payment.
    ///
    /// # Errors
    /// As the store's; nothing is recorded then, or all of it is.
    pub async fn record(&self, message: Incoming) -> Result<Receipt, Error> {
        match message {
            Incoming::Trade(notify) => self.record_trade(*notify).await,
            Incoming::Refund(notify) => self.record_refund(*notify).await,
        }
    }

    async fn record_trade(&self, notify: Notify<Verified>) -> Result<Receipt, Error> {
        let gateway = self.gateway(notify.channel())?;
        let unknown = Receipt::UnknownOrder { number: quoted(notify.out_trade_no()) };
        // A number that is none of ours by its shape is unknown like any other.
        let Ok(number) = OutTradeNo::parse(notify.out_trade_no()) else { return Ok(unknown) };
        let Some(stored) = self.store.find(&number).await? else { return Ok(unknown) };
        let checked = match notify.check(&gateway.expected(&stored.order)) {
            Ok(checked) => checked,
            Err(mismatch) => return Ok(Receipt::Mismatch(mismatch)),
        };
        let settlement = self.store.settle(&checked, self.now()).await?;
        Ok(Receipt::Trade { out_trade_no: number, settlement })
    }

    async fn record_refund(&self, notify: RefundNotify<Verified>) -> Result<Receipt, Error> {
        let gateway = self.gateway(notify.channel())?;
        let unknown = Receipt::UnknownRefund { number: quoted(notify.refund_no()) };
        let Ok(number) = RefundNo::parse(notify.refund_no()) else { return Ok(unknown) };
        let Some(stored) = self.store.find_refund(&number).await? else { return Ok(unknown) };
        let checked = match notify.check(&gateway.expected_refund(&stored.refund)) {
            Ok(checked) => checked,
            Err(mismatch) => return Ok(Receipt::Mismatch(mismatch)),
        };
        let settlement = self.store.settle_refund(&checked, self.now()).await?;
        Ok(Receipt::Refund { refund_no: number, settlement })
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<_> = self.counters.iter().map(|counter| counter.gateway.channel()).collect();
        f.debug_struct("Desk").field("channels", &channels).finish_non_exhaustive()
    }
}
