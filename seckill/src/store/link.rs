//! The way to the server: whichever connection the application holds, with one deadline a call.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisError, ServerErrorKind};

use super::script::Call;
use crate::error::{Error, Fault};
use crate::ids::SaleId;

/// How long a call may take, unless told otherwise.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// A connection and the time that one call over it may take.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) wire: Wire,
    pub(crate) deadline: Duration,
}

#[derive(Clone)]
pub(crate) enum Wire {
    Multiplexed(MultiplexedConnection),
    Manager(ConnectionManager),
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::Pool),
}

/// Why a command has no answer.
pub(crate) enum Broken {
    Redis(RedisError),
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::PoolError),
    Late(Duration),
}

impl Link {
    /// Connects, without the delay of small packets and with one deadline: ours.
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let info = url.into_connection_info().map_err(denied)?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(denied)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100))
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(None);
        let opening = client.get_connection_manager_with_config(config);
        let manager = opening.await.map_err(|error| Broken::Redis(error).into_error(None))?;
        Ok(Self { wire: Wire::Manager(manager), deadline: DEADLINE })
    }

    /// Sends a script by its digest, and by its text when this server does not know it yet. Both forms
    /// are safe to send: a server that does not know a script has not run it.
    pub(crate) async fn run(&self, call: &Call<'_>) -> Result<String, Error> {
        let answer = match self.query(&call.by_digest()).await {
            Err(broken) if broken.server_kind() == Some(ServerErrorKind::NoScript) => {
                self.query(&call.by_text()).await
            }
            answer => answer,
        };
        answer.map_err(|broken| broken.into_error(Some(call.sale())))
    }

    /// Sends one command, once.
    pub(crate) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Broken> {
        let answer = tokio::time::timeout(self.deadline, self.wire.query(cmd)).await;
        answer.unwrap_or(Err(Broken::Late(self.deadline)))
    }
}

impl Wire {
    async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Broken> {
        match self {
            Self::Multiplexed(connection) => cmd.query_async(&mut connection.clone()).await,
            Self::Manager(manager) => cmd.query_async(&mut manager.clone()).await,
            #[cfg(feature = "deadpool")]
            Self::Pool(pool) => {
                let mut connection = pool.get().await.map_err(Broken::Pool)?;
                cmd.query_async(&mut connection).await
            }
        }
        .map_err(Broken::Redis)
    }
}

impl Broken {
    /// What kind of refusal the server itself gave, if it did.
    pub(crate) fn server_kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Redis(error) => match error.kind() {
                redis::ErrorKind::Server(kind) => Some(kind),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the server answered at all, if only to refuse.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Redis(error) if error.code().is_some())
    }

    /// The error of a call about `sale`.
    pub(crate) fn into_error(self, sale: Option<&SaleId>) -> Error {
        match self {
            Self::Late(deadline) => Fault::Deadline { millis: deadline.as_millis() }.into(),
            #[cfg(feature = "deadpool")]
            Self::Pool(error) => Fault::Unreachable { source: Box::new(error) }.into(),
            Self::Redis(error) => redis_error(error, sale),
        }
    }
}

/// Sorts what redis says: the way there, the caller's settings, the sale's keys, or the server itself.
fn redis_error(error: RedisError, sale: Option<&SaleId>) -> Error {
    use redis::ErrorKind as Kind;
    use redis::ServerErrorKind as Server;

    let code = error.code().map(str::to_owned).unwrap_or_default();
    match (error.kind(), code.as_str(), sale) {
        (Kind::AuthenticationFailed | Kind::InvalidClientConfig, ..)
        | (Kind::Server(Server::NoPerm), ..)
        | (_, "NOAUTH" | "WRONGPASS", _) => denied(error),
        (_, "WRONGTYPE", Some(sale)) => {
            Fault::WrongType { sale: sale.clone(), source: Box::new(error) }.into()
        }
        (
            Kind::Server(
                Server::BusyLoading
                | Server::TryAgain
                | Server::ClusterDown
                | Server::MasterDown
                | Server::ReadOnly
                | Server::Moved
                | Server::Ask,
            )
            | Kind::Io
            | Kind::ClusterConnectionNotFound,
            ..,
        )
        | (_, "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS", _) => {
            Fault::Unreachable { source: Box::new(error) }.into()
        }
        _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
            Fault::Unreachable { source: Box::new(error) }.into()
        }
        _ => Fault::Failed { source: Box::new(error) }.into(),
    }
}

fn denied(error: RedisError) -> Error {
    Fault::Denied { source: Box::new(error) }.into()
}
