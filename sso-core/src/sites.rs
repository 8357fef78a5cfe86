//! The sites that sign their users in at this gate: who they are, and what is kept for them.
//!
//! A session's [one-shot grants](crate::GrantSecret), the sites that took part in it and the notices of its end lie
//! together, because a grant that is redeemed while the session ends must be seen by one of the two.

pub(crate) mod client;
pub(crate) mod grant;
pub(crate) mod memory;
pub(crate) mod once;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod registry;
pub(crate) mod rule;
pub(crate) mod secret;
pub(crate) mod site_session;
pub(crate) mod url;

use std::time::Duration;

use crate::claims::TokenId;
use crate::error::Error;
use crate::refresh::names::ClientId;
use crate::session::SessionId;
use crate::sites::grant::{GrantBinding, GrantKey, NewGrant};
use crate::sites::once::OnceStore;
use crate::store::{At, BoxFuture};
use crate::user_id::UserId;

/// What comes with a grant when it is redeemed.
#[derive(Clone, Debug)]
pub struct PresentedGrant<'a> {
    /// Who presents it, proved.
    pub client: &'a ClientId,
    /// What it is presented with.
    pub binding: GrantBinding,
    /// The token that will be given for it: it is revoked if the grant is presented again.
    pub gives: Option<&'a TokenId>,
}

/// Whether a grant is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum GrantKept {
    /// It can be redeemed.
    Kept,
    /// The session has ended: let the user sign in again.
    SessionEnded,
    /// [`GRANTS_PER_SESSION_MAX`](crate::GRANTS_PER_SESSION_MAX) grants of the session wait already.
    TooMany,
}

/// What became of a redeem.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Redeemed {
    /// This call, and no other, redeemed it.
    Granted {
        /// Who is signed in.
        user: UserId,
        /// What the grant carries.
        body: String,
    },
    /// It was redeemed before. What it gave is revoked now.
    Reused {
        /// Who is signed in.
        user: UserId,
        /// What the first redeem gave.
        gave: Option<TokenId>,
    },
    /// It was given to another client. It stays.
    OtherClient,
    /// It was presented with another address or without the right verifier. It is gone.
    OtherBinding,
    /// The session has ended since. It is gone.
    SessionEnded,
    /// There is no such grant, or it has expired.
    Unknown,
}

/// Whether what a session gave still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Nothing is known against it.
    Good,
    /// The grant that it was given for was presented twice.
    Revoked,
    /// Its session has ended.
    SessionEnded,
}

/// A site that has to be told of the end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingNotice {
    /// The session that has ended.
    pub session: SessionId,
    /// Whose session it was.
    pub user: UserId,
    /// Whom to tell.
    pub client: ClientId,
    /// The how-manieth attempt this is, from 1.
    pub attempt: u32,
}

/// What became of telling a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeFate {
    /// It is not told again: it knows, or it never will.
    Closed,
    /// It is told again after so long.
    Again(Duration),
}

/// A store of grants, of the sites of each session, and of the notices that have to go out.
///
/// Every verb is atomic, except that `end` and `due` touch a session and the queue one after the other, in an
/// order in which a crash between the two leaves nothing untold. All stores give the same answers;
/// [`MemorySiteStore`](crate::MemorySiteStore) is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait SiteStore: OnceStore {
    /// Keeps a new grant.
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse` if the key is in use: the caller's random bytes are not random.
    fn keep<'a>(&'a self, grant: &'a NewGrant, at: At) -> BoxFuture<'a, Result<GrantKept, Error>>;

    /// Redeems a grant, once, and notes that its client takes part in the session.
    fn redeem<'a>(
        &'a self,
        key: &'a GrantKey,
        presented: PresentedGrant<'a>,
        at: At,
    ) -> BoxFuture<'a, Result<Redeemed, Error>>;

    /// Whether a token that a session gave still counts.
    fn standing<'a>(
        &'a self,
        session: &'a SessionId,
        token: &'a TokenId,
        at: At,
    ) -> BoxFuture<'a, Result<Standing, Error>>;

    /// Notes that a session has ended, and queues its sites to be told; how many are to be told.
    fn end<'a>(&'a self, session: &'a SessionId, at: At) -> BoxFuture<'a, Result<u64, Error>>;

    /// Takes what is due of at most so many sessions. What is not settled within `lease` is due again.
    ///
    /// # Errors
    /// Those of every verb, if nothing was taken: what cannot be read holds up nothing else. What is reported as
    /// `Corrupt` is not due again.
    fn due(
        &self,
        sessions_max: usize,
        lease: Duration,
        at: At,
    ) -> BoxFuture<'_, Result<Vec<PendingNotice>, Error>>;

    /// Says what became of a notice.
    fn settle<'a>(
        &'a self,
        notice: &'a PendingNotice,
        fate: NoticeFate,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>>;
}
