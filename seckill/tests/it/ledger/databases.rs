//! The contract on real databases, and what an application does in their transactions.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seckill::ledger::{Effect, HookError, Ledger, Order, SettleHook, SqlLedger};
use seckill::orders::{Change, OrderEvent};
use seckill::{BoxFuture, ErrorKind, ReservationState};

use super::same::is_the_rule;
use super::{all, event, keeps_every_name};
use crate::stage::fresh;

/// A ledger on a server of its own, whose hook writes down every payment, once.
pub(super) struct Bench {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) payments: Arc<dyn Payments>,
    hook: Arc<Hook>,
    /// The server goes with the bench.
    _server: Box<dyn Any + Send + Sync>,
}

/// Reads what the hook wrote.
pub(super) trait Payments: Send + Sync {
    fn list(&self) -> BoxFuture<'_, Vec<String>>;
}

/// Writes payments in the ledger's transaction. The key is unique, so a second effect would fail.
#[derive(Debug, Default)]
pub(super) struct Hook {
    fails: AtomicBool,
}

const TABLE: &str = "CREATE TABLE payments (reservation VARCHAR(516) NOT NULL PRIMARY KEY)";

macro_rules! database {
    ($database:ty, $make:ident) => {
        impl SettleHook<$database> for Hook {
            fn settle<'a>(
                &'a self,
                connection: &'a mut <$database as sqlx::Database>::Connection,
                event: &'a OrderEvent,
                order: &'a Order,
            ) -> BoxFuture<'a, Result<(), HookError>> {
                Box::pin(async move {
                    assert_eq!(event.order().unwrap().reservation, order.reservation);
                    if order.state == ReservationState::Paid {
                        let mut query =
                            sqlx::QueryBuilder::new("INSERT INTO payments (reservation) VALUES (");
                        query.push_bind(order.reservation.to_string()).push(")");
                        query.build().execute(connection).await?;
                    }
                    if self.fails.load(Ordering::Relaxed) {
                        return Err("the warehouse is on fire".into());
                    }
                    Ok(())
                })
            }
        }

        impl Payments for sqlx::Pool<$database> {
            fn list(&self) -> BoxFuture<'_, Vec<String>> {
                Box::pin(async move {
                    let query = sqlx::query_scalar("SELECT reservation FROM payments ORDER BY reservation");
                    query.fetch_all(self).await.unwrap()
                })
            }
        }

        async fn $make(pool: sqlx::Pool<$database>, server: Box<dyn Any + Send + Sync>) -> Bench {
            let hook = Arc::new(Hook::default());
            let ledger = SqlLedger::<$database>::new(pool.clone()).settle_with(hook.clone());
            let error = ledger.apply(&[event(&fresh(), 0, Change::Reserved, 1)]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
            assert!(error.to_string().contains("call migrate first"), "{error}");
            // Several processes start at once.
            let (one, other, third) = tokio::join!(ledger.migrate(), ledger.migrate(), ledger.migrate());
            one.and(other).and(third).unwrap();
            sqlx::query(TABLE).execute(&pool).await.unwrap();
            Bench { ledger: Arc::new(ledger), payments: Arc::new(pool), hook, _server: server }
        }
    };
}

#[cfg(feature = "ledger-mysql")]
database!(sqlx::MySql, mysql_bench);
#[cfg(feature = "ledger-postgres")]
database!(sqlx::Postgres, postgres_bench);
#[cfg(feature = "ledger-sqlite")]
database!(sqlx::Sqlite, sqlite_bench);

#[cfg(feature = "ledger-sqlite")]
pub(super) async fn sqlite() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("ledger.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
        .busy_timeout(std::time::Duration::from_secs(60));
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    sqlite_bench(pool, Box::new(folder)).await
}

async fn keeps_the_contract(bench: &Bench) {
    is_the_rule(&*bench.ledger).await;
    keeps_every_name(&*bench.ledger).await;
    failed_hook_undoes_all(bench).await;
    super::writers::many_writers_settle_once(bench).await;
}

