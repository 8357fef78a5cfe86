//! What an acknowledged answer survives.

use std::time::Duration;

use super::network::Wait;

/// The longest wait for replicas.
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// When a decision counts as made. Units add up in every case; what differs is which answers can be lost with
/// a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// When the master has made it. An answer survives a crash of the server as its append-only file is set
    /// (`appendfsync always`: all, `everysec`: all but the last second or so), and a failover as far as the
    /// replica had come.
    #[default]
    Relaxed,
    /// When so many replicas have it too (`WAIT`): an answer survives the loss of the master if one of these
    /// is promoted. One that fewer replicas have in time is `Unavailable`, its outcome unknown until the same
    /// request is asked again.
    Replicated {
        /// How many replicas.
        replicas: u32,
        /// How long to wait for them: 1 ms to an hour, and best below the deadline of the store.
        timeout: Duration,
    },
}

impl Durability {
    /// How long an answer waits for replicas, unless told otherwise.
    pub const TIMEOUT: Duration = Duration::from_millis(500);

    /// Waits for `replicas` replicas, up to [`Durability::TIMEOUT`].
    pub fn replicated(replicas: u32) -> Self {
        Self::Replicated { replicas, timeout: Self::TIMEOUT }
    }

    /// What a command waits for.
    pub(crate) fn wait(self) -> Option<Wait> {
        match self {
            Self::Relaxed => None,
            // `WAIT` takes no time at all for all the time there is.
            Self::Replicated { replicas, timeout } => {
                Some(Wait { replicas, timeout: timeout.clamp(Duration::from_millis(1), TIMEOUT_MAX) })
            }
        }
    }
}
