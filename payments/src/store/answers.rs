//! What the verbs of an order store answer, and what they find.

#[cfg(doc)]
use super::OrderStore;
use crate::notify::Channel;
use crate::{Money, Order, OutTradeNo, Refund, RefundNo, RefundState, TradeNo, TradeState, UnixMillis};
use std::cmp::Ordering;

/// What [`OrderStore::submit`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Submission {
    /// Send the buyer there; the trade of this channel is named by this moment.
    Submitted {
        /// When the order was first submitted to this channel.
        at: UnixMillis,
    },
    /// The order is in this state, which takes no payment.
    Refused(TradeState),
    /// No order has this number.
    UnknownOrder,
}

/// What [`OrderStore::begin_refund`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefundStart {
    /// Recorded: ask the gateway.
    Started,
    /// The same refund is already there in this state; ask the gateway again if it is open.
    Same(RefundState),
    /// Another refund has this number; nothing changed.
    Conflict {
        /// The refund that is there.
        stored: Box<Refund>,
    },
    /// The trade did not bring in that much, or other refunds have taken it.
    Exceeds {
        /// What can still go back; none if nothing can.
        left: Option<Money>,
    },
    /// The refund says that the trade brought in something else than it did; nothing changed.
    PaidDiffers {
        /// What the trade brought in.
        paid: Money,
    },
    /// No payment of this order came by this trade.
    UnknownTrade,
    /// No order has this number.
    UnknownOrder,
}

/// What [`OrderStore::settle_refund`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundSettlement {
    /// The refund moved.
    Moved {
        /// Where it stands now.
        refund: RefundState,
        /// Where its order stands now.
        order: TradeState,
    },
    /// It was known.
    Duplicate,
    /// It contradicts what is known, such as "processing" after "succeeded"; nothing changed.
    Refused(RefundState),
    /// No refund has this number. Not acknowledged, so that the gateway tells again.
    UnknownRefund,
    /// The stored refund gives back something else than the message was checked against. Not acknowledged.
    AmountDiffers {
        /// The stored amount.
        asked: Money,
    },
}

/// What [`OrderStore::drop_refund`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundStep {
    /// The refund is now closed, and its amount may be refunded under another number.
    Moved,
    /// The refund was already closed.
    Same,
    /// The refund is in this state, so a gateway has it: ask there.
    Refused(RefundState),
    /// It was asked for lately, and the request may still be on its way. Try again at this moment.
    TooSoon {
        /// From when on the refund may be given up.
        until: UnixMillis,
    },
    /// No refund has this number.
    UnknownRefund,
}

/// What [`OrderStore::renew_refund`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundRenewal {
    /// It is open, and the moment is recorded: ask the gateway for it.
    Renewed,
    /// It is in this state, in which nobody asks for it any more.
    Over(RefundState),
    /// No refund has this number.
    UnknownRefund,
}

/// A refund with its history, as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRefund {
    /// What was asked for.
    pub refund: Refund,
    /// Where it stands.
    pub state: RefundState,
    /// When it was first asked for (`txnTime` at UnionPay).
    pub created_at: UnixMillis,
    /// When its state changed last, or when an open one was asked for again.
    pub updated_at: UnixMillis,
}

/// A payment or a refund in our books.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMovement {
    /// The order.
    pub out_trade_no: OutTradeNo,
    /// The trade.
    pub trade_no: TradeNo,
    /// The refund; none for a payment.
    pub refund_no: Option<RefundNo>,
    /// How much.
    pub amount: Money,
    /// When it was recorded.
    pub at: UnixMillis,
}

/// The number of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkId(pub(crate) i64);

/// Something that follows from a settlement and has to be done once: deliver, or give money back.
///
/// ```
/// # use payments::store::{MemoryStore, OrderStore, Task};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), payments::Error> {
/// # let (store, now) = (MemoryStore::new(), payments::UnixMillis::from_millis(1_790_000_000_000));
/// // Ten pieces for a minute. What is not finished by then comes again, so deliver in a way that can be repeated.
/// for work in store.take_work(now, 60_000, 10).await? {
///     match &work.task {
///         Task::Deliver => println!("deliver {}", work.out_trade_no),
///         Task::GiveBack { trade_no, .. } => println!("refund {trade_no} of {}", work.out_trade_no),
///         Task::Withdraw => println!("take {} back", work.out_trade_no),
///         _ => continue, // Left for a later version of the program.
///     }
///     store.finish_work(&work).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Its number, the same however often it is given out.
    pub id: WorkId,
    /// The order.
    pub out_trade_no: OutTradeNo,
    /// What happened.
    pub task: Task,
    /// Nobody else takes it before this moment; [`OrderStore::finish_work`] knows by it whether it is still ours.
    pub leased_until: UnixMillis,
    /// How often it was tried before and put off by [`OrderStore::postpone_work`].
    pub attempts: u32,
}

/// What a piece of work asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task {
    /// The order is paid: deliver.
    Deliver,
    /// The money of this trade bought nothing (late, or twice): give it back. Make the refund's number from the
    /// trade's, so that a repeat is the same refund.
    GiveBack {
        /// The gateway.
        channel: Channel,
        /// The trade.
        trade_no: TradeNo,
    },
    /// The first trade was refunded in full: take back what was delivered, if anything was.
    Withdraw,
}

/// What [`OrderStore::create`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// The order is new.
    Created,
    /// The same order is already there; nothing changed.
    Same,
    /// Another order has this number; nothing changed. Take a fresh number.
    Conflict {
        /// The order that is there.
        stored: Box<Order>,
    },
}

/// What a change of state did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The order is now in this state.
    Moved(TradeState),
    /// The order was already in this state.
    Same(TradeState),
    /// The order is in this state, which does not allow the step.
    Refused(TradeState),
    /// The order changed since it was seen and is now in this state; only [`OrderStore::close_if`] answers so.
    Changed(TradeState),
    /// No order has this number.
    UnknownOrder,
}

impl StoredRefund {
    pub(crate) fn new(refund: Refund, at: UnixMillis) -> Self {
        Self { refund, state: RefundState::Requested, created_at: at, updated_at: at }
    }
}

impl StoredMovement {
    pub(super) fn by_numbers(&self, other: &Self) -> Ordering {
        let numbers = |movement: &Self| {
            (movement.out_trade_no.clone(), movement.trade_no.clone(), movement.refund_no.clone())
        };
        numbers(self).cmp(&numbers(other))
    }
}

/// The first moment at which leased work is free again.
pub(super) fn lease_end(now: UnixMillis, lease_millis: u64) -> UnixMillis {
    UnixMillis::from_millis(now.as_millis().saturating_add(lease_millis))
}
