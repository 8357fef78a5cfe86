//! Recording a session while it runs: a bounded queue in front of a task that writes.
//!
//! The pump hands everything to a [`Recorder`], which never waits. A [`RecorderTask`] turns it into lines of a
//! [`transcript`](crate::transcript) and hands them to a [`RecordSink`]: a file ([`FileSink`]), any
//! `AsyncWrite` ([`WriterSink`]), or whatever an application implements. When the sink is slow or fails, the
//! [`RecordPolicy`] says whether the session or the recording gives way.

mod options;
mod queue;
mod sink;
mod task;
mod trail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use options::{RecordOptions, RecordPolicy};
pub use sink::{FileSink, RecordSink, WriterSink};
pub use task::{RecorderTask, Recording};

use crate::transcript::Event;
use crate::{ChannelEnd, WinSize};
use queue::{Entry, Shared};

/// What became of something that was handed to a [`Recorder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
#[non_exhaustive]
pub enum Recorded {
    /// It will be written.
    Taken,
    /// It is not recorded: the policy is [`BestEffort`](RecordPolicy::BestEffort), or this kind is not asked for.
    Dropped,
    /// It is not recorded and the policy is [`Required`](RecordPolicy::Required): end the session.
    Failed,
}

/// The near end of a recording. Dropping it ends the recording, as [`finish`](Self::finish) does.
///
/// Times are those of the session's [`Bridge`](crate::Bridge): since any fixed moment, which
/// [`RecordOptions::started`] names.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::record::{RecordOptions, Recorded, Recorder, WriterSink};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let (recorder, task) = Recorder::start(WriterSink::new(Vec::new()), RecordOptions::default());
/// let task = tokio::spawn(task.run());
/// assert_eq!(recorder.output(Duration::from_millis(20), b"$ "), Recorded::Taken);
/// recorder.finish();
/// assert_eq!(task.await?.unwrap().gap_bytes, 0);
/// # Ok::<(), tokio::task::JoinError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder {
    shared: Arc<Shared>,
    started: Duration,
    input: bool,
}

impl Recorder {
    /// A recording into this sink. Spawn [`RecorderTask::run`]; nothing is written before.
    pub fn start(sink: impl RecordSink + 'static, options: RecordOptions) -> (Self, RecorderTask) {
        let shared = Arc::new(Shared::new(&options));
        let recorder = Self { shared: Arc::clone(&shared), started: options.started, input: options.input };
        (recorder, RecorderTask::new(shared, Box::new(sink), options))
    }

    /// The shell printed.
    pub fn output(&self, at: Duration, bytes: &[u8]) -> Recorded {
        self.shared.put(Entry::Output(self.since_start(at), bytes.to_vec()))
    }

    /// The user typed. Dropped unless [`RecordOptions::input`] is set.
    pub fn input(&self, at: Duration, bytes: &[u8]) -> Recorded {
        if self.input {
            self.shared.put(Entry::Input(self.since_start(at), bytes.to_vec()))
        } else {
            Recorded::Dropped
        }
    }

    /// The terminal got another size.
    pub fn resize(&self, at: Duration, size: WinSize) -> Recorded {
        self.shared.put(Entry::Event(self.since_start(at), Event::Resize(size)))
    }

    /// A remark for whoever replays it, such as who watched.
    pub fn marker(&self, at: Duration, text: &str) -> Recorded {
        let text =
            text.get(..text.floor_char_boundary(crate::transcript::TEXT_BYTES_MAX)).unwrap_or_default();
        self.shared.put(Entry::Event(self.since_start(at), Event::Marker(text.to_owned())))
    }

    /// The shell ended.
    pub fn exit(&self, at: Duration, end: &ChannelEnd) -> Recorded {
        let event = match end {
            ChannelEnd::Exited { status } => Event::Exit(*status),
            other => Event::Marker(other.to_string()),
        };
        self.shared.put(Entry::Event(self.since_start(at), event))
    }

    /// There is no more: the task writes what is held, and ends.
    pub fn finish(self) {
        // Drop does it.
    }

    /// Waits until the session has to end because of its recording: it failed, and it is
    /// [`Required`](RecordPolicy::Required). Never ends otherwise. May be dropped while waiting.
    pub async fn failed(&self) {
        self.shared.failed().await;
    }

    fn since_start(&self, at: Duration) -> Duration {
        at.saturating_sub(self.started)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("started", &self.started)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}
