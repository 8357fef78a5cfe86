//! The limits of one session: every number has its unit in its name, and nothing is unlimited.

use std::time::Duration;

use crate::error::{Error, Inner};
use crate::frame::{INPUT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use crate::ring::count;

/// The numbers of a session, not yet checked. Start from the default and change what differs.
///
/// ```
/// use webssh_core::{Limits, LimitsConfig};
///
/// let limits = Limits::new(LimitsConfig { idle_secs_max: 600, ..LimitsConfig::default() })?;
/// assert_eq!(limits.config().idle_secs_max, 600);
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Seconds without user input before the session ends. 1 to 604800.
    pub idle_secs_max: u32,
    /// Seconds before the session ends in any case. 1 to 604800.
    pub absolute_secs_max: u32,
    /// Output held for browsers, sent or not, consumed or not. At least 64 KiB above `unacked_bytes_max`; at most 16 MiB.
    pub ring_bytes_max: u32,
    /// Input accepted but not yet taken by the shell. 16 KiB to 1 MiB.
    pub input_bytes_max: u32,
    /// Output sent but not yet consumed by the terminal, above which sending pauses. At most 8 MiB.
    pub unacked_bytes_max: u32,
    /// Unconsumed output at which sending goes on: at least 16 KiB, below `unacked_bytes_max`.
    pub resume_bytes: u32,
    /// Seconds from one ping to the next. 1 to 3600.
    pub heartbeat_secs: u32,
    /// Seconds that the browser has to answer a ping. 1 to 3600.
    pub heartbeat_timeout_secs: u32,
    /// Seconds that the browser has to say hello. 1 to 600.
    pub hello_secs_max: u32,
    /// Seconds that the browser has to take the last output after the shell has ended. 1 to 600.
    pub drain_secs_max: u32,
    /// Seconds that a session waits for its owner to come back. 0 to 86400; 0 ends it with the connection.
    pub detached_secs_max: u32,
    /// Consumed output that is kept for another device or an observer. At most `ring_bytes_max`.
    pub replay_bytes: u32,
}

/// Half an hour idle, 12 hours in all, 5 minutes without an owner; 256 KiB of output of which 64 KiB stay for
/// replay, 64 KiB of input, a ping every 15 seconds.
impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            idle_secs_max: 30 * 60,
            absolute_secs_max: 12 * 60 * 60,
            ring_bytes_max: 256 * 1024,
            input_bytes_max: 64 * 1024,
            unacked_bytes_max: 128 * 1024,
            resume_bytes: 32 * 1024,
            heartbeat_secs: 15,
            heartbeat_timeout_secs: 30,
            hello_secs_max: 10,
            drain_secs_max: 10,
            detached_secs_max: 5 * 60,
            replay_bytes: 64 * 1024,
        }
    }
}

/// Checked limits of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits(LimitsConfig);

impl Limits {
    /// The most bytes of one [`Bridge::on_channel`](crate::Bridge::on_channel) call.
    pub const CHANNEL_BYTES_MAX: usize = 32 * 1024;

    /// What a session needs beside its buffers, generously.
    const FIXED_BYTES: u64 = 4096;

    /// A client acknowledges at least every 16 KiB; a lower resume mark could stall it.
    const RESUME_BYTES_MIN: u32 = 16 * 1024;

