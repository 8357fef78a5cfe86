//! Attempts in this process: the rule under a lock.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::error::Error;
use crate::social::attempt::{BrowserDigest, PendingKey};
use crate::social::pending::{Kept, Pending, PendingStore, Take, reused_state};
use crate::social::sign_in::SocialSignIn;
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;

/// Attempts in the memory of one process, for one server and for tests.
#[derive(Default)]
pub struct MemoryPendingStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    attempts: BTreeMap<PendingKey, Entry>,
    /// In the order in which they began.
    order: VecDeque<PendingKey>,
}

struct Entry {
    kept: Kept,
    /// Grows with every change that a waiting callback wants to hear of.
    changes: u64,
    waiting: Vec<Waker>,
}

impl MemoryPendingStore {
    /// How many attempts are kept; the oldest one goes for one too many.
    pub const ATTEMPTS_MAX: usize = 100_000;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to an attempt and wakes those who wait for it.
    fn change<T>(&self, key: &PendingKey, change: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let mut inner = self.lock();
        let entry = inner.attempts.get_mut(key)?;
        let answer = change(&mut entry.kept);
        entry.changes += 1;
        let waiting = std::mem::take(&mut entry.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
        Some(answer)
    }
}

impl Inner {
    /// Forgets attempts that are over, and the oldest ones if there are too many.
    fn make_room(&mut self, now: UnixMillis) {
        while let Some(oldest) = self.order.front() {
            let over = self.attempts.get(oldest).is_none_or(|entry| entry.kept.is_over(now));
            if !over && self.attempts.len() < MemoryPendingStore::ATTEMPTS_MAX {
                return;
            }
            if let Some(entry) = self.order.pop_front().and_then(|key| self.attempts.remove(&key)) {
                entry.waiting.into_iter().for_each(Waker::wake);
            }
        }
    }
}

fn time(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

impl PendingStore for MemoryPendingStore {
    fn begin<'a>(
        &'a self,
        key: &'a PendingKey,
        pending: &'a Pending,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (now, mut inner) = (time(at), self.lock());
            inner.make_room(now);
            if inner.attempts.get(key).is_some_and(|entry| !entry.kept.is_over(now)) {
                return Err(reused_state());
            }
            let entry = Entry { kept: Kept::new(pending.clone(), now), changes: 0, waiting: Vec::new() };
            if inner.attempts.insert(*key, entry).is_none() {
                inner.order.push_back(*key);
            }
            Ok(())
        })
    }

    fn take<'a>(
        &'a self,
        key: &'a PendingKey,
        browser: &'a BrowserDigest,
        at: At,
    ) -> BoxFuture<'a, Result<Take, Error>> {
        Box::pin(async move {
            let mut inner = self.lock();
            Ok(inner.attempts.get_mut(key).map_or(Take::Unknown, |entry| entry.kept.take(browser, time(at))))
        })
    }

    fn finish<'a>(
        &'a self,
        key: &'a PendingKey,
        result: &'a SocialSignIn,
        at: At,
    ) -> BoxFuture<'a, Result<Option<SocialSignIn>, Error>> {
        Box::pin(async move { Ok(self.change(key, |kept| kept.finish(result, time(at))).flatten()) })
    }

    fn release<'a>(&'a self, key: &'a PendingKey, _at: At) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.abandoned(key);
            Ok(())
        })
    }

    /// Needs no clock: who has the lease finishes, gives it back, or is dropped and says so.
    fn changed<'a>(&'a self, key: &'a PendingKey) -> BoxFuture<'a, Result<(), Error>> {
        let mut seen = None;
        Box::pin(std::future::poll_fn(move |context| {
            let mut inner = self.lock();
            let Some(entry) = inner.attempts.get_mut(key) else { return Poll::Ready(Ok(())) };
            if entry.kept.is_at_rest() || seen.is_some_and(|seen| seen != entry.changes) {
                return Poll::Ready(Ok(()));
            }
            seen = Some(entry.changes);
            entry.waiting.retain(|waker| !waker.will_wake(context.waker()));
            entry.waiting.push(context.waker().clone());
            Poll::Pending
        }))
    }

    fn abandoned(&self, key: &PendingKey) {
        self.change(key, Kept::release);
    }
}

impl fmt::Debug for MemoryPendingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPendingStore").field("attempts", &self.lock().attempts.len()).finish()
    }
}
