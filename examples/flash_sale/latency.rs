//! A small histogram of times, exact to an eighth, that many callers fill at once.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counts of microseconds: eight cells for each power of two, up to 2^32.
const CELLS: usize = 31 * 8;

/// Times that were measured.
#[derive(Debug)]
pub(crate) struct Latency([AtomicU64; CELLS]);

impl Latency {
    /// No times yet.
    pub(crate) fn new() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Notes one time.
    pub(crate) fn note(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        if let Some(cell) = self.0.get(cell(micros)) {
            cell.fetch_add(1, Relaxed);
        }
    }

    /// The time in microseconds that `percent` of all times do not exceed; zero when there are none.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let counts: Vec<u64> = self.0.iter().map(|cell| cell.load(Relaxed)).collect();
        let wanted = (counts.iter().sum::<u64>() * percent).div_ceil(100);
        let mut seen = 0;
        for (index, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return largest(index);
            }
        }
        0
    }
}

/// The cell of a time: below sixteen one for each microsecond, then eight for each doubling.
fn cell(micros: u32) -> usize {
    let shift = (32 - micros.leading_zeros()).saturating_sub(4);
    let index = shift * 8 + (micros >> shift);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The largest time of a cell.
fn largest(index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    let shift = (index / 8).saturating_sub(1);
    ((index - shift * 8 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_is_told_at_most_an_eighth_too_long(micros: u32) {
            let latency = Latency::new();
            latency.note(Duration::from_micros(u64::from(micros)));
            let told = latency.percentile(50);
            prop_assert!(told >= u64::from(micros) && told <= u64::from(micros) + u64::from(micros) / 8);
        }
    }

    #[test]
    fn percentiles_count_times() {
        let latency = Latency::new();
        assert_eq!(latency.percentile(99), 0);
        for micros in 1..=100 {
            latency.note(Duration::from_micros(if micros == 100 { 5_000 } else { 7 }));
        }
        assert_eq!((latency.percentile(50), latency.percentile(99)), (7, 7));
        assert!(latency.percentile(100) >= 5_000);
    }
}
