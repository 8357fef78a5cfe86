//! When a notify is sent again: the gateway's table as a pure function.

use crate::alipay::ACK_SUCCESS;
use http::StatusCode;

/// Seconds from one attempt to the next: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h; eight attempts in about 25 hours.
pub const RETRY_DELAYS_SECS: [u64; 7] = [240, 600, 600, 3_600, 7_200, 21_600, 54_000];

/// What follows one attempt to deliver a notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// The merchant has it.
    Acknowledged,
    /// Send it again after this time.
    Again {
        /// Seconds from the end of this attempt.
        after_secs: u64,
    },
    /// The table is at its end: the merchant has to query.
    GivenUp,
}

/// What to do after the attempt number `attempt` (the first is 0). `answer` is the merchant's status and body, or
/// none if it could not be reached. Only status 200 with exactly `success` counts.
///
/// ```
/// use payments::sandbox::{Delivery, after_attempt};
/// let ok = http::StatusCode::OK;
/// assert_eq!(after_attempt(0, Some((ok, b"success"))), Delivery::Acknowledged);
/// assert_eq!(after_attempt(0, Some((ok, b"success\n"))), Delivery::Again { after_secs: 240 });
/// assert_eq!(after_attempt(7, None), Delivery::GivenUp);
/// ```
#[must_use]
pub fn after_attempt(attempt: usize, answer: Option<(StatusCode, &[u8])>) -> Delivery {
    if answer.is_some_and(|(status, body)| status == StatusCode::OK && body == ACK_SUCCESS.as_bytes()) {
        return Delivery::Acknowledged;
    }
    match RETRY_DELAYS_SECS.get(attempt) {
        Some(after_secs) => Delivery::Again { after_secs: *after_secs },
        None => Delivery::GivenUp,
    }
}