    /// Checks every number against the range in its documentation.
    ///
    /// # Errors
    /// `InvalidInput` names the first number that is out of range, and the range.
    pub fn new(config: LimitsConfig) -> Result<Self, Error> {
        const WEEK: &str = "it must be from 1 to 604800 seconds";
        const HOUR: &str = "it must be from 1 to 3600 seconds";
        const TEN_MINUTES: &str = "it must be from 1 to 600 seconds";
        let c = &config;
        let resume = Self::RESUME_BYTES_MIN..c.unacked_bytes_max;
        // INVARIANT: with all sent bytes below the pause mark, one full read still fits the ring,
        // so a session can neither stall nor overrun it.
        let ring_min = c.unacked_bytes_max.saturating_add(64 * 1024);
        let rules = [
            ("idle_secs_max", (1..=604_800).contains(&c.idle_secs_max), WEEK),
            ("absolute_secs_max", (1..=604_800).contains(&c.absolute_secs_max), WEEK),
            (
                "input_bytes_max",
                (16 << 10..=1 << 20).contains(&c.input_bytes_max),
                "it must be from 16 KiB to 1 MiB",
            ),
            ("unacked_bytes_max", c.unacked_bytes_max <= 8 << 20, "it must be at most 8 MiB"),
            (
                "resume_bytes",
                resume.contains(&c.resume_bytes),
                "it must be at least 16 KiB and below `unacked_bytes_max`",
            ),
            (
                "ring_bytes_max",
                (ring_min..=16 << 20).contains(&c.ring_bytes_max),
                "it must be at least 64 KiB above `unacked_bytes_max`, and at most 16 MiB",
            ),
            ("heartbeat_secs", (1..=3600).contains(&c.heartbeat_secs), HOUR),
            ("heartbeat_timeout_secs", (1..=3600).contains(&c.heartbeat_timeout_secs), HOUR),
            ("hello_secs_max", (1..=600).contains(&c.hello_secs_max), TEN_MINUTES),
            ("drain_secs_max", (1..=600).contains(&c.drain_secs_max), TEN_MINUTES),
            ("detached_secs_max", c.detached_secs_max <= 86_400, "it must be from 0 to 86400 seconds"),
            ("replay_bytes", c.replay_bytes <= c.ring_bytes_max, "it must be at most `ring_bytes_max`"),
        ];
        match rules.into_iter().find(|(_, good, _)| !good) {
            Some((name, _, rule)) => Err(Inner::Limit { name, rule }.into()),
            None => Ok(Self(config)),
        }
    }

    /// The numbers.
    #[must_use]
    pub fn config(&self) -> &LimitsConfig {
        &self.0
    }

    /// The most memory that one session takes, in bytes: its output, its input, one piece of input on the
    /// way to the shell and one frame on the way to its owner. Each observer adds at most
    /// [`SERVER_FRAME_BYTES_MAX`]; what the SSH side holds is bounded by its own options.
    #[must_use]
    pub fn memory_max(&self) -> u64 {
        let frames = count(INPUT_FRAME_BYTES_MAX + SERVER_FRAME_BYTES_MAX);
        u64::from(self.0.ring_bytes_max) + u64::from(self.0.input_bytes_max) + frames + Self::FIXED_BYTES
    }

    pub(crate) fn idle(&self) -> Duration {
        secs(self.0.idle_secs_max)
    }

    pub(crate) fn absolute(&self) -> Duration {
        secs(self.0.absolute_secs_max)
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        secs(self.0.heartbeat_secs)
    }

    pub(crate) fn heartbeat_timeout(&self) -> Duration {
        secs(self.0.heartbeat_timeout_secs)
    }

    pub(crate) fn hello(&self) -> Duration {
        secs(self.0.hello_secs_max)
    }

    pub(crate) fn drain(&self) -> Duration {
        secs(self.0.drain_secs_max)
    }

    pub(crate) fn detached(&self) -> Duration {
        secs(self.0.detached_secs_max)
    }
}

fn secs(number: u32) -> Duration {
    Duration::from_secs(u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_keeps_its_own_rules() {
        assert_eq!(Limits::new(LimitsConfig::default()).unwrap(), Limits::default());
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let ring = LimitsConfig { ring_bytes_max: 128 * 1024, ..LimitsConfig::default() };
        let message = Limits::new(ring).unwrap_err().to_string();
        assert!(message.contains("ring_bytes_max"), "{message}");
        let resume = LimitsConfig { resume_bytes: 1024, ..LimitsConfig::default() };
        assert!(Limits::new(resume).unwrap_err().to_string().contains("resume_bytes"));
        let replay = LimitsConfig { replay_bytes: (256 << 10) + 1, ..LimitsConfig::default() };
        assert!(Limits::new(replay).unwrap_err().to_string().contains("replay_bytes"));
        let detached = LimitsConfig { detached_secs_max: 86_401, ..LimitsConfig::default() };
        assert!(Limits::new(detached).unwrap_err().to_string().contains("detached_secs_max"));
    }
}
