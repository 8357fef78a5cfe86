//! The demo's clock: the only place of it that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch; zero for a machine whose clock stands before it.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same as a column of SQL holds it.
pub(crate) fn to_column(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The time in a column; the first one for a column that holds none.
pub(crate) fn from_column(column: i64) -> Result<seckill::UnixMillis, seckill::Error> {
    seckill::UnixMillis::new(u64::try_from(column).unwrap_or(0))
}
