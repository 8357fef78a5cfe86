//! The ledger of orders: what became of each reservation, written down outside of Redis, each effect once.
//!
//! A [`Ledger`] is given the events of a sale, doubled, late or out of order, and ends up with what is true:
//! each event has its number, and what is paid or gone stays so. `SqliteLedger`, `PostgresLedger` and
//! `MySqlLedger` (features `ledger-sqlite`, `ledger-postgres`, `ledger-mysql`) keep it in two tables beside the
//! application's own, and call a `SettleHook` in the same transaction, so that the application's effect is
//! there exactly if the order is. [`MemoryLedger`] is the rule under a lock and the specification.
//!
//! A ledger is an [`OrderHandler`], so a consumer can run it as it is. After the total loss of a Redis, what
//! [`recovery`] reads is what the sale is rebuilt from.
//!
//! # Missing on purpose
//!
//! * Names and prices: the application has them, and its hook may write them.
//! * Changes of the stock: repeat them by their ids when a sale is rebuilt.

#[cfg(feature = "_sql")]
mod backend;
mod fault;
mod memory;
mod order;
pub mod recovery;
#[cfg(feature = "_sql")]
mod sql;
#[cfg(feature = "_sql")]
mod statement;

use std::fmt;

#[cfg(feature = "_sql")]
pub use self::backend::Backend;
pub(crate) use self::fault::LedgerFault;
pub use self::memory::MemoryLedger;
pub use self::order::{Effect, Order};
#[cfg(feature = "ledger-mysql")]
pub use self::sql::MySqlLedger;
#[cfg(feature = "ledger-postgres")]
pub use self::sql::PostgresLedger;
#[cfg(feature = "ledger-sqlite")]
pub use self::sql::SqliteLedger;
#[cfg(feature = "_sql")]
pub use self::sql::{HookError, SettleHook, SqlLedger};
use crate::error::Error;
use crate::ids::{ReservationId, SaleId};
use crate::orders::{HandlerError, OrderEvent, OrderHandler};
use crate::store::BoxFuture;
use crate::time::UnixMillis;

/// Keeps orders. Every ledger gives the answers of [`MemoryLedger`] to the same history.
pub trait Ledger: Send + Sync + fmt::Debug {
    /// Takes events, all of them or none. The answer has one effect for each, in their order.
    ///
    /// # Errors
    /// `Unavailable` when the database is away or busy; `Corrupt` when a table holds what no ledger writes.
    fn apply<'a>(&'a self, events: &'a [OrderEvent]) -> BoxFuture<'a, Result<Vec<Effect>, Error>>;

    /// The orders of a sale after a place, up to `max`, the first to be paid first. Begin with
    /// [`Place::START`] and go on with [`Order::place`] of the last one.
    ///
    /// # Errors
    /// As `apply`.
    fn orders<'a>(
        &'a self,
        sale: &'a SaleId,
        after: &'a Place,
        max: u16,
    ) -> BoxFuture<'a, Result<Vec<Order>, Error>>;

    /// The highest step of a shard of which an event was taken; 0 when there was none. A shard that says it
    /// is not as far has gone back in time.
    ///
    /// # Errors
    /// As `apply`.
    fn highest<'a>(&'a self, sale: &'a SaleId, shard: u16) -> BoxFuture<'a, Result<u64, Error>>;
}

/// Where a reading of orders stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pay_until: UnixMillis,
    reservation: String,
}

/// Reads all orders of a sale, a page at a time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::SaleId;
/// use seckill::ledger::{MemoryLedger, Pages};
///
/// let (ledger, sale) = (MemoryLedger::new(), SaleId::new("phone")?);
/// let mut pages = Pages::new(&ledger, &sale);
/// while let Some(orders) = pages.next().await? {
///     println!("{} orders", orders.len());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Pages<'a> {
    ledger: &'a dyn Ledger,
    sale: &'a SaleId,
    after: Place,
}

impl Place {
    /// Before the first order.
    pub const START: Self = Self { pay_until: UnixMillis::MIN, reservation: String::new() };

    fn of(pay_until: UnixMillis, reservation: &ReservationId) -> Self {
        Self { pay_until, reservation: reservation.to_string() }
    }
}

impl<'a> Pages<'a> {
    /// Orders of one page.
    pub const PAGE: u16 = 256;

    /// Before the first page.
    pub fn new(ledger: &'a dyn Ledger, sale: &'a SaleId) -> Self {
        Self { ledger, sale, after: Place::START }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// As [`Ledger::apply`]. The same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Order>>, Error> {
        let page = self.ledger.orders(self.sale, &self.after, Self::PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.place();
        Ok(Some(page))
    }
}

/// Applies a batch for a consumer. What contradicts the ledger is an error, so that its entry ends among the
/// dead letters with the reason, where somebody has to look at it.
async fn handle(ledger: &dyn Ledger, batch: &[OrderEvent]) -> Result<(), HandlerError> {
    let effects = ledger.apply(batch).await?;
    for (event, effect) in batch.iter().zip(effects) {
        if let (Effect::Contradicted { recorded }, Some(order)) = (effect, event.order()) {
            let (reservation, sequence) = (order.reservation.clone(), event.sequence);
            return Err(Box::new(Error::from(LedgerFault::Contradicted { reservation, recorded, sequence })));
        }
    }
    Ok(())
}

impl OrderHandler for MemoryLedger {
    fn handle<'a>(&'a self, batch: &'a [OrderEvent]) -> BoxFuture<'a, Result<(), HandlerError>> {
        Box::pin(handle(self, batch))
    }
}

#[cfg(feature = "_sql")]
impl<B: Backend> OrderHandler for SqlLedger<B> {
    fn handle<'a>(&'a self, batch: &'a [OrderEvent]) -> BoxFuture<'a, Result<(), HandlerError>> {
        Box::pin(handle(self, batch))
    }
}
