//! Access tokens (RFC 9068): claims become a signed text, and a text becomes verified claims or a refusal.

use std::ops::Deref;
use std::time::Duration;

use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::jws::{self, Compact};
use crate::key_set::KeySet;
use crate::key_set::jwks::PublicKeySet;
use crate::key_set::signing_key::SigningKey;
use crate::key_set::verifying_key::VerifyingKey;
use crate::rejected::TokenRejected;
use crate::time::{UnixMillis, whole_millis};

/// Claims whose signature, issuer, audience and time have been verified.
///
/// INVARIANT: only [`Verifier::verify`] makes one.
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

/// Signs access tokens with the active key of a key set. A new key set needs a new issuer.
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
    key: SigningKey,
    header: String,
}

impl Issuer {
    /// An issuer of this name, usually the address of its service.
    ///
    /// # Errors
    /// `InvalidInput` unless the name is 1 to 256 bytes long.
    pub fn new(issuer: &str, keys: &KeySet) -> Result<Self, Error> {
        let key = keys.active().clone();
        // A kid is base64url: nothing in it needs escaping.
        let header =
            format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, VerifyingKey::ALGORITHM, key.kid());
        Ok(Self { issuer: checked_name(issuer)?, key, header: jws::encode(header) })
    }

    /// Signs claims.
    ///
    /// # Errors
    /// `InvalidInput` if the token would be longer than [`Verifier::TOKEN_BYTES_MAX`]; `Unavailable` if the
    /// system has no memory for it.
    pub fn issue(&self, claims: &Claims) -> Result<String, Error> {
        let payload = claims.payload(&self.issuer).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "these claims cannot be written as json", source)
        })?;
        let mut token = format!("{}.{}", self.header, jws::encode(payload));
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&jws::encode(signature));
        if token.len() > Verifier::TOKEN_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "these claims make a token above 8192 bytes: leave private claims out",
            ));
        }
        Ok(token)
    }
}

/// Verifies access tokens of one issuer for one audience.
///
/// The key of a token decides its algorithm, never its header; a key that a header brings along or points to is
/// never looked at (RFC 8725).
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: PublicKeySet,
    leeway: Duration,
}

impl Verifier {
    /// The longest token that is read, in bytes.
    pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
    /// The most leeway between two clocks.
    pub const LEEWAY_MAX: Duration = Duration::from_secs(300);

    /// A verifier without leeway.
    ///
    /// # Errors
    /// `InvalidInput` unless both names are 1 to 256 bytes long.
    pub fn new(issuer: &str, audience: &str, keys: impl Into<PublicKeySet>) -> Result<Self, Error> {
        Ok(Self {
            issuer: checked_name(issuer)?,
            audience: checked_name(audience)?,
            keys: keys.into(),
            leeway: Duration::ZERO,
        })
    }

    /// Forgives clocks that differ by so much.
    ///
    /// # Errors
    /// `InvalidInput` above [`Verifier::LEEWAY_MAX`].
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        if leeway > Self::LEEWAY_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "the leeway must be at most five minutes"));
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// Verifies a token at a time.
    ///
    /// # Errors
    /// Never an [`Error`]: a [`TokenRejected`] says why the token is not accepted.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Verified<Claims>, TokenRejected> {
        if token.len() > Self::TOKEN_BYTES_MAX {
            return Err(TokenRejected::TooLong);
        }
        let compact = Compact::parse(token)?;
        self.verify_signature(&compact)?;
        let (issuer, claims) = Claims::from_payload(compact.payload()?)?;
        if issuer != self.issuer {
            return Err(TokenRejected::WrongIssuer);
        }
        if !claims.audience().contains(&self.audience) {
            return Err(TokenRejected::WrongAudience);
        }
        self.verify_time(&claims, now)?;
        Ok(Verified(claims))
    }

    fn verify_signature(&self, compact: &Compact<'_>) -> Result<(), TokenRejected> {
        let header = &compact.header;
        if header.alg != VerifyingKey::ALGORITHM {
            return Err(TokenRejected::WrongAlgorithm);
        }
        let typ = header.typ.as_deref().unwrap_or_default();
        if !["at+jwt", "application/at+jwt"].iter().any(|ours| typ.eq_ignore_ascii_case(ours)) {
            return Err(TokenRejected::WrongType);
        }
        let key =
            header.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or(TokenRejected::UnknownKey)?;
        if !key.verifies(compact.message.as_bytes(), &compact.signature) {
            return Err(TokenRejected::BadSignature);
        }
        Ok(())
    }

    fn verify_time(&self, claims: &Claims, now: UnixMillis) -> Result<(), TokenRejected> {
        let (now, leeway) = (now.as_millis(), whole_millis(self.leeway));
        let end = claims.expires_at();
        if now >= end.as_millis().saturating_add(leeway) {
            return Err(TokenRejected::Expired { at: end });
        }
        let begin = claims.not_before().unwrap_or(UnixMillis::EPOCH).max(claims.issued_at());
        if now.saturating_add(leeway) < begin.as_millis() {
            return Err(TokenRejected::NotYetValid { at: begin });
        }
        Ok(())
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
