//! One connection of one consumer, on which a read may wait for as long as it likes.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult, Script, Value,
};

use super::fault::OrdersFault;
use crate::error::{Error, Fault};
use crate::ids::SaleId;

/// How long a command may take that waits for nothing, and a connection to come about.
const DEADLINE: Duration = Duration::from_secs(5);
/// Above every deadline of ours, since a client for a cluster cannot do without one.
const CLUSTER_DEADLINE: Duration = Duration::from_secs(3600);

/// Where the streams are.
#[derive(Clone)]
pub(super) enum Servers {
    Single(Client),
    /// Sentinels, and the service that they watch. All have the credentials of the first.
    Sentinels(Arc<[ConnectionInfo]>, Arc<str>),
    Cluster(Arc<ClusterClient>),
}

/// A connection that nobody else uses.
pub(super) struct Line {
    wire: Wire,
    sale: SaleId,
}

enum Wire {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Servers {
    /// One server.
    pub(super) fn single(url: &str, sale: &SaleId) -> Result<Self, Error> {
        Client::open(info(url, sale)?).map(Self::Single).map_err(|error| fault(&error, sale))
    }

    /// The master that sentinels name. The credentials of the first url are those of all servers.
    pub(super) fn sentinels(urls: &[&str], service: &str, sale: &SaleId) -> Result<Self, Error> {
        Ok(Self::Sentinels(infos(urls, sale)?.into(), service.into()))
    }

    /// Some nodes of a cluster. The credentials of the first url are those of all nodes.
    pub(super) fn cluster(urls: &[&str], sale: &SaleId) -> Result<Self, Error> {
        let builder = ClusterClient::builder(infos(urls, sale)?)
            .connection_timeout(DEADLINE)
            .response_timeout(CLUSTER_DEADLINE);
        let client = builder.build().map_err(|error| fault(&error, sale))?;
        Ok(Self::Cluster(Arc::new(client)))
    }

    /// Opens a connection.
    pub(super) async fn open(&self, sale: &SaleId) -> Result<Line, Error> {
        let opening = async {
            match self {
                Self::Single(client) => connect(client).await.map(Wire::Single),
                Self::Sentinels(infos, service) => master(infos, service).await.map(Wire::Single),
                Self::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
            }
        };
        let wire = within(DEADLINE, sale, opening).await?;
        Ok(Line { wire, sale: sale.clone() })
    }
}

impl Line {
    /// Sends a command that waits for nothing.
    pub(super) async fn ask<T: FromRedisValue>(&mut self, cmd: &Cmd) -> Result<T, Error> {
        self.wait(cmd, Duration::ZERO).await
    }

    /// Sends a command that may wait for `span` at the server.
    pub(super) async fn wait<T: FromRedisValue>(&mut self, cmd: &Cmd, span: Duration) -> Result<T, Error> {
        within(DEADLINE.saturating_add(span), &self.sale, cmd.query_async(&mut self.wire)).await
    }

    /// Runs a script.
    pub(super) async fn run<T: FromRedisValue>(
        &mut self,
        script: &Script,
        keys: &[&str],
        args: &[&str],
    ) -> Result<T, Error> {
        let mut call = script.prepare_invoke();
        keys.iter().for_each(|key| {
            call.key(*key);
        });
        args.iter().for_each(|arg| {
            call.arg(*arg);
        });
        within(DEADLINE, &self.sale, call.invoke_async(&mut self.wire)).await
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(DEADLINE)).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Connects to the master of a service, which the first sentinel that answers names.
async fn master(sentinels: &[ConnectionInfo], service: &str) -> RedisResult<MultiplexedConnection> {
    let mut last =
        RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel knows the service"));
    for info in sentinels {
        match named(info, service).await {
            Ok(Some((host, port))) => {
                let addr = match info.addr().clone() {
                    ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                        ConnectionAddr::TcpTls { host, port, insecure, tls_params }
                    }
                    _ => ConnectionAddr::Tcp(host, port),
                };
                return connect(&Client::open(info.clone().set_addr(addr))?).await;
            }
            Ok(None) => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn named(sentinel: &ConnectionInfo, service: &str) -> RedisResult<Option<(String, u16)>> {
    let mut connection = connect(&Client::open(sentinel.clone())?).await?;
    let mut cmd = redis::cmd("SENTINEL");
    cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(service).query_async(&mut connection).await
}

/// Reads an address.
fn info(url: &str, sale: &SaleId) -> Result<ConnectionInfo, Error> {
    let info = url.into_connection_info().map_err(|error| fault(&error, sale))?;
    // Without the delay of small packets.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_tcp_settings(tcp))
}

/// Reads addresses. What the first says besides its address holds for all.
fn infos(urls: &[&str], sale: &SaleId) -> Result<Vec<ConnectionInfo>, Error> {
    let (first, _) = urls.split_first().ok_or(Fault::NoAddress)?;
    let first = info(first, sale)?;
    urls.iter().map(|url| Ok(first.clone().set_addr(info(url, sale)?.addr().clone()))).collect()
}

fn fault(error: &RedisError, sale: &SaleId) -> Error {
    OrdersFault::of_redis(error, sale).into()
}

async fn within<T>(
    span: Duration,
    sale: &SaleId,
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(span, answer).await;
    let answer = answer.map_err(|_| OrdersFault::Late { millis: span.as_millis() })?;
    answer.map_err(|error| fault(&error, sale))
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_first_url_has_the_credentials_of_all() {
        let sale = SaleId::new("phone").unwrap();
        let urls = ["redis://ann:secret@one:1", "redis://two:2", "redis://bob:other@three:3"];
        let Ok(Servers::Sentinels(infos, _)) = Servers::sentinels(&urls, "mymaster", &sale) else {
            panic!("these are urls")
        };
        let seen: Vec<_> = infos.iter().map(|info| (info.addr(), info.redis_settings())).collect();
        for ((addr, settings), (host, port)) in seen.into_iter().zip([("one", 1), ("two", 2), ("three", 3)]) {
            assert_eq!(*addr, ConnectionAddr::Tcp(host.to_owned(), port));
            assert_eq!((settings.username(), settings.password()), (Some("ann"), Some("secret")));
        }
        // The client for a cluster refuses nodes of which one has other credentials.
        assert!(Servers::cluster(&urls, &sale).is_ok());
        for none in [Servers::sentinels(&[], "mymaster", &sale), Servers::cluster(&[], &sale)] {
            assert_eq!(none.err().map(|error| error.kind()), Some(ErrorKind::InvalidInput));
        }
    }
}
