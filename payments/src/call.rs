//! A call to a gateway as values: a request to send, a reply to read. Sending is somebody else's job.

use crate::error::Error;
use crate::{OutTradeNo, RefundNo, UnixMillis};
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

/// A gateway's reply as it arrived: nothing of it is trusted before a [`Call`] has read it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply {
    /// Status, headers and the whole body, byte for byte.
    pub response: http::Response<Bytes>,
    /// When it arrived: a signature may be valid for minutes only.
    pub received_at: UnixMillis,
}

impl Reply {
    /// A reply that arrived at this moment.
    #[must_use]
    pub fn new(response: http::Response<Bytes>, received_at: UnixMillis) -> Self {
        Self { response, received_at }
    }
}

/// What an unanswered call may have done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It asks and changes nothing: repeat it freely.
    Reads,
    /// Repeated with the same numbers it has its effect once: repeat it, then ask what became of it.
    Idempotent(Stake),
    /// A repeat would be refused, or would not tell what the first one did: ask what became of it.
    Once(Stake),
}

/// What a call acts on, and so what to ask about when its outcome is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stake {
    /// The trade of this order.
    Trade(OutTradeNo),
    /// This refund of this order.
    Refund(OutTradeNo, RefundNo),
}

/// One call of one gateway.
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
/// // Send it with any client, then: query.read(&merchant, &Reply::new(response, now))?
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
pub trait Call: Send + Sync {
    /// The party that makes the call: its numbers and its keys.
    type Merchant: Sync;
    /// What a verified reply says.
    type Output: Send;

    /// What an unanswered call may have done.
    fn effect(&self) -> Effect;

    /// The signed request.
    ///
    /// # Errors
    /// `Misuse` if it cannot be built or signed; `InvalidInput` if the gateway does not take one of the values.
    fn request(&self, merchant: &Self::Merchant, stamp: Stamp) -> Result<http::Request<Bytes>, Error>;

    /// Verifies a reply and reads only what is signed.
    ///
    /// # Errors
    /// `Unverified`, `PeerMisbehaved`, or `Unavailable` if the outcome is unknown: then query, never assume.
    fn read(&self, merchant: &Self::Merchant, reply: &Reply) -> Result<Self::Output, Error>;

    /// The gateway's code, if this output is a refusal and says that nothing happened. After an earlier attempt
    /// that may have acted such an answer is no proof, and [`Client::call`](crate::Client::call) needs to know.
    /// Every call whose output can be a refusal has to answer this.
    fn refusal_code<'a>(&self, output: &'a Self::Output) -> Option<&'a str> {
        let _no_refusals = output;
        None
    }

    /// Another origin (`https://host`) that takes the same signed request, for when the first cannot be reached.
    fn fallback_origin(&self, merchant: &Self::Merchant) -> Option<String> {
        let _same_for_all = merchant;
        None
    }
}
