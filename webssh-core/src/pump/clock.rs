//! The time of a bridge, told by tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

/// Time that went on from `started` at `epoch`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
    started: Duration,
}

impl Clock {
    /// A clock that shows `started` now.
    pub(crate) fn new(started: Duration) -> Self {
        Self { epoch: Instant::now(), started }
    }

    pub(crate) fn now(&self) -> Duration {
        self.started + self.epoch.elapsed()
    }

    /// When the clock will show `time`.
    pub(crate) fn at(&self, time: Duration) -> Instant {
        self.epoch + time.saturating_sub(self.started)
    }

    /// The time since the clock was made.
    pub(crate) fn age(&self) -> Duration {
        self.epoch.elapsed()
    }
}
