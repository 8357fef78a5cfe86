//! When a silent server is asked for a sign of life, and when it counts as lost. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// What is known about the life of a server.
///
/// There are servers that never answer the question. So it is put once at the start, when the server is
/// known to be alive, and only one that has answered before can be lost by not answering.
#[derive(Debug)]
pub(super) struct Liveness {
    probe_after: Duration,
    unanswered_max: Duration,
    /// When to ask.
    due: Instant,
    /// Since when an answer is awaited.
    asked: Option<Instant>,
    /// Whether the server has ever answered.
    answers: bool,
}

impl Liveness {
    /// The server is to be asked now, and then after each silence.
    pub(super) fn new(now: Instant, probe_after: Duration, unanswered_max: Duration) -> Self {
        Self { probe_after, unanswered_max, due: now, asked: None, answers: false }
    }

    /// The server said something, or took something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.due = now + self.probe_after;
        self.asked = None;
    }

    /// The server answered.
    pub(super) fn answered(&mut self, now: Instant) {
        self.answers = true;
        self.heard(now);
    }

    /// Whether the server has to be asked now. The time for its answer runs from here on, also when the
    /// question cannot leave: then earlier bytes are stuck, which only a live server can take.
    pub(super) fn asks(&mut self, now: Instant) -> bool {
        if !self.answers && self.is_late(now) {
            self.heard(now);
        }
        let silent = now >= self.due;
        if silent {
            self.asked.get_or_insert(now);
        }
        silent
    }

    /// Whether a server that answers has not done so for too long.
    pub(super) fn is_lost(&self, now: Instant) -> bool {
        self.answers && self.is_late(now)
    }

    /// When to look again.
    pub(super) fn wake_at(&self) -> Instant {
        self.asked.map_or(self.due, |asked| asked + self.unanswered_max)
    }

    /// For messages.
    pub(super) fn unanswered_secs(&self) -> u64 {
        self.unanswered_max.as_secs()
    }

    fn is_late(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now >= asked + self.unanswered_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn liveness() -> (impl Fn(u64) -> Instant, Liveness) {
        let start = Instant::now();
        let liveness = Liveness::new(start, Duration::from_secs(20), Duration::from_secs(40));
        (move |secs| start + Duration::from_secs(secs), liveness)
    }

    #[test]
    fn a_server_is_asked_when_silent_and_lost_when_still_silent() {
        let (at, mut liveness) = liveness();
        assert!(liveness.asks(at(0)), "at once");
        liveness.answered(at(0));
        assert!(!liveness.asks(at(19)));
        assert_eq!(liveness.wake_at(), at(20));
        assert!(liveness.asks(at(20)));
        assert_eq!(liveness.wake_at(), at(60));
        assert!(liveness.asks(at(30)), "it is asked again, and the clock goes on");
        assert!(!liveness.is_lost(at(59)));
        assert!(liveness.is_lost(at(60)));
        liveness.heard(at(59));
        assert!(!liveness.is_lost(at(60)) && !liveness.asks(at(78)));
        assert_eq!(liveness.wake_at(), at(79));
    }

    #[test]
    fn a_server_that_never_answers_is_asked_and_not_lost() {
        let (at, mut liveness) = liveness();
        assert!(liveness.asks(at(0)));
        assert_eq!(liveness.wake_at(), at(40));
        assert!(!liveness.is_lost(at(1000)));
        assert!(!liveness.asks(at(40)), "a new silence begins");
        assert_eq!(liveness.wake_at(), at(60));
        assert!(liveness.asks(at(60)));
    }
}
