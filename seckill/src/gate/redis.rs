//! The gate's memory in Redis: every verb is one script over keys of one hash slot.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, IntoConnectionInfo, RedisError, ServerErrorKind};

use super::clock;
use super::fault::GateFault;
use super::limit::Limit;
use super::path::{PathStore, Spend};
use super::rate::{RateKey, RateLimiter, Rated, checked};
use super::reply;
use super::room_answer::{Admit, Joined, RoomState};
use super::script::Call;
use super::terms::RoomTerms;
use super::token::{Pass, Purpose};
use super::waiting_room::RoomStore;
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::store::BoxFuture;
use crate::time::At;

/// How long a call may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(1);

/// Rate limits, paths and waiting rooms in Redis 5 or later, or in Redis Cluster.
///
/// All keys of a sale's gate begin with `{gh:gate:<sale>}:` and stand in one hash slot, which need not be
/// that of the sale. Each key expires by itself: a rate key when its debt is paid, a path a minute after
/// it expired, a room a day after it closed.
///
/// A gate that loses its memory starts afresh and sells nothing twice, so asynchronous replication and a
/// server that evicts keys do less harm here than under a sale. A path that is evicted or lost before it
/// expires can be used once more.
///
/// ```no_run
/// # async fn run() -> Result<(), seckill::Error> {
/// use seckill::At;
/// use seckill::gate::{Limit, RateKey, RateLimiter, RedisStore};
/// use std::time::Duration;
///
/// let store = RedisStore::connect("redis://127.0.0.1/").await?;
/// let (key, limit) = (RateKey::new(&seckill::SaleId::new("phone")?, "device", "d-1")?,
///     Limit::new(5, 1, Duration::from_secs(1))?);
/// let rated = store.take(&[(&key, &limit)], 1, At::Server).await?;
/// # drop(rated); Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    wire: Wire,
    deadline: Duration,
}

#[derive(Clone)]
enum Wire {
    Manager(ConnectionManager),
    Multiplexed(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why a command has no answer.
enum Broken {
    Redis(RedisError),
    Late(Duration),
}

impl RedisStore {
    /// Connects to the server at `url` (`redis://...`) over one multiplexed connection that is opened
    /// again when it breaks.
    ///
    /// # Errors
    /// `Misuse` when the url or the password is wrong, `Unavailable` when nobody answers.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let denied = |error| Error::from(GateFault::Denied { source: Box::new(error) });
        let info = url.into_connection_info().map_err(denied)?;
        // Small packets go at once, and the one deadline is ours.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(denied)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100))
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(None);
        let manager = client.get_connection_manager_with_config(config).await;
        Ok(Self::over(Wire::Manager(manager.map_err(|error| redis_error(error, None))?)))
    }

    /// Over a connection that the application holds, which is opened again when it breaks.
    pub fn from_manager(manager: ConnectionManager) -> Self {
        Self::over(Wire::Manager(manager))
    }

    /// Over a connection that the application holds. Turn on `TCP_NODELAY` for it.
    pub fn from_multiplexed(connection: MultiplexedConnection) -> Self {
        Self::over(Wire::Multiplexed(connection))
    }

    /// Over a cluster that the application is connected to. Make its client with `retries(0)`: by itself
    /// it sends a call again whose answer was lost, and then a fresh path is told to be spent.
    pub fn from_cluster(cluster: ClusterConnection) -> Self {
        Self::over(Wire::Cluster(cluster))
    }

    /// Lets each call take `span`; one second unless told.
    #[must_use]
    pub fn deadline(self, span: Duration) -> Self {
        Self { deadline: span, ..self }
    }

    fn over(wire: Wire) -> Self {
        Self { wire, deadline: DEADLINE }
    }

    /// Sends a script by its digest, and by its text when this server does not know it yet. Both forms
    /// are safe to send: a server that does not know a script has not run it.
    async fn run(&self, call: &Call<'_>) -> Result<String, Error> {
        let answer = match self.query(&call.by_digest()).await {
            Err(Broken::Redis(error))
                if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.query(&call.by_text()).await
            }
            answer => answer,
        };
        answer.map_err(|broken| match broken {
            Broken::Redis(error) => redis_error(error, Some(call.sale)),
            Broken::Late(deadline) => GateFault::Late { millis: deadline.as_millis() }.into(),
        })
    }

