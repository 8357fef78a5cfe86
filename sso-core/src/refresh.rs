//! Refresh tokens (RFC 6749, section 1.5): the nouns of a family, and what the façade asks of a store of them.
//!
//! Secrets are in `secret`, limits in `limits`, the rule of rotation in `rule`, the façade in `refresher`.

pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod names;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod refresher;
#[cfg(feature = "redis")]
mod reply;
pub(crate) mod request;
pub(crate) mod rule;
pub(crate) mod secret;

use crate::error::Error;
use crate::refresh::limits::RefreshLimits;
use crate::refresh::names::{ClientId, FamilyId, FamilyKey, Scope};
use crate::refresh::request::{NewFamily, Presented};
use crate::refresh::rule::RotateOutcome;
use crate::session::SessionId;
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// All refresh tokens that come from one sign-in, each the child of the one before. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Family {
    /// The family's public name, for lists and logs.
    pub id: FamilyId,
    /// Who signed in.
    pub user: UserId,
    /// The client that the tokens were issued to. No other may use them.
    pub client: ClientId,
    /// The session that the family dies with, if it is bound to one.
    pub session: Option<SessionId>,
    /// What was granted. A refresh may ask for less, never for more.
    pub scope: Option<Scope>,
    /// When the user signed in.
    pub created_at: UnixMillis,
    /// When the current token was issued.
    pub rotated_at: UnixMillis,
    /// When the current token ends if it is not used, under the limits of this call.
    pub expires_at: UnixMillis,
    /// How many times the token has been exchanged.
    pub rotations: u64,
}

/// Why a family ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FamilyEnd {
    /// A former token was shown again: two parties have had it.
    Reused,
    /// The user, the client or the application revoked it (RFC 7009).
    Revoked,
    /// The session that it was bound to ended.
    SessionEnded,
    /// The user had too many families, and this was the oldest.
    Replaced,
    /// Its token was not used for as long as the idle limit.
    ExpiredIdle,
    /// It was older than the absolute limit.
    ExpiredAbsolute,
    /// A reason that a newer version of this crate wrote into the store.
    Other,
}

impl FamilyEnd {
    /// The reason as stores write it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::SessionEnded => "session_ended",
            Self::Replaced => "replaced",
            Self::ExpiredIdle => "expired_idle",
            Self::ExpiredAbsolute => "expired_absolute",
            Self::Other => "other",
        }
    }

    /// The reason behind a code; [`FamilyEnd::Other`] for a code of a newer version.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "reused" => Self::Reused,
            "revoked" => Self::Revoked,
            "session_ended" => Self::SessionEnded,
            "replaced" => Self::Replaced,
            "expired_idle" => Self::ExpiredIdle,
            "expired_absolute" => Self::ExpiredAbsolute,
            _ => Self::Other,
        }
    }
}

/// What revoking one family came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum RevokeFamily {
    /// This call ended it.
    Revoked,
    /// It had ended before, and keeps its first reason.
    AlreadyEnded(FamilyEnd),
    /// It belongs to another client, and lives on.
    WrongClient,
    /// There is no such family.
    Unknown,
}

/// Some families of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Families {
    /// All.
    All,
    /// Those that are bound to this session.
    OfSession(SessionId),
    /// Those that were issued to this client.
    OfClient(ClientId),
}

/// A store of refresh tokens' families.
///
/// Every verb is one atomic step, under the limits and at the time that it is given. A refresh and a revocation
/// that race come one after the other: either the revocation finds the new token's family, or the refresh is told
/// that the family has ended. All stores give the same answers to the same commands;
/// [`MemoryRefreshStore`](crate::MemoryRefreshStore) is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer in time, and with `Corrupt` if it holds
/// something that this crate did not write.
pub trait RefreshStore: Send + Sync + std::fmt::Debug {
    /// Keeps a new family. If its user then has more than
    /// [`FAMILIES_PER_USER_MAX`](crate::FAMILIES_PER_USER_MAX), the oldest ends as `Replaced`.
    ///
    /// # Errors
    /// Besides those of every verb, `Misuse` if the family exists: the caller's random bytes are not random.
    fn issue<'a>(
        &'a self,
        new: &'a NewFamily,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Family, Error>>;

    /// Exchanges a token for its child, or says why not. A token that was exchanged before ends its family.
    fn rotate<'a>(
        &'a self,
        presented: &'a Presented,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RotateOutcome, Error>>;

    /// Ends one family, for a client only if it is the client's own. A family that has ended keeps its first reason.
    fn revoke_family<'a>(
        &'a self,
        key: &'a FamilyKey,
        client: Option<&'a ClientId>,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeFamily, Error>>;

    /// Ends some live families of a user, and says how many they were.
    fn revoke_user<'a>(
        &'a self,
        user: &'a UserId,
        families: &'a Families,
        reason: FamilyEnd,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// The live families of a user, oldest first.
    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Family>, Error>>;
}
