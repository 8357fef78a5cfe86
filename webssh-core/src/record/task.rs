//! The task that writes a recording.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::queue::{Entry, Next, Shared};
use super::{RecordOptions, RecordSink};
use crate::error::{Error, Inner};
use crate::transcript::{Event, Writer};

/// Finished lines that are handed over at once. A file is written by another thread, and each way there and back costs
/// as much as some ten thousand bytes.
const WRITE_BYTES: usize = 256 * 1024;

/// The far end of a recording. Dropping it before it is done makes the recording fail.
pub struct RecorderTask {
    shared: Arc<Shared>,
    sink: Box<dyn RecordSink>,
    options: RecordOptions,
    /// The sink has lost lines: more of them would stand behind a hole.
    broken: bool,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recording {
    /// The size of the recording.
    pub bytes: u64,
    /// Bytes of the session that are missing in it.
    pub gap_bytes: u64,
    /// When its last event happened, since its start.
    pub duration: Duration,
}

impl RecorderTask {
    pub(super) fn new(shared: Arc<Shared>, sink: Box<dyn RecordSink>, options: RecordOptions) -> Self {
        Self { shared, sink, options, broken: false }
    }

    /// Writes until the [`Recorder`](super::Recorder) ends, then finishes the sink. Needs a tokio runtime with time.
    ///
    /// # Errors
    /// `Unavailable` when the sink failed, when a required recording could not keep up, or when it reached its largest
    /// size. What was written until then can be read.
    pub async fn run(mut self) -> Result<Recording, Error> {
        let mut lines = Vec::new();
        let writer = Writer::new(&self.options.header, &mut lines);
        let seen = Recording { bytes: 0, gap_bytes: 0, duration: Duration::ZERO };
        let mut work = Work { writer, lines, seen, bytes_max: self.options.recording_bytes_max };
        if let Err(error) = self.write_all(&mut work).await {
            self.shared.fail();
            // What is there so far is kept, if it can be.
            self.close(&mut work).await?;
            return Err(error);
        }
        self.close(&mut work).await?;
        Ok(work.seen)
    }

    async fn write_all(&mut self, work: &mut Work) -> Result<(), Error> {
        let flush = Duration::from_secs(u64::from(self.options.flush_secs.max(1)));
        let mut flush_at = Instant::now() + flush;
        loop {
            let full = work.lines.len() >= WRITE_BYTES;
            if full || (Instant::now() >= flush_at && !work.lines.is_empty()) {
                let written = self.append(work).await?;
                if full {
                    work.reuse(written);
                }
                flush_at = Instant::now() + flush;
            }
            match self.shared.next() {
                Next::Entry(entry) => work.take(&entry)?,
                Next::End => return Ok(()),
                Next::Overrun => return Err(Inner::RecordingOverrun.into()),
                Next::Wait if work.lines.is_empty() => {
                    self.shared.filled().await;
                    flush_at = Instant::now() + flush;
                }
                // Whether more came or the time is up, the loop looks again.
                Next::Wait => {
                    let _woken = timeout_at(flush_at, self.shared.filled()).await;
                }
            }
        }
    }

    /// Hands the finished lines over, and gives them back.
    async fn append(&mut self, work: &mut Work) -> Result<Bytes, Error> {
        let lines = Bytes::from(std::mem::take(&mut work.lines));
        work.seen.bytes += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let appended = self.sink.append(lines.clone()).await;
        self.broken = appended.is_err();
        appended.map_err(|source| Inner::RecordSink { doing: "written", source })?;
        Ok(lines)
    }

    async fn close(&mut self, work: &mut Work) -> Result<(), Error> {
        work.writer.finish(&mut work.lines);
        if !self.broken && !work.lines.is_empty() {
            self.append(work).await?;
        }
        self.sink.finish().await.map_err(|source| Inner::RecordSink { doing: "finished", source }.into())
    }
}

/// A session whose recording has nobody to write it must know.
impl Drop for RecorderTask {
    fn drop(&mut self) {
        self.shared.fail();
    }
}

impl std::fmt::Debug for RecorderTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecorderTask").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What the task has in hand.
struct Work {
    writer: Writer,
    lines: Vec<u8>,
    seen: Recording,
    bytes_max: u64,
}

impl Work {
    /// Takes the memory of lines that were written for the next ones, unless the sink keeps it. A session that prints
    /// little holds none.
    fn reuse(&mut self, written: Bytes) {
        if written.is_unique() && self.lines.is_empty() {
            self.lines = Vec::from(written);
            self.lines.clear();
        }
    }

    /// Turns an entry into lines, unless they would make the recording too large.
    fn take(&mut self, entry: &Entry) -> Result<(), Error> {
        let before = self.lines.len();
        let (at, gap) = match entry {
            Entry::Output(at, bytes) => {
                self.writer.output(*at, bytes, &mut self.lines);
                (*at, 0)
            }
            Entry::Input(at, bytes) => {
                self.writer.input(*at, bytes, &mut self.lines);
                (*at, 0)
            }
            Entry::Event(at, event) => {
                self.writer.event(*at, event, &mut self.lines);
                (*at, 0)
            }
            Entry::Gap(at, bytes) => {
                self.writer.gap(*at, *bytes, &mut self.lines);
                (*at, *bytes)
            }
        };
        self.seen.gap_bytes = self.seen.gap_bytes.saturating_add(gap);
        let all = self.seen.bytes.saturating_add(u64::try_from(self.lines.len()).unwrap_or(u64::MAX));
        if all > self.bytes_max {
            self.lines.truncate(before);
            let text = "the recording reached its largest size".to_owned();
            self.writer.event(at, &Event::Marker(text), &mut self.lines);
            return Err(Inner::RecordingFull { bytes_max: self.bytes_max }.into());
        }
        self.seen.duration = at;
        Ok(())
    }
}
