//! RSA2, that is SHA256withRSA with PKCS#1 v1.5 padding (RFC 8017 section 8.2), behind two small capabilities.
//!
//! The default backend is aws-lc-rs: about 0.3 ms for a signature, 0.03 ms for a check, blinded.
//! An application with its key in a vault or a hardware module implements [`Signer`] itself.

use crate::error::{Cause, Error};
use crate::{PrivateKey, PublicKey};
use aws_lc_rs::{rand::SystemRandom, signature::RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Debug;

#[cfg(feature = "rust-crypto")]
pub mod rust_crypto;

/// Signs with the merchant's private key. Implementations are blinded and fast enough for an async thread,
/// or say that they are not.
pub trait Signer: Debug + Send + Sync {
    /// The RSA2 signature of `message`, as bytes.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign; `Unavailable` if it is elsewhere and does not answer.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Verifies with the gateway's public key.
pub trait Verifier: Debug + Send + Sync {
    /// True only if `signature` is the RSA2 signature of `message` by this key.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

impl<T: Verifier + ?Sized> Verifier for std::sync::Arc<T> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        (**self).verify(message, signature)
    }
}

impl Signer for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        // The padding is deterministic: the generator is a formality of the interface and is never asked.
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|error| Cause::Sign(Box::new(error)))?;
        Ok(signature)
    }
}

impl Verifier for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// The signature as the gateways carry it: standard base64 with padding.
pub(crate) fn sign_text(signer: &dyn Signer, message: &str) -> Result<String, Error> {
    sign_bytes(signer, message.as_bytes())
}

/// The same for a message that need not be text.
pub(crate) fn sign_bytes(signer: &dyn Signer, message: &[u8]) -> Result<String, Error> {
    signer.sign(message).map(|signature| STANDARD.encode(signature))
}

/// Verifies a signature in base64. Empty, broken and wrong are all the same "no".
pub(crate) fn verify_text(verifier: &dyn Verifier, message: &str, signature: &str) -> bool {
    verify_bytes(verifier, message.as_bytes(), signature)
}

/// The same for a message that need not be text.
pub(crate) fn verify_bytes(verifier: &dyn Verifier, message: &[u8], signature: &str) -> bool {
    STANDARD.decode(signature).is_ok_and(|signature| verifier.verify(message, &signature))
}
