//! The secret path of a sale: handed out only shortly before the opening, to one buyer, for one use.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::body::Use;
use super::fault::millis_in_range;
use super::token::{Pass, Purpose, Rejected, Token, TokenKey};
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::store::BoxFuture;
use crate::time::{At, UnixMillis};

/// Gives out the part of the URL that nobody can guess before the opening.
///
/// Put the token into the path of the buying page, `/buy/<token>`. Each token is good for one use: spend
/// it with a [`PathStore`].
///
/// ```
/// use seckill::gate::{Issued, SalePath, TokenKey};
/// use seckill::{BuyerId, SaleId, UnixMillis};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let key = Arc::new(TokenKey::new(&[7; 32])?);
/// let (lead, lifetime) = (Duration::from_secs(5), Duration::from_secs(60));
/// let opens = UnixMillis::new(100_000)?;
/// let path = SalePath::new(key, SaleId::new("phone")?, opens, lead, lifetime)?;
///
/// let (ann, nonce) = (BuyerId::new("ann")?, [1; 16]); // 16 random bytes
/// let now = UnixMillis::new(94_999)?;
/// assert!(matches!(path.issue(&ann, nonce, now), Issued::TooEarly { .. }));
/// let now = UnixMillis::new(95_000)?;
/// let Issued::Path(token) = path.issue(&ann, nonce, now) else { unreachable!() };
/// assert!(path.verify(token.expose(), &ann, now).is_ok());
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SalePath {
    key: Arc<TokenKey>,
    sale: SaleId,
    from: UnixMillis,
    lifetime: Duration,
}

/// A path, or the time to come back.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Issued {
    /// The path of this buyer.
    Path(Token),
    /// Nobody gets a path yet.
    TooEarly {
        /// The first time at which paths are given out.
        from: UnixMillis,
    },
}

/// Whether a path was still unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Spend {
    /// It was, and is used up now.
    Fresh,
    /// It was used before.
    Spent,
    /// It had expired by the clock of the store.
    Expired,
}

/// Remembers which paths are used up, until they expire.
pub trait PathStore: Send + Sync + fmt::Debug {
    /// Uses up a path, in one atomic step. Of several callers with one path, one is told
    /// [`Spend::Fresh`].
    ///
    /// When the answer is lost, the outcome is unknown and the same path may be [`Spend::Spent`]: give the
    /// buyer a new one.
    ///
    /// # Errors
    /// `Misuse` when the pass is not for [`Purpose::Path`]; `Unavailable` when the store does not answer
    /// in time or is full; `Corrupt` when it holds what no gate wrote.
    fn spend<'a>(&'a self, path: &'a Pass, at: At) -> BoxFuture<'a, Result<Spend, Error>>;
}

impl SalePath {
    /// How many random bytes a path takes.
    pub const NONCE_BYTES: usize = 16;
    /// The longest time before the opening at which paths are given out: a day.
    pub const LEAD_MAX: Duration = Duration::from_secs(24 * 3600);
    /// The longest time for which a path is good: a day.
    pub const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);

    /// Paths of `sale`, given out from `lead` before `opens` on, each good for `lifetime`; both in whole
    /// milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` when `lead` is over [`SalePath::LEAD_MAX`], or `lifetime` is none or over
    /// [`SalePath::LIFETIME_MAX`].
    pub fn new(
        key: Arc<TokenKey>,
        sale: SaleId,
        opens: UnixMillis,
        lead: Duration,
        lifetime: Duration,
    ) -> Result<Self, Error> {
        let lead = millis_in_range("lead of the path in ms", lead, Duration::ZERO, Self::LEAD_MAX)?;
        let least = Duration::from_millis(1);
        millis_in_range("lifetime of the path in ms", lifetime, least, Self::LIFETIME_MAX)?;
        let from = UnixMillis::new(opens.millis().saturating_sub(lead))?;
        Ok(Self { key, sale, from, lifetime })
    }

    /// The path of `buyer`, from `nonce`: bytes of a cryptographic random source, new ones each time.
    pub fn issue(&self, buyer: &BuyerId, nonce: [u8; Self::NONCE_BYTES], now: UnixMillis) -> Issued {
        if now < self.from {
            return Issued::TooEarly { from: self.from };
        }
        let expires = now.plus(self.lifetime);
        Issued::Path(self.key.seal(Use::Pass(Purpose::Path), &self.sale, buyer, expires, &nonce))
    }

    /// Passes only a path of this sale and buyer that has not expired. Spend it before it counts.
    ///
    /// # Errors
    /// [`Rejected`] says why not.
    pub fn verify(&self, text: &str, buyer: &BuyerId, now: UnixMillis) -> Result<Pass, Rejected> {
        self.key.verify(text, Purpose::Path, &self.sale, buyer, now)
    }

    /// The sale that it leads to.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }
}
