//! How long refresh tokens and their families live, and how long a lost answer may be asked for again.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// The limits of refresh tokens, in force for every family from the next call on, old ones too.
///
/// ```
/// use std::time::Duration;
/// use sso_core::RefreshLimits;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let day = Duration::from_secs(24 * 3600);
/// let limits = RefreshLimits::new(14 * day, 90 * day, Duration::from_secs(10))?;
/// assert_eq!(limits, RefreshLimits::default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshLimits {
    idle: Duration,
    absolute: Duration,
    grace: Duration,
}

impl RefreshLimits {
    /// The longest absolute limit: 400 days.
    pub const ABSOLUTE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
    /// The longest window of grace.
    pub const GRACE_MAX: Duration = Duration::from_secs(300);

    /// Limits from their parts, counted in whole milliseconds.
    ///
    /// - `idle`: a token that is not exchanged for so long ends, and its family with it. At least one second.
    /// - `absolute`: a family ends so long after the sign-in. At least `idle`, at most
    ///   [`RefreshLimits::ABSOLUTE_MAX`].
    /// - `grace`: for so long after an exchange, the old token is answered with the same child again, because the
    ///   first answer may have been lost. Zero turns this off. At most [`RefreshLimits::GRACE_MAX`] and `idle`.
    ///
    /// # Errors
    /// `InvalidInput` if a part is out of its range.
    pub fn new(idle: Duration, absolute: Duration, grace: Duration) -> Result<Self, Error> {
        let refuse = |words| Err(Error::new(ErrorKind::InvalidInput, words));
        if idle < Duration::from_secs(1) {
            return refuse("the idle limit must be at least one second");
        }
        if absolute < idle || absolute > Self::ABSOLUTE_MAX {
            return refuse("the absolute limit must be at least the idle limit and at most 400 days");
        }
        if grace > Self::GRACE_MAX || grace > idle {
            return refuse("the window of grace must be at most 300 seconds and at most the idle limit");
        }
        Ok(Self { idle, absolute, grace })
    }

    /// How long a token may rest.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// How long a family may live.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// How long after an exchange it may be repeated.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace
    }
}

impl Default for RefreshLimits {
    /// 14 days idle, 90 days at all, 10 seconds of grace.
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { idle: 14 * day, absolute: 90 * day, grace: Duration::from_secs(10) }
    }
}
