//! The deadlines of a session: which there are, and what each of them means when it has passed.

use std::time::Duration;

use super::heartbeat::Beat;
use super::{Bridge, CloseReason, Stage};

/// What has to happen by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deadline {
    Hello,
    Heartbeat,
    Drain,
    Idle,
    Absolute,
}

impl Bridge {
    /// Every deadline that counts at this stage, with its moment.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = (Duration, Deadline)> {
        let hello = matches!(self.stage, Stage::Hello);
        let open = matches!(self.stage, Stage::Open);
        let drain = self.ended.as_ref().map(|ended| ended.drain_until);
        [
            (hello.then(|| self.started + self.limits.hello()), Deadline::Hello),
            (open.then(|| self.heartbeat.wake_at()), Deadline::Heartbeat),
            (drain.filter(|_| open), Deadline::Drain),
            (open.then(|| self.last_input + self.limits.idle()), Deadline::Idle),
            (open.then(|| self.started + self.limits.absolute()), Deadline::Absolute),
        ]
        .into_iter()
        .filter_map(|(at, what)| at.map(|at| (at, what)))
    }

    /// The reason to close that holds at `now`, if any. A ping that is due is none: it is sent.
    pub(super) fn reason_at(&mut self, now: Duration) -> Option<CloseReason> {
        let passed: Vec<Deadline> =
            self.deadlines().filter(|(at, _)| now >= *at).map(|(_, what)| what).collect();
        passed.into_iter().find_map(|deadline| match deadline {
            Deadline::Hello => Some(CloseReason::PeerSilent),
            Deadline::Heartbeat => {
                (self.heartbeat.on_tick(now) == Beat::Silent).then_some(CloseReason::PeerSilent)
            }
            Deadline::Drain => self.ended.as_ref().map(|ended| CloseReason::Undrained(ended.end.clone())),
            Deadline::Idle => Some(CloseReason::Idle),
            Deadline::Absolute => Some(CloseReason::Expired),
        })
    }
}
