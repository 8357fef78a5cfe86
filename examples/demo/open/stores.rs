//! Stores: the SQLite database, and sessions and sales in memory or in Redis.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sso_core::{
    MemoryThrottleStore, RedisRefreshStore, RedisRevocations, RedisSiteStore, RedisThrottleStore,
    RefreshStore, RevocationStore, SessionStore, SiteStore, ThrottleStore,
};

use super::Part;
use crate::config::Config;
use crate::restore::Shelf;
use crate::start_error::StartError;

/// Connections to the database.
const CONNECTIONS_MAX: u32 = 8;

/// Opens the database and says where it is.
pub(super) async fn database(config: &Config) -> Result<(SqlitePool, Part), StartError> {
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", config.data_dir.join("school.sqlite").display()),
    };
    let scheme = url.split(':').next().unwrap_or_default();
    if scheme != "sqlite" {
        return Err(StartError::DatabaseKind { scheme: scheme.to_owned() });
    }
    let options = SqliteConnectOptions::from_str(&url)
        .map_err(|cause| StartError::Database { cause })?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .connect_with(options)
        .await
        .map_err(|cause| StartError::Database { cause })?;
    let part = Part { name: "database", external: config.database_url.is_some(), words: url };
    Ok((pool, part))
}

/// Sessions and sales.
pub(super) struct Stores {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) refreshes: Arc<dyn RefreshStore>,
    pub(super) revocations: Arc<dyn RevocationStore>,
    /// What other sites are given.
    pub(super) sites: Arc<dyn SiteStore>,
    /// How many wrong passwords there were, by account and address.
    pub(super) guesses: Arc<dyn ThrottleStore>,
    pub(super) sales: Shelf,
    pub(super) part: Part,
}

/// Opens both stores, in Redis where its URL is set.
pub(super) async fn open(config: &Config) -> Result<Stores, StartError> {
    let Some(url) = &config.redis_url else {
        let words = "in memory; set REDIS_URL to share them between instances".to_owned();
        return Ok(Stores {
            sessions: Arc::new(sso_core::MemoryStore::new()),
            refreshes: Arc::new(sso_core::MemoryRefreshStore::new()),
            revocations: Arc::new(sso_core::MemoryRevocations::new()),
            sites: Arc::new(sso_core::MemorySiteStore::new()),
            guesses: Arc::new(MemoryThrottleStore::new()),
            sales: Shelf::Memory(Arc::new(seckill::MemoryStore::new())),
            part: Part { name: "sessions and sales", external: false, words },
        });
    };
    let shown = without_password(url);
    let unusable =
        |cause: Box<dyn std::error::Error + Send + Sync>| StartError::Redis { url: shown.clone(), cause };
    let opening = async {
        let lost = |cause: sso_core::Error| unusable(Box::new(cause));
        let sessions = sso_core::RedisStore::connect(url).await.map_err(lost)?;
        let refreshes = RedisRefreshStore::connect(url).await.map_err(lost)?;
        let revocations = RedisRevocations::connect(url).await.map_err(lost)?;
        let sites = RedisSiteStore::connect(url).await.map_err(lost)?;
        let guesses = RedisThrottleStore::connect(url).await.map_err(lost)?;
        let sales = seckill::RedisStore::connect(url).await.map_err(|cause| unusable(Box::new(cause)))?;
        Ok::<_, StartError>((sessions, refreshes, revocations, sites, guesses, sales))
    };
    let opened = tokio::time::timeout(super::CONNECT, opening).await;
    let (sessions, refreshes, revocations, sites, guesses, sales) =
        opened.map_err(|late| unusable(Box::new(late)))??;
    Ok(Stores {
        sessions: Arc::new(sessions),
        refreshes: Arc::new(refreshes),
        revocations: Arc::new(revocations),
        sites: Arc::new(sites),
        guesses: Arc::new(guesses),
        sales: Shelf::Redis(Arc::new(sales)),
        part: Part { name: "sessions and sales", external: true, words: shown },
    })
}

/// The URL as it may be shown: what stands before the `@` is left out.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("redis://me:secret@host:1/"), "redis://…@host:1/");
        assert_eq!(without_password("redis://host:1/"), "redis://host:1/");
    }
}
