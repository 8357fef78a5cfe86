//! Orders in SQLite: the pure rules inside one write transaction. No rule of its own.

use super::{BoxFuture, Creation, OrderStore, Step, step, taken};
use crate::error::{Cause, quoted};
use crate::notify::{Channel, Checked, Notify};
use crate::settle::{self, Payment, Settlement, StoredOrder, Write};
use crate::{
    Currency, Error, Money, Order, OutTradeNo, Subject, TradeEvent, TradeNo, TradeState, UnixMillis,
};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Row as _, SqlSafeStr as _, Sqlite, Transaction};

/// Orders in the tables `payments_order` and `payments_notify` of an SQLite database.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::store::SqliteStore;
/// let folder = tempfile::tempdir()?;
/// let address = format!("sqlite://{}?mode=rwc", folder.path().join("shop.db").display());
/// let store = SqliteStore::new(sqlx::SqlitePool::connect(&address).await?);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// A store over a pool of the application. Call [`SqliteStore::migrate`] once at the start.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Creates or updates the tables. Running it again changes nothing.
    ///
    /// # Errors
    /// `Misuse` if a table of the same name but another shape is there.
    pub async fn migrate(&self) -> Result<(), Error> {
        let orders = include_str!("../../migrations/0001_orders.sql").into_sql_str();
        let first = Migration::new(1, "orders".into(), MigrationType::Simple, orders, false);
        let mut migrator = Migrator::with_migrations(vec![first]);
        // Several libraries may share one database; each keeps its own list of applied migrations.
        migrator.dangerous_set_table_name("payments_migration");
        migrator.run(&self.pool).await.map_err(|error| Error::from(Cause::from(error)))
    }

    /// A transaction that holds the write lock from its first moment, so that the rule sees the last state.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(sql)
    }

    async fn insert(&self, order: &Order, at: UnixMillis) -> Result<Creation, Error> {
        let mut tx = self.begin().await?;
        if let Some(stored) = load(&mut tx, &order.out_trade_no).await? {
            return Ok(taken(&stored.order, order));
        }
        sqlx::query("INSERT INTO payments_order VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(order.out_trade_no.as_str())
            .bind(order.subject.as_str())
            .bind(order.amount.minor())
            .bind(order.amount.currency().code())
            .bind(TradeState::Created.code())
            .bind(column(at))
            .bind(column(at))
            .execute(&mut *tx)
            .await
            .map_err(sql)?;
        tx.commit().await.map_err(sql)?;
        Ok(Creation::Created)
    }

    async fn load(&self, number: &OutTradeNo) -> Result<Option<StoredOrder>, Error> {
        // Both tables are read in one snapshot.
        let mut tx = self.pool.begin().await.map_err(sql)?;
        load(&mut tx, number).await
    }

    async fn step(&self, number: &OutTradeNo, event: TradeEvent, at: UnixMillis) -> Result<Step, Error> {
        let mut tx = self.begin().await?;
        let Some(stored) = load(&mut tx, number).await? else {
            return Ok(Step::UnknownOrder);
        };
        let step = step(stored.state, event);
        if let Step::Moved(state) = step {
            write(&mut tx, &stored, &Write { state, payment: None }, at).await?;
            tx.commit().await.map_err(sql)?;
        }
        Ok(step)
    }

    async fn record(&self, notify: &Notify<Checked>, at: UnixMillis) -> Result<Settlement, Error> {
        let mut tx = self.begin().await?;
        let Some(stored) = load(&mut tx, notify.out_trade_no()).await? else {
            return Ok(Settlement::UnknownOrder);
        };
        let verdict = settle::settle(&stored, notify, at);
        if let Some(change) = verdict.write {
            write(&mut tx, &stored, &change, at).await?;
            tx.commit().await.map_err(sql)?;
        }
        Ok(verdict.settlement)
    }
}

impl OrderStore for SqliteStore {
    fn create<'a>(&'a self, order: &'a Order, at: UnixMillis) -> BoxFuture<'a, Result<Creation, Error>> {
        Box::pin(self.insert(order, at))
    }

    fn find<'a>(&'a self, number: &'a OutTradeNo) -> BoxFuture<'a, Result<Option<StoredOrder>, Error>> {
        Box::pin(self.load(number))
    }