    async fn query(&self, cmd: &Cmd) -> Result<String, Broken> {
        let asked = async {
            match &self.wire {
                Wire::Manager(manager) => cmd.query_async(&mut manager.clone()).await,
                Wire::Multiplexed(connection) => cmd.query_async(&mut connection.clone()).await,
                Wire::Cluster(cluster) => cmd.query_async(&mut cluster.clone()).await,
            }
        };
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(answer) => answer.map_err(Broken::Redis),
            Err(_) => Err(Broken::Late(self.deadline)),
        }
    }

    async fn take_now(&self, limits: &[(&RateKey, &Limit)], cost: u32, at: At) -> Result<Rated, Error> {
        let sale = checked(limits, cost)?;
        if let At::Millis(_) = at {
            clock::now_micros(at)?;
        }
        reply::rated(&self.run(&Call::take(sale, limits, cost, at)).await?, sale, limits.len())
    }

    async fn spend_now(&self, path: &Pass, at: At) -> Result<Spend, Error> {
        if path.purpose() != Purpose::Path {
            return Err(GateFault::NotPath.into());
        }
        reply::spent(&self.run(&Call::spend(path, at)).await?, path.sale())
    }
}

/// Sorts what redis says: the way there, the settings, the keys, or the server itself.
fn redis_error(error: RedisError, sale: Option<&SaleId>) -> Error {
    use ServerErrorKind as Server;
    use redis::ErrorKind as Kind;

    let code = error.code().map(str::to_owned).unwrap_or_default();
    // Before Redis 7 the code of a command inside a script stands only in the text.
    let wrong_type = code == "WRONGTYPE" || error.to_string().contains("WRONGTYPE");
    let denied = matches!(
        error.kind(),
        Kind::AuthenticationFailed | Kind::InvalidClientConfig | Kind::Server(Server::NoPerm)
    );
    let away = matches!(
        error.kind(),
        Kind::Io
            | Kind::ClusterConnectionNotFound
            | Kind::Server(
                Server::BusyLoading
                    | Server::TryAgain
                    | Server::ClusterDown
                    | Server::MasterDown
                    | Server::ReadOnly
                    | Server::Moved
                    | Server::Ask
            )
    );
    let lost = error.is_io_error() || error.is_timeout() || error.is_connection_dropped();
    let source = Box::new(error);
    match (sale, code.as_str()) {
        (Some(sale), _) if wrong_type => {
            GateFault::Foreign { sale: sale.clone(), source: Some(source) }.into()
        }
        (_, "NOAUTH" | "WRONGPASS") => GateFault::Denied { source }.into(),
        _ if denied => GateFault::Denied { source }.into(),
        (_, "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS") => GateFault::Unreachable { source }.into(),
        _ if away || lost => GateFault::Unreachable { source }.into(),
        _ => GateFault::Failed { source }.into(),
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl RateLimiter for RedisStore {
    fn take<'a>(
        &'a self,
        limits: &'a [(&'a RateKey, &'a Limit)],
        cost: u32,
        at: At,
    ) -> BoxFuture<'a, Result<Rated, Error>> {
        Box::pin(self.take_now(limits, cost, at))
    }
}

impl PathStore for RedisStore {
    fn spend<'a>(&'a self, path: &'a Pass, at: At) -> BoxFuture<'a, Result<Spend, Error>> {
        Box::pin(self.spend_now(path, at))
    }
}

impl RoomStore for RedisStore {
    fn join<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Joined, Error>> {
        Box::pin(async move { reply::joined(&self.run(&Call::join(terms, buyer, at)).await?, terms.sale()) })
    }

    fn admit<'a>(
        &'a self,
        terms: &'a RoomTerms,
        buyer: &'a BuyerId,
        at: At,
    ) -> BoxFuture<'a, Result<Admit, Error>> {
        Box::pin(
            async move { reply::admitted(&self.run(&Call::admit(terms, buyer, at)).await?, terms.sale()) },
        )
    }

    fn left_hint<'a>(
        &'a self,
        terms: &'a RoomTerms,
        left: u64,
        at: At,
    ) -> BoxFuture<'a, Result<RoomState, Error>> {
        Box::pin(
            async move { reply::state(&self.run(&Call::left_hint(terms, left, at)).await?, terms.sale()) },
        )
    }
}
