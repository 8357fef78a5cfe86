//! What a buyer has to do before anything is counted: a proof of work, or a captcha of the application.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock;
use super::fault::{in_range, millis_in_range};
use super::token::{Rejected, TokenKey};
use super::work::Challenge;
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::store::BoxFuture;
use crate::time::{At, UnixMillis};

/// Whether the buyer did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cleared {
    /// The answer is right.
    Cleared,
    /// The answer is no text of this hurdle, expired, or another buyer's.
    Rejected(Rejected),
    /// The answer is wrong: let the buyer try again.
    Wrong,
}

/// A test in front of the gate. Implement it to put a captcha there.
pub trait Hurdle: Send + Sync + fmt::Debug {
    /// Checks what the buyer answered. An answer comes from outside and may be any text.
    ///
    /// # Errors
    /// When it cannot be told whether the answer is right, such as when the captcha's service is down.
    fn check<'a>(
        &'a self,
        sale: &'a SaleId,
        buyer: &'a BuyerId,
        answer: &'a str,
        at: At,
    ) -> BoxFuture<'a, Result<Cleared, Error>>;
}

/// The hurdle of [`Challenge`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seckill::Error> {
/// use seckill::gate::{Cleared, Hurdle, ProofOfWork, TokenKey};
/// use seckill::{At, BuyerId, SaleId, UnixMillis};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let (sale, ann, now) = (SaleId::new("phone")?, BuyerId::new("ann")?, UnixMillis::new(1_000)?);
/// let key = Arc::new(TokenKey::new(&[7; 32])?);
/// let work = ProofOfWork::new(key, 8, Duration::from_secs(30))?;
///
/// let challenge = work.challenge(&sale, &ann, [1; 16], now)?; // 16 random bytes
/// let answer = challenge.solve(1_000_000).expect("the client tries long enough").to_string();
/// assert_eq!(work.check(&sale, &ann, &answer, At::Millis(now)).await?, Cleared::Cleared);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ProofOfWork {
    key: Arc<TokenKey>,
    difficulty_bits: u8,
    lifetime: Duration,
}

impl ProofOfWork {
    /// The longest time to solve a challenge: an hour.
    pub const LIFETIME_MAX: Duration = Duration::from_secs(3600);

    /// Challenges of `difficulty_bits` that can be solved for `lifetime`, in whole milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` when the difficulty is not 1 to [`Challenge::DIFFICULTY_BITS_MAX`], or the lifetime
    /// under 1 ms or over [`ProofOfWork::LIFETIME_MAX`].
    pub fn new(key: Arc<TokenKey>, difficulty_bits: u8, lifetime: Duration) -> Result<Self, Error> {
        let max = Challenge::DIFFICULTY_BITS_MAX.into();
        in_range("difficulty of the challenge in bits", difficulty_bits.into(), 1, max)?;
        let what = "lifetime of the challenge in ms";
        millis_in_range(what, lifetime, Duration::from_millis(1), Self::LIFETIME_MAX)?;
        Ok(Self { key, difficulty_bits, lifetime })
    }

    /// A challenge for `buyer`, from 16 bytes of a cryptographic random source.
    ///
    /// # Errors
    /// As [`Challenge::issue`].
    pub fn challenge(
        &self,
        sale: &SaleId,
        buyer: &BuyerId,
        nonce: [u8; Challenge::NONCE_BYTES],
        now: UnixMillis,
    ) -> Result<Challenge, Error> {
        let expires = now.plus(self.lifetime);
        Challenge::issue(&self.key, sale, buyer, nonce, self.difficulty_bits, expires)
    }

    /// A challenge that was easier, from before the difficulty was raised, does not count.
    fn judge(&self, sale: &SaleId, buyer: &BuyerId, answer: &str, now: UnixMillis) -> Cleared {
        match Challenge::check(&self.key, answer, sale, buyer, now) {
            Ok(solved) if solved.difficulty_bits() >= self.difficulty_bits => Cleared::Cleared,
            Ok(_) | Err(Rejected::Unsolved) => Cleared::Wrong,
            Err(rejected) => Cleared::Rejected(rejected),
        }
    }
}

impl Hurdle for ProofOfWork {
    fn check<'a>(
        &'a self,
        sale: &'a SaleId,
        buyer: &'a BuyerId,
        answer: &'a str,
        at: At,
    ) -> BoxFuture<'a, Result<Cleared, Error>> {
        Box::pin(async move { Ok(self.judge(sale, buyer, answer, clock::now(at)?)) })
    }
}
