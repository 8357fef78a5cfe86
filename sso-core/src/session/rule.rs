//! The rule of sessions: given what is kept, the limits and the time, is the session live, and why not?
//!
//! This is the specification. The memory store calls it; `store/redis/rule.lua` says the same in Lua, and one
//! test suite holds both to the same answers.

use crate::secret::SessionKey;
use crate::session::attributes::Attributes;
use crate::session::end::{End, EndReason};
use crate::session::limits::SessionLimits;
use crate::session::login::{DeviceKind, Lifespan, NewSession};
use crate::session::proof::Proofs;
use crate::session::{Session, SessionId};
use crate::time::{UnixMillis, whole_millis};
use crate::user_id::UserId;

/// How long the reason of an ended session is remembered, in milliseconds: ten minutes.
pub const TOMBSTONE_MILLIS: u64 = 10 * 60 * 1000;

/// How many renewals, one after the other, the end of a key follows to the key that its session has now.
pub const RENEWALS_FOLLOWED_MAX: u8 = 100;

/// How many live sessions one user may have, those of impersonators aside.
pub const SESSIONS_PER_USER_MAX: u8 = 100;

/// How many live sessions impersonators may have of one user. One more ends the oldest of them.
pub const IMPERSONATIONS_PER_USER_MAX: u8 = 16;

/// What a store keeps of a session while it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its public name, from its first key.
    pub id: SessionId,
    /// Whose session it is.
    pub user: UserId,
    /// Who acts as the user, if it is somebody else.
    pub actor: Option<UserId>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When its use was last written down.
    pub last_seen_at: UnixMillis,
    /// Whose limits it lives under.
    pub lifespan: Lifespan,
    /// The kind of device.
    pub device: DeviceKind,
    /// The client's words about itself.
    pub agent: String,
    /// Where the client came from.
    pub address: String,
    /// What the application keeps with it.
    pub attributes: Attributes,
    /// How often the attributes were changed.
    pub version: u64,
    /// What the user has proved lately.
    pub proofs: Proofs,
}

/// What a store keeps under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A session that has not been seen to end.
    Live(Box<Record>),
    /// A session that has ended. INVARIANT: nothing turns it back into a live one.
    Ended(End),
    /// A key that its session has left for another one of the same user. INVARIANT: as above.
    Renewed {
        /// Where the session went.
        next: SessionKey,
        /// When that was.
        at: UnixMillis,
    },
}

/// What the rule says of a [`Kept`] at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It lives, and its last use was written down a short while ago: nothing to write.
    Fresh,
    /// It lives, and its use is to be written down as now.
    Stale,
    /// It has ended. The store keeps this in place of whatever it kept.
    Ended(End),
    /// It ended so long ago that the store drops it.
    Forgotten,
}

impl Record {
    /// The record of a session that is created now.
    #[must_use]
    pub fn new(new: &NewSession, now: UnixMillis) -> Self {
        let login = new.login().clone();
        Self {
            id: new.key().id(),
            user: new.user().clone(),
            actor: new.actor().cloned(),
            created_at: now,
            last_seen_at: now,
            lifespan: new.lifespan(),
            device: login.device,
            agent: login.agent,
            address: login.address,
            attributes: Attributes::default(),
            version: 0,
            proofs: Proofs::default(),
        }
    }

    /// What the application may see of this record.
    #[must_use]
    pub fn session(&self, limits: &SessionLimits) -> Session {
        self.clone().into_session(limits)
    }

    /// The same of a record that is needed no more.
    #[must_use]
    pub fn into_session(self, limits: &SessionLimits) -> Session {
        Session {
            expires_at: self.end(limits).at,
            id: self.id,
            user: self.user,
            actor: self.actor,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            lifespan: self.lifespan,
            device: self.device,
            agent: self.agent,
            address: self.address,
            attributes: self.attributes,
            version: self.version,
            proofs: self.proofs,
        }
    }

    /// When it ends by itself, and why, if it is not used again.
    #[must_use]
    pub fn end(&self, limits: &SessionLimits) -> End {
        let idle = self.last_seen_at.saturating_add(limits.idle());
        let absolute = match self.lifespan {
            Lifespan::Remembered(life) => {
                let at = self.created_at.saturating_add(life);
                return End { reason: EndReason::ExpiredAbsolute, at };
            }
            Lifespan::Limits => self.created_at.saturating_add(limits.absolute()),
            Lifespan::AtMost(life) => self.created_at.saturating_add(limits.absolute().min(life)),
        };
        if absolute <= idle {
            End { reason: EndReason::ExpiredAbsolute, at: absolute }
        } else {
            End { reason: EndReason::ExpiredIdle, at: idle }
        }
    }
}

/// Says whether a session lives. A clock that runs backwards makes no session end and revives none.
pub fn decide(kept: &Kept, limits: &SessionLimits, now: UnixMillis) -> Decision {
    match kept {
        Kept::Live(record) => decide_live(record, limits, now),
        Kept::Ended(end) => remembered(end.clone(), now),
        Kept::Renewed { at, .. } => remembered(End { reason: EndReason::Renewed, at: *at }, now),
    }
}

fn decide_live(record: &Record, limits: &SessionLimits, now: UnixMillis) -> Decision {
    let end = record.end(limits);
    if now >= end.at {
        return remembered(end, now);
    }
    let due = record.last_seen_at.as_millis().saturating_add(whole_millis(limits.touch_every()));
    if now.as_millis() >= due { Decision::Stale } else { Decision::Fresh }
}

fn remembered(end: End, now: UnixMillis) -> Decision {
    let forgotten = end.at.as_millis().saturating_add(TOMBSTONE_MILLIS);
    if now.as_millis() >= forgotten { Decision::Forgotten } else { Decision::Ended(end) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::login::Login;

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::new(1_700_000_000_000 + secs * 1000).unwrap()
    }

    fn record() -> Record {
        let user = UserId::new("alice").unwrap();
        Record::new(&NewSession::open(user, Login::new(DeviceKind::Web, "", ""), [1; 32]).0, at(0))
    }

    fn limits() -> SessionLimits {
        SessionLimits::new(Duration::from_secs(100), Duration::from_secs(150), Duration::from_secs(10))
            .unwrap()
    }

    fn ended(reason: EndReason, secs: u64) -> Decision {
        Decision::Ended(End { reason, at: at(secs) })
    }

    #[test]
    fn a_session_rests_then_ends_then_is_forgotten() {
        let kept = Kept::Live(Box::new(record()));
        let decide = |secs| decide(&kept, &limits(), at(secs));
        assert_eq!(decide(9), Decision::Fresh);
        assert_eq!(decide(10), Decision::Stale);
        assert_eq!(decide(99), Decision::Stale);
        assert_eq!(decide(100), ended(EndReason::ExpiredIdle, 100));
        assert_eq!(decide(699), ended(EndReason::ExpiredIdle, 100));
        assert_eq!(decide(700), Decision::Forgotten);
    }

    #[test]
    fn use_does_not_outlive_the_absolute_limit() {
        let kept = Kept::Live(Box::new(Record { last_seen_at: at(149), ..record() }));
        assert_eq!(decide(&kept, &limits(), at(149)), Decision::Fresh);
        assert_eq!(decide(&kept, &limits(), at(150)), ended(EndReason::ExpiredAbsolute, 150));
    }

    #[test]
    fn a_clock_that_runs_backwards_changes_nothing() {
        let kept = Kept::Live(Box::new(record()));
        assert_eq!(decide(&kept, &limits(), UnixMillis::EPOCH), Decision::Fresh);
    }
}
