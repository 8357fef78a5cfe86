//! A call to a gateway as values: a request to send, a reply to read. Sending is somebody else's job.

use crate::UnixMillis;
use crate::error::Error;
use bytes::Bytes;
use std::fmt;

/// The moment and the randomness of one request, given by the caller, so that a request can be made again exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the request is made. Gateways refuse a clock that is minutes off.
    pub now: UnixMillis,
    /// Fresh random bytes. Alipay's form gateway ignores them; other gateways sign them.
    pub nonce: Nonce,
}

/// Sixteen random bytes, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// A nonce of these bytes; take them from the operating system's generator.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One call of one gateway. Repeating it with the same numbers is safe.
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::alipay::{Endpoint, Merchant, TradeQuery};
/// use payments::{AppId, Call, Nonce, OutTradeNo, SellerId, Stamp, UnixMillis};
/// # let (app_key, gateway_key) = (payments::sandbox::generate_key()?, payments::sandbox::generate_key()?);
/// let merchant = Merchant::new(
///     AppId::parse("9021000122682882")?,
///     SellerId::parse("2088721003899159")?,
///     Endpoint::sandbox(),
///     app_key,
///     gateway_key.public_key()?,
/// );
/// let stamp = Stamp { now: UnixMillis::from_millis(1_790_000_000_000), nonce: Nonce::from_bytes([7; 16]) };
/// let query = TradeQuery::new(OutTradeNo::parse("COURSE_0001")?);
/// let request: http::Request<bytes::Bytes> = query.request(&merchant, stamp)?;
/// assert_eq!(request.method(), http::Method::POST);
/// // Send it with any client, then: query.read(&merchant, &reply)?
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
pub trait Call {
    /// The party that makes the call: its numbers and its keys.
    type Merchant;
    /// What a verified reply says.
    type Output;

    /// The signed request.
    ///
    /// # Errors
    /// `Misuse` if it cannot be built or signed; `InvalidInput` if the gateway does not take one of the values.
    fn request(&self, merchant: &Self::Merchant, stamp: Stamp) -> Result<http::Request<Bytes>, Error>;

    /// Verifies a reply and reads only what is signed.
    ///
    /// # Errors
    /// `Unverified`, `PeerMisbehaved`, or `Unavailable` if the outcome is unknown: then query, never assume.
    fn read(&self, merchant: &Self::Merchant, reply: &http::Response<Bytes>) -> Result<Self::Output, Error>;
}
