//! The key pair of the sandbox gateway, and what it knows about its one merchant.

use crate::error::{Cause, Error};
use crate::{AppId, PrivateKey, PublicKey, SellerId};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A fresh RSA key of 2048 bits, for the sandbox or for a merchant that only ever talks to it.
///
/// # Errors
/// `Misuse` if the system gives no randomness.
pub fn generate_key() -> Result<PrivateKey, Error> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|error| Cause::Sign(Box::new(error)))?;
    Ok(PrivateKey(Arc::new(pair)))
}

/// A private key as one line of base64 (PKCS#8), for the configuration of a merchant that only ever talks to the
/// sandbox. [`PrivateKey::parse`] reads it.
///
/// # Errors
/// `Misuse` if the key cannot be written, which no generated key shows.
pub fn private_key_text(key: &PrivateKey) -> Result<Zeroizing<String>, Error> {
    let der: Pkcs8V1Der<'_> = key.0.as_der().map_err(|error| Cause::Sign(Box::new(error)))?;
    Ok(Zeroizing::new(STANDARD.encode(der.as_ref())))
}

/// The keys that the sandbox signs its notifies, returns and replies with.
#[derive(Debug, Clone)]
pub struct SandboxKeys {
    pub(super) gateway: PrivateKey,
}

impl SandboxKeys {
    /// Fresh keys; a merchant configured with the old public key refuses everything they sign.
    ///
    /// # Errors
    /// `Misuse` if the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        generate_key().map(Self::from_key)
    }

    /// A given key, for a sandbox that keeps its identity over restarts.
    #[must_use]
    pub fn from_key(gateway: PrivateKey) -> Self {
        Self { gateway }
    }

    /// What the merchant configures as Alipay's public key.
    ///
    /// # Errors
    /// As [`PrivateKey::public_key`].
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        self.gateway.public_key()
    }
}

/// The merchant as the gateway has it on file.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "three fields, all of them needed; a new one must break callers"
)]
pub struct MerchantRegistration {
    /// The application.
    pub app_id: AppId,
    /// The receiver of the money.
    pub seller_id: SellerId,
    /// The key that the merchant uploaded.
    pub public_key: PublicKey,
}
