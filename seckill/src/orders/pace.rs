//! How fast a consumer takes over, retries and gives up. No clock is read here.

use std::time::Duration;

use crate::error::{Error, Fault};

/// The paces of a consumer.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) claim_after: Duration,
    pub(crate) retry_after: Duration,
    pub(crate) retry_after_max: Duration,
    pub(crate) attempts_max: u32,
    pub(crate) entries_max: u16,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            claim_after: Duration::from_secs(30),
            retry_after: Duration::from_secs(1),
            retry_after_max: Duration::from_secs(60),
            attempts_max: 16,
            entries_max: 16,
        }
    }
}

impl Pace {
    /// How long an entry rests after it was delivered for the `attempts`-th time in vain.
    pub(crate) fn rest(&self, attempts: u32) -> Duration {
        let doubled = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.retry_after.saturating_mul(doubled).min(self.retry_after_max)
    }

    /// How long an entry rests that another consumer of the group has; it may still be at work.
    pub(crate) fn rest_of_other(&self, attempts: u32) -> Duration {
        self.rest(attempts).max(self.claim_after)
    }

    /// How often to look for entries that have rested.
    pub(crate) fn look_every(&self) -> Duration {
        self.retry_after.min(self.claim_after / 4).max(Duration::from_millis(1))
    }

    /// How often to say that an entry is still being worked on.
    pub(crate) fn renew_every(&self) -> Duration {
        (self.claim_after / 3).max(Duration::from_millis(1))
    }
}

/// Passes 1 ms to a day.
pub(super) fn span(what: &'static str, span: Duration) -> Result<Duration, Error> {
    const MAX_MILLIS: u64 = 24 * 3600 * 1000;
    let millis = span.as_millis();
    if (1..=u128::from(MAX_MILLIS)).contains(&millis) {
        return Ok(span);
    }
    Err(Fault::Range { what, given: millis, min: 1, max: MAX_MILLIS }.into())
}

/// Passes `min..=max`.
pub(super) fn count<N: Copy + Into<u64>>(
    what: &'static str,
    given: N,
    min: u64,
    max: u64,
) -> Result<N, Error> {
    if (min..=max).contains(&given.into()) {
        return Ok(given);
    }
    Err(Fault::Range { what, given: u128::from(given.into()), min, max }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_the_longest() {
        let pace = Pace::default();
        let rests: Vec<u64> = (0..9).map(|attempts| pace.rest(attempts).as_secs()).collect();
        assert_eq!(rests, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pace.rest(u32::MAX).as_secs(), 60);
        assert_eq!(pace.rest_of_other(1).as_secs(), 30);
        assert_eq!(pace.rest_of_other(9).as_secs(), 60);
    }
}
