//! When a certificate may be downloaded: one at a time, seldom, and not again soon what failed. No clock is read here.

use crate::UnixMillis;
use std::collections::VecDeque;

/// Seconds between the beginnings of two downloads.
pub(super) const PAUSE_SECS: u64 = 60;
/// Seconds for which a number that failed is not asked for again.
pub(super) const FAILED_SECS: u64 = 600;
/// Numbers that failed and are remembered.
const FAILED_MAX: usize = 32;

/// What is remembered between downloads.
#[derive(Debug, Default)]
pub(super) struct Learning {
    under_way: bool,
    next_at: Option<UnixMillis>,
    /// Numbers, and until when they are not asked for; the oldest first.
    failed: VecDeque<(String, UnixMillis)>,
}

impl Learning {
    /// Begins a download, or says when to try again. What begins has to end.
    pub(super) fn begin(&mut self, sn: &str, now: UnixMillis) -> Result<(), UnixMillis> {
        self.failed.retain(|(_, until)| now < *until);
        if let Some((_, until)) = self.failed.iter().find(|(failed, _)| failed == sn) {
            return Err(*until);
        }
        if self.under_way {
            return Err(now.plus_secs(1));
        }
        if let Some(next_at) = self.next_at.filter(|next_at| now < *next_at) {
            return Err(next_at);
        }
        self.under_way = true;
        self.next_at = Some(now.plus_secs(PAUSE_SECS));
        Ok(())
    }

    /// Ends a download, also one that was given up.
    pub(super) fn end(&mut self) {
        self.under_way = false;
    }

    /// Remembers that there is no such certificate, or a wrong one.
    pub(super) fn failed(&mut self, sn: &str, now: UnixMillis) {
        if self.failed.len() == FAILED_MAX {
            self.failed.pop_front();
        }
        self.failed.push_back((sn.to_owned(), now.plus_secs(FAILED_SECS)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

    #[test]
    fn one_at_a_time_and_not_what_failed() {
        let mut learning = Learning::default();
        learning.begin("a", START).unwrap();
        let later = START.plus_secs(PAUSE_SECS);
        assert_eq!(learning.begin("b", later), Err(later.plus_secs(1)));
        learning.failed("a", START);
        learning.end();
        assert_eq!(learning.begin("a", later), Err(START.plus_secs(FAILED_SECS)));
        learning.begin("b", later).unwrap();
        learning.end();
        assert_eq!(learning.begin("c", later), Err(later.plus_secs(PAUSE_SECS)));
        learning.begin("a", START.plus_secs(FAILED_SECS)).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        /// However many numbers are forged, a download a minute begins at most, and the memory stays small.
        #[test]
        fn forged_numbers_cost_little(steps in proptest::collection::vec((0..1000_u32, 0..5_u64), 1..2000)) {
            let (mut learning, mut now, mut begun) = (Learning::default(), START, 0_u64);
            for (forged, secs) in steps {
                now = now.plus_secs(secs);
                let sn = format!("{forged:032x}");
                if learning.begin(&sn, now).is_ok() {
                    begun += 1;
                    learning.failed(&sn, now);
                    learning.end();
                }
                prop_assert!(learning.failed.len() <= FAILED_MAX);
            }
            let secs = (now.as_millis() - START.as_millis()) / 1000;
            prop_assert!(begun <= secs / PAUSE_SECS + 1);
        }
    }
}
