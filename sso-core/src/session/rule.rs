//! The rule of sessions: given what is kept, the limits and the time, is the session live, and why not?
//!
//! This is the specification. The memory store calls it; `store/redis/rule.lua` says the same in Lua, and one
//! test suite holds both to the same answers.

use crate::session::limits::SessionLimits;
use crate::session::login::{DeviceKind, NewSession};
use crate::session::{EndReason, Session, SessionId};
use crate::time::{UnixMillis, whole_millis};
use crate::user_id::UserId;

/// How long the reason of an ended session is remembered, in milliseconds: ten minutes.
pub const TOMBSTONE_MILLIS: u64 = 10 * 60 * 1000;

/// How many live sessions one user may have. One login more ends the oldest as [`EndReason::Replaced`].
pub const SESSIONS_PER_USER_MAX: usize = 100;

/// What a store keeps of a session while it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose session it is.
    pub user: UserId,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When its use was last written down.
    pub last_seen_at: UnixMillis,
    /// The kind of device.
    pub device: DeviceKind,
    /// The client's words about itself.
    pub agent: String,
    /// Where the client came from.
    pub address: String,
}

/// What a store keeps of a session after its end, until it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Why it ended.
    pub reason: EndReason,
    /// When it ended.
    pub ended_at: UnixMillis,
}

/// What a store keeps under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A session that has not been seen to end.
    Live(Record),
    /// A session that has ended. INVARIANT: nothing turns it back into a live one.
    Ended(Tombstone),
}

/// What the rule says of a [`Kept`] at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It lives, and its last use was written down a short while ago: nothing to write.
    Fresh,
    /// It lives, and its use is to be written down as now.
    Stale,
    /// It has ended. The store keeps this tombstone in place of whatever it kept.
    Ended(Tombstone),
    /// It ended so long ago that the store drops it.
    Forgotten,
}

impl Record {
    /// The record of a session that is created now.
    #[must_use]
    pub fn new(new: &NewSession, now: UnixMillis) -> Self {
        let login = new.login().clone();
        Self {
            user: new.user().clone(),
            created_at: now,
            last_seen_at: now,
            device: login.device,
            agent: login.agent,
            address: login.address,
        }
    }

    /// What the application may see of this record.
    #[must_use]
    pub fn session(&self, id: SessionId, limits: &SessionLimits) -> Session {
        Session {
            id,
            user: self.user.clone(),
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            expires_at: UnixMillis::saturating_new(self.end(limits).0),
            device: self.device,
            agent: self.agent.clone(),
            address: self.address.clone(),
        }
    }

    /// When it ends by itself, in milliseconds, and why.
    fn end(&self, limits: &SessionLimits) -> (u64, EndReason) {
        let idle = self.last_seen_at.as_millis().saturating_add(whole_millis(limits.idle()));
        let absolute = self.created_at.as_millis().saturating_add(whole_millis(limits.absolute()));
        if absolute <= idle { (absolute, EndReason::ExpiredAbsolute) } else { (idle, EndReason::ExpiredIdle) }
    }
}

/// Says whether a session lives. A clock that runs backwards makes no session end and revives none.
pub fn decide(kept: &Kept, limits: &SessionLimits, now: UnixMillis) -> Decision {
    match kept {
        Kept::Live(record) => decide_live(record, limits, now),
        Kept::Ended(tombstone) => remembered(*tombstone, now),
    }
}

fn decide_live(record: &Record, limits: &SessionLimits, now: UnixMillis) -> Decision {
    let (end, reason) = record.end(limits);
    if now.as_millis() >= end {
        return remembered(Tombstone { reason, ended_at: UnixMillis::saturating_new(end) }, now);
    }
    let due = record.last_seen_at.as_millis().saturating_add(whole_millis(limits.touch_every()));
    if now.as_millis() >= due { Decision::Stale } else { Decision::Fresh }
}

fn remembered(tombstone: Tombstone, now: UnixMillis) -> Decision {
    let forgotten = tombstone.ended_at.as_millis().saturating_add(TOMBSTONE_MILLIS);
    if now.as_millis() >= forgotten { Decision::Forgotten } else { Decision::Ended(tombstone) }
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
        Decision::Ended(Tombstone { reason, ended_at: at(secs) })
    }

    #[test]
    fn a_session_rests_then_ends_then_is_forgotten() {
        let kept = Kept::Live(record());
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
        let kept = Kept::Live(Record { last_seen_at: at(149), ..record() });
        assert_eq!(decide(&kept, &limits(), at(149)), Decision::Fresh);
        assert_eq!(decide(&kept, &limits(), at(150)), ended(EndReason::ExpiredAbsolute, 150));
    }

    #[test]
    fn a_clock_that_runs_backwards_changes_nothing() {
        let kept = Kept::Live(record());
        assert_eq!(decide(&kept, &limits(), UnixMillis::EPOCH), Decision::Fresh);
    }
}
