//! Which sessions a server has seen so lately that their use is not due to be written down: reading will do for them.
//!
//! It is a guess that chooses the cheaper way. What a session is, the store says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::secret::SessionKey;
use crate::time::whole_millis;

/// The sessions seen lately. Two that share a place drive each other out.
pub(super) struct Recent {
    /// When the clock of all these times starts.
    pub(super) begun_at: Instant,
    places: Box<[AtomicU64]>,
}

/// A place holds some bits of a session's digest above the time until when its use is not due, in milliseconds.
const TIME_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

impl Recent {
    /// How many sessions are remembered at most, in 8 bytes each.
    const SESSIONS_MAX: usize = 1 << 15;

    pub(super) fn new() -> Self {
        let places = (0..Self::SESSIONS_MAX).map(|_| AtomicU64::new(0)).collect();
        Self { begun_at: Instant::now(), places }
    }

    /// Remembers a session whose use is not due until then, counted from `begun_at`.
    pub(super) fn note(&self, key: &SessionKey, until: Duration) {
        if let Some((place, mark)) = self.place(key) {
            place.store(mark | (whole_millis(until) & TIME_MASK), Ordering::Relaxed);
        }
    }

    /// Whether a session's use is not due yet, so long after `begun_at`, as far as is remembered.
    pub(super) fn holds(&self, key: &SessionKey, now: Duration) -> bool {
        self.place(key).is_some_and(|(place, mark)| {
            let noted = place.load(Ordering::Relaxed);
            noted & !TIME_MASK == mark && whole_millis(now) < noted & TIME_MASK
        })
    }

    fn place(&self, key: &SessionKey) -> Option<(&AtomicU64, u64)> {
        let bits = key.fingerprint();
        let place = self.places.get(usize::try_from(bits & TIME_MASK).ok()? % Self::SESSIONS_MAX)?;
        Some((place, bits & !TIME_MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SessionSecret;
    use crate::user_id::UserId;

    #[test]
    fn a_session_is_remembered_until_its_use_is_due() {
        let (recent, user) = (Recent::new(), UserId::new("alice").unwrap());
        let key = |number| SessionSecret::new(&user, [number; 32]).key();
        let at = Duration::from_millis;
        assert!(!recent.holds(&key(1), at(0)));
        recent.note(&key(1), at(60));
        assert!(recent.holds(&key(1), at(59)) && !recent.holds(&key(1), at(60)));
        assert!(!recent.holds(&key(2), at(0)));
        recent.note(&key(1), at(0));
        assert!(!recent.holds(&key(1), at(0)));
    }

    #[test]
    fn a_session_in_the_place_of_another_is_not_taken_for_it() {
        let (recent, user) = (Recent::new(), UserId::new("alice").unwrap());
        let one = SessionSecret::new(&user, [1; 32]).key();
        recent.note(&one, Duration::from_secs(60));
        let (place, mark) = recent.place(&one).unwrap();
        place.store((mark ^ (1 << TIME_BITS)) | 60_000, Ordering::Relaxed);
        assert!(!recent.holds(&one, Duration::ZERO));
    }
}
