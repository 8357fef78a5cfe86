//! Sessions in Redis: names of keys, arguments of scripts, and what their replies mean.
//!
//! The rule is in `redis/rule.lua`. Every verb is one script and one round trip.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::{Script, ScriptInvocation};

use crate::error::{Error, ErrorKind};
use crate::secret::SessionKey;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::rule::{Record, SESSIONS_PER_USER_MAX, TOMBSTONE_MILLIS};
use crate::session::{Check, EndOutcome, EndReason, Session, SessionId};
use crate::store::link::Link;
use crate::store::memory::reused_secret;
use crate::store::reply::{millis, session, strs, unreadable};
use crate::store::{At, BoxFuture, SessionStore};
use crate::time::whole_millis;
use crate::user_id::{UserId, UserTag};

/// Sessions in Redis 5 or later, shared by all servers.
///
/// The key of a session is `{<prefix>:<user tag>}:s:<digest>`, the index of a user is `{<prefix>:<user tag>}:u`:
/// all of a user's keys are on one node of a cluster. No key holds a secret or a user id. Every key has a time
/// to live, set by the script that writes it. The scripts that walk over a user's sessions build their keys from
/// the prefix that is declared: safe on Redis Cluster, as the hash tag is the same.
///
/// Give it a Redis with `maxmemory-policy noeviction`: any other policy may drop keys that are needed. Without
/// the index, `list` and `end_all` miss the user's sessions, and `create` does not count them, until the next
/// use of each session is written down, which brings it back into the index.
///
/// Made from a [`MultiplexedConnection`], a [`ConnectionManager`] or, with the feature `deadpool`, a pool:
/// `RedisStore::from(connection)`. A connection of your own should have `TCP_NODELAY` on.
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
    key_prefix: Arc<str>,
    deadline: Duration,
}

struct Scripts {
    create: Script,
    check: Script,
    end: Script,
    end_all: Script,
    list: Script,
}

/// A script of this folder behind the rule that all of them share.
macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("redis/rule.lua"), include_str!($file)))
    };
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

    fn new(link: Link) -> Self {
        let scripts = Scripts {
            create: script!("redis/create.lua"),
            check: script!("redis/check.lua"),
            end: script!("redis/end.lua"),
            end_all: script!("redis/end_all.lua"),
            list: script!("redis/list.lua"),
        };
        let key_prefix = Arc::from("gh");
        Self { link, scripts: Arc::new(scripts), key_prefix, deadline: Self::DEADLINE_DEFAULT }
    }

    /// Starts all keys with another word than `gh`, for several applications in one Redis.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 ASCII letters, digits, `-`, `_`, `.` or `:`.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if prefix.is_empty() || prefix.len() > Self::KEY_PREFIX_BYTES_MAX || !prefix.bytes().all(plain) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the key prefix `{}` must be 1 to 32 of a-z A-Z 0-9 - _ . :", prefix.escape_debug()),
            ));
        }
        self.key_prefix = Arc::from(prefix);
        Ok(self)
    }

    /// Gives every verb so much time, the wait for a connection included.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn index(&self, tag: UserTag) -> String {
        format!("{{{}:{tag}}}:u", self.key_prefix)
    }

    fn sessions(&self, tag: UserTag) -> String {
        format!("{{{}:{tag}}}:s:", self.key_prefix)
    }

    fn session(&self, key: &SessionKey) -> String {
        format!("{{{}:{}}}:s:{}", self.key_prefix, key.tag(), key.digest_text())
    }
}

impl From<MultiplexedConnection> for RedisStore {
    fn from(connection: MultiplexedConnection) -> Self {
        Self::new(Link::Multiplexed(connection))
    }
}

impl From<ConnectionManager> for RedisStore {
    fn from(connection: ConnectionManager) -> Self {
        Self::new(Link::Manager(connection))
    }
}

