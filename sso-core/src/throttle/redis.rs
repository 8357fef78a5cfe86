//! Counters in Redis: names of keys, arguments of scripts, and what their replies mean.
//!
//! The rule is in `redis/rule.lua`. Every verb is one script and one round trip.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Script, ScriptInvocation};

use crate::error::{Error, ErrorKind};
use crate::store::key_prefix;
use crate::store::link::{Link, from_connections};
use crate::store::{At, BoxFuture};
use crate::throttle::guess::{CounterKey, Guess};
use crate::throttle::policy::{Pace, ThrottlePolicy};
use crate::throttle::{ThrottleStore, Wait};
use crate::time::UnixMillis;

/// Counters in Redis 5 or later, shared by all servers.
///
/// The keys are `{<prefix>:throttle}:a:<digest>` of accounts, `:n:` of network addresses, `:d:` of devices. Every
/// key has a time to live, set by the script that writes it. All of them share one hash tag, thus one node of a
/// cluster: a guess is charged to its account and its address together or to neither, and any account may meet any
/// address. One node counts far more guesses a second than a farm of servers can hash passwords. Where that is not
/// enough, give groups of accounts a prefix each, and accept that an address then counts once in every group.
///
/// Made also from a [`MultiplexedConnection`], a [`ConnectionManager`], a [`ClusterConnection`] or, with the feature
/// `deadpool`, a pool: `RedisThrottleStore::from(connection)`.
///
/// ```no_run
/// use std::sync::Arc;
/// use sso_core::{RedisThrottleStore, Throttle, ThrottlePolicy};
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = RedisThrottleStore::connect("redis://127.0.0.1:6379/").await?.key_prefix("shop")?;
/// let throttle = Throttle::new(Arc::new(store), ThrottlePolicy::default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisThrottleStore {
    link: Link,
    scripts: Arc<Scripts>,
    key_prefix: Arc<str>,
    deadline: Duration,
}

struct Scripts {
    admit: Script,
    succeed: Script,
    forgive: Script,
}

impl RedisThrottleStore {
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
    /// transient, if Redis does not answer within [`RedisThrottleStore::CONNECT_DEADLINE`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to a Redis Cluster through any of its nodes, as [`RedisStore`](crate::RedisStore) does.
    ///
    /// # Errors
    /// As [`RedisThrottleStore::connect`], and `Misuse` without an address.
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to the master that sentinels name for this service, as [`RedisStore`](crate::RedisStore) does.
    ///
    /// # Errors
    /// As [`RedisThrottleStore::connect`], and `Misuse` without an address.
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, Self::CONNECT_DEADLINE).await?))
    }

    fn new(link: Link) -> Self {
        let rule = include_str!("redis/rule.lua");
        let scripts = Scripts {
            admit: Script::new(&[rule, include_str!("redis/admit.lua")].concat()),
            succeed: Script::new(&[rule, include_str!("redis/succeed.lua")].concat()),
            forgive: Script::new("redis.call('DEL', KEYS[1]) return { 'done' }"),
        };
        let key_prefix = Arc::from("gh");
        Self { link, scripts: Arc::new(scripts), key_prefix, deadline: Self::DEADLINE_DEFAULT }
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

    fn key(&self, counter: &CounterKey) -> String {
        format!("{{{}:throttle}}:{counter}", self.key_prefix)
    }

    async fn run(&self, call: &ScriptInvocation<'_>) -> Result<Vec<String>, Error> {
        self.link.run(call, self.deadline).await
    }
}

from_connections!(RedisThrottleStore: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisThrottleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisThrottleStore")
            .field("key_prefix", &self.key_prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl ThrottleStore for RedisThrottleStore {
    fn admit<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<Option<Wait>, Error>> {
        Box::pin(async move {
            let charged = guess.charged(policy);
            let mut call = self.scripts.admit.prepare_invoke();
            for (key, _) in &charged {
                call.key(self.key(key));
            }
            add_time(&mut call, at);
            for (_, pace) in &charged {
                add_pace(&mut call, pace);
            }
            let reply = self.run(&call).await?;
            match reply.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["admitted"] => Ok(None),
                ["wait", place, until, now] => {
                    let place: usize = place.parse().map_err(because)?;
                    let by =
                        place.checked_sub(1).and_then(|place| charged.get(place)).ok_or_else(unreadable)?;
                    Ok(Some(Wait::new(millis(until)?, millis(now)?, by.0.kind())))
                }
                _ => Err(unreadable()),
            }
        })
    }

    fn succeed<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let relieved = guess.relieved(policy);
            let mut call = self.scripts.succeed.key(self.key(&guess.cleared()));
            if let Some((key, _)) = &relieved {
                call.key(self.key(key));
            }
            add_time(&mut call, at);
            if let Some((_, pace)) = &relieved {
                add_pace(&mut call, pace);
            }
            done(&self.run(&call).await?)
        })
    }

    fn forgive<'a>(&'a self, counter: &'a CounterKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { done(&self.run(&self.scripts.forgive.key(self.key(counter))).await?) })
    }
}

fn add_time(call: &mut ScriptInvocation<'_>, at: At) {
    match at {
        At::Server => call.arg(""),
        At::Millis(now) => call.arg(now.as_millis()),
    };
}

fn add_pace(call: &mut ScriptInvocation<'_>, pace: &Pace) {
    for number in pace.numbers() {
        call.arg(number);
    }
}

fn done(reply: &[String]) -> Result<(), Error> {
    match reply.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["done"] => Ok(()),
        _ => Err(unreadable()),
    }
}

fn millis(text: &str) -> Result<UnixMillis, Error> {
    UnixMillis::new(text.parse().map_err(because)?).map_err(because)
}

const UNREADABLE: &str = "redis holds a counter of failures that cannot be read";

fn because(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Corrupt, UNREADABLE, source)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, UNREADABLE)
}
