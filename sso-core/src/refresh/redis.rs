//! Families in Redis: names of keys, arguments of scripts, and what their replies mean.
//!
//! The rule is in `redis/rule.lua`. Every verb is one script and one round trip.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Script, ScriptInvocation};

use crate::error::Error;
use crate::refresh::limits::RefreshLimits;
use crate::refresh::memory::reused_handle;
use crate::refresh::names::{ClientId, FamilyId, FamilyKey, Scope, decode};
use crate::refresh::reply::{family, millis, strs, unreadable};
use crate::refresh::request::{NewFamily, Presented};
use crate::refresh::rule::{FAMILIES_PER_USER_MAX, FamilyRecord, RotateOutcome};
use crate::refresh::{Families, Family, FamilyEnd, RefreshStore, RevokeFamily};
use crate::session::SessionId;
use crate::session::rule::TOMBSTONE_MILLIS;
use crate::store::key_prefix;
use crate::store::link::{Link, from_connections};
use crate::store::redis::RedisStore;
use crate::store::{At, BoxFuture};
use crate::time::whole_millis;
use crate::user_id::{UserId, UserTag};

/// Refresh tokens in Redis, shared by all servers.
///
/// The key of a family is `{<prefix>:<xx>}:r:<family>`, the index of a user is `{<prefix>:<xx>}:ru:<user tag>`,
/// where `xx` are the first two digits of the user's tag: all of a user's keys are on one node of a cluster, and
/// the scripts that walk over a user's families build their keys from the prefix that is declared. No key holds a
/// secret or a user id. Every key has a time to live, set by the script that writes it.
///
/// Give it a Redis with `maxmemory-policy noeviction`. After a fail-over or a restart, Redis may have lost the last
/// exchanges that it acknowledged; a client that shows a token of a lost exchange is taken for a thief, and its
/// user signs in again.
///
/// Every verb but `list` is sent once: after a transient error it is unknown whether it ran. A refresh may be repeated
/// with the same token, within the window of grace. While a slot of a cluster moves from node to node, calls wait.
///
/// Made with [`connect`](Self::connect), [`connect_cluster`](Self::connect_cluster) or
/// [`connect_sentinel`](Self::connect_sentinel), or from a [`MultiplexedConnection`], a [`ConnectionManager`], a
/// [`ClusterConnection`] or, with the feature `deadpool`, a pool. A `ClusterConnection` of your own must not send
/// again what may have run (`retries(0)`): without grace, that would look like a theft.
///
/// ```no_run
/// use std::sync::Arc;
/// use sso_core::{RedisRefreshStore, RefreshLimits, Refresher};
///
/// # async fn run() -> Result<(), sso_core::Error> {
/// let store = RedisRefreshStore::connect("redis://127.0.0.1:6379/").await?.key_prefix("shop")?;
/// let refresher = Refresher::new(Arc::new(store), RefreshLimits::default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisRefreshStore {
    link: Link,
    scripts: Arc<Scripts>,
    key_prefix: Arc<str>,
    deadline: Duration,
}

struct Scripts {
    issue: Script,
    rotate: Script,
    revoke_family: Script,
    revoke_user: Script,
    list: Script,
}

/// A script of this folder behind the rule that all of them share.
macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("redis/rule.lua"), include_str!($file)))
    };
}

impl RedisRefreshStore {
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
            issue: script!("redis/issue.lua"),
            rotate: script!("redis/rotate.lua"),
            revoke_family: script!("redis/revoke_family.lua"),
            revoke_user: script!("redis/revoke_user.lua"),
            list: script!("redis/list.lua"),
        };
        let deadline = RedisStore::DEADLINE_DEFAULT;
        Self { link, scripts: Arc::new(scripts), key_prefix: Arc::from("gh"), deadline }
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

    /// The hash tag of a user's keys.
    fn bucket(&self, tag: UserTag) -> String {
        format!("{{{}:{:02x}}}", self.key_prefix, tag.bucket())
    }

    fn index(&self, tag: UserTag) -> String {
        format!("{}:ru:{tag}", self.bucket(tag))
    }

    fn families(&self, tag: UserTag) -> String {
        format!("{}:r:", self.bucket(tag))
    }

    fn family(&self, key: &FamilyKey) -> String {
        format!("{}:r:{}", self.bucket(key.tag()), key.id())
    }
}

from_connections!(RedisRefreshStore: MultiplexedConnection, ConnectionManager, ClusterConnection);

