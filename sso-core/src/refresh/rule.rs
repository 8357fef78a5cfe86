//! The rule of refresh tokens: given what is kept, what is shown, the limits and the time, is there a child?
//!
//! This is the specification. The memory store calls it; `redis/rule.lua` says the same in Lua, and one test suite
//! holds both to the same answers.

use crate::refresh::limits::RefreshLimits;
use crate::refresh::names::{ClientId, FamilyId, Scope};
use crate::refresh::request::{NewFamily, Presented};
use crate::refresh::secret::SecretDigest;
use crate::refresh::{Family, FamilyEnd};
use crate::session::SessionId;
use crate::session::rule::TOMBSTONE_MILLIS;
use crate::time::{UnixMillis, whole_millis};
use crate::user_id::UserId;

/// How many live families one user may have. One more ends the oldest as [`FamilyEnd::Replaced`].
pub const FAMILIES_PER_USER_MAX: usize = 100;

/// What a store keeps of a family while it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyRecord {
    /// Whose family it is.
    pub user: UserId,
    /// Who may use its tokens.
    pub client: ClientId,
    /// The session that it dies with.
    pub session: Option<SessionId>,
    /// What was granted.
    pub scope: Option<Scope>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When the current token was issued.
    pub rotated_at: UnixMillis,
    /// How many times a token was exchanged.
    pub rotations: u64,
    /// The digest of the current token.
    pub current: SecretDigest,
    /// The token before the current one; `None` at first.
    pub parent: Option<FamilyParent>,
}

/// What is kept of the token before the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyParent {
    /// Its digest.
    pub digest: SecretDigest,
    /// What the current token comes from, together with the parent.
    pub nonce: [u8; 32],
}

/// What a store keeps of a family after its end, until it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyTombstone {
    /// Why it ended.
    pub reason: FamilyEnd,
    /// When it ended.
    pub ended_at: UnixMillis,
}

/// What a store keeps under a family's key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are live")]
pub enum FamilyKept {
    /// A family that has not been seen to end.
    Live(FamilyRecord),
    /// A family that has ended. INVARIANT: nothing turns it back into a live one.
    Ended(FamilyTombstone),
}

/// Whether a family lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum FamilyState {
    /// It lives.
    Live,
    /// It has ended. The store keeps this tombstone in place of whatever it kept.
    Ended(FamilyTombstone),
    /// It ended so long ago that the store drops it.
    Forgotten,
}

/// What the rule says to a token that somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rotation {
    /// It is the current token: its child takes its place.
    Rotate,
    /// It is the parent of the current token, and was exchanged a moment ago: the client gets the same child again,
    /// which comes from this nonce. Nothing is written.
    Replay([u8; 32]),
    /// It is a former token: the family ends.
    Reused,
    /// It belongs to another client. Nothing is written: whoever stole it cannot use it.
    WrongClient,
    /// More is asked for than was granted. Nothing is written.
    ScopeTooWide,
    /// Its family has ended.
    Ended(FamilyTombstone),
    /// Nobody knows it.
    Unknown,
}

/// What a store answers to a token that somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum RotateOutcome {
    /// The child that was presented with it has taken its place.
    Rotated(Family),
    /// It was exchanged a moment ago, for the child that comes from this nonce.
    Replayed(Family, [u8; 32]),
    /// It was exchanged long ago. Its family, as it was, has just ended.
    Reused(Family),
    /// It belongs to another client.
    WrongClient(Family),
    /// More is asked for than was granted.
    ScopeTooWide(Family),
    /// Its family had ended before.
    Ended(FamilyEnd),
    /// Nobody knows it.
    Unknown,
}

impl FamilyRecord {
    /// The record of a family that is created now.
    #[must_use]
    pub fn new(new: &NewFamily, now: UnixMillis) -> Self {
        let grant = new.grant().clone();
        Self {
            user: new.user().clone(),
            client: grant.client,
            session: grant.session,
            scope: grant.scope,
            created_at: now,
            rotated_at: now,
            rotations: 0,
            current: new.first(),
            parent: None,
        }
    }

