//! Points in time as the stores write them. No clock is read here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Fault};

/// A point in time: milliseconds since 1970-01-01 UTC, at most 14 digits (the year 5138).
///
/// ```
/// use seckill::UnixMillis;
/// use std::time::Duration;
///
/// let noon = UnixMillis::new(1_700_000_000_000)?;
/// assert_eq!(noon.plus(Duration::from_secs(1)).millis(), 1_700_000_001_000);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

/// The time at which a store decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum At {
    /// The store's own clock: Redis `TIME` inside the script, the system clock for the memory store. The
    /// form for production, since all callers then share one clock.
    Server,
    /// An explicit time, so that a test can decide the same history in every store.
    Millis(UnixMillis),
}

impl UnixMillis {
    /// 1970-01-01.
    pub const MIN: Self = Self(0);
    /// The last time that Lua still prints digit by digit.
    pub const MAX: Self = Self(99_999_999_999_999);

    /// Takes milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// `InvalidInput` after [`UnixMillis::MAX`].
    pub fn new(millis: u64) -> Result<Self, Error> {
        if millis <= Self::MAX.0 {
            return Ok(Self(millis));
        }
        Err(out_of_range(u128::from(millis)))
    }

    /// The number of milliseconds.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// This time and `span` more, at most [`UnixMillis::MAX`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(span).min(Self::MAX.0))
    }
}

impl TryFrom<SystemTime> for UnixMillis {
    type Error = Error;

    fn try_from(time: SystemTime) -> Result<Self, Error> {
        let millis = time.duration_since(UNIX_EPOCH).map_or(u128::MAX, |since| since.as_millis());
        let narrow = u64::try_from(millis).map_err(|_| out_of_range(millis))?;
        Self::new(narrow)
    }
}

fn out_of_range(given: u128) -> Error {
    Fault::Range { what: "time in unix milliseconds", given, min: 0, max: UnixMillis::MAX.0 }.into()
}