#[cfg(feature = "deadpool")]
impl From<deadpool_redis::Pool> for RedisStore {
    fn from(pool: deadpool_redis::Pool) -> Self {
        Self::new(Link::Pool(pool))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("key_prefix", &self.key_prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl SessionStore for RedisStore {
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Session, Error>> {
        Box::pin(async move {
            let (key, login) = (new.key(), new.login());
            let mut call = self.scripts.create.key(self.index(key.tag()));
            call.key(self.session(key)).key(self.sessions(key.tag()));
            add_rule(&mut call, limits, at).arg(key.digest_text()).arg(SESSIONS_PER_USER_MAX);
            call.arg(new.user().as_str()).arg(login.device.code()).arg(&login.agent).arg(&login.address);
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            match strs(&reply).as_slice() {
                ["created", at] => Ok(Record::new(new, millis(at)?).session(key.id(), &limits)),
                ["taken"] => Err(reused_secret()),
                _ => Err(unreadable()),
            }
        })
    }

    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Check, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.check.key(self.index(key.tag()));
            call.key(self.session(key));
            add_rule(&mut call, limits, at).arg(key.digest_text());
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            match strs(&reply).as_slice() {
                ["active", fields @ ..] => Ok(Check::Active(session(key.id(), fields, &limits)?)),
                ["ended", reason] => Ok(Check::Ended(EndReason::from_code(reason))),
                ["unknown"] => Ok(Check::Unknown),
                _ => Err(unreadable()),
            }
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<EndOutcome, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.end.key(self.index(key.tag()));
            call.key(self.session(key));
            add_rule(&mut call, limits, at).arg(key.digest_text()).arg(reason.code());
            let reply: Vec<String> = self.link.run(&call, self.deadline).await?;
            match strs(&reply).as_slice() {
                ["active"] => Ok(EndOutcome::Ended),
                ["ended", reason] => Ok(EndOutcome::AlreadyEnded(EndReason::from_code(reason))),
                ["unknown"] => Ok(EndOutcome::Unknown),
                _ => Err(unreadable()),
            }
        })
    }

    fn end_all<'a>(
        &'a self,
        user: &'a UserId,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.end_all.key(self.index(user.tag()));
            call.key(self.sessions(user.tag()));
            add_rule(&mut call, limits, at).arg(user.as_str()).arg(reason.code());
            self.link.run(&call, self.deadline).await
        })
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Session>, Error>> {
        Box::pin(async move {
            let mut call = self.scripts.list.key(self.index(user.tag()));
            call.key(self.sessions(user.tag()));
            add_rule(&mut call, limits, at).arg(user.as_str());
            let reply: Vec<Vec<String>> = self.link.run(&call, self.deadline).await?;
            let read = |row: &Vec<String>| match strs(row).as_slice() {
                [digest, fields @ ..] => session(SessionId::from_digest_text(digest), fields, &limits),
                [] => Err(unreadable()),
            };
            reply.iter().map(read).collect()
        })
    }
}

/// The five arguments that every script begins with.
fn add_rule<'a, 'b>(
    call: &'b mut ScriptInvocation<'a>,
    limits: SessionLimits,
    at: At,
) -> &'b mut ScriptInvocation<'a> {
    match at {
        At::Server => call.arg(""),
        At::Millis(now) => call.arg(now.as_millis()),
    };
    call.arg(whole_millis(limits.idle()))
        .arg(whole_millis(limits.absolute()))
        .arg(whole_millis(limits.touch_every()))
        .arg(TOMBSTONE_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_keys_of_a_user_share_one_hash_tag_and_hold_neither_user_nor_secret() {
        let pool = redis::Client::open("redis://127.0.0.1:1/").unwrap();
        let lazy = ConnectionManager::new_lazy_with_config(pool, Default::default()).unwrap();
        let store = RedisStore::from(lazy).key_prefix("shop").unwrap();
        let user = UserId::new("a:{b}*\n").unwrap();
        let key = crate::SessionSecret::new(&user, [9; 32]).key();
        let tag = format!("{{shop:{}}}", user.tag());
        assert_eq!(store.index(user.tag()), format!("{tag}:u"));
        assert_eq!(store.sessions(user.tag()), format!("{tag}:s:"));
        assert_eq!(store.session(&key), format!("{tag}:s:{}", key.digest_text()));
        assert!(store.key_prefix("{a}").is_err());
    }
}
