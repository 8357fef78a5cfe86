//! How fast a counter of failures slows guesses down, and how slowly it forgets.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::time::whole_millis;

/// The pace of one counter: some failures are free, each further one doubles the wait, up to a cap.
///
/// The cap bounds what an attacker can do to a user: nobody waits longer than that for the next guess, however
/// many failures there were. A guess that comes too early is refused, and makes nothing worse.
///
/// ```
/// use std::time::Duration;
/// use sso_core::Pace;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secs = Duration::from_secs;
/// let pace = Pace::new(2, secs(1), secs(5), secs(600))?;
/// let waits: Vec<u64> = (0..=7).map(|failures| pace.delay(failures).as_secs()).collect();
/// assert_eq!(waits, [0, 0, 0, 1, 2, 4, 5, 5]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    free: u32,
    delay_first_millis: u64,
    delay_max_millis: u64,
    forget_every_millis: u64,
}

impl Pace {
    /// The most failures that are free.
    pub const FREE_MAX: u32 = 10_000;
    /// The longest wait.
    pub const DELAY_MAX: Duration = Duration::from_secs(24 * 3600);
    /// The slowest forgetting.
    pub const FORGET_EVERY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

    /// A pace from its parts, counted in whole milliseconds.
    ///
    /// - `free`: so many failures have no wait behind them. At most [`Pace::FREE_MAX`].
    /// - `delay_first`: the wait after the first failure beyond those. At least one millisecond.
    /// - `delay_max`: no wait is longer. At least `delay_first`, at most [`Pace::DELAY_MAX`].
    /// - `forget_every`: one failure is forgotten whenever so much time has passed since the last one. At least
    ///   `delay_max`, so that patience alone buys no free guesses; at most [`Pace::FORGET_EVERY_MAX`].
    ///
    /// # Errors
    /// `InvalidInput` if a part is out of its range.
    pub fn new(
        free: u32,
        delay_first: Duration,
        delay_max: Duration,
        forget_every: Duration,
    ) -> Result<Self, Error> {
        let refuse = |words| Err(Error::new(ErrorKind::InvalidInput, words));
        if free > Self::FREE_MAX {
            return refuse("at most 10000 failures may be free");
        }
        if delay_first < Duration::from_millis(1) || delay_max < delay_first || delay_max > Self::DELAY_MAX {
            return refuse("the waits must grow from at least a millisecond to at most a day");
        }
        if forget_every < delay_max || forget_every > Self::FORGET_EVERY_MAX {
            return refuse(
                "a failure is forgotten after the longest wait at the earliest, after 30 days at the latest",
            );
        }
        Ok(Self {
            free,
            delay_first_millis: whole_millis(delay_first),
            delay_max_millis: whole_millis(delay_max),
            forget_every_millis: whole_millis(forget_every),
        })
    }

    /// The wait behind so many failures.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let doublings = match failures.checked_sub(self.free) {
            None | Some(0) => return Duration::ZERO,
            Some(beyond) => beyond - 1,
        };
        let millis =
            2_u64.checked_pow(doublings).and_then(|times| self.delay_first_millis.checked_mul(times));
        Duration::from_millis(millis.unwrap_or(u64::MAX).min(self.delay_max_millis))
    }

    /// The count at which a counter stops: the wait is the longest from there on, and more failures would only
    /// take longer to forget.
    #[must_use]
    pub fn failures_max(&self) -> u32 {
        let longest = Duration::from_millis(self.delay_max_millis);
        (self.free + 1..).find(|failures| self.delay(*failures) == longest).unwrap_or(self.free)
    }

    /// How often one failure is forgotten.
    #[must_use]
    pub const fn forget_every(&self) -> Duration {
        Duration::from_millis(self.forget_every_millis)
    }

    /// The numbers that scripts are given: free failures, first wait, longest wait, forgetting, highest count.
    #[cfg(feature = "redis")]
    pub(crate) fn numbers(&self) -> [u64; 5] {
        [
            u64::from(self.free),
            self.delay_first_millis,
            self.delay_max_millis,
            self.forget_every_millis,
            u64::from(self.failures_max()),
        ]
    }
}

/// The paces of the three kinds of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThrottlePolicy {
    /// Of an account, for all devices that it has not been used from: 5 free failures, then 1 s to 5 min, one
    /// forgotten every 10 min. That is about 300 guesses a day from all the world.
    pub account: Pace,
    /// Of one device that the account has been used from: the same.
    pub device: Pace,
    /// Of a network address, for all accounts: 20 free failures, then 1 s to 15 min, one forgotten every 15 min.
    pub address: Pace,
}

impl Default for ThrottlePolicy {
    fn default() -> Self {
        let pace = |free, delay_max_secs: u64, forget_every_secs: u64| Pace {
            free,
            delay_first_millis: 1000,
            delay_max_millis: delay_max_secs * 1000,
            forget_every_millis: forget_every_secs * 1000,
        };
        Self { account: pace(5, 300, 600), device: pace(5, 300, 600), address: pace(20, 900, 900) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_the_count_stops_there() {
        let policy = ThrottlePolicy::default();
        assert_eq!(policy.account.delay(5), Duration::ZERO);
        assert_eq!(policy.account.delay(6), Duration::from_secs(1));
        assert_eq!(policy.account.delay(14), Duration::from_secs(256));
        assert_eq!(policy.account.delay(15), Duration::from_secs(300));
        assert_eq!(policy.account.delay(u32::MAX), Duration::from_secs(300));
        assert_eq!(policy.account.failures_max(), 15);
        let secs = Duration::from_secs;
        assert_eq!(Pace::new(0, secs(1), secs(1), secs(1)).unwrap().failures_max(), 1);
    }

    #[test]
    fn a_pace_out_of_range_is_refused() {
        let secs = Duration::from_secs;
        assert!(Pace::new(Pace::FREE_MAX, secs(1), Pace::DELAY_MAX, Pace::FORGET_EVERY_MAX).is_ok());
        for (free, first, max, forget) in [
            (Pace::FREE_MAX + 1, secs(1), secs(2), secs(3)),
            (1, Duration::from_micros(999), secs(2), secs(3)),
            (1, secs(3), secs(2), secs(3)),
            (1, secs(1), Pace::DELAY_MAX + secs(1), Pace::FORGET_EVERY_MAX),
            (1, secs(1), secs(3), secs(2)),
            (1, secs(1), secs(2), Pace::FORGET_EVERY_MAX + secs(1)),
        ] {
            assert_eq!(Pace::new(free, first, max, forget).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        for pace in [ThrottlePolicy::default().account, ThrottlePolicy::default().address] {
            let Pace { free, delay_first_millis, delay_max_millis, forget_every_millis } = pace;
            let millis = Duration::from_millis;
            let same = Pace::new(
                free,
                millis(delay_first_millis),
                millis(delay_max_millis),
                millis(forget_every_millis),
            );
            assert_eq!(same.unwrap(), pace);
        }
    }
}
