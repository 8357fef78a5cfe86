//! The clock of the memory store and of the façades: an explicit time, or this system's.

use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "redis")]
use super::fault::GateFault;
use super::fault::in_range;
use super::limit::MICROS_MAX;
use crate::error::Error;
use crate::time::{At, UnixMillis};

const RATE_TIME: &str = "time of the rate limit in unix microseconds";

/// Milliseconds since 1970.
pub(super) fn now(at: At) -> Result<UnixMillis, Error> {
    match at {
        At::Millis(now) => Ok(now),
        At::Server => UnixMillis::try_from(SystemTime::now()),
    }
}

/// Microseconds since 1970, as far as rate limits can count.
pub(super) fn now_micros(at: At) -> Result<u64, Error> {
    let micros = match at {
        At::Millis(now) => u128::from(now.millis()) * 1_000,
        At::Server => {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(u128::MAX, |since| since.as_micros())
        }
    };
    in_range(RATE_TIME, micros, 0, MICROS_MAX)
}

/// The error of a store whose own clock is beyond what rate limits can count.
#[cfg(feature = "redis")]
pub(super) fn too_late() -> Error {
    let given = u128::from(MICROS_MAX) + 1;
    GateFault::Range { what: RATE_TIME, given, min: 0, max: MICROS_MAX }.into()
}
