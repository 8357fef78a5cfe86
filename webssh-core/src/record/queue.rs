//! What waits to be written: bounded by bytes, filled without waiting, emptied by one task.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{RecordOptions, RecordPolicy, Recorded};
use crate::WinSize;
use crate::transcript::Event;

/// What each entry is counted with beside its bytes.
const ENTRY_BYTES: usize = 64;

/// The smallest queue.
const QUEUE_BYTES_MIN: usize = 64 * 1024;

/// One thing to write.
#[derive(Debug)]
pub(super) enum Entry {
    Output(Duration, Vec<u8>),
    Input(Duration, Vec<u8>),
    Event(Duration, Event),
    /// So many bytes are missing.
    Gap(Duration, u64),
}

/// The queue and who waits at it.
#[derive(Debug)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    bytes_max: usize,
    policy: RecordPolicy,
    /// Wakes the task.
    filled: Notify,
    /// Wakes who waits for a failure.
    broken: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// What was dropped since the last entry.
    gap: Option<Gap>,
    closed: bool,
    failed: bool,
    /// An overrun made it fail, and not the sink: what was taken before is still written.
    overrun: bool,
}

#[derive(Debug)]
struct Gap {
    at: Duration,
    bytes: u64,
    /// A size is not forgotten: everything after it would be drawn wrongly.
    size: Option<(Duration, WinSize)>,
}

/// What the task does next.
#[derive(Debug)]
pub(super) enum Next {
    Entry(Entry),
    /// Nothing now.
    Wait,
    /// There will be nothing more.
    End,
    /// An overrun ended a required recording.
    Overrun,
}

impl Entry {
    fn len(&self) -> usize {
        match self {
            Self::Output(_, bytes) | Self::Input(_, bytes) => bytes.len(),
            Self::Event(_, Event::Marker(text)) => text.len(),
            Self::Event(..) | Self::Gap(..) => 0,
        }
    }

    fn cost(&self) -> usize {
        self.len() + ENTRY_BYTES
    }
}

impl Shared {
    pub(super) fn new(options: &RecordOptions) -> Self {
        let bytes_max = usize::try_from(options.queue_bytes_max).unwrap_or(usize::MAX).max(QUEUE_BYTES_MIN);
        let (filled, broken) = (Notify::new(), Notify::new());
        Self { queue: Mutex::default(), bytes_max, policy: options.policy, filled, broken }
    }

    /// Takes an entry if there is room.
    pub(super) fn put(&self, entry: Entry) -> Recorded {
        let mut queue = self.lock();
        if queue.failed || queue.closed {
            return self.refusal();
        }
        let last_word = matches!(entry, Entry::Event(_, Event::Exit(_)));
        // A gap goes before the entry: at most two more.
        let room = self.bytes_max.saturating_sub(queue.bytes + 2 * ENTRY_BYTES);
        if entry.cost() <= room || last_word {
            queue.push_gap();
            queue.push(entry);
            drop(queue);
            self.filled.notify_one();
            return Recorded::Taken;
        }
        match self.policy {
            RecordPolicy::BestEffort => queue.drop_entry(&entry),
            RecordPolicy::Required => {
                queue.overrun = true;
                drop(queue);
                self.fail();
            }
        }
        self.refusal()
    }

    /// The next thing for the task. What it took stays counted until [`done`](Self::done).
    pub(super) fn next(&self) -> Next {
        let mut queue = self.lock();
        if queue.entries.is_empty() && queue.closed {
            queue.push_gap();
        }
        match queue.entries.pop_front() {
            Some(entry) => {
                queue.bytes = queue.bytes.saturating_sub(entry.cost());
                Next::Entry(entry)
            }
            None if queue.overrun => Next::Overrun,
            None if queue.closed => Next::End,
            None => Next::Wait,
        }
    }

    /// Waits until there may be something next.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Nothing will be written any more.
    pub(super) fn fail(&self) {
        let mut queue = self.lock();
        queue.failed = true;
        if !queue.overrun {
            queue.entries = VecDeque::new();
            queue.bytes = 0;
        }
        drop(queue);
        self.filled.notify_one();
        self.broken.notify_waiters();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    pub(super) async fn failed(&self) {
        loop {
            // It hears of a failure from here on, so none falls between the look and the wait.
            let broken = self.broken.notified();
            if self.policy == RecordPolicy::Required && self.lock().failed {
                return;
            }
            broken.await;
        }
    }

    fn refusal(&self) -> Recorded {
        match self.policy {
            RecordPolicy::Required => Recorded::Failed,
            RecordPolicy::BestEffort => Recorded::Dropped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held, and a queue has no state between two fields.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
    }

    fn push_gap(&mut self) {
        if let Some(Gap { at, bytes, size }) = self.gap.take() {
            self.push(Entry::Gap(at, bytes));
            if let Some((at, size)) = size {
                self.push(Entry::Event(at, Event::Resize(size)));
            }
        }
    }

    fn drop_entry(&mut self, entry: &Entry) {
        let bytes = u64::try_from(entry.len()).unwrap_or(u64::MAX);
        let (Entry::Output(at, _) | Entry::Input(at, _) | Entry::Event(at, _) | Entry::Gap(at, _)) = entry;
        let gap = self.gap.get_or_insert(Gap { at: *at, bytes: 0, size: None });
        gap.bytes = gap.bytes.saturating_add(bytes);
        if let Entry::Event(at, Event::Resize(size)) = entry {
            gap.size = Some((*at, *size));
        }
    }
}
