//! What the façade asks of a store of sessions: few verbs of the domain, each one atomic.

#[cfg(feature = "redis")]
pub(crate) mod key_prefix;
#[cfg(feature = "redis")]
pub(crate) mod link;
#[cfg(feature = "redis")]
mod look;
pub(crate) mod memory;
#[cfg(feature = "redis")]
mod packed;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
mod reply;

use std::pin::Pin;

use crate::error::Error;
use crate::secret::SessionKey;
use crate::session::amend::{Amended, Amendment};
use crate::session::end::{EndOutcome, EndReason, Which};
use crate::session::event::Answer;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::online::{Cursor, OnlinePage, PageSize};
use crate::session::policy::{Admission, LoginPolicy};
use crate::session::{Check, Session, SessionId};
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
/// Every verb is one atomic step, under the limits and at the time that it is given, and answers with the events
/// that this very step caused. All stores give the same answers to the same commands;
/// [`MemoryStore`](crate::MemoryStore) is the specification. A store for something else is written with
/// [`decide`](crate::decide), [`admit`](crate::admit) and [`Record::amended`](crate::Record::amended) under a lock
/// or in a transaction.
///
/// A verb that meets a live session whose time is over ends it, and that is the first event. It ends each session
/// once: who meets the same end again causes no event.
///
/// The sessions of one user are in the order of their creation; those of one age in the order of their ids, then of
/// their digests' text.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait SessionStore: Send + Sync + std::fmt::Debug {
    /// Keeps a new session if the policy admits it, and ends those that must give way as `Replaced`.
    ///
    /// It looks at all sessions of the user first, so that only live ones count. It ends with a little tidying: up
    /// to [`TIDY_USERS`] users of the same bucket whose time to be noted as online is over are looked at, the longest
    /// over first (see [`online_count`](Self::online_count)), and are noted anew or not at all.
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse`, with nothing changed, if the key is in use: the caller's random bytes
    /// are not random.
    ///
    /// After a transient error the outcome is unknown: the session may exist, and others may have ended for it.
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        policy: LoginPolicy,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Admission>, Error>>;

    /// Looks a session up, ends it if it has expired, and writes its use down if that is due.
    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Check>, Error>>;

    /// Changes a live session: its key, its attributes, its proofs. Its use is written down.
    ///
    /// A key that the session leaves ends as `Renewed`; that is no end of the session.
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse`, with nothing changed, if the next key is another user's, or if the
    /// session lives and the next key is in use.
    ///
    /// After a transient error the outcome is unknown: the session may have moved to the new key. Check that one
    /// before you give up.
    fn amend<'a>(
        &'a self,
        key: &'a SessionKey,
        amendment: &'a Amendment,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Amended>, Error>>;

    /// Ends one session. A session that has ended keeps its first reason.
    ///
    /// A key that the session has left for another one ends it too: a sign-out may cross a renewal. So at most
    /// [`RENEWALS_FOLLOWED_MAX`](crate::RENEWALS_FOLLOWED_MAX) renewals are followed, as long as they are remembered;
    /// where the way ends, the answer is the last end that was met.
    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<EndOutcome>, Error>>;

    /// Ends some of a user's live sessions, and says which, oldest first.
    fn end_some<'a>(
        &'a self,
        user: &'a UserId,
        which: &'a Which,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<SessionId>>, Error>>;

    /// The live sessions of a user, oldest first.
    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<Session>>, Error>>;

    /// The users with live sessions behind a place, in the order of [`Cursor`].
    ///
    /// It looks at so many users who are noted as online as the page has room for, and leaves out and forgets those
    /// who turn out to have no live session. There is a next page if it looked at as many as it has room for.
    /// Each bucket ([`UserTag::bucket`](crate::UserTag::bucket)) is one atomic step, not the page.
    fn online<'a>(
        &'a self,
        after: Option<&'a Cursor>,
        size: PageSize,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<OnlinePage>, Error>>;

    /// About how many users are signed in: those who are noted as online beyond now.
    ///
    /// A user is noted until the latest time at which one of their sessions would have ended by itself, as of when it
    /// was last written down (created, used, changed), and until their last session is seen to have ended. So
    /// somebody who ends the longest of several sessions and stays away from the others is counted until its time.
    /// As long as the limits stay the same, nobody who is signed in is left out.
    fn online_count<'a>(&'a self, at: At) -> BoxFuture<'a, Result<u64, Error>>;
}

/// How many users, at most, a login looks at whose time to be noted as online is over.
pub const TIDY_USERS: usize = 2;
