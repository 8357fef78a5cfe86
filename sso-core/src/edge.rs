//! The only file that reads the clock and the system's random source.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind};
use crate::time::{UnixMillis, whole_millis};

impl UnixMillis {
    /// What the system clock says. The rules never call it: they take the time as an argument.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::saturating_new(whole_millis(since_epoch))
    }
}

/// `N` bytes from the system's random source, fit for keys.
///
/// # Errors
/// `Unavailable` if the system has no random source, as in a broken sandbox.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| {
        Error::with_source(ErrorKind::Unavailable, "the system gives no random bytes", source)
    })?;
    Ok(bytes)
}
