//! A ledger in SQL tables: `gh_seckill_orders`, a row a reservation, and `gh_seckill_shards`, a row a shard.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use sqlx::Pool;

use super::backend::Backend;
use super::fault::LedgerFault;
use super::order::{Effect, Order};
use super::{Ledger, Place, statement};
use crate::error::Error;
use crate::ids::SaleId;
use crate::orders::OrderEvent;
use crate::store::BoxFuture;

/// Why an application's effect failed. A `sqlx::Error` among them is known for what it is.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// The application's own effect of an order, in the transaction that writes the order.
pub trait SettleHook<B: Backend>: Send + Sync {
    /// Called for each event that took effect, with the order as it stands after it: once at most for each
    /// order that becomes [paid](crate::ReservationState::Paid). What it writes through `connection` is there
    /// exactly if the order is; what it does elsewhere is not undone when the transaction fails.
    ///
    /// # Errors
    /// Whatever the application says. Nothing of the batch is written then, and it comes again.
    fn settle<'a>(
        &'a self,
        connection: &'a mut B::Connection,
        event: &'a OrderEvent,
        order: &'a Order,
    ) -> BoxFuture<'a, Result<(), HookError>>;
}

/// Orders in the tables of a database that the application already has.
///
/// Writers of one shard take turns: each transaction locks the row of its shard first, judges, and then writes
/// all rows at once.
pub struct SqlLedger<B: Backend> {
    pool: Pool<B>,
    hook: Option<Arc<dyn SettleHook<B>>>,
}

/// Orders in SQLite.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use seckill::SaleId;
/// use seckill::ledger::{Ledger, SqliteLedger};
/// use sqlx::sqlite::SqlitePoolOptions;
///
/// // Each connection to `sqlite::memory:` is a database of its own, so this pool has only one.
/// let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
/// let ledger = SqliteLedger::new(pool);
/// ledger.migrate().await?;
/// assert_eq!(ledger.highest(&SaleId::new("phone")?, 0).await?, 0);
/// # Ok(()) }
/// ```
#[cfg(feature = "ledger-sqlite")]
pub type SqliteLedger = SqlLedger<sqlx::Sqlite>;

/// Orders in PostgreSQL 12 or later.
#[cfg(feature = "ledger-postgres")]
pub type PostgresLedger = SqlLedger<sqlx::Postgres>;

/// Orders in MySQL 8 or MariaDB 10.5, or later.
#[cfg(feature = "ledger-mysql")]
pub type MySqlLedger = SqlLedger<sqlx::MySql>;

impl<B: Backend> SqlLedger<B> {
    /// A ledger in the database of this pool. Call [`migrate`](Self::migrate) before anything else.
    #[must_use]
    pub const fn new(pool: Pool<B>) -> Self {
        Self { pool, hook: None }
    }

    /// Calls `hook` for every effect.
    #[must_use]
    pub fn settle_with(self, hook: Arc<dyn SettleHook<B>>) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// Creates the tables, or brings them up to date; does nothing if they are. Any number of processes may
    /// call it at once.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached, `Misuse` when its tables belong to another version
    /// of this crate or the user may not make them.
    pub async fn migrate(&self) -> Result<(), Error> {
        B::migrate(&self.pool).await
    }

    async fn take(&self, events: &[OrderEvent]) -> Result<Vec<Effect>, Error> {
        let mut transaction =
            B::begin(&self.pool).await.map_err(LedgerFault::database("begin to take orders"))?;
        statement::raise::<B>(&mut transaction, events).await?;
        let mut books = statement::recorded::<B>(&mut transaction, events).await?;
        let mut written = HashSet::new();
        let mut effects = Vec::with_capacity(events.len());
        let mut applied = Vec::new();
        for event in events {
            let Some(order) = event.order() else {
                effects.push(Effect::Noted);
                continue;
            };
            let (next, effect) = Order::take(books.get(&order.reservation), event, order);
            effects.push(effect);
            let Some(next) = next else { continue };
            if effect == Effect::Applied && self.hook.is_some() {
                applied.push((event, next.clone()));
            }
            written.insert(&order.reservation);
            books.insert(order.reservation.clone(), next);
        }
        // In one order for all writers.
        let mut changed: Vec<&Order> = written.into_iter().filter_map(|id| books.get(id)).collect();
        changed.sort_by(|one, other| one.reservation.cmp(&other.reservation));
        statement::write::<B>(&mut transaction, &changed).await?;
        self.settle(&mut transaction, &applied).await?;
        transaction.commit().await.map_err(LedgerFault::database("commit orders"))?;
        Ok(effects)
    }

    async fn settle(
        &self,
        connection: &mut B::Connection,
        applied: &[(&OrderEvent, Order)],
    ) -> Result<(), Error> {
        let Some(hook) = &self.hook else { return Ok(()) };
        for (event, order) in applied {
            let settled = hook.settle(connection, event, order).await;
            settled.map_err(|source| LedgerFault::hook(order.reservation.clone(), source))?;
        }
        Ok(())
    }
}

impl<B: Backend> Ledger for SqlLedger<B> {
    fn apply<'a>(&'a self, events: &'a [OrderEvent]) -> BoxFuture<'a, Result<Vec<Effect>, Error>> {
        Box::pin(self.take(events))
    }

    fn orders<'a>(
        &'a self,
        sale: &'a SaleId,
        after: &'a Place,
        max: u16,
    ) -> BoxFuture<'a, Result<Vec<Order>, Error>> {
        Box::pin(statement::page(&self.pool, sale, after, max))
    }

    fn highest<'a>(&'a self, sale: &'a SaleId, shard: u16) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(statement::highest(&self.pool, sale, shard))
    }
}

impl<B: Backend> Clone for SqlLedger<B> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), hook: self.hook.clone() }
    }
}

impl<B: Backend> fmt::Debug for SqlLedger<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlLedger").field("database", &B::NAME).finish_non_exhaustive()
    }
}
