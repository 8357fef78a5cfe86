//! A private key, parsed once, with its name, its algorithm and its signatures.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::pair::Pair;
use crate::key_set::pem;
use crate::key_set::verifying_key::VerifyingKey;

/// A key that signs, with the one algorithm that it has. A clone is the same key; it is wiped when the last clone
/// is dropped.
///
/// ```
/// use sso_core::{Algorithm, SigningKey};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let again = SigningKey::from_pem(&key.to_pkcs8_pem()?)?;
/// assert_eq!((again.kid(), again.algorithm()), (key.kid(), Algorithm::Es256));
/// assert!(again.verifying_key().verifies(b"message", &key.sign(b"message")?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    pair: Pair,
    verifying_key: VerifyingKey,
}

impl SigningKey {
    /// The longest PEM text that is read, in bytes.
    pub const PEM_BYTES_MAX: usize = 16 * 1024;

    /// A new key from the system's random source. RSA keys have 2048 bits and take a tenth of a second or more;
    /// the others are made at once.
    ///
    /// # Errors
    /// `Unavailable` if the system has no random bytes or no memory.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        Self::new(Pair::generate(algorithm)?)
    }

    /// A new key for RS256, the algorithm that everybody knows.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_rs256() -> Result<Self, Error> {
        Self::generate(Algorithm::Rs256)
    }

    /// A key from the PEM text of an unencrypted private key: PKCS #8 (`PRIVATE KEY`), PKCS #1
    /// (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`). The kind of the key says the algorithm: RS256 for RSA,
    /// ES256 for P-256, EdDSA for Ed25519.
    ///
    /// # Errors
    /// `InvalidInput` if it is not such a text, or not an RSA key of 2048 to 8192 bits, a P-256 key or an Ed25519
    /// key.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        Self::read_pem(pem, None)
    }

    /// As [`from_pem`](Self::from_pem), for an algorithm that the kind of the key does not decide: PS256.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem), and `InvalidInput` if the key is not one for this algorithm.
    pub fn from_pem_for(algorithm: Algorithm, pem: &str) -> Result<Self, Error> {
        Self::read_pem(pem, Some(algorithm))
    }

    /// A key for HS256 from 32 to 1024 random bytes that both sides share.
    ///
    /// # Errors
    /// `InvalidInput` if they are fewer or more.
    pub fn hs256(secret: &[u8]) -> Result<Self, Error> {
        Self::new(Pair::hmac(secret)?)
    }

    fn read_pem(pem: &str, wanted: Option<Algorithm>) -> Result<Self, Error> {
        let parts = Some(pem).filter(|pem| pem.len() <= Self::PEM_BYTES_MAX).and_then(pem::decode);
        let (form, der) = parts.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "this is no pem of one unencrypted private key: export the key as pkcs #8",
            )
        })?;
        Self::new(Pair::read(form, &der, wanted)?)
    }

    fn new(pair: Pair) -> Result<Self, Error> {
        let verifying_key = pair.verifying_key()?;
        Ok(Self { inner: Arc::new(Inner { pair, verifying_key }) })
    }

    /// The key as the PEM text of PKCS #8, for a file that only the issuer can read.
    ///
    /// # Errors
    /// `Misuse` for a secret of HS256, which has no such form; `Unavailable` if there is no memory for it.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, Error> {
        let der = self.inner.pair.to_pkcs8().map_err(|source| {
            Error::with_source(ErrorKind::Unavailable, "the private key cannot be written", source)
        })?;
        let der = der.ok_or_else(|| {
            Error::new(ErrorKind::Misuse, "a secret for HS256 has no pem form: keep its bytes yourself")
        })?;
        Ok(pem::encode(&der))
    }

    /// The bytes of a secret for HS256; nothing for any other key.
    pub(crate) fn hmac_secret(&self) -> Option<&[u8]> {
        match &self.inner.pair {
            Pair::Hmac { secret, .. } => Some(secret),
            Pair::Rsa { .. } | Pair::Ec(_) | Pair::Ed(_) => None,
        }
    }

    /// The key's name, as [`VerifyingKey::kid`].
    #[must_use]
    pub fn kid(&self) -> &str {
        self.inner.verifying_key.kid()
    }

    /// How the key signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.verifying_key.algorithm()
    }

    /// The public side of the key; for HS256 the same secret, which no key set document shows.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.inner.verifying_key
    }

    /// The signature of a message, in the form of RFC 7518, section 3 (ES256: 32 bytes `r`, 32 bytes `s`).
    ///
    /// [`Signer`](crate::Signer) and [`Issuer`](crate::Issuer) make whole tokens.
    ///
    /// # Errors
    /// `Unavailable` if the system has no memory or no random bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_with(message, <[u8]>::to_vec)
    }

    pub(crate) fn sign_with<T>(&self, message: &[u8], take: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
        self.inner.pair.sign(message, take).map_err(|source| {
            Error::with_source(ErrorKind::Unavailable, "the message cannot be signed", source)
        })
    }

    /// Whether this is the very same key in memory: quicker than comparing names.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}
