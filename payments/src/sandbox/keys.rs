//! The key pair of the sandbox gateway, and what it knows about its one merchant.

use crate::error::{Cause, Error};
use crate::{AppId, PrivateKey, PublicKey, SellerId};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use std::sync::Arc;

/// A fresh RSA key of 2048 bits, for the sandbox or for a merchant that only ever talks to it.
///
/// # Errors
/// `Misuse` if the system gives no randomness.
pub fn generate_key() -> Result<PrivateKey, Error> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|error| Cause::Sign(Box::new(error)))?;
    Ok(PrivateKey(Arc::new(pair)))
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
