//! Pings from the server: browsers slow down the timers of hidden pages, so the client only answers.

use std::time::Duration;

use crate::Limits;

/// At most one ping is unanswered at any time.
#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    timeout: Duration,
    state: State,
    rtt: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next ping is due then.
    Quiet { ping_at: Duration },
    /// A ping is due or on its way; the answer must be here by `deadline`.
    Waiting { stamp: u64, deadline: Duration, sent_at: Option<Duration> },
}

/// What a tick of the clock means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Alive,
    Silent,
}

impl Heartbeat {
    pub(super) fn new(limits: &Limits, now: Duration) -> Self {
        let every = limits.heartbeat();
        let state = State::Quiet { ping_at: now + every };
        Self { every, timeout: limits.heartbeat_timeout(), state, rtt: None }
    }

    /// The deadline starts when the ping is due, not when it leaves: a stuck transport is silence too.
    pub(super) fn on_tick(&mut self, now: Duration) -> Beat {
        match self.state {
            State::Quiet { ping_at } if now >= ping_at => {
                let stamp = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                self.state = State::Waiting { stamp, deadline: now + self.timeout, sent_at: None };
                Beat::Alive
            }
            State::Waiting { deadline, .. } if now >= deadline => Beat::Silent,
            State::Quiet { .. } | State::Waiting { .. } => Beat::Alive,
        }
    }

    /// The stamp of a ping that has to be sent, once.
    pub(super) fn take_ping(&mut self, now: Duration) -> Option<u64> {
        match &mut self.state {
            State::Waiting { stamp, sent_at: sent_at @ None, .. } => {
                *sent_at = Some(now);
                Some(*stamp)
            }
            State::Quiet { .. } | State::Waiting { .. } => None,
        }
    }

    /// Whether `stamp` answers the ping that was sent.
    #[must_use]
    pub(super) fn on_pong(&mut self, now: Duration, stamp: u64) -> bool {
        let State::Waiting { stamp: asked, sent_at: Some(sent_at), .. } = self.state else { return false };
        if asked != stamp {
            return false;
        }
        self.rtt = Some(now.saturating_sub(sent_at));
        self.state = State::Quiet { ping_at: now + self.every };
        true
    }

    pub(super) fn wake_at(&self) -> Duration {
        match self.state {
            State::Quiet { ping_at } => ping_at,
            State::Waiting { deadline, .. } => deadline,
        }
    }

    /// The last round trip.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }
}
