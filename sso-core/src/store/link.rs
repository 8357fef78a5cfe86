//! How a script or a look at a session reaches Redis: over which connection, within which deadline, and what failed.
//!
//! One server, the master that sentinels name, or the nodes of a cluster: see `link/nodes.rs`.

mod broken;
mod nodes;
mod seeds;
mod slot;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation, Value};
use tokio::time::timeout;

#[cfg(feature = "deadpool")]
use self::broken::no_connection;
use self::broken::{broken, is_cut, is_moved, is_unknown_script, only_a_node};
use self::nodes::{Nodes, Routed};
use self::seeds::Seeds;
use crate::error::{Error, ErrorKind};

/// How many servers in a row may turn out not to know a script that the one before was just taught.
const UNKNOWN_SCRIPTS_MAX: u8 = 4;

/// A way to Redis. A clone is the same way.
#[derive(Clone)]
pub(crate) enum Link {
    /// Connections that are opened on demand, to the servers that are masters now.
    Nodes(Arc<Nodes>),
    /// One connection that stays broken once it is.
    Multiplexed(MultiplexedConnection),
    /// One connection that is made anew when it breaks.
    Manager(ConnectionManager),
    /// Connections to all nodes of a cluster, as the application made them.
    Cluster(ClusterConnection),
    /// Connections of a pool that the application shares out.
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::Pool),
}

/// Makes a store from each kind of connection that an application may hold. The store is made of a [`Link`] by `new`.
macro_rules! from_connections {
    ($store:ident: $multiplexed:ident, $manager:ident, $cluster:ident) => {
        impl From<$multiplexed> for $store {
            fn from(connection: $multiplexed) -> Self {
                Self::new($crate::store::link::Link::Multiplexed(connection))
            }
        }

        impl From<$manager> for $store {
            fn from(connection: $manager) -> Self {
                Self::new($crate::store::link::Link::Manager(connection))
            }
        }

        impl From<$cluster> for $store {
            fn from(connection: $cluster) -> Self {
                Self::new($crate::store::link::Link::Cluster(connection))
            }
        }

        #[cfg(feature = "deadpool")]
        impl From<deadpool_redis::Pool> for $store {
            fn from(pool: deadpool_redis::Pool) -> Self {
                Self::new($crate::store::link::Link::Pool(pool))
            }
        }
    };
}

pub(crate) use from_connections;

impl Link {
    /// Connects to one server, and keeps connected: a lost connection is made anew by the next call.
    pub(crate) async fn connect(url: &str, deadline: Duration) -> Result<Self, Error> {
        Self::reach(Seeds::single(url)?, deadline).await
    }

    /// Connects to a cluster through some of its nodes, and follows its slots.
    pub(crate) async fn connect_cluster<S: AsRef<str>>(
        urls: &[S],
        deadline: Duration,
    ) -> Result<Self, Error> {
        Self::reach(Seeds::cluster(urls)?, deadline).await
    }

    /// Connects to the master that sentinels name, and follows them to the next one.
    pub(crate) async fn connect_sentinel<S: AsRef<str>>(
        urls: &[S],
        service: &str,
        deadline: Duration,
    ) -> Result<Self, Error> {
        Self::reach(Seeds::sentinel(urls, service)?, deadline).await
    }

    /// Opens the first connection, so that a wrong address or password is told at once.
    async fn reach(seeds: Seeds, deadline: Duration) -> Result<Self, Error> {
        let nodes = Arc::new(Nodes::new(seeds));
        match timeout(deadline, nodes.reach()).await {
            Ok(reached) => reached.map_err(broken).map(|()| Self::Nodes(nodes)),
            Err(elapsed) => Err(late(format!("no connection to redis within {}", millis(deadline)), elapsed)),
        }
    }

    /// How to reach the server that holds a key now, for a connection beside these; `None` if only the application
    /// knows that.
    #[cfg(feature = "token")]
    pub(crate) async fn server_of(&self, key: &str) -> Result<Option<redis::ConnectionInfo>, Error> {
        match self {
            Self::Nodes(nodes) => nodes.server_of(key).await.map(Some).map_err(broken),
            Self::Multiplexed(_) | Self::Manager(_) | Self::Cluster(_) => Ok(None),
            #[cfg(feature = "deadpool")]
            Self::Pool(_) => Ok(None),
        }
    }

