//! Signed tokens, bound to a sale, a buyer, a purpose and an expiry. No store and no clock.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::body::{Body, Use};
use super::seal::Secret;
use crate::eligible::Eligible;
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::time::UnixMillis;

/// The secret that signs tokens and, after a rotation, the one before it, which still verifies.
///
/// Every server of a sale holds the same secrets. They are wiped when dropped and never printed.
///
/// ```
/// use seckill::gate::{Purpose, Rejected, TokenKey};
/// use seckill::{BuyerId, SaleId, UnixMillis};
///
/// let key = TokenKey::new(&[7; 32])?;
/// let (sale, ann) = (SaleId::new("phone")?, BuyerId::new("ann")?);
/// let (now, expires) = (UnixMillis::new(1_000)?, UnixMillis::new(61_000)?);
///
/// let token = key.issue(Purpose::Eligible, &sale, &ann, expires);
/// let pass = key.verify(token.expose(), Purpose::Eligible, &sale, &ann, now)?;
/// assert_eq!(pass.expires(), expires);
///
/// let bob = BuyerId::new("bob")?;
/// let no = key.verify(token.expose(), Purpose::Eligible, &sale, &bob, now);
/// assert_eq!(no.unwrap_err(), Rejected::OtherBuyer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TokenKey {
    current: Secret,
    previous: Option<Secret>,
}

/// What a token lets its buyer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// May join the sale at all: signed in, of age, on the list; whatever the application asks.
    Eligible,
    /// Came out of the waiting room.
    Admitted,
    /// Knows the secret path of the sale; see [`SalePath`](super::SalePath).
    Path,
}

/// The text that a buyer carries: at most [`Token::TEXT_BYTES_MAX`] of `A-Z a-z 0-9 - _`.
///
/// Whoever shows it with the buyer's name is let through, so it is never printed by `Debug`.
#[derive(Clone)]
pub struct Token(String);

/// A token that was verified. There is no other way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    purpose: Purpose,
    sale: SaleId,
    buyer: BuyerId,
    expires: UnixMillis,
    id: [u8; Self::ID_BYTES],
}

/// Why a text is no pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// Not the text of a token at all, or not the whole of it.
    #[error("the text is no token: send it as it was given")]
    Malformed,
    /// Signed by none of our secrets, or changed since.
    #[error("the token was not signed here: ask for a new one")]
    Forged,
    /// Was good until then.
    #[error("the token has expired: ask for a new one")]
    Expired {
        /// The first time at which it was no longer good.
        at: UnixMillis,
    },
    /// Given to another buyer.
    #[error("the token was given to another buyer: ask for one of your own")]
    OtherBuyer,
    /// Given for another sale.
    #[error("the token was given for another sale: ask for one for this sale")]
    OtherSale,
    /// Given for another purpose.
    #[error("the token was given for another purpose: ask for one for this step")]
    OtherPurpose,
    /// The work that the challenge asks for is not done.
    #[error("the challenge is not solved: solve it and send the solution")]
    Unsolved,
}

impl TokenKey {
    /// The shortest secret, in bytes.
    pub const SECRET_BYTES_MIN: u64 = Secret::BYTES_MIN;
    /// The longest secret, in bytes.
    pub const SECRET_BYTES_MAX: u64 = Secret::BYTES_MAX;

