//! Policies in SQL tables: the pure rule inside one transaction that holds the version. No rule of its own.

mod audit;
mod backend;
mod fault;
mod loading;
mod migrate;
mod read;
mod record;
mod statement;
mod table;
#[cfg(feature = "sqlite")]
mod whole;
mod write;

use std::fmt;

use sqlx::Pool;

pub use self::backend::Backend;
use self::fault::Doing;
pub(crate) use self::fault::Trouble;
use super::{
    Applied, AuditEntry, BoxFuture, HistoryQuery, Mark, PolicyStore, PolicyVersion, Revision, Snapshot,
};
use crate::admin;
use crate::draft::Draft;
use crate::error::{Error, Repr};
use crate::time::UnixMillis;

/// How often a draft is tried when the database sends it back: each time another one was carried out.
const ATTEMPTS_MAX: u32 = 16;

/// Rows in the tables `rbac_*` of a database that the application already has, shared by all processes that reach it.
///
/// A draft reads all rows inside its transaction and checks them there, so it costs as much as a load and two
/// compilations; checks never come here. Rows may be written by hand too: what cannot be read is reported, and whoever
/// writes by hand raises the version in `rbac_version` to tell the running programs.
pub struct SqlStore<B: Backend> {
    pool: Pool<B>,
}

/// A policy in SQLite.
///
/// ```
/// use rbac::{PolicyStore, PolicyVersion, SqliteStore};
/// use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("policy.db");
/// let options = SqliteConnectOptions::new()
///     .filename(file)
///     .create_if_missing(true)
///     .journal_mode(SqliteJournalMode::Wal);
/// let store = SqliteStore::new(sqlx::SqlitePool::connect_with(options).await?);
/// store.migrate().await?;
/// assert_eq!(store.version().await?, PolicyVersion::START);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;

/// A policy in PostgreSQL 12 or later. The application chooses its TLS among the features of sqlx.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://gate@db.example/gate").await?;
/// let store = rbac::PostgresStore::new(pool);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;

/// A policy in MySQL 8 or MariaDB 10.5, or later. The application chooses its TLS among the features of sqlx.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::MySqlPool::connect("mysql://gate@db.example/gate").await?;
/// let store = rbac::MysqlStore::new(pool);
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
    ///
    /// `Unavailable` if the database cannot be reached; `Misuse` if its tables belong to another version of this
    /// crate, or the user may not make them.
    pub async fn migrate(&self) -> Result<(), Error> {
        B::migrate(&self.pool).await
    }

    async fn load_now(&self) -> Result<Snapshot, Error> {
        let doing = "load the policy";
        let mut connection = self.pool.acquire().await.doing(doing)?;
        let mut transaction = B::begin_reading(&mut connection).await.doing(doing)?;
        let revision = read::revision::<B>(&mut transaction, "", doing).await?;
        let rows = read::rows::<B>(&mut transaction).await.doing(doing)?;
        transaction.commit().await.doing(doing)?;
        Ok(Snapshot::new(revision, rows))
    }

    async fn commit_once(&self, draft: &Draft, at: UnixMillis) -> Result<Applied, Error> {
        let doing = "change the policy";
        let mut transaction = B::begin_writing(&self.pool).await.doing(doing)?;
        let Revision { version, .. } = read::revision::<B>(&mut transaction, B::LOCK, doing).await?;
        let rows = read::rows::<B>(&mut transaction).await.doing(doing)?;
        let amended = match admin::check(&rows, version, draft, at) {
            Ok(amended) => amended,
            Err(refused) => {
                transaction.rollback().await.doing(doing)?;
                return Ok(Applied::Refused(refused));
            }
        };
        for statement in write::statements(B::UPSERT, &amended.before, &amended.after) {
            B::execute(&mut transaction, statement).await.doing(doing)?;
        }
        let doing = "record a change of the policy";
        let next = version.next();
        let (old, new) = (number(version)?, number(next)?);
        B::execute(&mut transaction, audit::record(new, draft, &amended, at)).await.doing(doing)?;
        let raised =
            B::execute(&mut transaction, read::raise(old, new, Mark::random())).await.doing(doing)?;
        if raised != 1 {
            return Err(Repr::NoVersion.into());
        }
        transaction.commit().await.doing(doing)?;
        Ok(Applied::Done(next))
    }

    async fn revision_now(&self) -> Result<Revision, Error> {
        let doing = "read the version of the policy";
        let mut connection = self.pool.acquire().await.doing(doing)?;
        read::revision::<B>(&mut connection, "", doing).await
    }

    async fn history_now(&self, query: &HistoryQuery) -> Result<Vec<AuditEntry>, Error> {
        let mut connection = self.pool.acquire().await.doing("read the audit trail of the policy")?;
        audit::history::<B>(&mut connection, query).await
    }
}

fn number(version: PolicyVersion) -> Result<i64, Error> {
    i64::try_from(version.number()).map_err(|_| Repr::NoVersion.into())
}

impl<B: Backend> PolicyStore for SqlStore<B> {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(self.load_now())
    }

    fn commit<'a>(&'a self, draft: &'a Draft, at: UnixMillis) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(async move {
            for _ in 1..ATTEMPTS_MAX {
                match self.commit_once(draft, at).await {
                    // Another writer was first. Each attempt reads and decides anew.
                    Err(error) if error.is_clash() => {}
                    answer => return answer,
                }
            }
            self.commit_once(draft, at).await
        })
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(self.revision_now())
    }

    fn history<'a>(&'a self, query: &'a HistoryQuery) -> BoxFuture<'a, Result<Vec<AuditEntry>, Error>> {
        Box::pin(self.history_now(query))
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
