//! The clock of a watcher, which has nobody who brings it the time.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Repr};
use crate::time::UnixMillis;

/// Tells the time: [`SystemClock`], or that of a test.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now. It has to be the clock whose time [`Live::policy`](crate::Live::policy) is given.
    ///
    /// # Errors
    ///
    /// The clock shows no time that can be. Nobody may be let in by it: by a time that is too early, roles that have
    /// ended would hold again.
    fn now(&self) -> Result<UnixMillis, Error>;
}

/// The clock of the operating system.
///
/// A time before 1970 or after 9999 is [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), and transient: the
/// clock was not set yet.
///
/// ```
/// use rbac::{Clock, SystemClock, UnixMillis};
///
/// assert!(SystemClock.now()? > UnixMillis::EPOCH);
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Result<UnixMillis, Error> {
        moment(SystemTime::now())
    }
}

fn moment(shown: SystemTime) -> Result<UnixMillis, Error> {
    let since = shown.duration_since(UNIX_EPOCH).map_err(|source| Repr::Clock { source: source.into() })?;
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    UnixMillis::new(millis).map_err(|source| Repr::Clock { source: source.into() }.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_time_that_cannot_be_is_no_time() {
        let millis = |shown| moment(shown).map(UnixMillis::get);
        assert_eq!(millis(UNIX_EPOCH).unwrap(), 0);
        assert_eq!(millis(UNIX_EPOCH + Duration::from_millis(1_767_225_600_000)).unwrap(), 1_767_225_600_000);
        let too_late = UNIX_EPOCH + Duration::from_millis(UnixMillis::MAX.get() + 1);
        for shown in [UNIX_EPOCH - Duration::from_nanos(1), UNIX_EPOCH - Duration::from_secs(9), too_late] {
            let error = millis(shown).unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
            assert!(error.to_string().contains("set the clock"), "{error}");
            assert!(std::error::Error::source(&error).is_some());
        }
    }
}
