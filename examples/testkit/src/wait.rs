//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

const POLL: Duration = Duration::from_millis(10);

/// Asks `condition` about every ten milliseconds until it is true.
///
/// `what` completes "waited in vain for: ..." in the error.
///
/// # Errors
///
/// `PeerMisbehaved` when `deadline` passed first. The condition is asked at least once.
///
/// ```
/// use std::time::Duration;
///
/// let mut left = 3;
/// testkit::until(Duration::from_secs(5), "the countdown", || {
///     left -= 1;
///     left == 0
/// })?;
/// # Ok::<(), testkit::Error>(())
/// ```
pub fn until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Error> {
    until_ok(deadline, what, || Ok(condition().then_some(())))
}

/// Like [`until`], for a condition that yields a value, or fails for good.
pub(crate) fn until_ok<T>(
    deadline: Duration,
    what: &str,
    mut attempt: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt()? {
            return Ok(value);
        }
        if started.elapsed() >= deadline {
            return Err(Error::late(deadline, what));
        }
        thread::sleep(POLL);
    }
}
