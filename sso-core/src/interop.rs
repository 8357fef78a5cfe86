//! Our public keys as another crate takes them.

use crate::error::{Error, ErrorKind};
use crate::key_set::jwks::PublicKeySet;

impl PublicKeySet {
    /// The keys for services that verify with the crate `jsonwebtoken`, which then has to be told more than the keys:
    /// the algorithm of each, the issuer, the audience and the type. It does not look at `crit`, so where there is a
    /// choice, verify with a [`Verifier`](crate::Verifier).
    ///
    /// ```
    /// use sso_core::{KeySet, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = KeySet::new(SigningKey::generate_rs256()?);
    /// let theirs = keys.public().to_jsonwebtoken()?;
    /// let key = theirs.find(keys.active().kid()).ok_or("the active key is public")?;
    /// jsonwebtoken::DecodingKey::from_jwk(key)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if that crate does not know the algorithm of a key.
    pub fn to_jsonwebtoken(&self) -> Result<jsonwebtoken::jwk::JwkSet, Error> {
        serde_json::from_str(&self.jwks()?.json).map_err(|source| {
            let words = "jsonwebtoken does not know the algorithm of one of these keys";
            Error::with_source(ErrorKind::InvalidInput, words, source)
        })
    }
}
