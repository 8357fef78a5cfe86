//! What differs between the databases: how a transaction begins, how a row is locked, how values are bound and read.

use super::migrate;
use super::statement::{Statement, Value};
use crate::Error;
use crate::store::BoxFuture;
use sqlx::{Database, Pool, QueryBuilder, Row as _, Transaction};

/// A database that can hold orders: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`, by the feature of the same
/// name. No other can be added from outside.
pub trait Backend: Database + Dialect {}

mod sealed {
    use super::{BoxFuture, Database, Error, Pool, QueryBuilder, Statement, Transaction};

    #[expect(unnameable_types, reason = "who cannot name it cannot implement it")]
    pub trait Dialect: Database {
        /// What follows a `SELECT` whose row nobody else may change until the transaction ends.
        const LOCK: &'static str;

        fn begin(pool: &Pool<Self>) -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>>;
        fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>>;
        fn rows<'a>(
            connection: &'a mut Self::Connection,
            statement: Statement<'a>,
        ) -> BoxFuture<'a, Result<Vec<Self::Row>, sqlx::Error>>;
        /// How many rows the statement found and changed.
        fn execute<'a>(
            connection: &'a mut Self::Connection,
            statement: Statement<'a>,
        ) -> BoxFuture<'a, Result<u64, sqlx::Error>>;
        fn query(statement: Statement<'_>) -> QueryBuilder<Self>;
        fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error>;
        fn number(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error>;
    }
}
pub(super) use sealed::Dialect;

/// The same Rust for each, which generics could only say with a page of bounds.
macro_rules! backend {
    ($database:ty, begin: $begin:literal, lock: $lock:literal, migrate: $migrate:ident($file:literal)) => {
        impl Backend for $database {}

        impl Dialect for $database {
            const LOCK: &'static str = $lock;

            fn begin(pool: &Pool<Self>) -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>> {
                Box::pin(pool.begin_with($begin))
            }

            fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>> {
                Box::pin(migrate::$migrate(pool, include_str!(concat!("../../../migrations/", $file))))
            }

            fn rows<'a>(
                connection: &'a mut Self::Connection,
                statement: Statement<'a>,
            ) -> BoxFuture<'a, Result<Vec<Self::Row>, sqlx::Error>> {
                Box::pin(async move {
                    let mut query = Self::query(statement);
                    query.build().fetch_all(connection).await
                })
            }

            fn execute<'a>(
                connection: &'a mut Self::Connection,
                statement: Statement<'a>,
            ) -> BoxFuture<'a, Result<u64, sqlx::Error>> {
                Box::pin(async move {
                    let mut query = Self::query(statement);
                    Ok(query.build().execute(connection).await?.rows_affected())
                })
            }

            fn query(statement: Statement<'_>) -> QueryBuilder<Self> {
                let mut query = QueryBuilder::new("");
                for (text, value) in statement.parts() {
                    query.push(text);
                    match value {
                        Some(Value::Text(text)) => query.push_bind(text),
                        Some(Value::Number(number)) => query.push_bind(number),
                        None => &mut query,
                    };
                }
                query
            }

            fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error> {
                row.try_get(column)
            }

            fn number(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error> {
                row.try_get(column)
            }
        }
    };
}

#[cfg(feature = "sqlite")]
backend!(
    sqlx::Sqlite,
    // Takes the one write lock at once, so that what was read is still true when it is written.
    begin: "BEGIN IMMEDIATE",
    lock: "",
    migrate: in_transaction("sqlite/0001_orders.sql")
);

#[cfg(feature = "postgres")]
backend!(
    sqlx::Postgres,
    // Whatever the server's default: what is read after the lock has to be what the last holder wrote.
    begin: "BEGIN ISOLATION LEVEL READ COMMITTED",
    lock: " FOR UPDATE",
    migrate: in_session("postgres/0001_orders.sql")
);

#[cfg(feature = "mysql")]
backend!(
    sqlx::MySql,
    // The snapshot of a transaction is taken by its first plain read, and that comes after the lock.
    begin: "BEGIN",
    lock: " FOR UPDATE",
    migrate: under_lock("mysql/0001_orders.sql")
);
