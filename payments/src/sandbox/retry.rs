//! When a notify is sent again: each gateway's own table.

use crate::Channel;

/// Alipay: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h; eight attempts in about 25 hours.
const ALIPAY: &[u64] = &[240, 600, 600, 3_600, 7_200, 21_600, 54_000];
/// WeChat Pay: 15 s twice, 30 s, 3 min, 10 min, 20 min, 30 min three times, 1 h, 3 h three times, 6 h twice.
const WECHAT: &[u64] =
    &[15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600];
/// UnionPay: 1, 2, 4 and 5 minutes.
const UNIONPAY: &[u64] = &[60, 120, 240, 300];

/// Seconds from the end of one attempt to the next; after the last of them the gateway gives up.
///
/// ```
/// use payments::{Channel, sandbox::retry_delays_secs};
/// assert_eq!(retry_delays_secs(Channel::Unionpay), [60, 120, 240, 300]);
/// ```
#[must_use]
pub const fn retry_delays_secs(channel: Channel) -> &'static [u64] {
    match channel {
        Channel::Alipay => ALIPAY,
        Channel::Wechat => WECHAT,
        Channel::Unionpay => UNIONPAY,
    }
}

/// How much faster than the real gateway the sandbox waits: between attempts, and for refunds and deadlines of its
/// own. Moments that a merchant names, and the window of a signature, stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed(u32);

impl Speed {
    /// As the real gateway.
    pub const REAL: Self = Self(1);

    /// So many times faster; 0 counts as 1.
    #[must_use]
    pub const fn times(factor: u32) -> Self {
        if factor == 0 { Self::REAL } else { Self(factor) }
    }

    /// The wait in milliseconds, at least one.
    pub(super) fn millis(self, secs: u64) -> u64 {
        (secs.saturating_mul(1000) / u64::from(self.0)).max(1)
    }
}
