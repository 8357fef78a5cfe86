//! The store in SQLite. What it holds is in the tables of `migrations/sqlite`, all named `rbac_`.

mod fault;
mod read;
mod write;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqlitePool};

use self::fault::{Doing, migration};
use super::{
    Applied, AuditEntry, BoxFuture, HISTORY_ENTRIES_MAX, PolicyStore, PolicyVersion, Snapshot, check_time,
};
use crate::admin;
use crate::change::Change;
use crate::error::Error;
use crate::name::UserId;

const POLICY: &str = include_str!("../../migrations/sqlite/0001_policy.sql");

/// Migrations are counted in a table of our own, so that they never mix with the application's.
const MIGRATIONS_TABLE: &str = "rbac_migration";

/// Takes the write lock at once, so that rows read in the transaction are still true when it writes.
const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";

/// Rows in SQLite tables, shared by all processes that open the file.
///
/// A change reads all rows inside its transaction, so it costs as much as a load; checks never come here.
///
/// # Examples
///
/// ```
/// use rbac::{PolicyStore, PolicyVersion, SqliteStore};
/// use sqlx::sqlite::SqlitePoolOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Each connection to `sqlite::memory:` is a database of its own, so this pool has only one.
/// let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
/// let store = SqliteStore::new(pool);
/// store.migrate().await?;
/// assert_eq!(store.version().await?, PolicyVersion::START);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// A store in the database of this pool. Call [`migrate`](Self::migrate) before anything else.
    #[must_use]
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Creates the tables, or brings them up to date; does nothing if they are. Any number of processes may
    /// call it at once.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or its tables belong to another version of this crate.
    pub async fn migrate(&self) -> Result<(), Error> {
        let first = Migration::new(1, "policy".into(), MigrationType::Simple, POLICY.into_sql_str(), false);
        let mut migrator = Migrator::with_migrations(vec![first]);
        migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
        let doing = "migrate the policy tables";
        let mut transaction = self.pool.begin_with(BEGIN_WRITING).await.doing(doing)?;
        // The plain `run` asks for an `Acquire` whose lifetimes the compiler cannot prove `Send`; this is
        // the same without it. No target and no skipping: all migrations that are missing.
        migrator.run_direct(None, &mut *transaction, false).await.map_err(migration)?;
        transaction.commit().await.doing(doing)
    }

    async fn load_now(&self) -> Result<Snapshot, Error> {
        let doing = "load the policy";
        // One transaction: all tables as they stood at one moment.
        let mut transaction = self.pool.begin().await.doing(doing)?;
        let version = read::version(&mut transaction).await?;
        let rows = read::rows(&mut transaction).await.doing(doing)?;
        transaction.commit().await.doing(doing)?;
        Ok(Snapshot::new(version, rows))
    }

    async fn apply_now(&self, actor: &UserId, change: &Change, at_millis: u64) -> Result<Applied, Error> {
        check_time(at_millis)?;
        let doing = "change the policy";
        let mut transaction = self.pool.begin_with(BEGIN_WRITING).await.doing(doing)?;
        let version = read::version(&mut transaction).await?.next();
        let rows = read::rows(&mut transaction).await.doing(doing)?;
        if let Err(refusal) = admin::check(&rows, change) {
            transaction.rollback().await.doing(doing)?;
            return Ok(Applied::Refused(refusal));
        }
        let entry = AuditEntry::new(version, actor.clone(), at_millis, change.to_string());
        write::change(&mut transaction, change).await.doing(doing)?;
        write::record(&mut transaction, &entry).await.doing(doing)?;
        transaction.commit().await.doing(doing)?;
        Ok(Applied::Done(version))
    }

    async fn version_now(&self) -> Result<PolicyVersion, Error> {
        let mut connection = self.pool.acquire().await.doing("read the version of the policy")?;
        read::version(&mut connection).await
    }

    async fn history_now(&self, entries: u16) -> Result<Vec<AuditEntry>, Error> {
        let mut connection = self.pool.acquire().await.doing("read the history of the policy")?;
        read::history(&mut connection, entries).await
    }
}

impl PolicyStore for SqliteStore {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(self.load_now())
    }

    fn apply<'a>(
        &'a self,
        actor: &'a UserId,
        change: &'a Change,
        at_millis: u64,
    ) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(self.apply_now(actor, change, at_millis))
    }

    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>> {
        Box::pin(self.version_now())
    }

    fn history(&self, entries: u16) -> BoxFuture<'_, Result<Vec<AuditEntry>, Error>> {
        Box::pin(self.history_now(entries.min(HISTORY_ENTRIES_MAX)))
    }
}
