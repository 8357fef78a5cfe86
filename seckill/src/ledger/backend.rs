//! What differs between the databases: how a transaction begins, how a row is written over, how values are bound.

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{Database, Pool, QueryBuilder, SqlSafeStr, Transaction};

use crate::error::Error;
use crate::ledger::fault::LedgerFault;
use crate::store::BoxFuture;

/// Migrations are counted in a table of our own, so that they never mix with the application's.
const MIGRATIONS_TABLE: &str = "gh_seckill_migration";
/// What failed, in words.
const MIGRATE: &str = "make its tables";

/// A row as text and numbers: reservation, lines, state; shard, deadline, step, time.
pub(super) type Row = (String, String, String, i64, i64, i64, i64);

/// A database that can hold a ledger: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`, by the feature of the
/// same name. No other can be added from outside.
pub trait Backend: Database + Dialect {}

mod sealed {
    use super::{BoxFuture, Database, Error, Pool, QueryBuilder, Row, Transaction};

    #[expect(unnameable_types, reason = "who cannot name it cannot implement it")]
    pub trait Dialect: Database {
        /// What follows an insert into `gh_seckill_shards` that may find the row there.
        const RAISE: &'static str;
        /// What follows an insert into `gh_seckill_orders` that may find rows there.
        const OVERWRITE: &'static str;

        fn begin(pool: &Pool<Self>) -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>>;
        fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>>;
        fn execute<'a>(
            connection: &'a mut Self::Connection,
            query: &'a mut QueryBuilder<Self>,
        ) -> BoxFuture<'a, Result<(), sqlx::Error>>;
        fn rows<'a>(
            connection: &'a mut Self::Connection,
            query: &'a mut QueryBuilder<Self>,
        ) -> BoxFuture<'a, Result<Vec<Row>, sqlx::Error>>;
        fn number<'a>(
            connection: &'a mut Self::Connection,
            query: &'a mut QueryBuilder<Self>,
        ) -> BoxFuture<'a, Result<Option<i64>, sqlx::Error>>;
        fn bind_text(query: &mut QueryBuilder<Self>, text: &str);
        fn bind_number(query: &mut QueryBuilder<Self>, number: i64);
    }
}
pub(super) use sealed::Dialect;

/// The same Rust for each, which generics could only say with a page of bounds.
macro_rules! backend {
    (
        $database:ty,
        begin: $begin:literal,
        raise: $raise:expr,
        overwrite: $overwrite:expr,
        migrate: $migrate:ident($migration:expr)
    ) => {
        impl Backend for $database {}

        impl Dialect for $database {
            const RAISE: &'static str = $raise;
            const OVERWRITE: &'static str = $overwrite;

            fn begin(pool: &Pool<Self>) -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>> {
                Box::pin(pool.begin_with($begin))
            }

            fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>> {
                Box::pin($migrate(pool, $migration))
            }

            fn execute<'a>(
                connection: &'a mut Self::Connection,
                query: &'a mut QueryBuilder<Self>,
            ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
                Box::pin(async move { query.build().execute(connection).await.map(drop) })
            }

            fn rows<'a>(
                connection: &'a mut Self::Connection,
                query: &'a mut QueryBuilder<Self>,
            ) -> BoxFuture<'a, Result<Vec<Row>, sqlx::Error>> {
                Box::pin(async move { query.build_query_as().fetch_all(connection).await })
            }

            fn number<'a>(
                connection: &'a mut Self::Connection,
                query: &'a mut QueryBuilder<Self>,
            ) -> BoxFuture<'a, Result<Option<i64>, sqlx::Error>> {
                Box::pin(async move { query.build_query_scalar().fetch_optional(connection).await })
            }

            fn bind_text(query: &mut QueryBuilder<Self>, text: &str) {
                query.push_bind(text.to_owned());
            }

            fn bind_number(query: &mut QueryBuilder<Self>, number: i64) {
                query.push_bind(number);
            }
        }
    };
}

/// The part of [`Dialect::OVERWRITE`] that SQLite and PostgreSQL share. The rule has decided; the last line is
/// the second fence.
#[cfg(any(feature = "ledger-sqlite", feature = "ledger-postgres"))]
const ON_CONFLICT: &str = " ON CONFLICT (reservation) DO UPDATE SET shard = excluded.shard, \
     line_items = excluded.line_items, state = excluded.state, pay_until = excluded.pay_until, \
     seq = excluded.seq, updated_at = excluded.updated_at WHERE gh_seckill_orders.seq <= excluded.seq";

