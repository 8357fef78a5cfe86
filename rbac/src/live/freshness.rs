//! How long ago the store was last asked, and whether that is too long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, Repr};
use crate::time::UnixMillis;

/// When the policy in force was last known to be the newest.
#[derive(Debug)]
pub(super) struct Freshness {
    max_staleness_millis: Option<u64>,
    confirmed_at_millis: AtomicU64,
}

impl Freshness {
    pub(super) fn new(max_staleness: Option<Duration>, confirmed_at: UnixMillis) -> Self {
        let millis = |limit: Duration| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Self {
            max_staleness_millis: max_staleness.map(millis),
            confirmed_at_millis: AtomicU64::new(confirmed_at.get()),
        }
    }

    /// The policy in force has all that the store held at this time. To be called after it was published.
    pub(super) fn confirm(&self, at: UnixMillis) {
        self.confirmed_at_millis.store(at.get(), Ordering::Release);
    }

    pub(super) fn confirmed_at(&self) -> UnixMillis {
        // Only moments were stored.
        UnixMillis::new(self.confirmed_at_millis.load(Ordering::Acquire)).unwrap_or(UnixMillis::EPOCH)
    }

    /// Fails if the last confirmation is too far from now.
    ///
    /// One that lies in the future counts as far from now as one in the past: a clock that was set back must not
    /// make an old policy good until it has caught up.
    #[inline]
    pub(super) fn check(&self, now: UnixMillis) -> Result<(), Error> {
        let Some(max_millis) = self.max_staleness_millis else {
            return Ok(());
        };
        let confirmed_at = self.confirmed_at_millis.load(Ordering::Acquire);
        if confirmed_at.abs_diff(now.get()) <= max_millis {
            return Ok(());
        }
        Err(Repr::Stale { confirmed_at: self.confirmed_at(), now, max_millis }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::new(millis).unwrap()
    }

    #[test]
    fn the_limit_itself_is_fresh_and_the_millisecond_after_is_not() {
        let freshness = Freshness::new(Some(Duration::from_millis(100)), at(1_000));
        assert!(freshness.check(at(1_100)).is_ok());
        let error = freshness.check(at(1_101)).unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("`1000`"), "{error}");
        freshness.confirm(at(1_101));
        assert!(freshness.check(at(1_201)).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_good_for_long() {
        let freshness = Freshness::new(Some(Duration::from_millis(100)), at(9_000_000));
        assert!(freshness.check(at(8_999_950)).is_ok(), "the request read the clock before the refresh did");
        assert!(freshness.check(at(1_000)).is_err());
        freshness.confirm(at(1_000));
        assert!(freshness.check(at(1_000)).is_ok());
    }

    #[test]
    fn without_a_limit_everything_is_fresh() {
        assert!(Freshness::new(None, at(0)).check(UnixMillis::MAX).is_ok());
        assert!(Freshness::new(Some(Duration::MAX), at(0)).check(UnixMillis::MAX).is_ok());
        assert!(Freshness::new(Some(Duration::ZERO), at(5)).check(at(5)).is_ok());
    }
}
