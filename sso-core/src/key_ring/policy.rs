//! How long keys sign, and how long they are known before and after.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::jwks::Jwks;
use crate::token::verifier::Verifier;

/// When keys of a [`KeyRing`](crate::KeyRing) take turns.
///
/// A key is published for a whole turn before it signs, and at least for [`publish_ahead`](Self::publish_ahead). After
/// its turn it stays for [`overlap`](Self::overlap).
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Algorithm, KeyPolicy};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let policy = KeyPolicy::new(Algorithm::Rs256, Duration::from_secs(600))?
///     .rotate_every(Duration::from_secs(7 * 24 * 3600))?;
/// assert_eq!(policy.overlap(), Duration::from_secs(600 + 300 + 300));
/// assert!(policy.rotate_every(Duration::from_secs(60)).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    algorithm: Algorithm,
    token_life_max: Duration,
    rotate_interval: Duration,
    jwks_max_age: Duration,
}

impl KeyPolicy {
    /// The longest time between two calls of [`KeyRing::refresh`](crate::KeyRing::refresh) on one server: five
    /// minutes.
    pub const POLL_MAX: Duration = Duration::from_secs(300);
    /// How long a key signs unless somebody says otherwise: 30 days.
    pub const ROTATE_EVERY_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3600);
    /// The longest life of a token and the longest turn of a key: about ten years.
    const DURATION_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

    /// Fresh keys sign with this algorithm; no token lives longer than `token_life_max`.
    ///
    /// # Errors
    /// `InvalidInput` if tokens live so long that a turn of 30 days is too short for them.
    pub fn new(algorithm: Algorithm, token_life_max: Duration) -> Result<Self, Error> {
        let rotate_interval = Self::ROTATE_EVERY_DEFAULT;
        Self { algorithm, token_life_max, rotate_interval, jwks_max_age: Jwks::MAX_AGE_DEFAULT }.checked()
    }

    /// Lets a key sign for so long.
    ///
    /// # Errors
    /// `InvalidInput` if it is shorter than [`overlap`](Self::overlap) or [`publish_ahead`](Self::publish_ahead).
    pub fn rotate_every(mut self, interval: Duration) -> Result<Self, Error> {
        self.rotate_interval = interval;
        self.checked()
    }

    /// Lets others keep the key set document for so long.
    ///
    /// # Errors
    /// `InvalidInput` if a turn is shorter than [`publish_ahead`](Self::publish_ahead) then.
    pub fn jwks_kept_for(mut self, max_age: Duration) -> Result<Self, Error> {
        self.jwks_max_age = max_age;
        self.checked()
    }

    /// The algorithm of fresh keys.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How long a key signs.
    #[must_use]
    pub fn rotate_interval(&self) -> Duration {
        self.rotate_interval
    }

    /// How long others may keep the key set document.
    #[must_use]
    pub fn jwks_max_age(&self) -> Duration {
        self.jwks_max_age
    }

    /// How long a key is published before it signs, at least: until all servers have refreshed and everybody has
    /// loaded their document again.
    #[must_use]
    pub fn publish_ahead(&self) -> Duration {
        self.jwks_max_age.saturating_add(Self::POLL_MAX)
    }

    /// How long a key is known after its turn: until the servers that do not know yet have refreshed, and the last
    /// token has ended for verifiers with the most leeway.
    #[must_use]
    pub fn overlap(&self) -> Duration {
        self.token_life_max.saturating_add(Verifier::LEEWAY_MAX).saturating_add(Self::POLL_MAX)
    }

    fn checked(self) -> Result<Self, Error> {
        let shortest = self.overlap().max(self.publish_ahead());
        if (shortest..=Self::DURATION_MAX).contains(&self.rotate_interval) {
            return Ok(self);
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "with these lives of tokens and documents a key must sign for {} s to 10 years",
                shortest.as_secs()
            ),
        ))
    }
}
