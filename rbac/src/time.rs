//! Moments and windows of time. No clock is read here: the caller brings the time.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Repr};

/// Milliseconds from the beginning of 1970 to the end of the year 9999.
const MILLIS_MAX: u64 = 253_402_300_799_999;

/// A moment: milliseconds since 1970-01-01 00:00:00 UTC, up to the end of the year 9999.
///
/// ```
/// use rbac::UnixMillis;
///
/// let now = UnixMillis::new(1_767_225_600_000)?;
/// assert_eq!(now.get(), 1_767_225_600_000);
/// assert!(UnixMillis::new(u64::MAX).is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct UnixMillis(
    /// One more than the milliseconds, so that an `Option` of a moment takes no more than a moment.
    NonZeroU64,
);

impl UnixMillis {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(NonZeroU64::MIN);
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self::EPOCH.plus_millis(MILLIS_MAX);

    /// A moment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it is after [`UnixMillis::MAX`].
    pub fn new(millis: u64) -> Result<Self, Error> {
        if millis <= MILLIS_MAX {
            Ok(Self::EPOCH.plus_millis(millis))
        } else {
            Err(Repr::Time { at_millis: millis }.into())
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get() - 1
    }

    /// The moment so many milliseconds later, at most [`UnixMillis::MAX`].
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        let left = MILLIS_MAX - self.get();
        Self(self.0.saturating_add(if millis < left { millis } else { left }))
    }
}

impl TryFrom<u64> for UnixMillis {
    type Error = Error;

    fn try_from(millis: u64) -> Result<Self, Error> {
        Self::new(millis)
    }
}

impl From<UnixMillis> for u64 {
    fn from(at: UnixMillis) -> Self {
        at.get()
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixMillis").field(&self.get()).finish()
    }
}

/// When an assignment holds: `not_before <= now < not_after`. A missing end is open.
///
/// ```
/// use rbac::{UnixMillis, Window};
///
/// let noon = UnixMillis::new(43_200_000)?;
/// let morning = Window::new(None, Some(noon))?;
/// assert!(morning.holds(UnixMillis::EPOCH) && !morning.holds(noon));
/// assert!(Window::new(Some(noon), Some(noon)).is_err());
/// assert!(Window::until(UnixMillis::EPOCH).is_err());
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    not_before: Option<UnixMillis>,
    not_after: Option<UnixMillis>,
}

impl Window {
    /// At any time.
    pub const ALWAYS: Self = Self { not_before: None, not_after: None };

    /// From the first moment on, up to but without the second.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if no moment is between them.
    pub fn new(not_before: Option<UnixMillis>, not_after: Option<UnixMillis>) -> Result<Self, Error> {
        match (not_before, not_after) {
            (Some(from), Some(until)) if from >= until => Err(Repr::EmptyWindow { from, until }.into()),
            (None, Some(until)) if until == UnixMillis::EPOCH => {
                Err(Repr::EmptyWindow { from: UnixMillis::EPOCH, until }.into())
            }
            _ => Ok(Self { not_before, not_after }),
        }
    }

    /// Up to but without this moment. It must not be [`UnixMillis::EPOCH`], before which there is no time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if no moment is before it.
    pub fn until(not_after: UnixMillis) -> Result<Self, Error> {
        Self::new(None, Some(not_after))
    }

    /// The first moment, if there is a first.
    #[must_use]
    pub const fn not_before(self) -> Option<UnixMillis> {
        self.not_before
    }

    /// The first moment after it, if it ends.
    #[must_use]
    pub const fn not_after(self) -> Option<UnixMillis> {
        self.not_after
    }

    /// True if the moment is inside.
    #[must_use]
    #[inline]
    pub fn holds(self, now: UnixMillis) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.not_after.is_none_or(|until| now < until)
    }

    /// True if it has neither a first nor a last moment.
    #[must_use]
    #[inline]
    pub const fn is_always(self) -> bool {
        self.not_before.is_none() && self.not_after.is_none()
    }
}
