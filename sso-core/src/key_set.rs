//! The keys of an issuer: one that signs, and others that are published before and after their turn.

pub(crate) mod algorithm;
mod jwk;
pub(crate) mod jwks;
mod pair;
mod pem;
mod roca;
pub(crate) mod signing_key;
pub(crate) mod source;
pub(crate) mod verifying_key;

use crate::error::Error;
use crate::key_set::jwks::{Jwks, PublicKeySet};
use crate::key_set::signing_key::SigningKey;
use crate::key_set::verifying_key::VerifyingKey;

/// One key that signs, and all keys that verifiers may meet.
///
/// To change keys without refusing anybody: publish the next key and wait until verifiers have loaded the
/// document again; [`rotate`](Self::rotate) to it; drop the retiring key when its last token has expired.
///
/// ```
/// use sso_core::{KeySet, SigningKey};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let (first, second) = (SigningKey::generate_rs256()?, SigningKey::generate_rs256()?);
/// let keys = KeySet::new(first).publish(second.verifying_key().clone())?;
/// let before = keys.jwks()?;
/// let keys = keys.rotate(second)?;
/// assert_eq!(keys.public().kids().count(), 2);
/// // Verifiers that have loaded the document before need no other one.
/// assert_eq!(keys.jwks()?, before);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KeySet {
    active: SigningKey,
    public: PublicKeySet,
}

impl KeySet {
    /// A set of one key, which signs.
    #[must_use]
    pub fn new(active: SigningKey) -> Self {
        let public = PublicKeySet::of(active.verifying_key().clone());
        Self { active, public }
    }

    /// Publishes a key that does not sign: the next one before its turn, or a retiring one.
    ///
    /// # Errors
    /// `InvalidInput` if the key is in the set already or the set has 16 keys.
    pub fn publish(mut self, key: VerifyingKey) -> Result<Self, Error> {
        self.public.add(key)?;
        Ok(self)
    }

    /// Signs with another key from now on, published before or not; the present key stays published.
    ///
    /// # Errors
    /// `InvalidInput` if the set has 16 keys.
    pub fn rotate(mut self, next: SigningKey) -> Result<Self, Error> {
        if !self.public.kids().any(|kid| kid == next.kid()) {
            self.public.add(next.verifying_key().clone())?;
        }
        self.active = next;
        Ok(self)
    }

    /// The key that signs.
    #[must_use]
    pub fn active(&self) -> &SigningKey {
        &self.active
    }

    /// The public side of the set.
    #[must_use]
    pub fn public(&self) -> &PublicKeySet {
        &self.public
    }

    /// The document for `/.well-known/jwks.json`.
    ///
    /// # Errors
    /// As [`PublicKeySet::jwks`].
    pub fn jwks(&self) -> Result<Jwks, Error> {
        self.public.jwks()
    }
}
