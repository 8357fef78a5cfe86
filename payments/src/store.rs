//! The order store: atomic verbs of the domain. The memory store is the specification of them all.

use crate::notify::{Checked, Notify};
use crate::{
    Error, Order, OutTradeNo, Settlement, StoredOrder, TradeEvent, TradeState, Transition, UnixMillis, apply,
};
use std::pin::Pin;

mod memory;
#[cfg(feature = "sqlite")]
mod sql;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sql::SqliteStore;

/// A future that can be sent to another thread; it keeps [`OrderStore`] usable as `Arc<dyn OrderStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps orders. Each method is one atomic step, also between processes that share the store.
///
/// Every method fails with `Unavailable` if the store does not answer and with `Corrupt` if a row cannot be read;
/// a failed step has changed nothing, or has changed everything it names.
///
/// ```
/// use payments::store::{Creation, MemoryStore, OrderStore};
/// use payments::{Money, Order, OutTradeNo, Subject, UnixMillis};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), payments::Error> {
/// let store = MemoryStore::new();
/// let number = OutTradeNo::parse("COURSE_0001")?;
/// let order = Order::new(number.clone(), Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
/// let now = UnixMillis::from_millis(1_790_000_000_000);
/// assert_eq!(store.create(&order, now).await?, Creation::Created);
/// assert_eq!(store.find(&number).await?.map(|stored| stored.order), Some(order));
/// # Ok(())
/// # }
/// ```
pub trait OrderStore: Send + Sync + std::fmt::Debug {
    /// Records an order in state `Created`. The same order again is answered with `Same`.
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>>;

    /// The order of this number.
    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>>;

    /// The buyer is sent to a gateway.
    fn mark_pending<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>>;

    /// The merchant gives the order up. A payment that arrives later is reported as such.
    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>>;

    /// Records what a checked notify says. [`Settlement::Paid`] is answered once for an order, however often and
    /// in how many processes the notify arrives.
    ///
    /// A crash right after `Paid` loses the answer, not the state: let delivery follow the stored state.
    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>>;
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
    /// No order has this number.
    UnknownOrder,
}

/// The rule of creation, for a number that is taken.
fn taken(stored: &Order, asked: &Order) -> Creation {
    if stored == asked { Creation::Same } else { Creation::Conflict { stored: Box::new(stored.clone()) } }
}

/// The rule of a step, for an order that is there.
fn step(state: TradeState, event: TradeEvent) -> Step {
    match apply(state, event) {
        Transition::Moved(next) => Step::Moved(next),
        Transition::Same => Step::Same(state),
        Transition::Refused => Step::Refused(state),
    }
}
