//! Names that may be seen once: the `jti` of what must not be replayed.

use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;

/// The digest of a name that may be seen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceKey(pub(crate) [u8; 32]);

impl OnceKey {
    /// The key of a name within a realm: the issuer of a token and its `jti`, for instance.
    #[must_use]
    pub fn new(realm: &str, name: &str) -> Self {
        let realm = Sha256::digest(realm.as_bytes());
        Self(Sha256::new().chain_update(realm).chain_update(name.as_bytes()).finalize().into())
    }
}

/// Remembers what was seen, for as long as it could be shown again.
pub trait OnceStore: Send + Sync + Debug {
    /// Whether this is the first time that the name is seen. It is remembered until `until`.
    ///
    /// # Errors
    /// `Unavailable` if the store does not answer in time, or has no more room: then nothing may be accepted.
    fn first<'a>(&'a self, key: OnceKey, until: UnixMillis, at: At) -> BoxFuture<'a, Result<bool, Error>>;
}
