//! The log of revocations in Redis: names of keys, arguments of scripts, and what their replies mean.
//!
//! The rule is in `redis/revoke.lua`. The hints to other servers come through `subscription`.

mod subscription;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Script, ScriptInvocation};

use self::subscription::Source;
use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::revocation::memory::MemoryRevocations;
use crate::revocation::rule::{Epoch, Revocation, full, room, too_far_ahead};
use crate::revocation::{LogPage, LogPoint, ReadFrom, RevocationStore, RevokeOutcome};
use crate::store::key_prefix;
use crate::store::link::{Link, from_connections};
use crate::store::redis::RedisStore;
use crate::store::{At, BoxFuture};
use crate::time::{UnixMillis, whole_millis};

/// A log of revocations in Redis, shared by all servers.
///
/// It is four keys, `{<prefix>:revoked}:l`, `:a`, `:x` and `:m`, and a channel `{<prefix>:revoked}:c`. They are on
/// one node of a cluster: only one order of entries lets a reader know that it has missed none, and revocations are
/// rare. No key or value holds a user id or a usable token; all keys have a time to live.
///
/// Give it a Redis with `maxmemory-policy noeviction`: any other policy may drop a part of the log. What is left of it
/// may be unreadable then, and with the next revocation the log begins anew. Revocations are written even if there
/// is no memory left.
///
/// After a fail-over or a restart, Redis may have lost the last revocations that it acknowledged, and after an eviction
/// all. A view that has read them keeps them; a server that starts later does not learn them. Revoke again if that
/// matters.
///
/// Made with [`connect`](Self::connect), [`connect_cluster`](Self::connect_cluster) or
/// [`connect_sentinel`](Self::connect_sentinel), which subscribe to the server that holds the log; or from a
/// [`MultiplexedConnection`], a [`ConnectionManager`], a [`ClusterConnection`] or, with the feature `deadpool`, a pool,
/// which need [`wake_from`](Self::wake_from) to learn of revocations at once.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{RedisRevocations, Revocations, RevocationsConfig, Revoker};
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let log = Arc::new(RedisRevocations::connect("redis://127.0.0.1:6379/").await?);
/// let view = Arc::new(Revocations::follow(log.clone(), RevocationsConfig::default()));
/// let revoker = Revoker::new(log, Duration::from_secs(3600));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisRevocations {
    link: Link,
    wake_from: Option<redis::Client>,
    scripts: Arc<Scripts>,
    keys: Arc<Keys>,
    entries_max: usize,
    deadline: Duration,
}

struct Scripts {
    revoke: Script,
    read: Script,
}

struct Keys {
    all: [String; 4],
    channel: String,
}

impl Keys {
    fn new(prefix: &str) -> Self {
        let key = |name| format!("{{{prefix}:revoked}}:{name}");
        Self { all: ["l", "a", "x", "m"].map(key), channel: key("c") }
    }
}

impl RedisRevocations {
    /// Connects to one server, and reconnects whenever that is needed.
    ///
    /// # Errors
    /// `Misuse` if the address is not a Redis address or Redis refuses the user or the password; `Unavailable`,
    /// transient, if Redis does not answer within [`RedisStore::CONNECT_DEADLINE`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, RedisStore::CONNECT_DEADLINE).await?))
    }

    /// Connects to a cluster through some of its nodes, and follows its slots.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and `Misuse` without an address.
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, RedisStore::CONNECT_DEADLINE).await?))
    }

    /// Connects to the master that sentinels name for this service, and follows them to the next one.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and `Misuse` without an address.
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, RedisStore::CONNECT_DEADLINE).await?))
    }

    fn new(link: Link) -> Self {
        let scripts = Scripts {
            revoke: Script::new(concat!(include_str!("redis/rule.lua"), include_str!("redis/revoke.lua"))),
            read: Script::new(concat!(include_str!("redis/rule.lua"), include_str!("redis/read.lua"))),
        };
        Self {
            link,
            wake_from: None,
            scripts: Arc::new(scripts),
            keys: Arc::new(Keys::new("gh")),
            entries_max: MemoryRevocations::ENTRIES_MAX_DEFAULT,
            deadline: RedisStore::DEADLINE_DEFAULT,
        }
    }

    /// Subscribes here, over a connection of its own, to learn of revocations at once; any node of a cluster will do.
    /// A log over a connection of the application's needs it: without it, revocations are found when the log is next
    /// read.
    ///
    /// # Errors
    /// `Misuse` if the address is not a Redis address.
    pub fn wake_from(mut self, url: &str) -> Result<Self, Error> {
        let client = redis::Client::open(url).map_err(|source| {
            let words = "the redis url is not one: give `redis://host:port/`";
            Error::with_source(ErrorKind::Misuse, words, source)
        })?;
        self.wake_from = Some(client);
        Ok(self)
    }

    /// Starts all keys with another word than `gh`, for several applications in one Redis.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_`, `.` or `:`.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.keys = Arc::new(Keys::new(key_prefix::checked(prefix)?));
        Ok(self)
    }

    /// Lets the log hold at most so many entries, each some 200 bytes, the last tenth for users only.
    #[must_use]
    pub fn entries_max(mut self, entries_max: usize) -> Self {
        self.entries_max = entries_max;
        self
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

    fn call<'a>(&self, script: &'a Script, at: At) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in &self.keys.all {
            call.key(key);
        }
        match at {
            At::Server => call.arg(""),
            At::Millis(now) => call.arg(now.as_millis()),
        };
        call
    }
}

