//! Credit for output: how much the terminal has not consumed yet, and when to pause.
//!
//! Counting what xterm.js has consumed (its write callback), not what the network took, is what keeps a
//! browser responsive: bytes queued inside the page are counted too.

/// The widest UTF-8 character; less room than this could fail to carry one.
const CHAR_BYTES_MAX: u64 = 4;

/// Sent and consumed totals with a pause mark and a resume mark, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    sent: u64,
    consumed: u64,
    pause_at: u64,
    resume_at: u64,
    paused: bool,
}

/// Why an acknowledgement is a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadAck {
    BeyondSent,
    GoingBack,
}

impl Flow {
    pub(crate) fn new(pause_at: u32, resume_at: u32) -> Self {
        Self { sent: 0, consumed: 0, pause_at: pause_at.into(), resume_at: resume_at.into(), paused: false }
    }

    /// Bytes that may be sent now: 0, or enough for any one character.
    pub(crate) fn room(&self) -> usize {
        if self.paused { 0 } else { usize::try_from(self.pause_at - self.unacked()).unwrap_or(usize::MAX) }
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    pub(crate) fn on_sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        // INVARIANT: never above `pause_at`, because callers send at most `room`.
        if self.unacked() + CHAR_BYTES_MAX > self.pause_at {
            self.paused = true;
        }
    }

    pub(crate) fn on_ack(&mut self, consumed: u64) -> Result<(), BadAck> {
        if consumed > self.sent {
            return Err(BadAck::BeyondSent);
        }
        if consumed < self.consumed {
            return Err(BadAck::GoingBack);
        }
        self.consumed = consumed;
        if self.unacked() <= self.resume_at {
            self.paused = false;
        }
        Ok(())
    }

    fn unacked(&self) -> u64 {
        self.sent - self.consumed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_at_the_high_mark_and_resumes_at_the_low_one() {
        let mut flow = Flow::new(100, 40);
        flow.on_sent(97);
        assert_eq!((flow.paused(), flow.room()), (true, 0));
        flow.on_ack(56).unwrap();
        assert!(flow.paused(), "41 bytes are above the resume mark");
        flow.on_ack(57).unwrap();
        assert_eq!((flow.paused(), flow.room()), (false, 60));
    }

    #[test]
    fn an_ack_can_neither_run_ahead_nor_go_back() {
        let mut flow = Flow::new(100, 40);
        flow.on_sent(10);
        assert_eq!(flow.on_ack(11), Err(BadAck::BeyondSent));
        flow.on_ack(10).unwrap();
        assert_eq!(flow.on_ack(9), Err(BadAck::GoingBack));
        assert_eq!(flow.on_ack(10), Ok(()), "saying it twice is no lie");
    }
}