    fn mark_pending<'a>(
        &'a self,
        number: &'a OutTradeNo,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(self.step(number, TradeEvent::Submitted, at))
    }

    fn close<'a>(&'a self, number: &'a OutTradeNo, at: UnixMillis) -> BoxFuture<'a, Result<Step, Error>> {
        Box::pin(self.step(number, TradeEvent::Closed, at))
    }

    fn settle<'a>(
        &'a self,
        notify: &'a Notify<Checked>,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<Settlement, Error>> {
        Box::pin(self.record(notify, at))
    }
}

async fn load(connection: &mut SqliteConnection, number: &OutTradeNo) -> Result<Option<StoredOrder>, Error> {
    let row = sqlx::query("SELECT * FROM payments_order WHERE out_trade_no = ?")
        .bind(number.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(sql)?;
    let Some(row) = row else { return Ok(None) };
    let payments = sqlx::query("SELECT * FROM payments_notify WHERE out_trade_no = ? ORDER BY id")
        .bind(number.as_str())
        .fetch_all(&mut *connection)
        .await
        .map_err(sql)?;
    let mut stored = StoredOrder::new(read_order(&row)?, moment(&row, "created_at_millis")?);
    stored.state = read(&row, "state", TradeState::parse)?;
    stored.updated_at = moment(&row, "updated_at_millis")?;
    stored.payments = payments.iter().map(read_payment).collect::<Result<_, _>>()?;
    Ok(Some(stored))
}

async fn write(
    connection: &mut SqliteConnection,
    before: &StoredOrder,
    change: &Write,
    at: UnixMillis,
) -> Result<(), Error> {
    let number = before.order.out_trade_no.as_str();
    let update =
        "UPDATE payments_order SET state = ?, updated_at_millis = ? WHERE out_trade_no = ? AND state = ?";
    let updated = sqlx::query(update)
        .bind(change.state.code())
        .bind(column(at))
        .bind(number)
        .bind(before.state.code())
        .execute(&mut *connection)
        .await
        .map_err(sql)?;
    if updated.rows_affected() != 1 {
        return Err(corrupt("state of order", number, None));
    }
    let Some(payment) = &change.payment else {
        return Ok(());
    };
    let insert = "INSERT INTO payments_notify (out_trade_no, channel, trade_no, notify_id, settled_at_millis) \
                  VALUES (?, ?, ?, ?, ?)";
    sqlx::query(insert)
        .bind(number)
        .bind(payment.channel.code())
        .bind(payment.trade_no.as_str())
        .bind(payment.notify_id.as_deref())
        .bind(column(payment.settled_at))
        .execute(&mut *connection)
        .await
        .map_err(sql)?;
    Ok(())
}

fn read_order(row: &SqliteRow) -> Result<Order, Error> {
    let minor: i64 = row.try_get("amount_minor").map_err(sql)?;
    let currency = read(row, "currency", Currency::parse)?;
    let amount = Money::from_minor(minor, currency)
        .map_err(|error| corrupt("amount", &minor.to_string(), Some(error)))?;
    let number = read(row, "out_trade_no", OutTradeNo::parse)?;
    Ok(Order::new(number, read(row, "subject", Subject::parse)?, amount))
}

fn read_payment(row: &SqliteRow) -> Result<Payment, Error> {
    Ok(Payment {
        channel: read(row, "channel", Channel::parse)?,
        trade_no: read(row, "trade_no", TradeNo::parse)?,
        notify_id: row.try_get("notify_id").map_err(sql)?,
        settled_at: moment(row, "settled_at_millis")?,
    })
}

fn read<T>(row: &SqliteRow, name: &'static str, parse: fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    let text: &str = row.try_get(name).map_err(sql)?;
    parse(text).map_err(|error| corrupt(name, text, Some(error)))
}

fn moment(row: &SqliteRow, name: &'static str) -> Result<UnixMillis, Error> {
    let millis: i64 = row.try_get(name).map_err(sql)?;
    u64::try_from(millis).map(UnixMillis::from_millis).map_err(|_| corrupt(name, &millis.to_string(), None))
}

/// A moment never exceeds the year 9999, so it always fits.
fn column(at: UnixMillis) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn sql(error: sqlx::Error) -> Error {
    Cause::from(error).into()
}

fn corrupt(what: &'static str, input: &str, source: Option<Error>) -> Error {
    Cause::Corrupt { what, input: quoted(input), source: source.map(Box::new) }.into()
}
