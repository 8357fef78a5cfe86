//! A ring in Redis, sealed: names of keys, scripts, and what their replies mean.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionManager;

use crate::error::{Error, ErrorKind};
use crate::key_ring::seal::SealKey;
use crate::key_ring::store::{KeptRing, KeyRingStore, Replaced};
use crate::store::BoxFuture;
use crate::store::key_prefix;
use crate::store::link::Link;

/// A ring in Redis 7 or later, sealed with AES-256-GCM under a key that Redis never sees.
///
/// It is one hash, `{<prefix>:keys}`, without a time to live: a ring that nobody refreshes for long is still needed.
/// Whoever can write to Redis can remove the ring, and cannot read or forge it.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Algorithm, KeyPolicy, KeyRing, RedisKeyRingStore, SealKey, UnixMillis};
///
/// # async fn run(seal: SealKey) -> Result<(), sso_core::Error> {
/// let store = RedisKeyRingStore::connect("redis://127.0.0.1:6379/", seal).await?.key_prefix("shop")?;
/// let policy = KeyPolicy::new(Algorithm::Rs256, Duration::from_secs(600))?;
/// let ring = KeyRing::open(Arc::new(store), policy, UnixMillis::now()).await?;
/// # let _ = ring;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisKeyRingStore {
    link: Link,
    seal: SealKey,
    current: Arc<Script>,
    replace: Arc<Script>,
    key: Arc<str>,
    deadline: Duration,
}

impl RedisKeyRingStore {
    /// How long a verb may take unless somebody says otherwise.
    pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(2);

    /// Connects, and keeps connected.
    ///
    /// # Errors
    /// `Misuse` if the address is none or Redis refuses this client; `Unavailable` if it does not answer.
    pub async fn connect(url: &str, seal: SealKey) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, Self::DEADLINE_DEFAULT).await?, seal))
    }

    /// Connects to a cluster through some of its nodes, and follows its slots.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S], seal: SealKey) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, Self::DEADLINE_DEFAULT).await?, seal))
    }

    /// Connects to the master that sentinels name, and follows them to the next one.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_sentinel<S: AsRef<str>>(
        urls: &[S],
        service: &str,
        seal: SealKey,
    ) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, Self::DEADLINE_DEFAULT).await?, seal))
    }

    /// A store over a connection of the application.
    #[must_use]
    pub fn with_manager(connection: ConnectionManager, seal: SealKey) -> Self {
        Self::new(Link::Manager(connection), seal)
    }

    /// A store over a pool of the application.
    #[cfg(feature = "deadpool")]
    #[must_use]
    pub fn with_pool(pool: deadpool_redis::Pool, seal: SealKey) -> Self {
        Self::new(Link::Pool(pool), seal)
    }

    fn new(link: Link, seal: SealKey) -> Self {
        Self {
            link,
            seal,
            current: Arc::new(Script::new(include_str!("current.lua"))),
            replace: Arc::new(Script::new(include_str!("replace.lua"))),
            key: Arc::from("{gh:keys}"),
            deadline: Self::DEADLINE_DEFAULT,
        }
    }

    /// Starts the key with another word than `gh`, for several issuers in one Redis.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_`, `.` or `:`.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.key = Arc::from(format!("{{{}:keys}}", key_prefix::checked(prefix)?));
        Ok(self)
    }

    /// Gives every verb so much time, the wait for a connection included.
    ///
    /// A connection of your own has a response timeout too, which ends a call earlier: 500 ms by default in redis-rs.
    /// Set it to `None` there.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What a sealed text is bound to: its key and its version.
    fn place(&self, version: u64) -> String {
        format!("{} {version}", self.key)
    }
}

impl KeyRingStore for RedisKeyRingStore {
    fn current<'a>(&'a self) -> BoxFuture<'a, Result<Option<KeptRing>, Error>> {
        Box::pin(async move {
            // It only reads, so it may run twice.
            let call = self.current.key(&*self.key);
            let reply: Vec<String> = self.link.run_again(&call, self.deadline).await?;
            let [version, sealed] = reply.as_slice() else {
                return if reply.is_empty() { Ok(None) } else { Err(unreadable()) };
            };
            let version = version.parse().map_err(|_| unreadable())?;
            KeptRing::new(version, self.seal.open(&self.place(version), sealed)?).map(Some)
        })
    }

    fn replace<'a>(&'a self, from: u64, ring: &'a KeptRing) -> BoxFuture<'a, Result<Replaced, Error>> {
        Box::pin(async move {
            let sealed = self.seal.seal(&self.place(ring.version()), ring.expose())?;
            let mut call = self.replace.key(&*self.key);
            call.arg(from).arg(ring.version()).arg(sealed);
            let reply: String = self.link.run(&call, self.deadline).await?;
            match reply.as_str() {
                "done" => Ok(Replaced::Done),
                "outrun" => Ok(Replaced::Outrun),
                _ => Err(unreadable()),
            }
        })
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "redis holds something else than a key ring")
}

impl fmt::Debug for RedisKeyRingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisKeyRingStore")
            .field("key", &self.key)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
