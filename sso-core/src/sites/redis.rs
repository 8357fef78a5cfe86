//! Grants, sites and notices in Redis: names of keys, arguments of scripts, and what their replies mean.
//!
//! The rule is in `redis/rule.lua`.

mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Script, ScriptInvocation};

use crate::claims::TokenId;
use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::session::SessionId;
use crate::sites::grant::{GrantKey, NewGrant, session_id};
use crate::sites::memory::reused_grant;
use crate::sites::once::{OnceKey, OnceStore};
use crate::sites::redis::reply::{redeemed, taken, unreadable};
use crate::sites::rule::{END_KEPT, GRANTS_PER_SESSION_MAX, USED_KEPT};
use crate::sites::{GrantKept, NoticeFate, PendingNotice, PresentedGrant, Redeemed, SiteStore, Standing};
use crate::store::key_prefix;
use crate::store::link::{Link, from_connections};
use crate::store::{At, BoxFuture};
use crate::time::{UnixMillis, whole_millis};

/// Longer than anything waits in the queue.
const QUEUE_KEPT: Duration = Duration::from_secs(2 * 24 * 3600);

/// Grants, sites and notices in Redis 5 or later, shared by all servers.
///
/// Everything of a session is under `{<prefix>:<session name>}`, so each script works on one node of a cluster. The
/// queue of sessions with something to tell is one key, `{<prefix>:logout}:q`: it has one small entry for each
/// session whose sites are not told yet. Every key has a time to live, set by the script that writes it, and no
/// key holds a secret.
///
/// Give it a Redis with `maxmemory-policy noeviction`, and more than one copy if a logout must not be lost.
///
/// ```no_run
/// use sso_core::RedisSiteStore;
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = RedisSiteStore::connect("redis://127.0.0.1:6379/").await?.key_prefix("shop")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisSiteStore {
    link: Link,
    scripts: Arc<Scripts>,
    key_prefix: Arc<str>,
    deadline: Duration,
}

struct Scripts {
    keep: Script,
    redeem: Script,
    standing: Script,
    end: Script,
    queue: Script,
    due: Script,
    take: Script,
    settle: Script,
    first: Script,
}

/// A script of this folder behind the rule that all of them share.
macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("redis/rule.lua"), include_str!($file)))
    };
}

impl RedisSiteStore {
    /// How long a script may take unless [`deadline`](Self::deadline) says otherwise.
    pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(500);
    /// How long [`connect`](Self::connect) tries.
    pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
    /// The longest key prefix, in bytes.
    pub const KEY_PREFIX_BYTES_MAX: usize = 32;

    /// Connects to one server, and reconnects whenever that is needed.
    ///
    /// # Errors
    /// `Misuse` if the address is not a Redis address or Redis refuses the user or the password; `Unavailable`,
    /// transient, if Redis does not answer within [`RedisSiteStore::CONNECT_DEADLINE`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect(url, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to a cluster through some of its nodes, and follows its slots.
    ///
    /// # Errors
    /// As [`RedisSiteStore::connect`].
    pub async fn connect_cluster<S: AsRef<str>>(urls: &[S]) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_cluster(urls, Self::CONNECT_DEADLINE).await?))
    }

    /// Connects to the master that sentinels name for this service, and follows them to the next one.
    ///
    /// # Errors
    /// As [`RedisSiteStore::connect`].
    pub async fn connect_sentinel<S: AsRef<str>>(urls: &[S], service: &str) -> Result<Self, Error> {
        Ok(Self::new(Link::connect_sentinel(urls, service, Self::CONNECT_DEADLINE).await?))
    }

    fn new(link: Link) -> Self {
        let scripts = Scripts {
            keep: script!("redis/keep.lua"),
            redeem: script!("redis/redeem.lua"),
            standing: script!("redis/standing.lua"),
            end: script!("redis/end.lua"),
            queue: script!("redis/queue.lua"),
            due: script!("redis/due.lua"),
            take: script!("redis/take.lua"),
            settle: script!("redis/settle.lua"),
            first: script!("redis/first.lua"),
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

    /// Gives every script so much time, the wait for a connection included.
    ///
    /// A connection of your own has a response timeout too, which ends a call earlier: 500 ms by default in redis-rs,
    /// except over a `ClusterConnection`. Set it to `None` there.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn session(&self, session: &SessionId) -> String {
        format!("{{{}:{session}}}:s", self.key_prefix)
    }

    fn waiting(&self, session: &SessionId) -> String {
        format!("{{{}:{session}}}:w", self.key_prefix)
    }

    fn grant(&self, key: &GrantKey) -> String {
        format!("{{{}:{}}}:g:{}", self.key_prefix, key.session(), key.digest_text())
    }

    fn queue(&self) -> String {
        format!("{{{}:logout}}:q", self.key_prefix)
    }

    fn once(&self, key: OnceKey) -> String {
        format!("{{{}:{}}}:o", self.key_prefix, jws::encode(key.0))
    }

    /// Says when a session is due next: a time, `now`, or nothing for never.
    async fn queue_at(&self, session: &str, due: &str, at: At) -> Result<(), Error> {
        let mut call = self.scripts.queue.key(self.queue());
        add_time(&mut call, at).arg(session).arg(due).arg(whole_millis(QUEUE_KEPT));
        self.link.run::<i64>(&call, self.deadline).await.map(|_| ())
    }

    /// Takes what is due of one session.
    async fn take(&self, session: &str, lease: Duration, at: At) -> Result<Vec<PendingNotice>, Error> {
        let session = session_id(session).ok_or_else(unreadable)?;
        let mut call = self.scripts.take.key(self.session(&session));
        add_time(&mut call, at).arg(whole_millis(lease)).arg(whole_millis(END_KEPT));
        let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
        let (next, taken) = taken(&session, &reply)?;
        self.queue_at(session.as_str(), next, at).await?;
        Ok(taken)
    }

    /// Takes what is due of these sessions. One that cannot be taken stops no other: it stays in the queue until
    /// its lease is over, and is reported when nothing else is taken. One that can never be read leaves the queue
    /// with its report.
    async fn take_all(&self, ready: &[String], lease: Duration, at: At) -> Result<Vec<PendingNotice>, Error> {
        let (mut notices, mut failed) = (Vec::new(), None);
        for session in ready {
            match self.take(session, lease, at).await {
                Ok(taken) => notices.extend(taken),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    failed.get_or_insert((session, error));
                }
                // The others would wait for the same store.
                Err(error) if notices.is_empty() => return Err(error),
                Err(_) => return Ok(notices),
            }
        }
        match failed {
            Some((session, error)) if notices.is_empty() => {
                self.queue_at(session, "", at).await?;
                Err(error)
            }
            _ => Ok(notices),
        }
    }
}

