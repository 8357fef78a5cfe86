//! Counters in memory: the rule under a lock. It is the specification of every other store.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::store::{At, BoxFuture};
use crate::throttle::guess::{CounterKey, Guess};
use crate::throttle::policy::{Pace, ThrottlePolicy};
use crate::throttle::rule::Failures;
use crate::throttle::{ThrottleStore, Wait};
use crate::time::UnixMillis;

/// Counters of one process, lost when it ends: for tests, demonstrations and single servers.
///
/// What has been forgotten is swept out as it grows. With [`MemoryThrottleStore::COUNTERS_MAX`] counters that still
/// count, guesses that would need another one fail as `Unavailable`.
pub struct MemoryThrottleStore {
    inner: Mutex<Inner>,
    counters_max: usize,
}

#[derive(Default)]
struct Inner {
    counters: HashMap<CounterKey, Counter>,
    /// How many counters there are at the next sweep.
    sweep_at: usize,
    swept_at: Option<UnixMillis>,
}

struct Counter {
    failures: Failures,
    forgotten_at: UnixMillis,
}

impl MemoryThrottleStore {
    /// The most counters, in some 100 MB.
    pub const COUNTERS_MAX: usize = 1 << 20;
    const SWEEP_AT_MIN: usize = 1024;
    /// A full store is not swept more often than this.
    const SWEEP_EVERY_FULL: Duration = Duration::from_secs(1);

    /// No failures.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Mutex::default(), counters_max: Self::COUNTERS_MAX }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit_now(
        &self,
        guess: &Guess,
        policy: &ThrottlePolicy,
        now: UnixMillis,
    ) -> Result<Option<Wait>, Error> {
        let charged = guess.charged(policy);
        let mut inner = self.lock();
        let waits = charged.iter().filter_map(|(key, pace)| inner.wait(key, pace, now));
        // The first of two equal ones.
        if let Some(wait) = waits.reduce(|first, next| if next.until > first.until { next } else { first }) {
            return Ok(Some(wait));
        }
        inner.make_room(charged.len(), self.counters_max, now)?;
        for (key, pace) in &charged {
            let kept = inner.counters.get(key).map(|counter| counter.failures);
            inner.keep(*key, Failures::and_one(kept, pace, now), pace, now);
        }
        Ok(None)
    }

    fn succeed_now(&self, guess: &Guess, policy: &ThrottlePolicy, now: UnixMillis) {
        let mut inner = self.lock();
        inner.counters.remove(&guess.cleared());
        let Some((key, pace)) = guess.relieved(policy) else { return };
        let Some(counter) = inner.counters.remove(&key) else { return };
        if let Some(left) = counter.failures.seen(now).less_one() {
            inner.keep(key, left, &pace, now);
        }
    }
}

impl Inner {
    fn keep(&mut self, key: CounterKey, failures: Failures, pace: &Pace, now: UnixMillis) {
        let forgotten_at = failures.forgotten_at(pace);
        if now < forgotten_at {
            self.counters.insert(key, Counter { failures, forgotten_at });
        }
    }

    fn wait(&mut self, key: &CounterKey, pace: &Pace, now: UnixMillis) -> Option<Wait> {
        let counter = self.counters.get_mut(key)?;
        counter.failures = counter.failures.seen(now);
        let until = counter.failures.next_at(pace);
        (now < until).then(|| Wait::new(until, now, key.kind()))
    }

    /// Drops what has been forgotten whenever the counters have doubled, so that each costs a constant.
    fn make_room(&mut self, wanted: usize, counters_max: usize, now: UnixMillis) -> Result<(), Error> {
        let full = self.counters.len().saturating_add(wanted) > counters_max;
        let due = self.counters.len() >= self.sweep_at.max(MemoryThrottleStore::SWEEP_AT_MIN);
        let rested = self.swept_at.is_none_or(|at| now.since(at) >= MemoryThrottleStore::SWEEP_EVERY_FULL);
        if due || (full && rested) {
            self.counters.retain(|_, counter| now < counter.forgotten_at);
            self.sweep_at = self.counters.len().saturating_mul(2);
            self.swept_at = Some(now);
        }
        if self.counters.len().saturating_add(wanted) > counters_max {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "too many accounts and addresses have failed: keep the counters in redis",
            ));
        }
        Ok(())
    }
}

impl Default for MemoryThrottleStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryThrottleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryThrottleStore").finish_non_exhaustive()
    }
}

impl ThrottleStore for MemoryThrottleStore {
    fn admit<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<Option<Wait>, Error>> {
        Box::pin(async move { self.admit_now(guess, policy, resolve(at)) })
    }

    fn succeed<'a>(
        &'a self,
        guess: &'a Guess,
        policy: &'a ThrottlePolicy,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.succeed_now(guess, policy, resolve(at));
            Ok(())
        })
    }

    fn forgive<'a>(&'a self, counter: &'a CounterKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.lock().counters.remove(counter);
            Ok(())
        })
    }
}

fn resolve(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(store: &MemoryThrottleStore, name: &str, secs: u64) -> Result<Option<Wait>, Error> {
        let guess = Guess::new(name, "192.0.2.7".parse().unwrap());
        let mut policy = ThrottlePolicy::default();
        let day = Duration::from_secs(24 * 3600);
        policy.address = Pace::new(Pace::FREE_MAX, day, day, day).unwrap();
        store.admit_now(&guess, &policy, UnixMillis::new(secs * 1000).unwrap())
    }

    #[test]
    fn what_is_forgotten_does_not_pile_up() {
        let store = MemoryThrottleStore::new();
        for name in 0..5000_u64 {
            assert_eq!(admit(&store, &name.to_string(), name * 600).unwrap(), None);
        }
        let left = store.lock().counters.len();
        assert!((1..=MemoryThrottleStore::SWEEP_AT_MIN + 1).contains(&left), "{left}");
    }

    #[test]
    fn a_full_store_admits_nobody_new_until_something_is_forgotten() {
        let store = MemoryThrottleStore { counters_max: 3, ..MemoryThrottleStore::new() };
        assert_eq!(admit(&store, "alice", 0).unwrap(), None);
        let full = admit(&store, "bob", 599).unwrap_err();
        assert_eq!((full.kind(), full.is_transient()), (ErrorKind::Unavailable, false));
        assert_eq!(admit(&store, "bob", 600).unwrap(), None);
    }
}
