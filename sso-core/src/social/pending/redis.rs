//! Attempts in Redis: the name of the key, the arguments of the one script, and what its replies mean.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Script, ScriptInvocation};

use crate::error::{Error, ErrorKind};
use crate::social::attempt::{BrowserDigest, PendingKey};
use crate::social::pending::{
    LEASE_MILLIS, PENDING_MILLIS, Pending, PendingStore, REPLAY_MILLIS, ReturnTo, Take, reused_state,
};
use crate::social::sign_in::SocialSignIn;
use crate::store::key_prefix;
use crate::store::link::{Link, from_connections};
use crate::store::{At, BoxFuture};

/// Attempts in Redis 5 or later, shared by all servers.
///
/// The key of an attempt is `{<prefix>:<digest>}:o`; it lives ten minutes, and half a minute after its callback.
/// It holds digests, the path to return to and at the end the identity: no code, no token, no cookie.
///
/// ```no_run
/// use sso_core::social::RedisPendingStore;
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = RedisPendingStore::connect("redis://127.0.0.1:6379/").await?.key_prefix("shop")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisPendingStore {
    link: Link,
    script: Arc<Script>,
    key_prefix: Arc<str>,
    deadline: Duration,
}

impl RedisPendingStore {
    /// How long a verb may take unless [`deadline`](Self::deadline) says otherwise.
    pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(500);
    /// How long [`connect`](Self::connect) tries.
    pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
    /// The longest key prefix, in bytes.
    pub const KEY_PREFIX_BYTES_MAX: usize = 32;
    /// How often a second callback looks whether the first has finished.
    const POLL: Duration = Duration::from_millis(50);

    /// Connects to one server, and reconnects whenever that is needed.
    ///
    /// # Errors
    /// `Misuse` if the address is not a Redis address or Redis refuses the user or the password; `Unavailable`,
    /// transient, if Redis does not answer within [`RedisPendingStore::CONNECT_DEADLINE`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to a Redis Cluster through any of its nodes, as [`RedisStore`](crate::RedisStore) does.
    ///
    /// # Errors
    /// As [`RedisPendingStore::connect`], and `Misuse` without an address.
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to the master that sentinels name for this service, as [`RedisStore`](crate::RedisStore) does.
    ///
    /// # Errors
    /// As [`RedisPendingStore::connect`], and `Misuse` without an address.
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, Self::CONNECT_DEADLINE).await?))
    }

    fn new(link: Link) -> Self {
        let script = Arc::new(Script::new(include_str!("pending.lua")));
        Self { link, script, key_prefix: Arc::from("gh"), deadline: Self::DEADLINE_DEFAULT }
    }

    /// Starts all keys with another word than `gh`, for several applications in one Redis.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_`, `.` or `:`.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.key_prefix = Arc::from(key_prefix::checked(prefix)?);
        Ok(self)
    }

    /// Gives every verb so much time, the wait for a connection included.
    ///
    /// A connection of your own has a response timeout too, which ends a call earlier: 500 ms by default in redis-rs,
    /// except over a `ClusterConnection`. Set it to `None` there.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    async fn run(
        &self,
        key: &PendingKey,
        verb: &'static str,
        at: At,
        add: impl FnOnce(&mut ScriptInvocation<'_>) + Send,
    ) -> Result<Vec<String>, Error> {
        let mut call = self.script.key(format!("{{{}:{}}}:o", self.key_prefix, key.digest_text()));
        call.arg(verb);
        match at {
            At::Server => call.arg(""),
            At::Millis(now) => call.arg(now.as_millis()),
        };
        call.arg(PENDING_MILLIS).arg(REPLAY_MILLIS).arg(LEASE_MILLIS);
        add(&mut call);
        self.link.run(&call, self.deadline).await
    }
}

from_connections!(RedisPendingStore: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisPendingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisPendingStore")
            .field("key_prefix", &self.key_prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl PendingStore for RedisPendingStore {
    fn begin<'a>(
        &'a self,
        key: &'a PendingKey,
        pending: &'a Pending,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (browser, to) = (pending.browser.digest_text(), pending.return_to.as_str());
            let reply = self.run(key, "begin", at, |call| {
                call.arg(browser).arg(to);
            });
            match strs(&reply.await?).as_slice() {
                ["begun"] => Ok(()),
                ["used"] => Err(reused_state()),
                _ => Err(unreadable()),
            }
        })
    }

    fn take<'a>(
        &'a self,
        key: &'a PendingKey,
        browser: &'a BrowserDigest,
        at: At,
    ) -> BoxFuture<'a, Result<Take, Error>> {
        Box::pin(async move {
            let reply = self.run(key, "take", at, |call| {
                call.arg(browser.digest_text());
            });
            match strs(&reply.await?).as_slice() {
                ["first", to] => {
                    ReturnTo::new(to).map(|return_to| Take::First { return_to }).map_err(because)
                }
                ["running"] => Ok(Take::Running),
                ["finished", result] => Ok(Take::Finished(Box::new(read(result)?))),
                ["other"] => Ok(Take::OtherBrowser),
                ["unknown"] => Ok(Take::Unknown),
                _ => Err(unreadable()),
            }
        })
    }

    fn finish<'a>(
        &'a self,
        key: &'a PendingKey,
        result: &'a SocialSignIn,
        at: At,
    ) -> BoxFuture<'a, Result<Option<SocialSignIn>, Error>> {
        Box::pin(async move {
            let json = serde_json::to_string(result).map_err(because)?;
            let reply = self.run(key, "finish", at, |call| {
                call.arg(json);
            });
            match strs(&reply.await?).as_slice() {
                ["finished", result] => read(result).map(Some),
                ["unknown"] => Ok(None),
                _ => Err(unreadable()),
            }
        })
    }

    fn release<'a>(&'a self, key: &'a PendingKey, at: At) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match strs(&self.run(key, "release", at, |_| ()).await?).as_slice() {
                ["released" | "unknown"] => Ok(()),
                _ => Err(unreadable()),
            }
        })
    }

    fn changed<'a>(&'a self, _key: &'a PendingKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            tokio::time::sleep(Self::POLL).await;
            Ok(())
        })
    }
}

fn strs(reply: &[String]) -> Vec<&str> {
    reply.iter().map(String::as_str).collect()
}

fn read(json: &str) -> Result<SocialSignIn, Error> {
    serde_json::from_str(json).map_err(because)
}

const UNREADABLE: &str = "redis holds a sign-in that cannot be read";

fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, UNREADABLE, source)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, UNREADABLE)
}
