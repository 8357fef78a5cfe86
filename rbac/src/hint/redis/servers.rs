//! The way to a Redis: one of some servers, or the master that sentinels name. What is sent there is decided above.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError,
    RedisResult,
};
use tokio::time::timeout;

use crate::error::{Error, Repr};

/// Where to connect.
#[derive(Clone)]
pub(super) enum Servers {
    /// To any of them.
    Any(Arc<[Client]>),
    /// To the master of the service.
    Master { sentinels: Arc<[ConnectionInfo]>, service: Arc<str> },
}

impl Servers {
    pub(super) fn any(urls: &[impl AsRef<str>]) -> Result<Self, Error> {
        let clients = urls.iter().map(|url| Client::open(url.as_ref()).map_err(misread));
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        if clients.is_empty() { Err(Repr::HintNowhere.into()) } else { Ok(Self::Any(clients.into())) }
    }

    pub(super) fn master(urls: &[impl AsRef<str>], service: &str) -> Result<Self, Error> {
        let infos = urls.iter().map(|url| url.as_ref().into_connection_info().map_err(misread));
        let infos = infos.collect::<Result<Vec<_>, _>>()?;
        let first = infos.first().ok_or(Repr::HintNowhere)?.clone();
        let sentinels = infos.iter().map(|info| first.clone().set_addr(info.addr().clone())).collect();
        Ok(Self::Master { sentinels, service: service.into() })
    }

    /// Connects in the way given, to the first server with which that succeeds. None of them may use up the time that the
    /// others need.
    pub(super) async fn reach<T, F: Future<Output = RedisResult<T>>>(
        &self,
        deadline: Duration,
        connect: impl Fn(Client) -> F,
    ) -> RedisResult<T> {
        let mut last = None;
        match self {
            Self::Any(clients) => {
                for client in clients.iter() {
                    match within(share(deadline, clients.len()), connect(client.clone())).await {
                        Err(error) => last = Some(error),
                        connected => return connected,
                    }
                }
            }
            Self::Master { sentinels, service } => {
                for sentinel in sentinels.iter() {
                    let reach = async { connect(master_of(sentinel, service).await?).await };
                    match within(share(deadline, sentinels.len()), reach).await {
                        Err(error) => last = Some(error),
                        connected => return connected,
                    }
                }
            }
        }
        Err(last.unwrap_or_else(unnamed))
    }
}

/// A connection for commands. Its time is limited by whoever waits for it.
pub(super) async fn connect(client: Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The master of a service by the word of one sentinel.
async fn master_of(sentinel: &ConnectionInfo, service: &str) -> RedisResult<Client> {
    let mut connection = connect(Client::open(sentinel.clone())?).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let named: Option<(String, u16)> = question.query_async(&mut connection).await?;
    let (host, port) = named.ok_or_else(unnamed)?;
    let addr = match sentinel.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    Client::open(sentinel.clone().set_addr(addr))
}

async fn within<T>(time: Duration, connecting: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
    timeout(time, connecting).await.unwrap_or_else(late)
}

/// One of so many equal parts.
fn share(time: Duration, parts: usize) -> Duration {
    time.checked_div(u32::try_from(parts).unwrap_or(u32::MAX)).unwrap_or(time)
}

fn unnamed() -> RedisError {
    RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel knows the service"))
}

fn misread(source: RedisError) -> Error {
    super::failed("read the address", source)
}
