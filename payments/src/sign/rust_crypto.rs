//! The opt-in pure Rust backend: crate `rsa`, with blinding, byte for byte the same signatures as the default.
//!
//! RUSTSEC-2023-0071: the crate's private-key operation is not constant in time. Blinding hides most of that from
//! a network client, not all. Prefer the default backend; use this one where C cannot be built.

use super::{Signer, Verifier};
use crate::error::{Cause, Error};
use crate::key;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, DecodeRsaPublicKey as _};
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Verifier as _};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use std::fmt;

const REMEDY: &str = "give an RSA key of 2048 to 4096 bits, PKCS#1, PKCS#8 or SPKI, as PEM or base64";
const BITS_MIN: usize = 2048;
const BITS_MAX: usize = 4096;

/// The merchant's private key in pure Rust. Signing takes about 2 ms, so keep it off the async threads; the blinding
/// draws from the system's generator.
pub struct BlindedPrivateKey(SigningKey<Sha256>);

/// The gateway's public key in pure Rust.
pub struct PurePublicKey(VerifyingKey<Sha256>);

impl BlindedPrivateKey {
    /// Reads the same shapes as [`PrivateKey::parse`](crate::PrivateKey::parse).
    ///
    /// # Errors
    /// `InvalidInput` for anything else, with the remedy and without the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let der = key::der_of(text, "private", REMEDY)?;
        let parsed = match RsaPrivateKey::from_pkcs8_der(&der) {
            Ok(parsed) => parsed,
            Err(_not_pkcs8) => {
                RsaPrivateKey::from_pkcs1_der(&der).map_err(|error| refused("private", error))?
            }
        };
        check_bits("private", &parsed)?;
        Ok(Self(SigningKey::new(parsed)))
    }
}

impl PurePublicKey {
    /// Reads the same shapes as [`PublicKey::parse`](crate::PublicKey::parse).
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let der = key::der_of(text, "public", REMEDY)?;
        let parsed = match RsaPublicKey::from_public_key_der(&der) {
            Ok(parsed) => parsed,
            Err(_not_spki) => RsaPublicKey::from_pkcs1_der(&der).map_err(|error| refused("public", error))?,
        };
        check_bits("public", &parsed)?;
        Ok(Self(VerifyingKey::new(parsed)))
    }
}

fn refused(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Cause {
    Cause::Key { what, remedy: REMEDY, source: Some(Box::new(error)) }
}

fn check_bits(what: &'static str, key: &impl PublicKeyParts) -> Result<(), Error> {
    if (BITS_MIN..=BITS_MAX).contains(&key.n().bits()) {
        Ok(())
    } else {
        Err(Cause::Key { what, remedy: REMEDY, source: None }.into())
    }
}

impl Signer for BlindedPrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self
            .0
            .try_sign_with_rng(&mut rsa::rand_core::OsRng, message)
            .map_err(|error| Cause::Sign(Box::new(error)))?;
        Ok(signature.to_vec())
    }
}

impl Verifier for PurePublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::try_from(signature).is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}

impl fmt::Debug for BlindedPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindedPrivateKey(redacted)")
    }
}

impl fmt::Debug for PurePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurePublicKey(RSA)")
    }
}
