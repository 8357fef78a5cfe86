//! How a session is recorded.

use std::time::Duration;

use crate::transcript::Header;

/// Who gives way when a recording cannot keep up, or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RecordPolicy {
    /// The session ends: nothing happens unrecorded.
    #[default]
    Required,
    /// The session goes on. What is missing is marked with its number of bytes, as long as the sink takes the mark.
    BestEffort,
}

/// How a session is recorded. Start from the default and change what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordOptions {
    /// The first line: version, size, title.
    pub header: Header,
    /// The time of the session at which the recording starts: the `now` of its [`Bridge::new`](crate::Bridge::new).
    pub started: Duration,
    /// Whether input is recorded too. Passwords are typed; leave it off unless everybody knows.
    pub input: bool,
    /// Who gives way.
    pub policy: RecordPolicy,
    /// Bytes that wait for the sink, each entry counted with 64 more. Beside them the task holds up to about 1 MiB of
    /// finished lines. Less than 64 KiB counts as 64 KiB.
    pub queue_bytes_max: u32,
    /// Seconds after which finished lines are handed to the sink, however few they are. Less than 1 counts as 1.
    pub flush_secs: u32,
    /// The largest recording, in bytes. One that would grow over it is closed, and counts as failed.
    pub recording_bytes_max: u64,
}

/// Version 3, 80x24, no input, required, 4 MiB of queue, a flush each second, at most 1 GiB.
impl Default for RecordOptions {
    fn default() -> Self {
        Self {
            header: Header::default(),
            started: Duration::ZERO,
            input: false,
            policy: RecordPolicy::default(),
            queue_bytes_max: 4 * 1024 * 1024,
            flush_secs: 1,
            recording_bytes_max: 1024 * 1024 * 1024,
        }
    }
}
