//! What the façade asks of a store of sessions: few verbs of the domain, each one atomic.

#[cfg(feature = "redis")]
pub(crate) mod link;
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
mod reply;

use std::pin::Pin;

use crate::error::Error;
use crate::secret::SessionKey;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::{Check, EndOutcome, EndReason, Session};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// A boxed future, so that an application can hold an `Arc<dyn SessionStore>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The store's own clock, one for all servers. Production always uses this.
    Server,
    /// This time. It is for tests: servers whose clocks differ would disagree about sessions.
    Millis(UnixMillis),
}

/// A store of sessions.
///
/// Every verb is one atomic step, under the limits and at the time that it is given. All stores give the same
/// answers to the same commands; [`MemoryStore`](crate::MemoryStore) is the specification. A store for
/// something else is written with [`decide`](crate::decide) under a lock or in a transaction.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait SessionStore: Send + Sync + std::fmt::Debug {
    /// Keeps a new session. If its user then has more than
    /// [`SESSIONS_PER_USER_MAX`](crate::SESSIONS_PER_USER_MAX), the oldest ends as `Replaced`.
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse` if the key is in use: the caller's random bytes are not random.
    ///
    /// After a transient error the outcome is unknown: the session may exist, and another may have ended for it.
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Session, Error>>;

    /// Looks a session up, ends it if it has expired, and writes its use down if that is due.
    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Check, Error>>;

    /// Ends one session. A session that has ended keeps its first reason.
    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<EndOutcome, Error>>;

    /// Ends all live sessions of a user, and says how many they were.
    fn end_all<'a>(
        &'a self,
        user: &'a UserId,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// The live sessions of a user, oldest first.
    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Session>, Error>>;
}