    /// Signs and verifies with `secret`: 32 to 64 bytes of a cryptographic random source.
    ///
    /// # Errors
    /// `InvalidInput` for any other length.
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        Ok(Self { current: Secret::new(secret)?, previous: None })
    }

    /// Also verifies what `secret` has signed. Rotate by a new key with the old secret as the previous
    /// one, and leave that out again when the longest lifetime of a token has gone by.
    ///
    /// # Errors
    /// `InvalidInput` for a secret that is not 32 to 64 bytes.
    pub fn with_previous(self, secret: &[u8]) -> Result<Self, Error> {
        Ok(Self { previous: Some(Secret::new(secret)?), ..self })
    }

    /// A token that is good up to, and without, `expires`. The same arguments give the same text.
    pub fn issue(&self, purpose: Purpose, sale: &SaleId, buyer: &BuyerId, expires: UnixMillis) -> Token {
        self.seal(Use::Pass(purpose), sale, buyer, expires, &[])
    }

    /// Passes only a token that was issued with these very arguments and has not expired at `now`.
    ///
    /// # Errors
    /// [`Rejected`] says why not; a forged text is never told more than that it is forged.
    pub fn verify(
        &self,
        text: &str,
        purpose: Purpose,
        sale: &SaleId,
        buyer: &BuyerId,
        now: UnixMillis,
    ) -> Result<Pass, Rejected> {
        let body = self.open(text, Use::Pass(purpose), sale, buyer, now)?;
        let id = pass_id(&body.to_bytes());
        Ok(Pass { purpose, sale: sale.clone(), buyer: buyer.clone(), expires: body.expires, id })
    }

    /// Signs with the current secret.
    pub(super) fn seal(
        &self,
        usage: Use,
        sale: &SaleId,
        buyer: &BuyerId,
        expires: UnixMillis,
        extra: &[u8],
    ) -> Token {
        Token(Body::new(&self.current, usage, sale, buyer, expires, extra).sealed(&self.current))
    }

    /// What a text says, once its seal, its binding and its expiry hold.
    pub(super) fn open(
        &self,
        text: &str,
        usage: Use,
        sale: &SaleId,
        buyer: &BuyerId,
        now: UnixMillis,
    ) -> Result<Body, Rejected> {
        let (body, mac) = Body::read(text).ok_or(Rejected::Malformed)?;
        let secret = self.secrets().find(|secret| body.is_sealed(secret, &mac)).ok_or(Rejected::Forged)?;
        let meant = Body::new(secret, usage, sale, buyer, body.expires, &body.extra);
        if body.usage != meant.usage {
            return Err(Rejected::OtherPurpose);
        }
        if body.sale != meant.sale {
            return Err(Rejected::OtherSale);
        }
        if body.buyer != meant.buyer {
            return Err(Rejected::OtherBuyer);
        }
        if now >= body.expires {
            return Err(Rejected::Expired { at: body.expires });
        }
        Ok(body)
    }

    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl Token {
    /// The longest text, in bytes. A longer one is refused before it is read.
    pub const TEXT_BYTES_MAX: usize = Body::TEXT_BYTES_MAX;

    /// The text for the buyer. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Pass {
    const ID_BYTES: usize = 16;

    /// What it lets the buyer do.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The sale it is for.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// The buyer it was given to.
    pub fn buyer(&self) -> &BuyerId {
        &self.buyer
    }

    /// The first time at which it is no longer good.
    pub fn expires(&self) -> UnixMillis {
        self.expires
    }

    /// The proof for a sale that is not for everybody; `None` unless the purpose is [`Purpose::Eligible`].
    ///
    /// ```
    /// use seckill::gate::{Purpose, TokenKey};
    /// use seckill::{BuyerId, Quantity, RequestId, Reserve, SaleId, UnixMillis};
    ///
    /// let key = TokenKey::new(&[7; 32])?;
    /// let (sale, ann) = (SaleId::new("phone")?, BuyerId::new("ann")?);
    /// let (now, expires) = (UnixMillis::new(1_000)?, UnixMillis::new(61_000)?);
    /// // Given out where the members are known.
    /// let token = key.issue(Purpose::Eligible, &sale, &ann, expires);
    ///
    /// // Where it is sold, the token is enough.
    /// let pass = key.verify(token.expose(), Purpose::Eligible, &sale, &ann, now)?;
    /// let request = Reserve::new(ann, Quantity::ONE, RequestId::new("r-00000001")?);
    /// let request = match pass.eligible() {
    ///     Some(proof) => request.eligible(proof),
    ///     None => request,
    /// };
    /// assert!(request.eligible.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn eligible(&self) -> Option<Eligible> {
        (self.purpose == Purpose::Eligible).then(|| Eligible::vouched(&self.sale, &self.buyer))
    }

    /// Tells one token from another; the token cannot be computed from it.
    pub(super) fn id(&self) -> [u8; Self::ID_BYTES] {
        self.id
    }
}

fn pass_id(body: &[u8]) -> [u8; Pass::ID_BYTES] {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut id = [0; Pass::ID_BYTES];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
