//! The SQL stores on real databases: a SQLite file, a PostgreSQL and a MariaDB of their own, each through two pools.

mod faults;
mod hands;
mod large;
mod moment;
mod races;
mod restored;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use proptest::test_runner::TestRunner;
use rbac::{
    Actor, Applied, BoxFuture, Change, Draft, Error, MysqlStore, PolicyStore, PolicyVersion, PostgresStore,
    SqliteStore, UnixMillis,
};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::runtime::Runtime;

use crate::contract;
use crate::world::{cases, name};

/// When everything here happens.
const NOW: UnixMillis = UnixMillis::EPOCH;
/// How many connections each of the two pools has.
const CONNECTIONS: u32 = 4;
/// Children first, because they name their parents.
const WIPE: [&str; 14] = [
    "DELETE FROM rbac_audit",
    "DELETE FROM rbac_duty_role",
    "DELETE FROM rbac_duty",
    "DELETE FROM rbac_role_inheritance",
    "DELETE FROM rbac_role_permission",
    "DELETE FROM rbac_user_role",
    "DELETE FROM rbac_permission",
    "DELETE FROM rbac_role_department",
    "DELETE FROM rbac_role",
    "DELETE FROM rbac_user",
    "UPDATE rbac_department SET parent = NULL",
    "DELETE FROM rbac_department",
    "DELETE FROM rbac_domain WHERE name <> ''",
    "UPDATE rbac_version SET version = 0",
];

/// Statements, run on one connection.
type ByHand = Box<dyn Fn(Vec<String>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Two stores over one database, and a hand that writes into its tables.
struct Bench {
    stores: [Arc<dyn PolicyStore>; 2],
    hand: ByHand,
    /// What lets a hand write anything, and what forbids it again.
    fences: [&'static [&'static str]; 2],
}

impl Bench {
    async fn by_hand(&self, statements: &[&str]) {
        let [down, up] = self.fences;
        let all = down.iter().chain(statements).chain(up);
        (self.hand)(all.map(ToString::to_string).collect()).await;
    }

    async fn wipe(&self) {
        (self.hand)(WIPE.map(str::to_owned).to_vec()).await;
    }

    /// Changes by the program itself, which have to be carried out.
    async fn make(&self, changes: impl IntoIterator<Item = Change>) -> PolicyVersion {
        let draft = by_system(changes);
        match self.stores[0].commit(&draft, NOW).await.unwrap() {
            Applied::Done(version) => version,
            Applied::Refused(refused) => panic!("{refused:?}"),
        }
    }
}

fn by_system(changes: impl IntoIterator<Item = Change>) -> Draft {
    Draft::new(Actor::System(name("tests"))).changes_of(changes)
}

macro_rules! bench {
    ($store:ident, $pools:expr, fences: $fences:expr) => {{
        let [one, other] = $pools;
        let stores = [$store::new(one.clone()), $store::new(other)];
        migrate_at_once(&stores.clone().map(|store| {
            move || -> BoxFuture<'static, Result<(), Error>> {
                let store = store.clone();
                Box::pin(async move { store.migrate().await })
            }
        }))
        .await;
        let hand = move |statements: Vec<String>| -> BoxFuture<'static, ()> {
            let pool = one.clone();
            Box::pin(async move {
                let mut connection = pool.acquire().await.unwrap();
                for statement in statements {
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
                }
            })
        };
        let stores = stores.map(|store| -> Arc<dyn PolicyStore> { Arc::new(store) });
        Bench { stores, hand: Box::new(hand), fences: $fences }
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
    // Once more: nothing is left to do.
    stores[0]().await.unwrap();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn options(folder: &tempfile::TempDir) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.path().join("policy.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(Duration::from_secs(60))
}

async fn sqlite(folder: &tempfile::TempDir) -> Bench {
    let pool = async || {
        SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options(folder)).await.unwrap()
    };
    bench!(SqliteStore, [pool().await, pool().await], fences: [
        &["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"],
        &["PRAGMA foreign_keys = ON", "PRAGMA ignore_check_constraints = OFF"],
    ])
}

async fn postgres(server: &testkit::Postgres) -> Bench {
    let pool =
        async || PgPoolOptions::new().max_connections(CONNECTIONS).connect(&server.url()).await.unwrap();
    // Checks cannot be switched off there, only dropped.
    bench!(PostgresStore, [pool().await, pool().await], fences: [
        &[
            "SET session_replication_role = replica",
            "DO $$ DECLARE it record; BEGIN \
               FOR it IN SELECT conname, conrelid::regclass AS place FROM pg_constraint \
                 WHERE contype = 'c' AND conrelid::regclass::text LIKE 'rbac_%' \
               LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', it.place, it.conname); END LOOP; \
             END $$",
        ],
        &["SET session_replication_role = DEFAULT"],
    ])
}

