//! How much one session of files allows.

use std::time::Duration;

/// The limits of [`Files`](super::Files). Start from the default and change what differs; any value is
/// fine, and 0 allows none of its kind. One session holds at most
/// `transfers_max` x (`flight_bytes_max` + 256 KiB), one list, and the window of the channel (2 MiB).
///
/// ```
/// use webssh_core::files::FileLimits;
///
/// let mut limits = FileLimits::default();
/// limits.file_bytes_max = 16 * 1024 * 1024;
/// assert_eq!(limits.transfers_max, 4);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileLimits {
    /// Bytes of one file, up or down.
    pub file_bytes_max: u64,
    /// Names of one list.
    pub entries_max: u32,
    /// Uploads and downloads at the same time.
    pub transfers_max: u16,
    /// Bytes of one transfer that are asked for or sent and not answered yet. Over a long line the
    /// throughput is this much in each round-trip time.
    pub flight_bytes_max: u32,
    /// Seconds without any request after which the session is closed; less than 1 counts as 1. A transfer
    /// that nobody goes on with makes no requests.
    pub idle_secs_max: u32,
    /// Seconds for which the server may be silent while it has something to answer; less than 1 counts as 1.
    pub answer_secs_max: u32,
}

/// Files of 1 GiB, lists of 10,000 names, 4 transfers with 1 MiB in flight each; 5 minutes idle, 60 seconds
/// for an answer.
impl Default for FileLimits {
    fn default() -> Self {
        Self {
            file_bytes_max: 1 << 30,
            entries_max: 10_000,
            transfers_max: 4,
            flight_bytes_max: 1 << 20,
            idle_secs_max: 300,
            answer_secs_max: 60,
        }
    }
}

impl FileLimits {
    pub(super) fn idle_max(&self) -> Duration {
        Duration::from_secs(self.idle_secs_max.max(1).into())
    }

    pub(super) fn answer_max(&self) -> Duration {
        Duration::from_secs(self.answer_secs_max.max(1).into())
    }
}
