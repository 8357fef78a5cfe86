//! How a script reaches Redis: over one shared connection or over a pool, with a deadline, and what failed.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::io::tcp::TcpSettings;
use redis::{FromRedisValue, IntoConnectionInfo as _, RedisError, ScriptInvocation, ServerErrorKind};
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};

/// A way to Redis. A clone is the same way.
#[derive(Clone)]
pub(crate) enum Link {
    /// One connection that stays broken once it is.
    Multiplexed(MultiplexedConnection),
    /// One connection that is made anew when it breaks.
    Manager(ConnectionManager),
    /// Connections of a pool that the application shares out.
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::Pool),
}

impl Link {
    /// Connects, and keeps connected: a lost connection is made anew by the next call.
    pub(crate) async fn connect(url: &str, deadline: Duration) -> Result<Self, Error> {
        let info = url.into_connection_info().map_err(|source| misuse("the redis url is not one", source))?;
        let client = redis::Client::open(info.set_tcp_settings(tcp_settings()))
            .map_err(|source| misuse("this redis url cannot be used", source))?;
        match timeout(deadline, Self::manage(client)).await {
            Ok(link) => link.map_err(broken),
            Err(elapsed) => Err(Error::with_source(
                ErrorKind::Unavailable,
                format!("no connection to redis within {} ms", deadline.as_millis()),
                elapsed,
            )
            .transient()),
        }
    }

    async fn manage(client: redis::Client) -> Result<Self, RedisError> {
        // A manager retries for seconds whatever the reason; a wrong or missing password is told at once.
        let mut probe = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut probe).await?;
        // The deadline of each call counts, not a second one inside the connection.
        let config = ConnectionManagerConfig::new().set_response_timeout(None);
        ConnectionManager::new_with_config(client, config).await.map(Self::Manager)
    }

    /// Runs a script in one round trip; in three when the server does not know the script yet.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        deadline: Duration,
    ) -> Result<T, Error> {
        match timeout(deadline, self.run_unbounded(script)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(Error::with_source(
                ErrorKind::Unavailable,
                format!("redis did not answer within {} ms: the outcome is unknown", deadline.as_millis()),
                elapsed,
            )
            .transient()),
        }
    }

    async fn run_unbounded<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        match self {
            Self::Multiplexed(connection) => {
                script.invoke_async(&mut connection.clone()).await.map_err(broken)
            }
            Self::Manager(connection) => script.invoke_async(&mut connection.clone()).await.map_err(broken),
            #[cfg(feature = "deadpool")]
            Self::Pool(pool) => {
                let mut connection = pool.get().await.map_err(no_connection)?;
                script.invoke_async(&mut connection).await.map_err(broken)
            }
        }
    }
}

/// Small requests go out at once, and a peer that has vanished is noticed in seconds, not in minutes.
fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(5));
    settings
}

fn misuse(words: &'static str, source: RedisError) -> Error {
    Error::with_source(ErrorKind::Misuse, format!("{words}: give `redis://host:port/`"), source)
}

fn broken(source: RedisError) -> Error {
    use redis::ErrorKind as Redis;

    let refused = "redis refuses this client: check its user, password and rights";
    match source.kind() {
        Redis::AuthenticationFailed | Redis::InvalidClientConfig | Redis::Server(ServerErrorKind::NoPerm) => {
            Error::with_source(ErrorKind::Misuse, refused, source)
        }
        _ if matches!(source.code(), Some("NOAUTH" | "WRONGPASS")) => {
            Error::with_source(ErrorKind::Misuse, refused, source)
        }
        Redis::Parse | Redis::UnexpectedReturnType => {
            Error::with_source(ErrorKind::Corrupt, "redis holds a session that cannot be read", source)
        }
        _ if source.code() == Some("WRONGTYPE") => {
            Error::with_source(ErrorKind::Corrupt, "redis holds something else under a session's key", source)
        }
        Redis::Io
        | Redis::ClusterConnectionNotFound
        | Redis::MasterNameNotFoundBySentinel
        | Redis::NoValidReplicasFoundBySentinel
        | Redis::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        ) => Error::with_source(ErrorKind::Unavailable, "redis cannot be reached", source).transient(),
        _ => Error::with_source(ErrorKind::Unavailable, "redis did not run a script", source),
    }
}

#[cfg(feature = "deadpool")]
fn no_connection(source: deadpool_redis::PoolError) -> Error {
    use deadpool_redis::PoolError;

    match source {
        PoolError::Backend(source) => broken(source),
        PoolError::NoRuntimeSpecified | PoolError::Closed => {
            Error::with_source(ErrorKind::Misuse, "the redis pool gives no connections", source)
        }
        PoolError::Timeout(_) | PoolError::PostCreateHook(_) => {
            Error::with_source(ErrorKind::Unavailable, "the redis pool gave no connection", source)
                .transient()
        }
    }
}
