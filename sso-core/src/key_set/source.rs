//! Keys that may change while they are used: what verifiers and issuers look at, and what a ring writes to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::error::Error;
use crate::key_set::KeySet;
use crate::key_set::jwks::{Jwks, PublicKeySet};
use crate::key_set::signing_key::SigningKey;

/// Where a [`Verifier`](crate::Verifier) finds its keys: a fixed [`PublicKeySet`] or [`KeySet`], a `KeyRing`, or a
/// remote key set. A clone sees the same changes.
#[derive(Clone, Debug)]
pub struct KeySource(Arc<Current>);

#[derive(Debug)]
struct Current {
    set: RwLock<Arc<PublicKeySet>>,
    generation: AtomicU64,
    /// How long others may keep the document of these keys.
    document_age_max: Duration,
}

impl KeySource {
    pub(crate) fn new(set: PublicKeySet) -> Self {
        Self::with_document_age(set, Jwks::MAX_AGE_DEFAULT)
    }

    /// Keys whose document others may keep for so long.
    pub(crate) fn with_document_age(set: PublicKeySet, document_age_max: Duration) -> Self {
        let set = RwLock::new(Arc::new(set));
        Self(Arc::new(Current { set, generation: AtomicU64::new(0), document_age_max }))
    }

    /// The document of the keys of this moment.
    pub(crate) fn jwks(&self) -> Result<Jwks, Error> {
        Ok(Jwks { max_age: self.0.document_age_max, ..self.current().jwks()? })
    }

    /// The keys of this moment.
    #[must_use]
    pub fn current(&self) -> Arc<PublicKeySet> {
        self.0.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A number that grows with every change. Read it before the keys: then it is never newer than they are.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Replaces the keys, for all clones.
    pub(crate) fn replace(&self, set: PublicKeySet) {
        let mut current = self.0.set.write().unwrap_or_else(PoisonError::into_inner);
        if **current != set {
            *current = Arc::new(set);
            // Under the lock: two changes never swap their numbers.
            self.0.generation.fetch_add(1, Ordering::Release);
        }
    }
}

impl From<PublicKeySet> for KeySource {
    fn from(set: PublicKeySet) -> Self {
        Self::new(set)
    }
}

impl From<&KeySet> for KeySource {
    fn from(keys: &KeySet) -> Self {
        Self::new(keys.public().clone())
    }
}

/// Where a [`Signer`](crate::Signer) or an [`Issuer`](crate::Issuer) finds the key that signs: a [`SigningKey`], the
/// active key of a [`KeySet`], or that of a `KeyRing`. A clone sees the same changes.
#[derive(Clone, Debug)]
pub struct SigningSource(Arc<RwLock<SigningKey>>);

impl SigningSource {
    /// The key of this moment.
    #[must_use]
    pub fn current(&self) -> SigningKey {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace(&self, key: SigningKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

impl From<SigningKey> for SigningSource {
    fn from(key: SigningKey) -> Self {
        Self(Arc::new(RwLock::new(key)))
    }
}

impl From<&KeySet> for SigningSource {
    fn from(keys: &KeySet) -> Self {
        keys.active().clone().into()
    }
}