    /// The record after an exchange.
    #[must_use]
    pub fn rotated(self, presented: &Presented, now: UnixMillis) -> Self {
        Self {
            rotated_at: now,
            rotations: self.rotations.saturating_add(1),
            current: presented.child(),
            parent: Some(FamilyParent { digest: presented.digest(), nonce: *presented.nonce() }),
            ..self
        }
    }

    /// What the application may see of this record.
    #[must_use]
    pub fn family(&self, id: FamilyId, limits: &RefreshLimits) -> Family {
        Family {
            id,
            user: self.user.clone(),
            client: self.client.clone(),
            session: self.session.clone(),
            scope: self.scope.clone(),
            created_at: self.created_at,
            rotated_at: self.rotated_at,
            expires_at: self.end(limits).ended_at,
            rotations: self.rotations,
        }
    }

    /// When and why it ends if nothing happens.
    fn end(&self, limits: &RefreshLimits) -> FamilyTombstone {
        let by_idle = self.rotated_at.saturating_add(limits.idle());
        let by_absolute = self.created_at.saturating_add(limits.absolute());
        if by_absolute <= by_idle {
            FamilyTombstone { reason: FamilyEnd::ExpiredAbsolute, ended_at: by_absolute }
        } else {
            FamilyTombstone { reason: FamilyEnd::ExpiredIdle, ended_at: by_idle }
        }
    }
}

/// Says whether a family lives.
pub fn family_state(kept: &FamilyKept, limits: &RefreshLimits, now: UnixMillis) -> FamilyState {
    let tombstone = match kept {
        FamilyKept::Ended(tombstone) => *tombstone,
        FamilyKept::Live(record) => match record.end(limits) {
            end if now < end.ended_at => return FamilyState::Live,
            end => end,
        },
    };
    let forgotten_at = tombstone.ended_at.as_millis().saturating_add(TOMBSTONE_MILLIS);
    if now.as_millis() < forgotten_at { FamilyState::Ended(tombstone) } else { FamilyState::Forgotten }
}

/// Decides over a token that somebody shows. `kept` is what the store keeps under its family's key.
///
/// Whoever names a family has held one of its tokens, because the name comes from bits that only tokens hold. So a
/// token that is neither the current one nor its parent in the window of grace counts as a former one.
pub fn decide_rotation(
    kept: Option<&FamilyKept>,
    presented: &Presented,
    now: UnixMillis,
    limits: &RefreshLimits,
) -> Rotation {
    let Some(kept) = kept else { return Rotation::Unknown };
    let record = match (family_state(kept, limits, now), kept) {
        (FamilyState::Forgotten, _) => return Rotation::Unknown,
        (FamilyState::Ended(tombstone), _) => return Rotation::Ended(tombstone),
        // The rule never calls a tombstone live.
        (FamilyState::Live, FamilyKept::Ended(tombstone)) => return Rotation::Ended(*tombstone),
        (FamilyState::Live, FamilyKept::Live(record)) => record,
    };
    if record.client != *presented.client() {
        return Rotation::WrongClient;
    }
    let grace = whole_millis(limits.grace());
    // Without grace there is none, even if a clock went back.
    let is_in_grace = grace > 0 && now.as_millis() < record.rotated_at.as_millis().saturating_add(grace);
    let answer = match record.parent {
        _ if presented.digest() == record.current => Rotation::Rotate,
        Some(parent) if presented.digest() == parent.digest && is_in_grace => Rotation::Replay(parent.nonce),
        _ => return Rotation::Reused,
    };
    match (&record.scope, presented.scope()) {
        (_, None) => answer,
        (Some(granted), Some(asked)) if granted.covers(asked) => answer,
        (_, Some(_)) => Rotation::ScopeTooWide,
    }
}
