//! Token buckets by the time at which they are full again (the "generic cell rate" form): one number each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A digest: keys are as long as each other, whatever a user calls himself.
pub(super) type Key = [u8; 32];

/// One bucket, and how many tokens it holds when it is full.
pub(super) struct Bucket {
    pub(super) key: Key,
    pub(super) tokens: u32,
}

/// All buckets that are not full.
#[derive(Debug)]
pub(super) struct Buckets {
    /// The time in which one token comes back.
    refill: Duration,
    buckets_max: usize,
    full_at: BTreeMap<Key, Duration>,
    // INVARIANT: the same pairs as `full_at`, the one that is full first in front.
    order: BTreeSet<(Duration, Key)>,
}

impl Buckets {
    pub(super) fn new(refill: Duration, buckets_max: usize) -> Self {
        Self { refill, buckets_max, full_at: BTreeMap::new(), order: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.full_at.len()
    }

    /// How long until a token can be taken.
    pub(super) fn wait(&self, now: Duration, bucket: &Bucket) -> Duration {
        let full_at = self.full_at(now, bucket);
        let after = full_at.saturating_add(self.refill);
        after.saturating_sub(now.saturating_add(self.refill.saturating_mul(bucket.tokens)))
    }

    pub(super) fn take(&mut self, now: Duration, bucket: &Bucket) {
        let full_at = self.full_at(now, bucket).saturating_add(self.refill);
        self.set(bucket.key, full_at);
        self.shrink(now);
    }

    pub(super) fn give_back(&mut self, now: Duration, bucket: &Bucket) {
        let full_at = self.full_at(now, bucket).saturating_sub(self.refill);
        if full_at <= now {
            self.forget(bucket.key);
        } else {
            self.set(bucket.key, full_at);
        }
    }

    fn full_at(&self, now: Duration, bucket: &Bucket) -> Duration {
        self.full_at.get(&bucket.key).map_or(now, |at| now.max(*at))
    }

    fn set(&mut self, key: Key, full_at: Duration) {
        self.forget(key);
        self.full_at.insert(key, full_at);
        self.order.insert((full_at, key));
    }

    fn forget(&mut self, key: Key) {
        if let Some(full_at) = self.full_at.remove(&key) {
            self.order.remove(&(full_at, key));
        }
    }

    /// Forgets buckets that are full, a few at a time, and beyond the limit those that are full next: they
    /// have the least to tell.
    fn shrink(&mut self, now: Duration) {
        for _ in 0..4 {
            let Some((full_at, key)) = self.order.first().copied() else {
                return;
            };
            if full_at > now && self.full_at.len() <= self.buckets_max {
                return;
            }
            self.forget(key);
        }
    }
}
