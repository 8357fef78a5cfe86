//! The rule of rate limits: the generic cell rate algorithm (ITU-T I.371, annex A) in whole numbers.
//!
//! A key owes one share of time for each unit that it took, and time pays the debt off. A limit refuses
//! what would make the debt larger than its burst. Debts are counted in ticks of one microsecond divided
//! by `count`, so that `count` units in a span are exact whatever the two are; every number stays below
//! 2^53, so that Redis Lua counts the same.

use std::time::Duration;

use super::fault::{GateFault, in_range};
use crate::error::Error;

/// The largest burst times span, and the last point in time, in microseconds.
pub(super) const MICROS_MAX: u64 = 1 << 52;

/// How fast one key may go: `count` units in each span, and up to `burst` units at once.
///
/// ```
/// use seckill::gate::Limit;
/// use std::time::Duration;
///
/// // Five clicks at once, then seven in ten seconds.
/// let clicks = Limit::new(5, 7, Duration::from_secs(10))?;
/// assert_eq!(clicks.burst(), 5);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    burst: u32,
    count: u32,
    per_micros: u64,
}

/// When the debt of a key will be paid off: `micros` and `part / count` of a microsecond since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) micros: u64,
    pub(super) part: u64,
    pub(super) count: u64,
}

/// What a limit says about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    Passes { paid: Paid, remaining: u32 },
    Fails { retry_micros: u64 },
}

impl Limit {
    /// The longest span, times the burst: about 142 years for one unit, 52,000 units for a day.
    pub const BURST_SPAN_MICROS_MAX: u64 = MICROS_MAX;

    /// Lets `count` units pass in each span `per`, in whole microseconds, and `burst` units at once.
    ///
    /// # Errors
    /// `InvalidInput` when one of the three is zero, when `per` is not whole microseconds, or when
    /// `burst` times `per` is over [`Limit::BURST_SPAN_MICROS_MAX`].
    pub fn new(burst: u32, count: u32, per: Duration) -> Result<Self, Error> {
        in_range("burst of the limit", burst.into(), 1, u32::MAX.into())?;
        in_range("count of the limit", count.into(), 1, u32::MAX.into())?;
        let what = "span of the limit in microseconds";
        let per_micros = in_range(what, per.as_micros(), 1, MICROS_MAX)?;
        if !per.subsec_nanos().is_multiple_of(1_000) {
            let (what, rule) = ("span of the limit", "whole microseconds");
            return Err(GateFault::Text { what, given: format!("{per:?}"), rule }.into());
        }
        match u64::from(burst).checked_mul(per_micros) {
            Some(full) if full <= MICROS_MAX => Ok(Self { burst, count, per_micros }),
            _ => Err(GateFault::Span { max: MICROS_MAX }.into()),
        }
    }

    /// Units that may pass at once.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// Units that may pass in each [`Limit::per`].
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The span in which [`Limit::count`] units may pass.
    pub fn per(&self) -> Duration {
        Duration::from_micros(self.per_micros)
    }

    /// Whether `cost` units may pass now. `cost` is at most the burst and `now` at most [`MICROS_MAX`].
    pub(super) fn judge(&self, paid: Option<Paid>, cost: u32, now: u64) -> Judged {
        let count = u64::from(self.count);
        let full = u64::from(self.burst) * self.per_micros;
        let debt = paid.map_or(0, |paid| self.debt(paid, now)) + u64::from(cost) * self.per_micros;
        if debt > full {
            return Judged::Fails { retry_micros: (debt - full).div_ceil(count) };
        }
        let paid = Paid { micros: now + debt / count, part: debt % count, count };
        let remaining = u32::try_from((full - debt) / self.per_micros).unwrap_or(self.burst);
        Judged::Passes { paid, remaining }
    }

    /// What is still owed now, in ticks, and never more than a whole burst: after a clock that went back,
    /// or under a stricter limit, a key waits for one burst and not for years.
    fn debt(&self, paid: Paid, now: u64) -> u64 {
        let count = u64::from(self.count);
        let full = u64::from(self.burst) * self.per_micros;
        let (micros, part) =
            if paid.count == count { (paid.micros, paid.part) } else { (paid.rounded_up(), 0) };
        match micros.checked_sub(now) {
            // One microsecond more than a burst takes is enough to know that it is the whole.
            Some(ahead) => (ahead.min(full / count + 1) * count + part).min(full),
            None => 0,
        }
    }
}

impl Paid {
    /// The first whole microsecond at which nothing is owed.
    pub(super) fn rounded_up(&self) -> u64 {
        self.micros + u64::from(self.part > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: &Limit, paid: &mut Option<Paid>, now: u64) -> Result<u32, u64> {
        match limit.judge(*paid, 1, now) {
            Judged::Passes { paid: after, remaining } => {
                *paid = Some(after);
                Ok(remaining)
            }
            Judged::Fails { retry_micros } => Err(retry_micros),
        }
    }

    /// Three units in ten microseconds do not divide: over many spans not one unit is lost or given.
    #[test]
    fn a_rate_that_does_not_divide_is_exact() {
        let limit = Limit::new(2, 3, Duration::from_micros(10)).unwrap();
        let mut paid = None;
        let passed = (0..100_000).filter(|&now| taken(&limit, &mut paid, now).is_ok()).count();
        assert_eq!(passed, 30_001);
    }

    #[test]
    fn a_burst_passes_and_refills_by_shares() {
        let limit = Limit::new(3, 1, Duration::from_micros(100)).unwrap();
        let mut paid = None;
        assert_eq!([(); 3].map(|()| taken(&limit, &mut paid, 1_000)), [Ok(2), Ok(1), Ok(0)]);
        assert_eq!(taken(&limit, &mut paid, 1_000), Err(100));
        assert_eq!(taken(&limit, &mut paid, 1_099), Err(1));
        assert_eq!(taken(&limit, &mut paid, 1_100), Ok(0));
        assert_eq!(taken(&limit, &mut paid, 9_000), Ok(2));
    }

    #[test]
    fn a_clock_that_went_back_costs_one_burst_at_most() {
        let limit = Limit::new(2, 1, Duration::from_micros(100)).unwrap();
        let mut paid = None;
        assert_eq!(taken(&limit, &mut paid, 1_000_000_000), Ok(1));
        assert_eq!(taken(&limit, &mut paid, 0), Err(100));
        assert_eq!(taken(&limit, &mut paid, MICROS_MAX), Ok(1));
    }
}
