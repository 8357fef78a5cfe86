//! Proof of work: a challenge that costs a client some time and us one digest. No store and no clock.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::body::Use;
use super::fault::in_range;
use super::path::SalePath;
use super::seal::fields;
use super::token::{Rejected, Token, TokenKey};
use crate::error::Error;
use crate::ids::{BuyerId, SaleId};
use crate::time::UnixMillis;

/// A task for one buyer: find a number whose digest, together with the text of the task, begins with so
/// many zero bits. Each bit doubles the work of the client.
///
/// The digest is SHA-256 over three fields: `seckill gate work 1`, the text of the challenge, and the
/// number as eight bytes. Each field stands behind its length as eight bytes; all numbers are big end
/// first.
///
/// ```
/// use seckill::gate::{Challenge, TokenKey};
/// use seckill::{BuyerId, SaleId, UnixMillis};
///
/// let key = TokenKey::new(&[7; 32])?;
/// let (sale, ann) = (SaleId::new("phone")?, BuyerId::new("ann")?);
/// let (now, expires) = (UnixMillis::new(1_000)?, UnixMillis::new(61_000)?);
///
/// let challenge = Challenge::issue(&key, &sale, &ann, [1; 16], 8, expires)?; // 16 random bytes
/// let solution = challenge.solve(1_000_000).expect("the client tries long enough");
/// assert!(Challenge::check(&key, &solution.to_string(), &sale, &ann, now).is_ok());
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Challenge {
    token: Token,
    difficulty_bits: u8,
}

/// A challenge and the number that solves it. Its text is `<challenge>.<number>`.
#[derive(Clone)]
pub struct Solution {
    challenge: String,
    number: u64,
}

/// A challenge that was solved. There is no other way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    buyer: BuyerId,
    difficulty_bits: u8,
    expires: UnixMillis,
}

impl Challenge {
    /// How many random bytes a challenge takes.
    pub const NONCE_BYTES: usize = SalePath::NONCE_BYTES;
    /// The hardest challenge, in bits: minutes to hours of a client's time.
    pub const DIFFICULTY_BITS_MAX: u8 = 32;

    /// A challenge for `buyer`, from `nonce`: bytes of a cryptographic random source. It can be solved up
    /// to, and without, `expires`.
    ///
    /// # Errors
    /// `InvalidInput` when `difficulty_bits` is not 1 to [`Challenge::DIFFICULTY_BITS_MAX`].
    pub fn issue(
        key: &TokenKey,
        sale: &SaleId,
        buyer: &BuyerId,
        nonce: [u8; Self::NONCE_BYTES],
        difficulty_bits: u8,
        expires: UnixMillis,
    ) -> Result<Self, Error> {
        let max = Self::DIFFICULTY_BITS_MAX.into();
        in_range("difficulty of the challenge in bits", difficulty_bits.into(), 1, max)?;
        let extra: Vec<u8> = nonce.into_iter().chain([difficulty_bits]).collect();
        let token = key.seal(Use::Challenge, sale, buyer, expires, &extra);
        Ok(Self { token, difficulty_bits })
    }

    /// The text for the client, which the digest is over.
    pub fn text(&self) -> &str {
        self.token.expose()
    }

    /// How many zero bits the digest has to begin with.
    pub fn difficulty_bits(&self) -> u8 {
        self.difficulty_bits
    }

    /// Tries the numbers from 0 on, `attempts_max` of them. It keeps the processor busy.
    pub fn solve(&self, attempts_max: u64) -> Option<Solution> {
        let solves = |number: &u64| zero_bits(self.text(), *number) >= self.difficulty_bits.into();
        let number = (0..attempts_max).find(solves)?;
        Some(Solution { challenge: self.text().to_owned(), number })
    }

    /// Passes only the solution of a challenge that was issued to this buyer and has not expired. One
    /// solution is good until then, so keep the time short.
    ///
    /// # Errors
    /// [`Rejected`] says why not.
    pub fn check(
        key: &TokenKey,
        text: &str,
        sale: &SaleId,
        buyer: &BuyerId,
        now: UnixMillis,
    ) -> Result<Solved, Rejected> {
        let solution = Solution::parse(text).ok_or(Rejected::Malformed)?;
        let body = key.open(&solution.challenge, Use::Challenge, sale, buyer, now)?;
        let nonce_and_bits = body.extra.split_last().filter(|(_, nonce)| nonce.len() == Self::NONCE_BYTES);
        let (&difficulty_bits, _) = nonce_and_bits.ok_or(Rejected::Malformed)?;
        if zero_bits(&solution.challenge, solution.number) < u32::from(difficulty_bits) {
            return Err(Rejected::Unsolved);
        }
        Ok(Solved { buyer: buyer.clone(), difficulty_bits, expires: body.expires })
    }
}

impl Solution {
    /// Reads what `Display` wrote; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (challenge, digits) = text.split_once('.')?;
        if challenge.len() > Token::TEXT_BYTES_MAX || digits.len() > 20 {
            return None;
        }
        let number = digits.parse().ok()?;
        let solution = Self { challenge: challenge.to_owned(), number };
        (solution.to_string() == text).then_some(solution)
    }
}

impl Solved {
    /// Who solved it.
    pub fn buyer(&self) -> &BuyerId {
        &self.buyer
    }

    /// How hard it was.
    pub fn difficulty_bits(&self) -> u8 {
        self.difficulty_bits
    }

    /// The first time at which the solution is no longer good.
    pub fn expires(&self) -> UnixMillis {
        self.expires
    }
}

impl fmt::Display for Solution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.challenge, self.number)
    }
}

impl fmt::Debug for Solution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Solution(..)")
    }
}

/// How many zero bits the digest of a try begins with.
fn zero_bits(challenge: &str, number: u64) -> u32 {
    let input = fields("seckill gate work 1", &[challenge.as_bytes(), &number.to_be_bytes()]);
    let digest: [u8; 32] = Sha256::digest(input).into();
    let whole = digest.iter().take_while(|byte| **byte == 0).count();
    let rest = digest.get(whole).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(whole).map_or(u32::MAX, |bytes| bytes * 8 + rest)
}
