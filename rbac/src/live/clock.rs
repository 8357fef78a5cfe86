//! The clock of a watcher, which has nobody who brings it the time.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::UnixMillis;

/// Tells the time: [`SystemClock`], or that of a test.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now. It has to be the clock whose time [`Live::policy`](crate::Live::policy) is given.
    fn now(&self) -> UnixMillis;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::EPOCH.plus_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