impl fmt::Debug for RedisRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRefreshStore")
            .field("key_prefix", &self.key_prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl RefreshStore for RedisRefreshStore {
    fn issue<'a>(
        &'a self,
        new: &'a NewFamily,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Family, Error>> {
        Box::pin(async move {
            let (key, grant) = (new.key(), new.grant());
            let mut call = self.scripts.issue.key(self.index(key.tag()));
            call.key(self.family(&key)).key(self.families(key.tag()));
            add_rule(&mut call, limits, at).arg(key.id().to_string()).arg(FAMILIES_PER_USER_MAX);
            call.arg(new.user().as_str()).arg(grant.client.as_str());
            call.arg(grant.session.as_ref().map_or("", SessionId::as_str));
            call.arg(grant.scope.as_ref().map_or("", Scope::as_str)).arg(new.first().text());
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            match strs(&reply).as_slice() {
                ["issued", at] => Ok(FamilyRecord::new(new, millis(at)?).family(key.id(), &limits)),
                ["taken"] => Err(reused_handle()),
                _ => Err(unreadable()),
            }
        })
    }

    fn rotate<'a>(
        &'a self,
        presented: &'a Presented,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RotateOutcome, Error>> {
        Box::pin(async move {
            let key = presented.key();
            let mut call = self.scripts.rotate.key(self.index(key.tag()));
            call.key(self.family(&key));
            add_rule(&mut call, limits, at).arg(key.id().to_string()).arg(presented.digest().text());
            call.arg(presented.child().text()).arg(URL_SAFE_NO_PAD.encode(presented.nonce()));
            call.arg(presented.client().as_str()).arg(presented.scope().map_or("", Scope::as_str));
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            let read = |facts| family(key.id(), facts, &limits);
            match strs(&reply).as_slice() {
                ["rotated", facts @ ..] => Ok(RotateOutcome::Rotated(read(facts)?)),
                ["replayed", nonce, facts @ ..] => {
                    let nonce = decode(nonce).ok_or_else(unreadable)?;
                    Ok(RotateOutcome::Replayed(read(facts)?, nonce))
                }
                ["reused", facts @ ..] => Ok(RotateOutcome::Reused(read(facts)?)),
                ["wrong_client", facts @ ..] => Ok(RotateOutcome::WrongClient(read(facts)?)),
                ["too_wide", facts @ ..] => Ok(RotateOutcome::ScopeTooWide(read(facts)?)),
                ["ended", reason] => Ok(RotateOutcome::Ended(FamilyEnd::from_code(reason))),
                ["unknown"] => Ok(RotateOutcome::Unknown),
                _ => Err(unreadable()),
            }
        })
    }

    fn revoke_family<'a>(
        &'a self,
        key: &'a FamilyKey,
        client: Option<&'a ClientId>,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeFamily, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.revoke_family.key(self.index(key.tag()));
            call.key(self.family(key));
            add_rule(&mut call, limits, at).arg(key.id().to_string());
            call.arg(client.map_or("", ClientId::as_str));
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            match strs(&reply).as_slice() {
                ["revoked"] => Ok(RevokeFamily::Revoked),
                ["ended", reason] => Ok(RevokeFamily::AlreadyEnded(FamilyEnd::from_code(reason))),
                ["wrong_client"] => Ok(RevokeFamily::WrongClient),
                ["unknown"] => Ok(RevokeFamily::Unknown),
                _ => Err(unreadable()),
            }
        })
    }

    fn revoke_user<'a>(
        &'a self,
        user: &'a UserId,
        families: &'a Families,
        reason: FamilyEnd,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.revoke_user.key(self.index(user.tag()));
            call.key(self.families(user.tag()));
            add_rule(&mut call, limits, at).arg(user.as_str()).arg(reason.code());
            match families {
                Families::All => call.arg("").arg(""),
                Families::OfSession(session) => call.arg("").arg(session.as_str()),
                Families::OfClient(client) => call.arg(client.as_str()).arg(""),
            };
            self.link.run(&call, self.deadline).await
        })
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Family>, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.list.key(self.index(user.tag()));
            call.key(self.families(user.tag()));
            add_rule(&mut call, limits, at).arg(user.as_str());
            let reply: Vec<Vec<String>> = self.link.run_again(&call, self.deadline).await?;
            let read = |row: &Vec<String>| match strs(row).as_slice() {
                [id, facts @ ..] => family(FamilyId::parse(id).ok_or_else(unreadable)?, facts, &limits),
                [] => Err(unreadable()),
            };
            reply.iter().map(read).collect()
        })
    }
}

/// The five arguments that every script begins with.
fn add_rule<'a, 'b>(
    call: &'b mut ScriptInvocation<'a>,
    limits: RefreshLimits,
    at: At,
) -> &'b mut ScriptInvocation<'a> {
    match at {
        At::Server => call.arg(""),
        At::Millis(now) => call.arg(now.as_millis()),
    };
    call.arg(whole_millis(limits.idle()))
        .arg(whole_millis(limits.absolute()))
        .arg(whole_millis(limits.grace()))
        .arg(TOMBSTONE_MILLIS)
}
