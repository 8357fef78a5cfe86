//! The contract on real databases: each on a server of its own, through two pools.

use super::{NOW, answers_as_memory, lives, order, races};
use crate::store::{BoxFuture, MysqlStore, OrderStore, PostgresStore, SqliteStore};
use crate::{Error, ErrorKind};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Children first, because they name their order.
const TABLES: [&str; 5] = [
    "DELETE FROM payments_work",
    "DELETE FROM payments_refund",
    "DELETE FROM payments_payment",
    "DELETE FROM payments_submission",
    "DELETE FROM payments_order",
];

/// Two stores over one database, and how it is emptied.
struct Bench {
    stores: [Arc<dyn OrderStore>; 2],
    wipe: Box<dyn Fn() -> BoxFuture<'static, ()> + Sync>,
}

macro_rules! bench {
    ($store:ident, $pools:expr) => {{
        let [one, other] = $pools;
        let stores = [$store::new(one.clone()), $store::new(other)];
        migrate_at_once(&stores.clone().map(|store| {
            move || {
                let store = store.clone();
                let migrating: BoxFuture<'static, _> = Box::pin(async move { store.migrate().await });
                migrating
            }
        }))
        .await;
        let wipe = move || {
            let pool = one.clone();
            let wiping: BoxFuture<'static, ()> = Box::pin(async move {
                for statement in TABLES {
                    sqlx::query(statement).execute(&pool).await.unwrap();
                }
            });
            wiping
        };
        Bench { stores: stores.map(|store| -> Arc<dyn OrderStore> { Arc::new(store) }), wipe: Box::new(wipe) }
    }};
}

/// Many processes start at once and find no tables.
async fn migrate_at_once<F: Fn() -> BoxFuture<'static, Result<(), Error>>>(stores: &[F; 2]) {
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..8 {
        tasks.spawn(stores[index % 2]());
    }
    for migrated in tasks.join_all().await {
        migrated.unwrap();
    }
}

fn keeps_the_contract(runtime: &Runtime, bench: &Bench, cases: u32) {
    runtime.block_on(lives(&*bench.stores[0], &*bench.wipe));
    runtime.block_on(races::all(&bench.stores));
    let seen = answers_as_memory(runtime, Some(&bench.stores[0]), &*bench.wipe, cases);
    assert!(seen.contains("Settle Paid") && seen.contains("Begin Started"), "{seen:?}");
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn sqlite_keeps_the_contract() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("shop.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(Duration::from_secs(60));
    let pool =
        async || SqlitePoolOptions::new().max_connections(4).connect_with(options.clone()).await.unwrap();
    let bench = runtime.block_on(async { bench!(SqliteStore, [pool().await, pool().await]) });
    keeps_the_contract(&runtime, &bench, 64);
}

#[test]
fn postgres_keeps_the_contract() {
    if testkit::skipped("postgres") {
        return;
    }
    let (server, runtime) = (testkit::Postgres::start().unwrap(), runtime());
    let pool = async || sqlx::PgPool::connect(&server.url()).await.unwrap();
    let bench = runtime.block_on(async { bench!(PostgresStore, [pool().await, pool().await]) });
    keeps_the_contract(&runtime, &bench, 24);

    let patience = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_secs(1));
    let store = PostgresStore::new(runtime.block_on(patience.connect(&server.url())).unwrap());
    drop(server);
    let error = runtime.block_on(store.create(&order("GONE_0001", 1), NOW)).unwrap_err();
    assert!(error.is_transient(), "{error}: {:?}", std::error::Error::source(&error));
}

/// The server's own default would let a transaction see the world as it was before it waited for the lock.
#[test]
fn postgres_reads_behind_the_lock_whatever_its_default() {
    if testkit::skipped("postgres") {
        return;
    }
    let (server, runtime) = (testkit::Postgres::start().unwrap(), runtime());
    let options: sqlx::postgres::PgConnectOptions = server.url().parse().unwrap();
    let options = options.options([("default_transaction_isolation", "repeatable read")]);
    let pool = async || sqlx::PgPool::connect_with(options.clone()).await.unwrap();
    let bench = runtime.block_on(async { bench!(PostgresStore, [pool().await, pool().await]) });
    runtime.block_on(races::all(&bench.stores));
}

#[test]
fn mariadb_keeps_the_contract() {
    if testkit::skipped("mariadb") {
        return;
    }
    let (server, runtime) = (testkit::MariaDb::start().unwrap(), runtime());
    let pool = async || sqlx::MySqlPool::connect(&server.url()).await.unwrap();
    let bench = runtime.block_on(async { bench!(MysqlStore, [pool().await, pool().await]) });
    keeps_the_contract(&runtime, &bench, 24);

    runtime.block_on(async {
        sqlx::query("DROP TABLE payments_work").execute(&pool().await).await.unwrap();
        let error = bench.stores[0].take_work(NOW, 1, 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse);
        assert!(error.to_string().contains("run the migrations"), "{error}");
    });
}
