//! What happened behind the requests: counted always, and told to an observer if there is one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;
use crate::store::{PolicyVersion, Revision};

/// Is told what no caller is told: what a watcher meets, and announcements that fail.
///
/// For the logs and alarms of the application. It is called on the task at work, from several at once, and must
/// neither block nor panic.
pub trait WatchObserver: fmt::Debug + Send + Sync {
    /// Another policy came into force.
    fn replaced(&self, before: PolicyVersion, after: PolicyVersion);

    /// What came into force continues another history, at a lower or at the same version: the store was restored from a
    /// backup. It is told beside [`replaced`](Self::replaced), and does nothing unless it is written.
    fn restored(&self, _before: PolicyVersion, _after: PolicyVersion) {}

    /// Something failed that will be tried again.
    fn failed(&self, step: WatchStep, error: &Error);
}

/// Where something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WatchStep {
    /// Asking the store, loading or compiling. The policy in force stays.
    Look,
    /// Telling other processes. They find the change when they poll.
    Announce,
    /// Being told by other processes. Polling goes on.
    Subscribe,
}

/// What a [`Live`](crate::Live) has done since it was loaded, as plain numbers for a dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LiveCounts {
    /// Looks at the store that succeeded.
    pub looks: u64,
    /// Looks at the store that failed.
    pub looks_failed: u64,
    /// Policies that came into force after the first.
    pub policies: u64,
    /// Those of them that were of a restored backup.
    pub restored: u64,
    /// Versions that other processes were told of.
    pub announced: u64,
    /// Versions that could not be announced.
    pub announcements_failed: u64,
    /// Wake-ups that came.
    pub wakeups: u64,
    /// Failed attempts to be told.
    pub subscriptions_failed: u64,
}

/// The counters, and whom to tell.
#[derive(Debug, Default)]
pub(super) struct Journal {
    observer: Option<Arc<dyn WatchObserver>>,
    looks: Counter,
    looks_failed: Counter,
    policies: Counter,
    restored: Counter,
    announced: Counter,
    announcements_failed: Counter,
    wakeups: Counter,
    subscriptions_failed: Counter,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Journal {
    pub(super) fn new(observer: Option<Arc<dyn WatchObserver>>) -> Self {
        Self { observer, ..Self::default() }
    }

    pub(super) fn looked(&self) {
        self.looks.add();
    }

    pub(super) fn announced(&self) {
        self.announced.add();
    }

    #[cfg(feature = "tokio")]
    pub(super) fn woken(&self) {
        self.wakeups.add();
    }

    pub(super) fn replaced(&self, before: Revision, after: Revision) {
        let is_restored = after.departs_from(before);
        self.policies.add();
        if is_restored {
            self.restored.add();
        }
        if let Some(observer) = &self.observer {
            observer.replaced(before.version, after.version);
            if is_restored {
                observer.restored(before.version, after.version);
            }
        }
    }

    /// A failure that the caller learns of: it is counted.
    pub(super) fn count(&self, step: WatchStep) {
        match step {
            WatchStep::Look => self.looks_failed.add(),
            WatchStep::Announce => self.announcements_failed.add(),
            WatchStep::Subscribe => self.subscriptions_failed.add(),
        }
    }

    /// A failure that no caller learns of: it is told.
    pub(super) fn tell(&self, step: WatchStep, error: &Error) {
        if let Some(observer) = &self.observer {
            observer.failed(step, error);
        }
    }

    pub(super) fn counts(&self) -> LiveCounts {
        LiveCounts {
            looks: self.looks.value(),
            looks_failed: self.looks_failed.value(),
            policies: self.policies.value(),
            restored: self.restored.value(),
            announced: self.announced.value(),
            announcements_failed: self.announcements_failed.value(),
            wakeups: self.wakeups.value(),
            subscriptions_failed: self.subscriptions_failed.value(),
        }
    }
}