#[cfg(feature = "ledger-sqlite")]
backend!(
    sqlx::Sqlite,
    // Takes the write lock at once, so that what was read is still true when it is written.
    begin: "BEGIN IMMEDIATE",
    raise: " ON CONFLICT (sale, shard) DO UPDATE SET highest = max(gh_seckill_shards.highest, excluded.highest)",
    overwrite: ON_CONFLICT,
    migrate: in_transaction(include_str!("../../migrations/sqlite/0001_ledger.sql"))
);

#[cfg(feature = "ledger-postgres")]
backend!(
    sqlx::Postgres,
    begin: "BEGIN",
    raise: " ON CONFLICT (sale, shard) DO UPDATE SET \
            highest = GREATEST(gh_seckill_shards.highest, excluded.highest)",
    overwrite: ON_CONFLICT,
    migrate: in_session(include_str!("../../migrations/postgres/0001_ledger.sql"))
);

#[cfg(feature = "ledger-mysql")]
backend!(
    sqlx::MySql,
    begin: "BEGIN",
    raise: " ON DUPLICATE KEY UPDATE highest = GREATEST(highest, VALUES(highest))",
    // Assignments take effect from left to right, so `seq`, which all of them ask, is the last.
    overwrite: " ON DUPLICATE KEY UPDATE shard = IF(seq <= VALUES(seq), VALUES(shard), shard), \
         line_items = IF(seq <= VALUES(seq), VALUES(line_items), line_items), \
         state = IF(seq <= VALUES(seq), VALUES(state), state), \
         pay_until = IF(seq <= VALUES(seq), VALUES(pay_until), pay_until), \
         updated_at = IF(seq <= VALUES(seq), VALUES(updated_at), updated_at), \
         seq = GREATEST(seq, VALUES(seq))",
    migrate: under_lock(include_str!("../../migrations/mysql/0001_ledger.sql"))
);

/// Migrates in one transaction that has the write lock from the start, so that processes take turns.
#[cfg(feature = "ledger-sqlite")]
async fn in_transaction<B: Dialect>(pool: &Pool<B>, sql: &'static str) -> Result<(), Error>
where
    B::Connection: Migrate,
{
    let mut transaction = B::begin(pool).await.map_err(LedgerFault::database(MIGRATE))?;
    run(&mut *transaction, sql).await?;
    transaction.commit().await.map_err(LedgerFault::database(MIGRATE))
}

/// Migrates under the lock that the migrator takes for the session, so that processes take turns.
#[cfg(feature = "ledger-postgres")]
async fn in_session(pool: &Pool<sqlx::Postgres>, sql: &'static str) -> Result<(), Error> {
    let mut connection = pool.acquire().await.map_err(LedgerFault::database(MIGRATE))?;
    let migrated = run(&mut *connection, sql).await;
    if migrated.is_err() {
        // The session may hold the lock still; it ends with the connection.
        drop(connection.detach());
    }
    migrated
}

/// Migrates under a lock of our own: MariaDB does not wait for the one that the migrator takes.
#[cfg(feature = "ledger-mysql")]
async fn under_lock(pool: &Pool<sqlx::MySql>, sql: &'static str) -> Result<(), Error> {
    const NAME: &str = "CONCAT('gh_seckill.', MD5(DATABASE()))";
    const WAIT_SECS_MAX: u8 = 60;
    let mut connection = pool.acquire().await.map_err(LedgerFault::database(MIGRATE))?.detach();
    let mut lock = QueryBuilder::new("SELECT GET_LOCK(");
    lock.push(NAME).push(", ").push(WAIT_SECS_MAX).push(")");
    let locked: Option<i64> = lock
        .build_query_scalar()
        .fetch_one(&mut connection)
        .await
        .map_err(LedgerFault::database("wait for another process to make its tables"))?;
    if locked != Some(1) {
        return Err(LedgerFault::database(MIGRATE)(sqlx::Error::PoolTimedOut));
    }
    // The lock goes with the connection.
    run(&mut connection, sql).await?;
    sqlx::Connection::close(connection).await.map_err(LedgerFault::database(MIGRATE))
}

async fn run(connection: &mut impl Migrate, sql: &'static str) -> Result<(), Error> {
    let first = Migration::new(1, "ledger".into(), MigrationType::Simple, sql.into_sql_str(), false);
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    // The plain `run` asks for an `Acquire` whose lifetimes the compiler cannot prove `Send`; this is the
    // same without it. No target and no skipping: all migrations that are missing.
    migrator.run_direct(None, connection, false).await.map_err(|error| LedgerFault::migration(error).into())
}
