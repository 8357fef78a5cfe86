//! How often one address may ask: a bucket for each, in this process, with the clock as an argument.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::time::UnixMillis;

/// Allowances by address.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long one request fills the bucket, in milliseconds.
    every_millis: u64,
    /// When the bucket of an address will be empty.
    empty_at: Mutex<HashMap<String, u64>>,
}

impl Pace {
    /// The most addresses that are counted at a time.
    const ADDRESSES_MAX: usize = 10_000;
    /// How much time a bucket holds, in milliseconds: what may come at once.
    const BUCKET_MILLIS: u64 = 10_000;

    pub(crate) fn new(requests_per_minute_max: u32) -> Self {
        let every_millis = (60_000 / u64::from(requests_per_minute_max.max(1))).max(1);
        Self { every_millis, empty_at: Mutex::default() }
    }

    /// Whether an address may ask now. If not: after how many seconds.
    pub(crate) fn ask(&self, from: &str, now: UnixMillis) -> Result<(), u64> {
        let now = now.as_millis();
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if empty_at.len() >= Self::ADDRESSES_MAX {
            empty_at.retain(|_, empty| *empty > now);
        }
        // Whoever is above the limit of addresses waits: an attacker with that many must not switch the limit off.
        let known = empty_at.get(from).copied();
        if known.is_none() && empty_at.len() >= Self::ADDRESSES_MAX {
            return Err(1);
        }
        let filled = known.unwrap_or(now).max(now).saturating_add(self.every_millis);
        let above = filled.saturating_sub(now).saturating_sub(Self::BUCKET_MILLIS.max(self.every_millis));
        if above > 0 {
            return Err(above.div_ceil(1000));
        }
        empty_at.insert(from.to_owned(), filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_with_time_and_each_address_has_its_own() {
        let pace = Pace::new(60);
        let at = |secs: u64| UnixMillis::new(1_700_000_000_000 + secs * 1000).unwrap();
        for _ in 0..10 {
            assert_eq!(pace.ask("a", at(0)), Ok(()));
        }
        assert_eq!(pace.ask("a", at(0)), Err(1));
        assert_eq!(pace.ask("b", at(0)), Ok(()));
        assert_eq!(pace.ask("a", at(1)), Ok(()));
        assert_eq!(pace.ask("a", at(1)), Err(1));
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let pace = Pace::new(60);
        let at = |secs: u64| UnixMillis::new(1_700_000_000_000 + secs * 1000).unwrap();
        for place in 0..Pace::ADDRESSES_MAX {
            assert_eq!(pace.ask(&place.to_string(), at(0)), Ok(()));
        }
        assert_eq!(pace.ask("another", at(0)), Err(1));
        assert_eq!(pace.ask("another", at(2)), Ok(()));
    }
}
