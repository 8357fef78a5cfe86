//! How often a call is tried, and how long in all. Pure: the clock's answers are arguments.

use crate::UnixMillis;

/// How often, how long after each other and how long in all a call is tried.
///
/// ```
/// use payments::Retry;
/// let patient = Retry::new(5, 500, 60_000);
/// assert_eq!((patient.attempts_max, Retry::NONE.attempts_max), (5, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts in all, the first one included; the first is always made.
    pub attempts_max: u32,
    /// Before the second attempt; doubled before each further one.
    pub pause_millis: u64,
    /// From the beginning of the first attempt to the end of the last one. No attempt is begun that could not end
    /// in time, and a transport with a timer cuts the running one.
    pub total_millis: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new(3, 200, 30_000)
    }
}

impl Retry {
    /// One attempt.
    pub const NONE: Self = Self::new(1, 0, 30_000);

    /// So many attempts, so long after each other, so long in all.
    #[must_use]
    pub const fn new(attempts_max: u32, pause_millis: u64, total_millis: u64) -> Self {
        Self { attempts_max, pause_millis, total_millis }
    }

    /// What is left of the whole time. A clock that is set back meanwhile gives no more than there was.
    pub(super) fn left_millis(&self, begun_at: UnixMillis, now: UnixMillis) -> u64 {
        let elapsed = now.as_millis().saturating_sub(begun_at.as_millis());
        self.total_millis.saturating_sub(elapsed)
    }

    /// How long to wait before this attempt (the second is number 2); none if it is one too many or too late.
    pub(super) fn pause_before(&self, attempt: u32, begun_at: UnixMillis, now: UnixMillis) -> Option<u64> {
        let doublings = attempt.saturating_sub(2);
        let pause = self.pause_millis.saturating_mul(2_u64.saturating_pow(doublings));
        let in_time = pause < self.left_millis(begun_at, now);
        (attempt <= self.attempts_max && in_time).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end_with_the_attempts_or_with_the_time() {
        let at = UnixMillis::from_millis;
        let retry = Retry::new(4, 200, 1_000);
        let pauses: Vec<_> = (2..6).map(|attempt| retry.pause_before(attempt, at(0), at(0))).collect();
        assert_eq!(pauses, [Some(200), Some(400), Some(800), None]);
        assert_eq!(retry.pause_before(2, at(0), at(799)), Some(200));
        assert_eq!(retry.pause_before(2, at(0), at(800)), None, "it would end at the limit");
        assert_eq!(retry.pause_before(2, at(0), at(u64::MAX)), None);
        assert_eq!(retry.left_millis(at(500), at(0)), 1_000, "the clock was set back");
        assert_eq!(Retry::NONE.pause_before(2, at(0), at(0)), None);
        assert_eq!(Retry::new(u32::MAX, 1, u64::MAX).pause_before(u32::MAX, at(0), at(0)), None);
    }
}