/// The argument that every script begins with.
fn add_time<'a, 'b>(call: &'b mut ScriptInvocation<'a>, at: At) -> &'b mut ScriptInvocation<'a> {
    match at {
        At::Server => call.arg(""),
        At::Millis(now) => call.arg(now.as_millis()),
    }
}

from_connections!(RedisSiteStore: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisSiteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSiteStore")
            .field("key_prefix", &self.key_prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl OnceStore for RedisSiteStore {
    fn first<'a>(&'a self, key: OnceKey, until: UnixMillis, at: At) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.first.key(self.once(key));
            add_time(&mut call, at).arg(until.as_millis());
            self.link.run(&call, self.deadline).await
        })
    }
}

impl SiteStore for RedisSiteStore {
    fn keep<'a>(&'a self, grant: &'a NewGrant, at: At) -> BoxFuture<'a, Result<GrantKept, Error>> {
        Box::pin(async move {
            let session = grant.key.session();
            let mut call = self.scripts.keep.key(self.session(session));
            call.key(self.waiting(session)).key(self.grant(&grant.key));
            add_time(&mut call, at).arg(grant.key.digest_text()).arg(whole_millis(grant.life));
            call.arg(GRANTS_PER_SESSION_MAX).arg(grant.client.as_str()).arg(grant.binding.to_text());
            call.arg(grant.user.as_str()).arg(&grant.body).arg(whole_millis(grant.session_kept));
            let reply: String = self.link.run(&call, self.deadline).await?;
            match reply.as_str() {
                "kept" => Ok(GrantKept::Kept),
                "ended" => Ok(GrantKept::SessionEnded),
                "many" => Ok(GrantKept::TooMany),
                "taken" => Err(reused_grant()),
                _ => Err(unreadable()),
            }
        })
    }

    fn redeem<'a>(
        &'a self,
        key: &'a GrantKey,
        presented: PresentedGrant<'a>,
        at: At,
    ) -> BoxFuture<'a, Result<Redeemed, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.redeem.key(self.session(key.session()));
            call.key(self.waiting(key.session())).key(self.grant(key));
            add_time(&mut call, at).arg(key.digest_text()).arg(presented.client.as_str());
            call.arg(presented.binding.to_text()).arg(presented.gives.map_or("", TokenId::as_str));
            call.arg(whole_millis(USED_KEPT));
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            redeemed(&reply)
        })
    }

    fn standing<'a>(
        &'a self,
        session: &'a SessionId,
        token: &'a TokenId,
        at: At,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.standing.key(self.session(session));
            add_time(&mut call, at).arg(token.as_str());
            let reply: String = self.link.run(&call, self.deadline).await?;
            match reply.as_str() {
                "good" => Ok(Standing::Good),
                "revoked" => Ok(Standing::Revoked),
                "ended" => Ok(Standing::SessionEnded),
                _ => Err(unreadable()),
            }
        })
    }

    fn end<'a>(&'a self, session: &'a SessionId, at: At) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            // The queue knows first: after a crash, whoever takes the entry ends the session.
            self.queue_at(session.as_str(), "now", at).await?;
            let mut call = self.scripts.end.key(self.session(session));
            add_time(&mut call, at).arg(whole_millis(END_KEPT));
            let sites = self.link.run(&call, self.deadline).await?;
            if sites == 0 {
                self.queue_at(session.as_str(), "", at).await?;
            }
            Ok(sites)
        })
    }

    fn due(
        &self,
        sessions_max: usize,
        lease: Duration,
        at: At,
    ) -> BoxFuture<'_, Result<Vec<PendingNotice>, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.due.key(self.queue());
            add_time(&mut call, at).arg(whole_millis(lease)).arg(sessions_max).arg(whole_millis(QUEUE_KEPT));
            let ready: Vec<String> = self.link.run(&call, self.deadline).await?;
            self.take_all(&ready, lease, at).await
        })
    }

    fn settle<'a>(
        &'a self,
        notice: &'a PendingNotice,
        fate: NoticeFate,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut call = self.scripts.settle.key(self.session(&notice.session));
            add_time(&mut call, at).arg(notice.client.as_str());
            match fate {
                NoticeFate::Closed => call.arg(""),
                NoticeFate::Again(after) => call.arg(whole_millis(after)),
            };
            let next: String = self.link.run(&call, self.deadline).await?;
            self.queue_at(notice.session.as_str(), &next, at).await
        })
    }
}
