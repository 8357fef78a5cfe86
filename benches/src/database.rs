//! The databases of the figures about settling: orders in SQLite and in PostgreSQL, and a bare question to each.

use std::sync::Arc;

use payments::store::{OrderStore, PostgresStore, SqliteStore};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{PgPool, SqlitePool};
use tempfile::TempDir;
use testkit::Postgres;

use crate::Error;
use crate::stage::on_cores;

/// Connections of either pool. SQLite works on threads of this process, so more would only stand in each other's way.
const SQLITE_CONNECTIONS: u32 = 2;
const POSTGRES_CONNECTIONS: u32 = 8;

/// A database with the tables of orders, and the pool that both sides share.
pub(crate) struct Database {
    pool: Pools,
    store: Arc<dyn OrderStore>,
}

enum Pools {
    /// The folder goes with the run.
    Sqlite(SqlitePool, #[expect(dead_code, reason = "kept only to be deleted at the end")] TempDir),
    /// Stopped on drop.
    Postgres(PgPool, #[expect(dead_code, reason = "kept only to be stopped at the end")] Postgres),
}

impl Database {
    /// SQLite in a file, with a write-ahead log.
    pub(crate) async fn sqlite() -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("orders.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(SQLITE_CONNECTIONS).connect_with(options).await?;
        let store = SqliteStore::new(pool.clone());
        store.migrate().await?;
        Ok(Self { pool: Pools::Sqlite(pool, folder), store: Arc::new(store) })
    }

    /// PostgreSQL on the cores of the servers.
    pub(crate) async fn postgres() -> Result<Self, Error> {
        let server = on_cores(None, Postgres::start)?;
        let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).connect(&server.url()).await?;
        let store = PostgresStore::new(pool.clone());
        store.migrate().await?;
        Ok(Self { pool: Pools::Postgres(pool, server), store: Arc::new(store) })
    }

    /// The orders in it.
    pub(crate) fn store(&self) -> &dyn OrderStore {
        &*self.store
    }

    /// The price of an order, by a statement that knows nothing else.
    pub(crate) async fn amount(&self, number: &str) -> Result<i64, Error> {
        match &self.pool {
            Pools::Sqlite(pool, _) => {
                let text = "SELECT amount_minor FROM payments_order WHERE out_trade_no = ?";
                Ok(sqlx::query_scalar(text).bind(number).fetch_one(pool).await?)
            }
            Pools::Postgres(pool, _) => {
                let text = "SELECT amount_minor FROM payments_order WHERE out_trade_no = $1";
                Ok(sqlx::query_scalar(text).bind(number).fetch_one(pool).await?)
            }
        }
    }
}