async fn mariadb(server: &testkit::MariaDb) -> Bench {
    // Hundreds of drafts need not wait for the disk.
    let pool = sqlx::MySqlPool::connect(&server.url()).await.unwrap();
    pool.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 0").await.unwrap();
    let pool =
        async || MySqlPoolOptions::new().max_connections(CONNECTIONS).connect(&server.url()).await.unwrap();
    bench!(MysqlStore, [pool().await, pool().await], fences: [
        &["SET foreign_key_checks = 0, check_constraint_checks = 0"],
        &["SET foreign_key_checks = 1, check_constraint_checks = 1"],
    ])
}

/// The contract of all stores, and what only tables can get wrong.
fn keeps_the_contract(runtime: &Runtime, bench: &Bench, count: u32) {
    runtime.block_on(contract::run(&*bench.stores[0]));
    answers_as_the_rule_does(runtime, bench, count);
    writes_at_once(runtime, bench);
    runtime.block_on(large::drafts(bench));
    runtime.block_on(restored::another_history(bench));
    runtime.block_on(hands::damaged_history(bench));
    runtime.block_on(hands::bad_rows(bench));
}

fn answers_as_the_rule_does(runtime: &Runtime, bench: &Bench, count: u32) {
    TestRunner::new(cases(count))
        .run(&contract::steps(), |steps| {
            runtime.block_on(async {
                bench.wipe().await;
                contract::walk(&*bench.stores[0], &steps).await;
            });
            Ok(())
        })
        .unwrap();
}

fn writes_at_once(runtime: &Runtime, bench: &Bench) {
    runtime.block_on(async {
        bench.wipe().await;
        contract::races(&bench.stores).await;
        races::loads_are_whole(bench).await;
    });
}

#[test]
fn sqlite_keeps_the_contract() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let bench = runtime.block_on(sqlite(&folder));
    keeps_the_contract(&runtime, &bench, 32);
}

#[test]
fn postgres_keeps_the_contract() {
    if testkit::skipped("postgres") {
        return;
    }
    let (server, runtime) = (testkit::Postgres::start().unwrap(), runtime());
    let bench = runtime.block_on(postgres(&server));
    keeps_the_contract(&runtime, &bench, 6);
    runtime.block_on(faults::server_gone(&server.url(), move || drop(server)));
}

/// The server's own default would let a transaction see the world as it was before it waited for the lock.
#[test]
fn postgres_keeps_its_moments_whatever_its_default() {
    if testkit::skipped("postgres") {
        return;
    }
    let (server, runtime) = (testkit::Postgres::start().unwrap(), runtime());
    let bench = runtime.block_on(postgres(&server));
    let level = "ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'";
    runtime.block_on(bench.by_hand(&[level]));
    // Connections made from now on have the new default.
    let bench = runtime.block_on(postgres(&server));
    writes_at_once(&runtime, &bench);
    runtime.block_on(async {
        bench.wipe().await;
        bench
            .by_hand(&["ALTER DATABASE postgres SET default_transaction_isolation = 'read committed'"])
            .await;
        let pool = PgPoolOptions::new().connect(&server.url()).await.unwrap();
        moment::postgres(&server.url(), PostgresStore::new(pool)).await;
    });
}

#[test]
fn mariadb_keeps_the_contract() {
    if testkit::skipped("mariadb") {
        return;
    }
    let (server, runtime) = (testkit::MariaDb::start().unwrap(), runtime());
    let bench = runtime.block_on(mariadb(&server));
    keeps_the_contract(&runtime, &bench, 6);
    runtime.block_on(async {
        bench.by_hand(&["DROP TABLE rbac_duty_role"]).await;
        faults::missing_tables(&*bench.stores[0]).await;
    });
}

/// The server's own default would read anew in every statement.
#[test]
fn mariadb_keeps_its_moments_whatever_its_default() {
    if testkit::skipped("mariadb") {
        return;
    }
    let (server, runtime) = (testkit::MariaDb::start().unwrap(), runtime());
    let bench = runtime.block_on(mariadb(&server));
    runtime.block_on(bench.by_hand(&["SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED"]));
    let bench = runtime.block_on(mariadb(&server));
    writes_at_once(&runtime, &bench);
    runtime.block_on(async {
        bench.wipe().await;
        let pool = MySqlPoolOptions::new().connect(&server.url()).await.unwrap();
        moment::mariadb(&server.url(), MysqlStore::new(pool)).await;
    });
}
