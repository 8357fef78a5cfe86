//! What differs between the databases: how a transaction begins, how a row is locked, how values are bound and read.

use std::borrow::Cow;

use sqlx::{Connection as _, Database, Pool, QueryBuilder, Row as _, Transaction};

use super::migrate;
use super::record::Cell;
use super::statement::{Statement, Upsert, Value};
use super::table::{Column, Kind, Table};
use crate::error::Error;
use crate::store::BoxFuture;

/// A database that can hold a policy: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`, by the feature of the same
/// name. No other can be added from outside.
pub trait Backend: Database + Dialect {}

mod sealed {
    use super::{
        BoxFuture, Cell, Column, Database, Error, Kind, Pool, Statement, Table, Transaction, Upsert,
    };

    /// Takes the rows of a table, one after the other.
    pub(in super::super) type Keep<'a> = &'a mut (dyn FnMut(&[Cell<'_>]) + Send);

    #[expect(unnameable_types, reason = "who cannot name it cannot implement it")]
    pub trait Dialect: Database {
        /// What follows a `SELECT` whose row nobody else may change until the transaction ends.
        const LOCK: &'static str;
        const UPSERT: Upsert;

        fn begin_writing(pool: &Pool<Self>)
        -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>>;
        /// All that is read in it is as it was at one moment.
        fn begin_reading(
            connection: &mut Self::Connection,
        ) -> BoxFuture<'_, Result<Transaction<'_, Self>, sqlx::Error>>;
        fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>>;
        /// How many rows the statement found and changed.
        fn execute(
            connection: &mut Self::Connection,
            statement: Statement,
        ) -> BoxFuture<'_, Result<u64, sqlx::Error>>;
        fn rows<'a>(
            connection: &'a mut Self::Connection,
            statement: Statement,
            columns: &'static [Column],
        ) -> BoxFuture<'a, Result<Vec<Vec<Cell<'static>>>, sqlx::Error>>;
        /// All rows, in any order.
        fn table<'a>(
            connection: &'a mut Self::Connection,
            table: &'static Table,
            keep: Keep<'a>,
        ) -> BoxFuture<'a, Result<(), sqlx::Error>>;
        fn cell(row: &Self::Row, at: usize, kind: Kind) -> Result<Cell<'static>, sqlx::Error>;
    }
}
pub(super) use sealed::{Dialect, Keep};

/// The same Rust for each, which generics could only say with a page of bounds.
macro_rules! backend {
    (
        $database:ty,
        write: $write:literal,
        read: [$($before:literal,)* ; $read:literal],
        lock: $lock:literal,
        upsert: $upsert:ident,
        migrate: $migrate:ident($($file:literal),+),
        text: $text:expr,
        table: $table:expr $(,)?
    ) => {
        impl Backend for $database {}

        impl Dialect for $database {
            const LOCK: &'static str = $lock;
            const UPSERT: Upsert = Upsert::$upsert;

            fn begin_writing(
                pool: &Pool<Self>,
            ) -> BoxFuture<'_, Result<Transaction<'static, Self>, sqlx::Error>> {
                Box::pin(pool.begin_with($write))
            }

            fn begin_reading(
                connection: &mut Self::Connection,
            ) -> BoxFuture<'_, Result<Transaction<'_, Self>, sqlx::Error>> {
                Box::pin(async move {
                    $(sqlx::raw_sql($before).execute(&mut *connection).await?;)*
                    connection.begin_with($read).await
                })
            }

            fn migrate(pool: &Pool<Self>) -> BoxFuture<'_, Result<(), Error>> {
                Box::pin(migrate::$migrate(pool, [$(include_str!(concat!("../../../migrations/", $file))),+]))
            }

            fn execute(
                connection: &mut Self::Connection,
                statement: Statement,
            ) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
                Box::pin(async move {
                    let mut query = query!(Self, statement);
                    Ok(query.build().execute(connection).await?.rows_affected())
                })
            }

            fn rows<'a>(
                connection: &'a mut Self::Connection,
                statement: Statement,
                columns: &'static [Column],
            ) -> BoxFuture<'a, Result<Vec<Vec<Cell<'static>>>, sqlx::Error>> {
                Box::pin(async move {
                    let mut query = query!(Self, statement);
                    let found = query.build().fetch_all(connection).await?;
                    let cells = |row| {
                        let kinds = columns.iter().map(|column| column.kind).enumerate();
                        kinds.map(|(at, kind)| Self::cell(row, at, kind)).collect()
                    };
                    found.iter().map(cells).collect()
                })
            }

            fn table<'a>(
                connection: &'a mut Self::Connection,
                table: &'static Table,
                keep: Keep<'a>,
            ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
                Box::pin($table(connection, table, keep))
            }

            fn cell(row: &Self::Row, at: usize, kind: Kind) -> Result<Cell<'static>, sqlx::Error> {
                let text: fn(&Self::Row, usize) -> Result<Option<String>, sqlx::Error> = $text;
                Ok(match kind {
                    Kind::Text => text(row, at)?.map_or(Cell::Null, |text| Cell::Text(Cow::Owned(text))),
                    Kind::Number => row.try_get::<Option<i64>, _>(at)?.map_or(Cell::Null, Cell::Number),
                    Kind::Flag => {
                        let flag = row.try_get::<Option<bool>, _>(at)?;
                        flag.map_or(Cell::Null, |flag| Cell::Number(i64::from(flag)))
                    }
                })
            }
        }
    };
}

/// A statement in the words of one database.
macro_rules! query {
    ($database:ty, $statement:expr) => {{
        let statement = $statement;
        let mut query = QueryBuilder::<$database>::new("");
        let mut values = statement.values.into_iter();
        for text in statement.text.split('?') {
            query.push(text);
            match values.next() {
                Some(Value::Text(text)) => query.push_bind(text),
                Some(Value::Number(number)) => query.push_bind(number),
                Some(Value::Flag(flag)) => query.push_bind(flag),
                None => &mut query,
            };
        }
        query
    }};
}

#[cfg(feature = "sqlite")]
backend!(
    sqlx::Sqlite,
    // Takes the one write lock at once, so that what was read is still true when it is written.
    write: "BEGIN IMMEDIATE",
    read: [; "BEGIN DEFERRED"],
    lock: "",
    upsert: OnConflict,
    migrate: in_transaction("sqlite/0001_policy.sql", "sqlite/0002_mark.sql"),
    // Its texts may hold any bytes.
    text: |row, at| {
        let bytes = row.try_get::<Option<Vec<u8>>, _>(at)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    },
    table: super::whole::table,
);

#[cfg(feature = "postgres")]
backend!(
    sqlx::Postgres,
    // Whatever the server's default: what is read after the lock has to be what the last holder wrote.
    write: "BEGIN ISOLATION LEVEL READ COMMITTED",
    read: [; "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"],
    lock: " FOR UPDATE",
    upsert: OnConflict,
    migrate: in_session("postgres/0001_policy.sql", "postgres/0002_mark.sql"),
    text: |row, at| row.try_get(at),
    table: super::read::by_rows::<sqlx::Postgres>,
);

#[cfg(feature = "mysql")]
backend!(
    sqlx::MySql,
    // The snapshot of a transaction is taken by its first plain read, and that comes after the lock.
    write: "BEGIN",
    // Whatever the server's default: only this level has snapshots that last.
    read: [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        ; "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    ],
    lock: " FOR UPDATE",
    upsert: OnDuplicateKey,
    migrate: under_lock("mysql/0001_policy.sql", "mysql/0002_mark.sql"),
    text: |row, at| row.try_get(at),
    table: super::read::by_rows::<sqlx::MySql>,
);
