//! Remembers tokens that were verified, so that a client that comes back costs one digest and not one signature.

mod shard;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::claims::Claims;
use crate::rejected::TokenRejected;
use crate::time::UnixMillis;
use crate::token::Verified;
use crate::token::verifier::Verifier;
use crate::verify_cache::shard::{Kept, Shard, TokenDigest};

/// A verifier with a memory of bounded size. A clone shares it.
///
/// It gives the same answers as [`Verifier::verify`]. A token is found again by the SHA-256 of its whole text, which
/// no caller chooses. Every hit checks anew what may have changed since: the time, the revocation view of the
/// verifier, and whether its key is still in the key set.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Algorithm, Claims, Issuer, KeySet, Lifetime, SigningKey, TokenId, UnixMillis, UserId};
/// use sso_core::{Verifier, VerifyCache};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new(SigningKey::generate(Algorithm::Es256)?);
/// let verifier = Verifier::new("https://sso.example", "shop-api", &keys)?;
/// let cache = VerifyCache::new(verifier, 10_000);
///
/// let now = UnixMillis::now();
/// let life = Lifetime::starting(now, Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?;
/// let token = Issuer::new("https://sso.example", &keys)?.issue(&claims)?;
/// assert_eq!(cache.verify(&token, now)?.subject().as_str(), "alice");
/// assert_eq!(cache.verify(&token, now)?.subject().as_str(), "alice");
/// assert_eq!(cache.len(), 1);
/// assert!(cache.verify(&token, now.saturating_add(Duration::from_secs(300))).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VerifyCache {
    verifier: Verifier,
    shards: Arc<[Mutex<Shard>; SHARDS]>,
}

/// So many threads look something up at once.
const SHARDS: usize = 16;

impl VerifyCache {
    /// The smallest memory, in tokens.
    pub const ENTRIES_MIN: usize = 2 * SHARDS;

    /// A memory of so many tokens at most, at least [`VerifyCache::ENTRIES_MIN`]. A token of seven claims takes
    /// about a kilobyte. Tokens that are used again stay; those that are not make room.
    #[must_use]
    pub fn new(verifier: Verifier, entries_max: usize) -> Self {
        let half = (entries_max / Self::ENTRIES_MIN).max(1);
        Self { verifier, shards: Arc::new(std::array::from_fn(|_| Mutex::new(Shard::new(half)))) }
    }

    /// Verifies an access token at a time.
    ///
    /// # Errors
    /// As [`Verifier::verify`]. A refusal is not remembered.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Arc<Verified<Claims>>, TokenRejected> {
        if token.len() > Verifier::TOKEN_BYTES_MAX {
            return Err(TokenRejected::TooLong);
        }
        let digest = TokenDigest(Sha256::digest(token).into());
        let known = self.shard(&digest).find(&digest, self.verifier.keys());
        if let Some(claims) = known {
            return self.verifier.check_again(&claims, now).map(|()| claims);
        }
        let (claims, proof) = self.verifier.prove(token, now)?;
        let claims = Arc::new(claims);
        self.shard(&digest).keep(digest, Kept { claims: claims.clone(), proof });
        Ok(claims)
    }

    /// The verifier that is asked about unknown tokens.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all tokens.
    pub fn clear(&self) {
        self.shards.iter().for_each(|shard| lock(shard).clear());
    }

    fn shard(&self, digest: &TokenDigest) -> MutexGuard<'_, Shard> {
        let [first, rest @ ..] = self.shards.as_ref();
        // One of sixteen, by four bits that the maps inside do not use.
        let place = usize::from(digest.0[31] % 16);
        lock(place.checked_sub(1).and_then(|place| rest.get(place)).unwrap_or(first))
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for VerifyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyCache")
            .field("verifier", &self.verifier)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