    /// Runs a script in one round trip; in three when the server does not know the script yet.
    ///
    /// It is sent once: after a transient error, whether it ran is unknown.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        deadline: Duration,
    ) -> Result<T, Error> {
        self.bounded(Call::Script(script), deadline, 0).await
    }

    /// The same for a script that may run twice: it is sent a second time when its connection breaks.
    pub(crate) async fn run_again<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        deadline: Duration,
    ) -> Result<T, Error> {
        self.bounded(Call::Script(script), deadline, 1).await
    }

    /// Whether [`read`](Self::read) goes to the master of the keys, as a script does. A cluster connection of the
    /// application's own may send it to a replica, which may not know yet that a session has ended.
    pub(crate) fn reads_masters(&self) -> bool {
        !matches!(self, Self::Cluster(_))
    }

    /// Sends commands that read, of which the first names the one key, in one round trip; a second time when their
    /// connection breaks.
    pub(crate) async fn read<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        deadline: Duration,
    ) -> Result<T, Error> {
        self.bounded(Call::Read(commands), deadline, 1).await
    }

    async fn bounded<T: FromRedisValue>(
        &self,
        call: Call<'_>,
        deadline: Duration,
        mut again: u8,
    ) -> Result<T, Error> {
        let mut routed = match self {
            Self::Nodes(nodes) => Some(nodes.route()),
            _ => None,
        };
        let mut unknown = UNKNOWN_SCRIPTS_MAX;
        let attempts = async {
            loop {
                match self.attempt(call, routed.as_mut()).await {
                    Err(Failed::Redis(error)) if again > 0 && is_cut(&error) => again -= 1,
                    // The keys moved to a server that does not know the script, and ran nothing.
                    Err(Failed::Redis(error)) if unknown > 0 && is_unknown_script(&error) => unknown -= 1,
                    Err(Failed::Redis(error)) if is_moved(&error) && !matches!(self, Self::Cluster(_)) => {
                        return Err(only_a_node(error));
                    }
                    other => return other.map_err(Error::from),
                }
            }
        };
        match timeout(deadline, attempts).await {
            Ok(answer) => answer,
            Err(elapsed) => {
                if let Some(routed) = &routed {
                    // A connection on which an answer is overdue may be dead: the next call takes a new one.
                    routed.give_up();
                }
                let words =
                    format!("redis did not answer within {}: the outcome is unknown", millis(deadline));
                Err(late(words, elapsed))
            }
        }
    }

    async fn attempt<T: FromRedisValue>(
        &self,
        call: Call<'_>,
        routed: Option<&mut Routed<'_>>,
    ) -> Result<T, Failed> {
        let answer = match self {
            Self::Nodes(nodes) => match routed {
                Some(routed) => call.over(routed).await,
                None => call.over(&mut nodes.route()).await,
            },
            Self::Multiplexed(connection) => call.over(&mut connection.clone()).await,
            Self::Manager(connection) => call.over(&mut connection.clone()).await,
            Self::Cluster(connection) => call.over(&mut connection.clone()).await,
            #[cfg(feature = "deadpool")]
            Self::Pool(pool) => {
                let mut connection = pool.get().await.map_err(Failed::Pool)?;
                call.over(&mut connection).await
            }
        };
        answer.map_err(Failed::Redis)
    }
}

/// What is sent.
#[derive(Clone, Copy)]
enum Call<'a> {
    Script(&'a ScriptInvocation<'a>),
    Read(&'a Pipeline),
}

impl Call<'_> {
    async fn over<T: FromRedisValue>(self, connection: &mut impl ConnectionLike) -> RedisResult<T> {
        match self {
            Self::Script(script) => script.invoke_async(connection).await,
            Self::Read(commands) => {
                let answers = connection.req_packed_commands(commands, 0, commands.len()).await?;
                Ok(T::from_redis_value(Value::Array(answers).extract_error()?)?)
            }
        }
    }
}

/// Why one attempt has no answer.
enum Failed {
    Redis(RedisError),
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::PoolError),
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Redis(source) => broken(source),
            #[cfg(feature = "deadpool")]
            Failed::Pool(source) => no_connection(source),
        }
    }
}

fn late(words: String, elapsed: tokio::time::error::Elapsed) -> Error {
    Error::with_source(ErrorKind::Unavailable, words, elapsed).transient()
}

fn millis(deadline: Duration) -> String {
    format!("{} ms", deadline.as_millis())
}
