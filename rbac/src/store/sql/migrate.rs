//! Makes the tables, also when many processes start at once: each database takes turns in its own way.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{Pool, SqlSafeStr as _};

#[cfg(feature = "sqlite")]
use super::backend::Dialect;
use super::fault::{Doing, migration};
use crate::error::Error;

/// Several libraries may share one database; each keeps its own list of applied migrations.
const TABLE: &str = "rbac_migration";
const DOING: &str = "migrate the policy tables";
/// What each migration brings, in their order. A file is never changed once it was published.
const NAMES: [&str; 2] = ["policy", "mark"];

/// The texts of the migrations, in their order.
pub(super) type Files = [&'static str; NAMES.len()];

/// In one transaction that has the write lock from the start.
#[cfg(feature = "sqlite")]
pub(super) async fn in_transaction(pool: &Pool<sqlx::Sqlite>, files: Files) -> Result<(), Error> {
    let mut transaction = sqlx::Sqlite::begin_writing(pool).await.doing(DOING)?;
    run(&mut *transaction, files).await?;
    transaction.commit().await.doing(DOING)
}

/// Under the lock that the migrator takes for the session.
#[cfg(feature = "postgres")]
pub(super) async fn in_session(pool: &Pool<sqlx::Postgres>, files: Files) -> Result<(), Error> {
    let mut connection = pool.acquire().await.doing(DOING)?;
    let migrated = run(&mut *connection, files).await;
    if migrated.is_err() {
        // The session may hold the lock still; it ends with the connection.
        drop(connection.detach());
    }
    migrated
}

/// Under a lock of our own: MariaDB does not wait for the one that the migrator takes.
#[cfg(feature = "mysql")]
pub(super) async fn under_lock(pool: &Pool<sqlx::MySql>, files: Files) -> Result<(), Error> {
    const LOCK: &str = "SELECT CAST(GET_LOCK(CONCAT('rbac.', MD5(DATABASE())), 60) AS SIGNED)";
    let mut connection = pool.acquire().await.doing(DOING)?.detach();
    let locked: Option<i64> = sqlx::query_scalar(LOCK).fetch_one(&mut connection).await.doing(DOING)?;
    if locked != Some(1) {
        return Err(sqlx::Error::PoolTimedOut).doing(DOING);
    }
    // The lock goes with the connection.
    run(&mut connection, files).await?;
    sqlx::Connection::close(connection).await.doing(DOING)
}

async fn run(connection: &mut impl Migrate, files: Files) -> Result<(), Error> {
    let numbered = |(number, (name, file)): (i64, (&'static str, &'static str))| {
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, file.into_sql_str(), false)
    };
    let all = (1..).zip(NAMES.into_iter().zip(files)).map(numbered);
    let mut migrator = Migrator::with_migrations(all.collect());
    migrator.dangerous_set_table_name(TABLE);
    // No target and no skipping: all migrations that are missing.
    migrator.run_direct(None, connection, false).await.map_err(migration)
}
