//! The rule of counters: when the next guess may come, and what a failure, a success and time do to a count.

use std::time::Duration;

use crate::throttle::policy::Pace;
use crate::time::{UnixMillis, whole_millis};

/// What a counter holds. No counter means no failures.
///
/// For stores of your own: read the counters of a guess, ask each for its wait, and charge all of them only if
/// there is none; under a lock or in a transaction.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Failures, Pace, UnixMillis};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secs = Duration::from_secs;
/// let pace = Pace::new(0, secs(2), secs(8), secs(60))?;
/// let noon = UnixMillis::new(1_700_000_000_000)?;
/// let once = Failures::and_one(None, &pace, noon);
/// assert_eq!(once.next_at(&pace), noon.saturating_add(secs(2)));
/// let twice = Failures::and_one(Some(once), &pace, once.next_at(&pace));
/// assert_eq!((twice.count, twice.less_one()), (2, Some(Failures { count: 1, last_at: twice.last_at })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many there were, less those that had been forgotten when the last one came. At least one.
    pub count: u32,
    /// When the last one came.
    pub last_at: UnixMillis,
}

impl Failures {
    /// The same, seen at a time: a failure of the future, from before a clock was set back, came just now.
    #[must_use]
    pub fn seen(self, now: UnixMillis) -> Self {
        Self { last_at: self.last_at.min(now), ..self }
    }

    /// When the next guess may come. It does not depend on guesses that were refused.
    #[must_use]
    pub fn next_at(&self, pace: &Pace) -> UnixMillis {
        self.last_at.saturating_add(pace.delay(self.count))
    }

    /// How many count at a time: one is forgotten for every whole [`Pace::forget_every`] since the last.
    #[must_use]
    pub fn remembered(&self, pace: &Pace, now: UnixMillis) -> u32 {
        let forgotten = whole_millis(now.since(self.last_at)) / whole_millis(pace.forget_every());
        self.count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    /// When all are forgotten, so that the counter may be dropped.
    #[must_use]
    pub fn forgotten_at(&self, pace: &Pace) -> UnixMillis {
        let life = whole_millis(pace.forget_every()).saturating_mul(u64::from(self.count));
        self.last_at.saturating_add(Duration::from_millis(life))
    }

    /// What a counter holds after one more failure.
    #[must_use]
    pub fn and_one(kept: Option<Self>, pace: &Pace, now: UnixMillis) -> Self {
        let before = kept.map_or(0, |kept| kept.seen(now).remembered(pace, now));
        Self { count: before.saturating_add(1).min(pace.failures_max()), last_at: now }
    }

    /// What a counter holds after one of its guesses has turned out to be right.
    #[must_use]
    pub fn less_one(self) -> Option<Self> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        Some(Self { count, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::new((1_000_000 + secs) * 1000).unwrap()
    }

    fn pace() -> Pace {
        let secs = Duration::from_secs;
        Pace::new(2, secs(1), secs(4), secs(10)).unwrap()
    }

    fn failures(count: u32, secs: u64) -> Failures {
        Failures { count, last_at: at(secs) }
    }

    #[test]
    fn failures_add_up_until_the_longest_wait() {
        let pace = pace();
        let mut kept = None;
        let counts: Vec<u32> = (0..7)
            .map(|_| {
                let more = Failures::and_one(kept, &pace, at(0));
                kept = Some(more);
                more.count
            })
            .collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 5, 5]);
        assert_eq!(kept.unwrap().next_at(&pace), at(4));
    }

    #[test]
    fn one_is_forgotten_for_every_interval_since_the_last() {
        let (pace, three) = (pace(), failures(3, 0));
        let remembered = |secs| three.remembered(&pace, at(secs));
        assert_eq!([0, 9, 10, 19, 20, 29, 30, 1000].map(remembered), [3, 3, 2, 2, 1, 1, 0, 0]);
        assert_eq!(three.forgotten_at(&pace), at(30));
        assert_eq!(Failures::and_one(Some(three), &pace, at(20)), failures(2, 20));
        assert_eq!(Failures::and_one(Some(three), &pace, at(30)), failures(1, 30));
    }

    #[test]
    fn a_right_guess_takes_back_its_own_charge_only() {
        assert_eq!(failures(3, 0).less_one(), Some(failures(2, 0)));
        assert_eq!(failures(1, 0).less_one(), None);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let kept = failures(5, 5000).seen(at(7));
        assert_eq!(kept, failures(5, 7));
        assert_eq!(kept.next_at(&pace()), at(11));
        assert_eq!(Failures::and_one(Some(failures(2, 5000)), &pace(), at(7)), failures(3, 7));
    }
}
