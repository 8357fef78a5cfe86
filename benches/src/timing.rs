//! How long one side took in one round, and what it cost the server.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// What the callers saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Half of the calls took at most so long, in microseconds. `None` when calls were not timed.
    pub(crate) p50: Option<f64>,
    /// 99 of 100 calls took at most so long, in microseconds.
    pub(crate) p99: Option<f64>,
}

/// What one side did in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// What the callers saw.
    pub(crate) timing: Timing,
    /// Processor time of the servers for each answer, in nanoseconds. `None` when none takes part.
    pub(crate) server_ns: Option<f64>,
    /// Memory of the servers for each answer, in bytes, without what connections take.
    pub(crate) bytes: Option<f64>,
}

impl Timing {
    /// The timing of `requests` answers in `elapsed`, with the microseconds of each call.
    pub(crate) fn new(requests: u32, elapsed: Duration, mut spans: Vec<f64>) -> Self {
        spans.sort_by(f64::total_cmp);
        let share =
            |percent: usize| spans.get((spans.len() * percent / 100).min(spans.len().saturating_sub(1)));
        Self {
            rate: f64::from(requests) / elapsed.as_secs_f64(),
            p50: share(50).copied(),
            p99: share(99).copied(),
        }
    }
}

/// How long this thread has been on a core. Other programs cannot make it go faster, as they can a clock.
pub(crate) fn thread_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// How long all threads of this process have been on a core.
pub(crate) fn process_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Duration {
    let (secs, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(secs.unwrap_or_default(), nanos.unwrap_or_default())
}

/// The middle value, or the mean of the two in the middle; `NaN` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([7.0]), 7.0);
        assert!(median([]).is_nan());
    }

    #[test]
    fn percentiles_are_of_sorted_calls() {
        let spans = (1..=100).rev().map(f64::from).collect();
        let timing = Timing::new(100, Duration::from_secs(2), spans);
        assert_eq!((timing.rate, timing.p50, timing.p99), (50.0, Some(51.0), Some(100.0)));
        assert_eq!(Timing::new(1, Duration::from_secs(1), Vec::new()).p99, None);
    }
}
