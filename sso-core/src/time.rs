//! Points in time as milliseconds since the Unix epoch. Nothing here reads a clock.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// At most 2^52, so that Lua and JSON, which count in doubles, keep every millisecond exactly.
///
/// ```
/// use std::time::Duration;
/// use sso_core::UnixMillis;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let noon = UnixMillis::new(1_700_000_000_000)?;
/// let later = noon.saturating_add(Duration::from_secs(5));
/// assert_eq!(later.since(noon), Duration::from_secs(5));
/// assert_eq!(later.as_secs(), 1_700_000_005);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last point in time that can be written down.
    pub const MAX: Self = Self(1 << 52);

    /// A point in time from its milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` beyond [`UnixMillis::MAX`].
    pub fn new(millis: u64) -> Result<Self, Error> {
        Some(Self(millis)).filter(|time| *time <= Self::MAX).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("`{millis}` is no time: give milliseconds since 1970"),
            )
        })
    }

    /// A point in time from its milliseconds, at most [`UnixMillis::MAX`].
    #[must_use]
    pub const fn saturating_new(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the `NumericDate` of RFC 7519, section 2.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// This time and a duration more, or `None` beyond [`UnixMillis::MAX`].
    #[must_use]
    pub fn checked_add(self, more: Duration) -> Option<Self> {
        let sum = self.0.checked_add(whole_millis(more))?;
        Some(Self(sum)).filter(|time| *time <= Self::MAX)
    }

    /// This time and a duration more, at most [`UnixMillis::MAX`].
    #[must_use]
    pub fn saturating_add(self, more: Duration) -> Self {
        self.checked_add(more).unwrap_or(Self::MAX)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole milliseconds, rounded down.
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
