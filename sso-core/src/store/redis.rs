//! Sessions in Redis: the store and how it is reached. Its verbs are in `redis/verbs.rs`, its pages in
//! `redis/pages.rs`, the names of its keys in `redis/keys.rs`, the rule in `redis/rule.lua`.

mod calls;
mod keys;
mod pages;
mod recent;
mod verbs;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;

use self::calls::Scripts;
use self::keys::Keys;
use self::recent::Recent;
use crate::error::Error;
use crate::store::link::{Link, from_connections};

/// Sessions in Redis 7 or later, shared by all servers: one server, a master that sentinels watch, or a cluster.
///
/// Every verb is one script and one round trip, pages of users aside. A check of a session that this store has seen
/// less than `touch_every` ago is cheaper still: a read and the server's time, in one round trip, judged here by
/// [`decide`](crate::decide). If it finds that there is something to write after all, the script follows. Over a
/// [`ClusterConnection`], which may read from replicas, a check is always the script. The store remembers about 32 000
/// sessions for that, in 256 KiB.
///
/// All of a user's keys are in the bucket of the first byte of the user's tag, and all of a bucket's keys are on one
/// node of a cluster. No key is named after a secret or a user. Every key has a time to live, set by the script that
/// writes it. With `xx` for two hex digits:
///
/// - `{<prefix>:xx}:s:<digest>`: a session, or why and when it ended.
/// - `{<prefix>:xx}:u:<user tag>`: the index of a user's live sessions.
/// - `{<prefix>:xx}:o` and `{<prefix>:xx}:x`: the users who are online, by name and by how long.
///
/// A check declares the session's key alone, and the scripts that walk over a user's sessions declare the lists: the
/// other keys are made from these, and have the same hash tag.
///
/// A server that has no memory left (`maxmemory`) refuses logins and changes of sessions, as `Unavailable`. Checks,
/// lists and all that ends sessions go on, and may take a little more memory.
///
/// Give it a Redis with `maxmemory-policy noeviction`: any other policy may drop keys that are needed. Without
/// the index, `list` and `end_some` miss the user's sessions, and `create` does not count them, until the next
/// use of each session is written down, which brings it back into the index.
///
/// # Failures
///
/// While Redis is away, every verb fails within its [`deadline`](Self::deadline) as `Unavailable` and transient, and no
/// session is active. A store that was made with [`connect`](Self::connect),
/// [`connect_cluster`](Self::connect_cluster) or [`connect_sentinel`](Self::connect_sentinel) finds the server, the
/// promoted replica or the moved slot by itself. `check`, `list` and `online` are sent a second time when their
/// connection breaks; an event of the first time is lost then. All other verbs are sent once: after a transient error
/// it is unknown whether they ran.
///
/// While a slot moves from node to node, checks go on; the verbs that need several keys wait for them to be together
/// again, until their deadline.
///
/// Made also from a [`MultiplexedConnection`], a [`ConnectionManager`], a [`ClusterConnection`] or, with the feature
/// `deadpool`, a pool: `RedisStore::from(connection)`. A connection of your own should have `TCP_NODELAY` on. A
/// `ClusterConnection` of your own should not send again what may have run (`retries(0)`), and it reaches keys in the
/// middle of a move one by one: end sessions once more after you have moved slots under it.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{RedisStore, SessionLimits, Sso};
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = RedisStore::connect("redis://127.0.0.1:6379/").await?
///     .key_prefix("shop")?
///     .deadline(Duration::from_millis(200));
/// let sso = Sso::new(Arc::new(store), SessionLimits::default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    scripts: Arc<Scripts>,
    recent: Arc<Recent>,
    keys: Keys,
    deadline: Duration,
}

impl RedisStore {
    /// How long a verb may take unless [`deadline`](Self::deadline) says otherwise.
    pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(500);
    /// How long [`connect`](Self::connect) tries.
    pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
    /// The longest key prefix, in bytes.
    pub const KEY_PREFIX_BYTES_MAX: usize = 32;

    /// Connects to one server, and reconnects whenever that is needed.
    ///
    /// # Errors
    /// `Misuse` if the address is not a Redis address or Redis refuses the user or the password; `Unavailable`,
    /// transient, if Redis does not answer within [`RedisStore::CONNECT_DEADLINE`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to a Redis Cluster through any of its nodes, and follows its slots wherever they go. The user, the
    /// password and the encryption of the first address are those of all nodes.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), sso_core::Error> {
    /// let nodes = ["redis://10.0.0.1:6379/", "redis://10.0.0.2:6379/"];
    /// let store = sso_core::RedisStore::connect_cluster(&nodes).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`RedisStore::connect`], and `Misuse` without an address.
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to the master that sentinels name for this service, and follows them to the next one. The user, the
    /// password, the database and the encryption of the first address are those of the servers; sentinels that
    /// have no password are asked without one.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), sso_core::Error> {
    /// let sentinels = ["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/", "redis://10.0.0.3:26379/"];
    /// let store = sso_core::RedisStore::connect_sentinel(&sentinels, "mymaster").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`RedisStore::connect`], and `Misuse` without an address.
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, Self::CONNECT_DEADLINE).await?))
    }

    fn new(link: Link) -> Self {
        let (scripts, recent) = (Arc::new(Scripts::new()), Arc::new(Recent::new()));
        Self { link, scripts, recent, keys: Keys::default(), deadline: Self::DEADLINE_DEFAULT }
    }

    /// Starts all keys with another word than `gh`, for several applications in one Redis.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_`, `.` or `:`.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.keys = Keys::new(prefix)?;
        Ok(self)
    }

    /// Gives every call to Redis so much time, the wait for a connection included. A verb is one call; it is a second
    /// one for a check that finds a list of the user's lost or read what has to be written, and several for a page of users or their number.
    ///
    /// A connection of your own has a response timeout too, which ends a call earlier: 500 ms by default in redis-rs,
    /// except over a `ClusterConnection`. Set it to `None` there.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

from_connections!(RedisStore: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("key_prefix", &self.keys.prefix())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
