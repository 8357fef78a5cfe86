//! The deadlines of a session: which there are, and what each of them means when it has passed.

use std::time::Duration;

use super::heartbeat::Beat;
use super::{Bridge, CloseReason, ConnectionId, Presence};

/// What ends a session by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deadline {
    /// The owner did not come, or did not come back.
    Absent,
    /// The owner did not take the last output.
    Drain,
    Idle,
    Absolute,
}

impl Bridge {
    /// Time has passed. Call it at [`wake_at`](Self::wake_at); calling it more often does no harm.
    pub fn on_tick(&mut self, now: Duration) {
        self.saw(now);
        if self.is_closing() {
            return;
        }
        if let Some(reason) = self.reason_at(now) {
            return self.close(reason);
        }
        for id in self.silent_at(now) {
            self.drop_connection(id, CloseReason::PeerSilent);
        }
        if now >= self.trim_at {
            self.ring.trim();
            self.trim_at = now + self.limits.heartbeat();
        }
    }

    /// When [`on_tick`](Self::on_tick) has to be called; `None` once the session is closing.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        if self.is_closing() {
            return None;
        }
        let open = self.connections.iter().filter(|connection| connection.is_open());
        let beats = open.map(|connection| connection.heartbeat.wake_at());
        self.deadlines().map(|(at, _)| at).chain(beats).min()
    }

    /// Every deadline of the session that counts now, with its moment.
    fn deadlines(&self) -> impl Iterator<Item = (Duration, Deadline)> {
        let awaited = matches!(self.presence, Presence::Awaited);
        let presence = match (self.presence, &self.ended) {
            (Presence::Awaited, _) => Some((self.started + self.limits.hello(), Deadline::Absent)),
            (Presence::Detached { since }, _) => Some((since + self.limits.detached(), Deadline::Absent)),
            (Presence::Attached { since, .. }, Some(ended)) => {
                Some((ended.at.max(since) + self.limits.drain(), Deadline::Drain))
            }
            (Presence::Attached { .. }, None) => None,
        };
        let idle = (!awaited).then(|| (self.last_input + self.limits.idle(), Deadline::Idle));
        let absolute = Some((self.started + self.limits.absolute(), Deadline::Absolute));
        [presence, idle, absolute].into_iter().flatten()
    }

    /// The reason to close that holds at `now`, if any.
    fn reason_at(&self, now: Duration) -> Option<CloseReason> {
        let (_, passed) = self.deadlines().find(|(at, _)| now >= *at)?;
        Some(match passed {
            Deadline::Absent | Deadline::Drain => self.absence(),
            Deadline::Idle => CloseReason::Idle,
            Deadline::Absolute => CloseReason::Expired,
        })
    }

    /// The connections that did not answer in time. A ping that is due is no silence: it is sent.
    fn silent_at(&mut self, now: Duration) -> Vec<ConnectionId> {
        let open = self.connections.iter_mut().filter(|connection| connection.is_open());
        open.filter_map(|connection| {
            (connection.heartbeat.on_tick(now) == Beat::Silent).then_some(connection.id)
        })
        .collect()
    }
}