/// What the application could not do, the ledger has not taken; both come with the same events again.
async fn failed_hook_undoes_all(bench: &Bench) {
    let (sale, ledger) = (fresh(), &bench.ledger);
    let before = bench.payments.list().await;
    let events = [event(&sale, 0, Change::Reserved, 1), event(&sale, 0, Change::Paid, 2)];
    bench.hook.fails.store(true, Ordering::Relaxed);
    let error = ledger.apply(&events).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the warehouse is on fire");
    assert_eq!((all(&**ledger, &sale).await, ledger.highest(&sale, 0).await.unwrap()), (vec![], 0));
    assert_eq!(bench.payments.list().await, before);

    bench.hook.fails.store(false, Ordering::Relaxed);
    assert_eq!(ledger.apply(&events).await.unwrap(), [Effect::Applied; 2]);
    assert_eq!(ledger.apply(&events).await.unwrap(), [Effect::Known; 2]);
    assert_eq!(bench.payments.list().await.len(), before.len() + 1);
}

/// A database that takes no writes does so for a while: nobody is to blame for the events.
async fn waits_for_a_writable_one(ledger: &dyn Ledger) {
    let error = ledger.apply(&[event(&fresh(), 0, Change::Reserved, 1)]).await.unwrap_err();
    assert!(error.is_transient(), "{error}: {:?}", std::error::Error::source(&error));
    assert!(error.to_string().contains("read-only or full"), "{error}");
}

#[cfg(feature = "ledger-sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_that_only_reads_or_is_full_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("ledger.db"));
    let single = || sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = single().connect_with(file.clone().create_if_missing(true)).await.unwrap();
    let ledger = SqlLedger::<sqlx::Sqlite>::new(pool.clone());
    ledger.migrate().await.unwrap();
    sqlx::query("CREATE TABLE ballast (bytes BLOB)").execute(&pool).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&pool).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {pages}");
    sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&pool).await.unwrap();
    let events: Vec<_> =
        (0..600).map(|number| event(&fresh(), number, Change::Reserved, number + 1)).collect();
    let error = ledger.apply(&events).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("read-only or full"), "{error}");
    let reading = single().connect_with(file.read_only(true)).await.unwrap();
    waits_for_a_writable_one(&SqlLedger::<sqlx::Sqlite>::new(reading)).await;
}

#[cfg(feature = "ledger-sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    keeps_the_contract(&sqlite().await).await;
}

#[cfg(feature = "ledger-postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    if testkit::skipped("postgres") {
        return;
    }
    let server = testkit::Postgres::start().unwrap();
    let pool = sqlx::PgPool::connect(&server.url()).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = server.url().parse().unwrap();
    let bench = postgres_bench(pool, Box::new(server)).await;
    keeps_the_contract(&bench).await;
    let options = options.options([("default_transaction_read_only", "on")]);
    let reading = sqlx::PgPool::connect_with(options).await.unwrap();
    waits_for_a_writable_one(&SqlLedger::<sqlx::Postgres>::new(reading)).await;
}

#[cfg(feature = "ledger-mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn mariadb_keeps_the_contract() {
    if testkit::skipped("mariadb") {
        return;
    }
    let server = testkit::MariaDb::start().unwrap();
    let pool = sqlx::MySqlPool::connect(&server.url()).await.unwrap();
    let options: sqlx::mysql::MySqlConnectOptions = server.url().parse().unwrap();
    let bench = mysql_bench(pool.clone(), Box::new(server)).await;
    keeps_the_contract(&bench).await;
    // Whoever runs the server may write all the same; an application may not.
    let steps = [
        "CREATE USER clerk@'%'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO clerk@'%'",
        "SET GLOBAL read_only = 1",
    ];
    for step in steps {
        sqlx::query(step).execute(&pool).await.unwrap();
    }
    let reading = sqlx::MySqlPool::connect_with(options.username("clerk")).await.unwrap();
    waits_for_a_writable_one(&SqlLedger::<sqlx::MySql>::new(reading)).await;
}
