//! A map whose entries go by themselves: each change drops a few that have expired, and there is a most.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Entries with the first time at which they mean nothing any more.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// INVARIANT: holds the expiry and the key of every entry, and nothing else.
    order: BTreeSet<(u64, K)>,
}

/// Entries dropped by one change: more than one change adds, so that what expired goes in the end.
const DROPS_MAX: usize = 16;

impl<K: Clone + Eq + Hash + Ord, V> Expiring<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), order: BTreeSet::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn insert(&mut self, key: K, expires: u64, value: V) {
        if let Some((old, _)) = self.entries.insert(key.clone(), (expires, value)) {
            self.order.remove(&(old, key.clone()));
        }
        self.order.insert((expires, key));
    }

    /// Drops up to sixteen entries that expired at `now` or before.
    pub(super) fn drop_some(&mut self, now: u64) {
        for _ in 0..DROPS_MAX {
            match self.order.first() {
                Some((expires, _)) if *expires <= now => {}
                _ => return,
            }
            if let Some((_, key)) = self.order.pop_first() {
                self.entries.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_go_when_they_expire_and_not_before() {
        let mut map = Expiring::new();
        for key in 0..40 {
            map.insert(key, 100, ());
        }
        map.insert(0, 200, ());
        map.drop_some(99);
        assert_eq!(map.len(), 40);
        for left in [24, 8, 1, 1] {
            map.drop_some(100);
            assert_eq!(map.len(), left);
        }
        assert!(map.get(&0).is_some());
        map.drop_some(200);
        assert_eq!((map.len(), map.order.len()), (0, 0));
    }
}
