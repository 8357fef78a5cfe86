//! What may change in a live session, all of it in one step: its secret, its attributes, its proofs.

use crate::secret::SessionKey;
use crate::session::Session;
use crate::session::changes::Changes;
use crate::session::end::End;
use crate::session::limits::SessionLimits;
use crate::session::proof::Proof;
use crate::session::rule::Record;
use crate::time::UnixMillis;

/// A change of a live session. Every change counts as a use of the session.
///
/// INVARIANT: a proof comes with a new key, since it raises what the secret is worth.
///
/// ```
/// use sso_core::{Amendment, AttributeName, Changes, SessionSecret, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = SessionSecret::new(&UserId::new("alice")?, [7; 32]);
/// let next = secret.rotate([8; 32]);
/// let roles = Changes::new().set(AttributeName::new("admin")?, true);
/// let amendment = Amendment::renewal(next.key()).with(roles);
/// assert_eq!(amendment.next(), Some(&next.key()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    next: Option<SessionKey>,
    changes: Changes,
    proof: Option<Proof>,
}

impl Amendment {
    /// Moves the session to a new key of the same user; the old one stays behind as
    /// [`Renewed`](crate::EndReason::Renewed).
    #[must_use]
    pub fn renewal(next: SessionKey) -> Self {
        Self { next: Some(next), changes: Changes::new(), proof: None }
    }

    /// Changes attributes and nothing else.
    #[must_use]
    pub fn attributes(changes: Changes) -> Self {
        Self { next: None, changes, proof: None }
    }

    /// Moves the session to a new key and notes a proof.
    #[must_use]
    pub fn step_up(next: SessionKey, proof: Proof) -> Self {
        Self { next: Some(next), changes: Changes::new(), proof: Some(proof) }
    }

    /// The same, and these changes of attributes instead of others.
    #[must_use]
    pub fn with(mut self, changes: Changes) -> Self {
        self.changes = changes;
        self
    }

    /// The key that the session moves to.
    #[must_use]
    pub fn next(&self) -> Option<&SessionKey> {
        self.next.as_ref()
    }

    /// The changes of attributes, and the version that they expect.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The proof to note.
    #[must_use]
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }
}

/// What a change came to. Nothing has changed unless it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Amended<T = Session> {
    /// It is done.
    Done(T),
    /// The attributes have another version than the one expected. Look at them again, and decide again.
    Conflict(Session),
    /// There would be more attributes or proofs than a session may have.
    Full,
    /// Nobody proves anything on behalf of somebody else.
    Impersonated,
    /// The session has ended.
    Ended(End),
    /// There is no such session.
    Unknown,
}

impl<T> Amended<T> {
    /// What came of it, or `None` if it is not done.
    #[must_use]
    pub fn done(self) -> Option<T> {
        if let Self::Done(done) = self { Some(done) } else { None }
    }

    /// The same answer with what is done turned into something else.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Amended<U> {
        match self {
            Self::Done(done) => Amended::Done(turn(done)),
            Self::Conflict(session) => Amended::Conflict(session),
            Self::Full => Amended::Full,
            Self::Impersonated => Amended::Impersonated,
            Self::Ended(end) => Amended::Ended(end),
            Self::Unknown => Amended::Unknown,
        }
    }
}

impl Record {
    /// The record of a live session after a change. Which key it is kept under is the store's business.
    ///
    /// What stands in the way is told in this order: impersonation, another version, too much.
    pub fn amended(&self, amendment: &Amendment, limits: &SessionLimits, now: UnixMillis) -> Amended<Self> {
        let changes = &amendment.changes;
        if self.actor.is_some() && amendment.proof.is_some() {
            return Amended::Impersonated;
        }
        if changes.expected_version().is_some_and(|expected| expected != self.version) {
            return Amended::Conflict(self.session(limits));
        }
        let attributes = self.attributes.changed(changes);
        let proofs = match &amendment.proof {
            Some(proof) => self.proofs.with(proof, now),
            None => Some(self.proofs.clone()),
        };
        let (Some(attributes), Some(proofs)) = (attributes, proofs) else {
            return Amended::Full;
        };
        let version = if changes.is_empty() { self.version } else { self.version.saturating_add(1) };
        let last_seen_at = self.last_seen_at.max(now);
        Amended::Done(Self { attributes, version, proofs, last_seen_at, ..self.clone() })
    }
}
