//! A private RSA key, parsed once, and its signatures.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::key_set::pem;
use crate::key_set::verifying_key::VerifyingKey;

/// A private key for RS256. A clone is the same key; it is wiped when the last clone is dropped.
///
/// ```
/// use sso_core::SigningKey;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let key = SigningKey::generate_rs256()?;
/// let again = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem()?)?;
/// assert_eq!(again.kid(), key.kid());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<KeyPair>,
    verifying_key: VerifyingKey,
}

impl SigningKey {
    /// The longest PEM text that is read, in bytes.
    pub const PEM_BYTES_MAX: usize = 16 * 1024;

    /// A new key of 2048 bits, from the system's random source. It takes a tenth of a second or more.
    ///
    /// # Errors
    /// `Unavailable` if the system has no random bytes or no memory.
    pub fn generate_rs256() -> Result<Self, Error> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|source| {
            Error::with_source(ErrorKind::Unavailable, "no rsa key can be generated", source)
        })?;
        Self::new(pair)
    }

    /// A key from the PEM text of an unencrypted PKCS #8 file (`-----BEGIN PRIVATE KEY-----`).
    ///
    /// # Errors
    /// `InvalidInput` if it is not such a text or not an RSA key of 2048 to 8192 bits.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, Error> {
        let der = Some(pem).filter(|pem| pem.len() <= Self::PEM_BYTES_MAX).and_then(pem::decode);
        let der = der.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "this is no pem of a pkcs #8 private key: export the key as that",
            )
        })?;
        let pair = KeyPair::from_pkcs8(&der).map_err(|source| {
            Error::with_source(
                ErrorKind::InvalidInput,
                "this private key is no rsa key of 2048 bits or more",
                source,
            )
        })?;
        Self::new(pair)
    }

    fn new(pair: KeyPair) -> Result<Self, Error> {
        let public = pair.public_key();
        let verifying_key = VerifyingKey::from_components(
            public.modulus().big_endian_without_leading_zero(),
            public.exponent().big_endian_without_leading_zero(),
        )?;
        Ok(Self { pair: Arc::new(pair), verifying_key })
    }

    /// The key as PEM text, for a file that only the issuer can read.
    ///
    /// # Errors
    /// `Unavailable` if there is no memory for it.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, Error> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|source| {
            Error::with_source(ErrorKind::Unavailable, "the private key cannot be written", source)
        })?;
        Ok(pem::encode(der.as_ref()))
    }

    /// The key's name, as [`VerifyingKey::kid`].
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying_key.kid()
    }

    /// The public side of the key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(
            |source| Error::with_source(ErrorKind::Unavailable, "the token cannot be signed", source),
        )?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}