from_connections!(RedisRevocations: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocations")
            .field("channel", &self.keys.channel)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl RevocationStore for RedisRevocations {
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeOutcome, Error>> {
        Box::pin(async move {
            let mut call = self.call(&self.scripts.revoke, at);
            let subject = wire::subject(revocation);
            call.arg(&subject).arg(revocation.epoch.0);
            call.arg(revocation.until().as_millis()).arg(jws::encode(edge::random::<12>()?));
            let room = room(&revocation.subject, self.entries_max);
            call.arg(room).arg(LogPage::POINTS_MAX).arg(whole_millis(Epoch::AHEAD_MAX));
            call.arg(&self.keys.channel).arg(UnixMillis::MAX.as_millis());
            let reply: Vec<String> = self.link.run_again(&call, self.deadline).await?;
            let kept = |entry: &str| wire::read(&subject, entry).ok_or_else(unreadable);
            match reply.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["revoked", entry] => Ok(RevokeOutcome::Revoked(kept(entry)?)),
                ["already", entry] => Ok(RevokeOutcome::Already(kept(entry)?)),
                ["expired"] => Ok(RevokeOutcome::Expired),
                ["ahead"] => Err(too_far_ahead()),
                ["full"] => Err(full(room)),
                _ => Err(unreadable()),
            }
        })
    }

    fn read<'a>(&'a self, from: ReadFrom<'a>, at: At) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move {
            let mut call = self.call(&self.scripts.read, at);
            match from {
                ReadFrom::Start => call.arg("start").arg("").arg(""),
                ReadFrom::Page(number) => call.arg("page").arg(number).arg(""),
                ReadFrom::Point(point) => call.arg("point").arg(point.number).arg(&point.mark),
            };
            call.arg(LogPage::ENTRIES_MAX);
            let reply: Vec<String> = self.link.run_again(&call, self.deadline).await?;
            page(&reply).ok_or_else(unreadable)
        })
    }

    fn listen<'a>(&'a self, wake: &'a (dyn Fn() + Send + Sync)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let source = match &self.wake_from {
                Some(client) => Source::Client(client),
                None => Source::Link(&self.link),
            };
            subscription::listen(source, &self.keys.channel, wake).await;
        })
    }
}

/// Reads a page: the last mark and its number, the number to go on from, then subjects and entries.
fn page(reply: &[String]) -> Option<LogPage> {
    let [mark, number, next, rest @ ..] = reply else { return None };
    let end = match number.as_str() {
        "" => None,
        number => Some(LogPoint { number: number.parse().ok()?, mark: mark.clone() }),
    };
    let next = if next.is_empty() { None } else { Some(next.parse().ok()?) };
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    let read = |[subject, entry]: &[String; 2]| wire::read(subject, entry);
    Some(LogPage { end, revocations: pairs.iter().map(read).collect::<Option<_>>()?, next })
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "redis holds a log of revocations that cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(reply in proptest::collection::vec("[tu0-9]{0,4}|\\PC{0,9}", 0..9)) {
            if let Some(page) = page(&reply) {
                prop_assert_eq!(page.revocations.len() * 2 + 3, reply.len());
            }
        }
    }
}
