//! Credit for output: how much the terminal has not consumed yet, and when to pause.
//!
//! Counting what xterm.js has consumed (its write callback), not what the network took, is what keeps a
//! browser responsive: bytes queued inside the page are counted too.

use crate::Limits;

/// The widest UTF-8 character; less room than this could fail to carry one.
const CHAR_BYTES_MAX: u64 = 4;

/// Sent and consumed positions in the stream with a pause mark and a resume mark, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    sent: u64,
    consumed: u64,
    /// The last acknowledgement. It can lie below `consumed`, where an earlier connection had come to.
    acked: u64,
    gap: Option<Gap>,
    pause_at: u64,
    resume_at: u64,
    paused: bool,
}

/// Output that was gone before it could be sent.
#[derive(Debug, Clone, Copy)]
struct Gap {
    from: u64,
    to: u64,
}

/// Why an acknowledgement is a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadAck {
    BeyondSent,
    GoingBack,
}

impl Flow {
    /// A terminal that has got everything before byte `at`. What of it still waits inside the page is not
    /// counted: the acknowledgements of an earlier connection may have been lost with it.
    pub(crate) fn new(limits: &Limits, at: u64) -> Self {
        let config = limits.config();
        Self {
            sent: at,
            consumed: at,
            acked: 0,
            gap: None,
            pause_at: config.unacked_bytes_max.into(),
            resume_at: config.resume_bytes.into(),
            paused: false,
        }
    }

    /// The number of the next byte to send.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Everything before this byte is consumed.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Bytes that may be sent now: 0, or enough for any one character.
    pub(crate) fn room(&self) -> usize {
        if self.paused { 0 } else { usize::try_from(self.pause_at - self.unacked()).unwrap_or(usize::MAX) }
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    pub(crate) fn on_sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
        // INVARIANT: never above `pause_at`, because callers send at most `room`.
        if self.unacked() + CHAR_BYTES_MAX > self.pause_at {
            self.paused = true;
        }
    }

    /// Whether a gap may be sent. Each gap is consumed before the next one, and none is sent to a terminal
    /// that is paused: otherwise one that never consumes would be sent a flood, gap by gap.
    pub(crate) fn may_skip(&self) -> bool {
        !self.paused && self.gap.is_none()
    }

    /// Goes on at byte `to`; what lies before it is not owed.
    pub(crate) fn skip_to(&mut self, to: u64) {
        self.gap = Some(Gap { from: self.sent, to });
        self.sent = to;
    }

    pub(crate) fn on_ack(&mut self, consumed: u64) -> Result<(), BadAck> {
        if consumed > self.sent {
            return Err(BadAck::BeyondSent);
        }
        if consumed < self.acked {
            return Err(BadAck::GoingBack);
        }
        self.acked = consumed;
        self.consumed = self.consumed.max(consumed);
        self.gap = self.gap.filter(|gap| gap.to > consumed);
        if self.unacked() <= self.resume_at {
            self.paused = false;
        }
        Ok(())
    }

    /// Bytes that were sent and are not consumed.
    pub(crate) fn unacked(&self) -> u64 {
        let skipped = self.gap.map_or(0, |gap| gap.to.saturating_sub(gap.from.max(self.consumed)));
        self.sent - self.consumed - skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitsConfig;

    /// Pauses at 32 KiB, resumes at 16 KiB.
    fn flow(at: u64) -> Flow {
        let config =
            LimitsConfig { unacked_bytes_max: 32 << 10, resume_bytes: 16 << 10, ..LimitsConfig::default() };
        Flow::new(&Limits::new(config).unwrap(), at)
    }

    #[test]
    fn pauses_at_the_high_mark_and_resumes_at_the_low_one() {
        let mut flow = flow(0);
        flow.on_sent((32 << 10) - 4);
        assert_eq!((flow.paused(), flow.room()), (false, 4), "one more character fits");
        flow.on_sent(1);
        assert_eq!((flow.paused(), flow.room()), (true, 0));
        flow.on_ack((16 << 10) - 4).unwrap();
        assert!(flow.paused(), "a byte above the resume mark");
        flow.on_ack((16 << 10) - 3).unwrap();
        assert_eq!((flow.paused(), flow.room()), (false, 16 << 10));
    }

    #[test]
    fn an_ack_can_neither_run_ahead_nor_go_back() {
        let mut flow = flow(0);
        flow.on_sent(10);
        assert_eq!(flow.on_ack(11), Err(BadAck::BeyondSent));
        flow.on_ack(10).unwrap();
        assert_eq!(flow.on_ack(9), Err(BadAck::GoingBack));
        assert_eq!(flow.on_ack(10), Ok(()), "saying it twice is no lie");
    }

    #[test]
    fn a_terminal_that_came_back_may_still_consume_what_it_had() {
        let mut flow = flow(1000);
        flow.on_ack(700).unwrap();
        assert_eq!((flow.consumed(), flow.unacked()), (1000, 0));
        assert_eq!(flow.on_ack(699), Err(BadAck::GoingBack));
        assert_eq!(flow.on_ack(1001), Err(BadAck::BeyondSent));
    }

    #[test]
    fn a_gap_is_not_owed_but_what_was_sent_before_it_is() {
        let mut flow = flow(0);
        flow.on_sent(100);
        flow.skip_to(5_000_000);
        assert_eq!((flow.unacked(), flow.may_skip()), (100, false), "the gap has not arrived yet");
        flow.on_sent(50);
        flow.on_ack(60).unwrap();
        assert_eq!(flow.unacked(), 90);
        flow.on_ack(2_000_000).unwrap();
        assert_eq!((flow.unacked(), flow.may_skip()), (50, false));
        flow.on_ack(5_000_000).unwrap();
        assert_eq!((flow.unacked(), flow.may_skip()), (50, true));
        flow.on_ack(5_000_050).unwrap();
        assert_eq!(flow.unacked(), 0);
    }
}
