//! How long a session may live, idle and at all, and how often its use is written down.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// The limits of sessions, in force for every session from the next call on, old ones too.
///
/// Higher limits save no session that a store has dropped: Redis drops it ten minutes after its end under the
/// limits of the call that last wrote it down, a login or a use.
///
/// ```
/// use std::time::Duration;
/// use sso_core::SessionLimits;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let idle = Duration::from_secs(30 * 60);
/// let limits = SessionLimits::new(idle, Duration::from_secs(12 * 3600), Duration::from_secs(60))?;
/// assert_eq!(limits, SessionLimits::default());
/// assert!(SessionLimits::new(idle, Duration::from_secs(60), Duration::ZERO).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    idle: Duration,
    absolute: Duration,
    touch_every: Duration,
}

impl SessionLimits {
    /// The longest absolute limit: 400 days, the longest life that browsers give a cookie (RFC 6265bis).
    pub const ABSOLUTE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);

    /// Limits from their parts, counted in whole milliseconds.
    ///
    /// - `idle`: a session that is not used for so long ends. At least one second.
    /// - `absolute`: a session ends so long after the login, however busy it is. At least `idle`, at most
    ///   [`SessionLimits::ABSOLUTE_MAX`].
    /// - `touch_every`: a use is written to the store only if the last one was written so long ago. A session
    ///   may end so much before its idle limit; therefore at most half of `idle`.
    ///
    /// # Errors
    /// `InvalidInput` if a part is out of its range.
    pub fn new(idle: Duration, absolute: Duration, touch_every: Duration) -> Result<Self, Error> {
        let refuse = |words| Err(Error::new(ErrorKind::InvalidInput, words));
        if idle < Duration::from_secs(1) {
            return refuse("the idle limit must be at least one second");
        }
        if absolute < idle || absolute > Self::ABSOLUTE_MAX {
            return refuse("the absolute limit must be at least the idle limit and at most 400 days");
        }
        if touch_every > idle / 2 {
            return refuse("the touch interval must be at most half of the idle limit");
        }
        Ok(Self { idle, absolute, touch_every })
    }

    /// How long a session may rest.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// How long a session may live.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// How seldom the use of a session is written down.
    #[must_use]
    pub const fn touch_every(&self) -> Duration {
        self.touch_every
    }
}

impl Default for SessionLimits {
    /// 30 minutes idle, 12 hours at all, written down once a minute.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
            touch_every: Duration::from_secs(60),
        }
    }
}
