//! Orders in SQL tables: the pure rules inside one transaction that holds the order. No rule of its own.

mod backend;
mod fault;
mod migrate;
mod rows;
mod statement;
mod steps;
mod tables;

pub use self::backend::Backend;
pub(crate) use self::fault::Trouble;

use self::steps::again;
use super::{
    BoxFuture, Creation, OrderStore, RefundRenewal, RefundSettlement, RefundStart, RefundStep, Step,
    StoredMovement, StoredRefund, Submission, Work,
};
use crate::error::Cause;
use crate::notify::{Channel, Checked, Notify};
use crate::refund::books;
use crate::settle::{self, Settlement, StoredOrder};
use crate::submit;
use crate::{
    Error, Order, OutTradeNo, Refund, RefundChecked, RefundNo, RefundNotify, TradeEvent, UnixMillis,
};
use sqlx::Pool;
use std::fmt;

/// Orders in the tables `payments_order`, `payments_payment`, `payments_submission`, `payments_refund` and
/// `payments_work` of a database that the application already has.
///
/// A step that changes nothing, such as a repeated notify, takes no lock.
pub struct SqlStore<B: Backend> {
    pool: Pool<B>,
}

/// Orders in SQLite.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::store::{OrderStore, SqliteStore};
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("shop.db");
/// let options = sqlx::sqlite::SqliteConnectOptions::new()
///     .filename(file)
///     .create_if_missing(true)
///     .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
/// let store = SqliteStore::new(sqlx::SqlitePool::connect_with(options).await?);
/// store.migrate().await?;
/// assert_eq!(store.find(&payments::OutTradeNo::parse("COURSE_0001")?).await?, None);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;

/// Orders in PostgreSQL 12 or later. The application chooses its TLS among the features of sqlx.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://shop@db.example/shop").await?;
/// let store = payments::store::PostgresStore::new(pool);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;

/// Orders in MySQL 8 or MariaDB 10.5, or later. The application chooses its TLS among the features of sqlx.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::MySqlPool::connect("mysql://shop@db.example/shop").await?;
/// let store = payments::store::MysqlStore::new(pool);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "mysql")]
pub type MysqlStore = SqlStore<sqlx::MySql>;

impl<B: Backend> SqlStore<B> {
    /// A store over a pool of the application. Call [`migrate`](Self::migrate) once at the start.
    #[must_use]
    pub const fn new(pool: Pool<B>) -> Self {
        Self { pool }
    }

    /// Creates the tables, or brings them up to date; does nothing if they are. Any number of processes may call it at
    /// once.
    ///
    /// # Errors
    /// `Unavailable` if the database cannot be reached; `Misuse` if its tables belong to another version of this
    /// crate, or the user may not make them.
    pub async fn migrate(&self) -> Result<(), Error> {
        B::migrate(&self.pool).await
    }
}

fn sql(error: sqlx::Error) -> Error {
    Cause::from(error).into()
}

impl<B: Backend> OrderStore for SqlStore<B> {
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>> {
        again(move || Box::pin(self.create_once(order, at)))
    }

    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>> {
        Box::pin(async move { tables::order::<B>(&mut *self.connection().await?, number).await })
    }

    fn submit<'a>(
        &'a self,
        number: &'a OutTradeNo,
        channel: Channel,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Submission, Error>> {
        Box::pin(async move {
            let submission =
                self.change(number, at, move |stored| submit::submit(stored, channel, at)).await?;
            Ok(submission.unwrap_or(Submission::UnknownOrder))
        })
    }

    fn mark_unknown<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(self.step(number, TradeEvent::OutcomeUnknown, at))
    }

    fn fail<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(self.step(number, TradeEvent::Failed, at))
    }

    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(self.step(number, TradeEvent::Closed, at))
    }

    fn close_if<'a>(
        &'a self,
        number: &'a OutTradeNo,
        seen: UnixMillis,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(async move {
            let step = self.change(number, at, move |stored| submit::close_if(stored, seen)).await?;
            Ok(step.unwrap_or(Step::UnknownOrder))
        })
    }

    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>> {
        Box::pin(async move {
            let rule = move |stored: &StoredOrder| {
                let verdict = settle::settle(stored, notify, at);
                (verdict.settlement, verdict.write)
            };
            let settlement = self.change(notify.out_trade_no(), at, rule).await?;
            Ok(settlement.unwrap_or(Settlement::UnknownOrder))
        })
    }

    fn begin_refund<'a>(
        &'a self,
        refund: &'a Refund,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStart, Error>> {
        again(move || Box::pin(self.begin_refund_once(refund, at)))
    }

    fn settle_refund<'a>(
        &'a self,
        notify: &'a RefundNotify<RefundChecked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundSettlement, Error>> {
        again(move || Box::pin(self.settle_refund_once(notify, at)))
    }

    fn renew_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundRenewal, Error>> {
        Box::pin(async move {
            let renewal = self.change_refund(number, at, books::renew).await?;
            Ok(renewal.unwrap_or(RefundRenewal::UnknownRefund))
        })
    }

    fn drop_refund<'a>(
        &'a self,
        number: &'a RefundNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<RefundStep, Error>> {
        Box::pin(async move {
            let step = self.change_refund(number, at, books::give_up).await?;
            Ok(step.unwrap_or(RefundStep::UnknownRefund))
        })
    }

    fn find_refund<'a>(&'a self, number: &'a RefundNo) -> BoxFuture<'a, Result<Option<StoredRefund>, Error>> {
        Box::pin(async move { tables::refund::<B>(&mut *self.connection().await?, number).await })
    }

    fn refunds_of<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>> {
        Box::pin(async move { tables::refunds_of::<B>(&mut *self.connection().await?, number).await })
    }

    fn open_orders<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredOrder>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>, Error>> {
        Box::pin(async move {
            tables::open_orders::<B>(&mut *self.connection().await?, before, after, limit).await
        })
    }

    fn open_refunds<'a>(
        &'a self,
        before: UnixMillis,
        after: Option<&'a StoredRefund>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredRefund>, Error>> {
        Box::pin(async move {
            tables::open_refunds::<B>(&mut *self.connection().await?, before, after, limit).await
        })
    }

    fn movements<'a>(
        &'a self,
        channel: Channel,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<StoredMovement>, Error>> {
        Box::pin(
            async move { tables::movements::<B>(&mut *self.connection().await?, channel, (from, to)).await },
        )
    }

    fn take_work<'a>(
        &'a self,
        now: UnixMillis,
        lease_millis: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Work>, Error>> {
        again(move || Box::pin(self.take_work_once(now, lease_millis, limit)))
    }

    fn finish_work<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<bool, Error>> {
        again(move || {
            Box::pin(async move { tables::delete_work::<B>(&mut *self.connection().await?, work).await })
        })
    }

    fn postpone_work<'a>(&'a self, work: &'a Work, until: UnixMillis) -> BoxFuture<'a, Result<bool, Error>> {
        again(move || {
            Box::pin(async move { tables::postpone::<B>(&mut *self.connection().await?, work, until).await })
        })
    }
}

impl<B: Backend> Clone for SqlStore<B> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone() }
    }
}

impl<B: Backend> fmt::Debug for SqlStore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("database", &B::NAME).finish_non_exhaustive()
    }
}
