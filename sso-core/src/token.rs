//! Access tokens (RFC 9068): claims become a signed text, and a text becomes verified claims or a refusal.

pub(crate) mod verifier;

use std::ops::Deref;

use crate::claims::Claims;
use crate::claims::wire::Payload;
use crate::error::{Error, ErrorKind};
use crate::key_set::source::SigningSource;
use crate::signer::Signer;
#[cfg(doc)]
use crate::token::verifier::Verifier;

/// Claims whose signature, issuer, audience and time have been verified.
///
/// INVARIANT: only [`Verifier::verify`] and [`Verifier::verify_map`] make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The verified value, no longer marked as such.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Signs access tokens with the key that is active at that moment. A clone is the same issuer.
///
/// ```
/// use std::time::Duration;
/// use sso_core::{Claims, Issuer, KeySet, Lifetime, SigningKey, TokenId, UnixMillis, UserId, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new(SigningKey::generate_rs256()?);
/// let issuer = Issuer::new("https://sso.example", &keys)?;
/// let verifier = Verifier::new("https://sso.example", "shop-api", keys.public().clone())?;
///
/// let now = UnixMillis::now();
/// let life = Lifetime::starting(now, Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?;
/// let token = issuer.issue(&claims)?;
/// assert_eq!(verifier.verify(&token, now)?.subject().as_str(), "alice");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    issuer: String,
    signer: Signer,
}

impl Issuer {
    /// The type of access tokens (RFC 9068, section 2.1).
    pub(crate) const TYP: &'static str = "at+jwt";

    /// An issuer of this name, usually the address of its service.
    ///
    /// # Errors
    /// `InvalidInput` unless the name is 1 to 256 bytes long.
    pub fn new(issuer: &str, keys: impl Into<SigningSource>) -> Result<Self, Error> {
        Ok(Self { issuer: checked_name(issuer)?, signer: Signer::new(Self::TYP, keys)? })
    }

    /// The issuer's name, `iss`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.issuer
    }

    /// Signs claims.
    ///
    /// # Errors
    /// `InvalidInput` if the token would be longer than [`Verifier::TOKEN_BYTES_MAX`]; `Unavailable` if the
    /// system has no memory for it.
    pub fn issue(&self, claims: &Claims) -> Result<String, Error> {
        self.signer.sign(&Payload { issuer: &self.issuer, claims })
    }
}

fn checked_name(name: &str) -> Result<String, Error> {
    if name.is_empty() || name.len() > Claims::NAME_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "an issuer and an audience must be 1 to 256 bytes long",
        ));
    }
    Ok(name.to_owned())
}
