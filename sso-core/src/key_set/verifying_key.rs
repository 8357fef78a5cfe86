//! A key that verifies, parsed once, with its name and its only algorithm.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters,
};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::jws;
use crate::key_set::algorithm::Algorithm;
use crate::key_set::roca;

/// A key that verifies with one algorithm. RSA has 2048 to 8192 bits and an odd exponent of 65537 or more, ECDSA is
/// on P-256, EdDSA is Ed25519.
///
/// A clone is the same key.
#[derive(Clone)]
pub struct VerifyingKey {
    inner: Arc<Inner>,
}

struct Inner {
    kid: String,
    algorithm: Algorithm,
    material: Material,
}

/// What verifies, beside the members of the key's entry in a document.
enum Material {
    Public { parsed: ParsedPublicKey, members: Members },
    Secret(Box<hmac::Key>),
}

/// The members of a public key that are its own (RFC 7518, section 6; RFC 8037, section 2), as base64url.
pub(crate) enum Members {
    Rsa { n: String, e: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

impl VerifyingKey {
    /// The shortest secret of HS256, in bytes (RFC 7518, section 3.2).
    pub const HMAC_BYTES_MIN: usize = 32;
    /// The longest secret of HS256, in bytes.
    pub const HMAC_BYTES_MAX: usize = 1024;
    /// The longest signature of RSA, in bytes.
    pub(crate) const RSA_BYTES_MAX: usize = 1024;

    /// An RSA key from its modulus and exponent, big-endian, without leading zeros.
    pub(crate) fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, Error> {
        check_rsa(n, e)?;
        let parameters: &'static RsaParameters = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        let parsed = PublicKeyComponents { n, e }.to_parsed_public_key(parameters);
        let parsed = parsed.map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this is no rsa public key", source)
        })?;
        Ok(Self::public(algorithm, parsed, Members::Rsa { n: jws::encode(n), e: jws::encode(e) }))
    }

    /// A key on P-256 from its point: a byte 4, then `x` and `y` of 32 bytes each.
    pub(crate) fn p256(point: &[u8]) -> Result<Self, Error> {
        let refused = || Error::new(ErrorKind::InvalidInput, "this is no point of the curve p-256");
        let (x, y) = match point {
            [4, rest @ ..] if rest.len() == 64 => rest.split_at_checked(32).ok_or_else(refused)?,
            _ => return Err(refused()),
        };
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this is no point of the curve p-256", source)
        })?;
        let members = Members::P256 { x: jws::encode(x), y: jws::encode(y) };
        Ok(Self::public(Algorithm::Es256, parsed, members))
    }

    /// A key of Ed25519 from its 32 bytes.
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, Error> {
        if x.len() != ED25519_PUBLIC_KEY_LEN {
            return Err(Error::new(ErrorKind::InvalidInput, "an ed25519 key has 32 bytes"));
        }
        let parsed = ParsedPublicKey::new(&ED25519, x).map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this is no ed25519 public key", source)
        })?;
        Ok(Self::public(Algorithm::EdDsa, parsed, Members::Ed25519 { x: jws::encode(x) }))
    }

    /// A shared secret. Its name is a digest under the secret itself, so it tells no more than any token does.
    pub(crate) fn hmac(key: Box<hmac::Key>) -> Self {
        // What tokens sign holds a dot, so no signature is ever a name.
        let kid = jws::encode(hmac::sign(&key, b"the name of this key"));
        let inner = Inner { kid, algorithm: Algorithm::Hs256, material: Material::Secret(key) };
        Self { inner: Arc::new(inner) }
    }

    fn public(algorithm: Algorithm, parsed: ParsedPublicKey, members: Members) -> Self {
        let kid = members.thumbprint();
        let material = Material::Public { parsed, members };
        Self { inner: Arc::new(Inner { kid, algorithm, material }) }
    }

    /// The key's name: its SHA-256 thumbprint (RFC 7638), 43 characters of base64url. A secret of HS256 has a name of
    /// the same form that does not give it away.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.inner.kid
    }

    /// The algorithm of this key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// Whether this key signed the message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.inner.material {
            Material::Public { parsed, .. } => parsed.verify_sig(message, signature).is_ok(),
            Material::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }

    /// What a document shows of this key: nothing of a secret.
    pub(crate) fn members(&self) -> Option<&Members> {
        match &self.inner.material {
            Material::Public { members, .. } => Some(members),
            Material::Secret(_) => None,
        }
    }
}

impl Members {
    /// SHA-256 of the required members in the order of their names (RFC 7638, section 3; RFC 8037, appendix A.3).
    fn thumbprint(&self) -> String {
        let json = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        jws::encode(Sha256::digest(json))
    }
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), Error> {
    let refused = |words| Err(Error::new(ErrorKind::InvalidInput, words));
    let bits = n.first().map_or(0, |first| n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0));
    if !(2048..=8192).contains(&bits) {
        return refused("an rsa key must have 2048 to 8192 bits");
    }
    // With the exponent 1 every text is its own signature; other small ones have a history of forgeries.
    let exponent = e.iter().try_fold(0_u32, |sum, byte| Some(sum.checked_mul(256)? + u32::from(*byte)));
    if e.first() == Some(&0) || !exponent.is_some_and(|exponent| exponent >= 65_537 && exponent % 2 == 1) {
        return refused("an rsa key must have an odd exponent of 65537 or more");
    }
    if roca::is_marked(n) {
        return refused("this rsa key was made by a faulty chip and can be factored (CVE-2017-15361)");
    }
    Ok(())
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Two keys are equal if they verify the same signatures: the name is a digest of the key.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        (self.kid(), self.algorithm()) == (other.kid(), other.algorithm())
    }
}

impl Eq for VerifyingKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_or_padded_modulus_is_refused() {
        let rsa = |n: &[u8]| VerifyingKey::rsa(Algorithm::Rs256, n, &[1, 0, 1]);
        assert_eq!(rsa(&[0xff; 255]).unwrap_err().kind(), ErrorKind::InvalidInput);
        let mut padded = vec![0xff; 257];
        padded[0] = 0;
        assert!(rsa(&padded).is_err());
        assert!(rsa(&[]).is_err());
    }

    #[test]
    fn a_small_even_or_endless_exponent_is_refused() {
        let rsa = |e: &[u8]| VerifyingKey::rsa(Algorithm::Ps256, &[0xff; 256], e);
        assert!(rsa(&[1, 0, 1]).is_ok());
        for e in [&[][..], &[1], &[3], &[0xff, 0xff], &[1, 0, 2], &[1; 5], &[0, 1, 0, 1]] {
            assert!(rsa(e).is_err(), "{e:?}");
        }
    }

    #[test]
    fn only_points_of_the_curve_are_keys() {
        let mut point = vec![4; 65];
        assert!(VerifyingKey::p256(&point).is_err());
        point[0] = 2;
        assert!(VerifyingKey::p256(&point).is_err() && VerifyingKey::p256(&[]).is_err());
        assert!(VerifyingKey::ed25519(&[1; 31]).is_err() && VerifyingKey::ed25519(&[1; 33]).is_err());
    }
}
