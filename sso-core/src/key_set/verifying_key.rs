//! A public RSA key, parsed once, with its name and its only algorithm.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse, RSAKeyParameters, RSAKeyType,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::jws;

/// A public key for RS256 (RFC 7518, section 3.3): 2048 to 8192 bits, an exponent of 65537 or more.
///
/// A clone is the same key.
#[derive(Clone)]
pub struct VerifyingKey {
    inner: Arc<Inner>,
}

struct Inner {
    kid: String,
    n: String,
    e: String,
    parsed: ParsedPublicKey,
}

impl VerifyingKey {
    /// The algorithm of every key here, as headers and key sets write it.
    pub const ALGORITHM: &'static str = "RS256";

    /// A key from its modulus and exponent, big-endian, without leading zeros.
    pub(crate) fn from_components(n: &[u8], e: &[u8]) -> Result<Self, Error> {
        let bits =
            n.first().map_or(0, |first| n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0));
        if !(2048..=8192).contains(&bits) {
            return Err(Error::new(ErrorKind::InvalidInput, "an rsa key must have 2048 to 8192 bits"));
        }
        // With the exponent 1 every text is its own signature; other small ones have a history of forgeries.
        let exponent = e.iter().try_fold(0_u32, |sum, byte| Some(sum.checked_mul(256)? + u32::from(*byte)));
        if !exponent.is_some_and(|exponent| exponent >= 65_537 && exponent % 2 == 1) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "an rsa key must have an odd exponent of 65537 or more",
            ));
        }
        let parsed = PublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        let parsed = parsed.map_err(|source| {
            Error::with_source(ErrorKind::InvalidInput, "this is no rsa public key", source)
        })?;
        let (n, e) = (jws::encode(n), jws::encode(e));
        Ok(Self { inner: Arc::new(Inner { kid: thumbprint(&n, &e), n, e, parsed }) })
    }

    /// The key's name: its SHA-256 thumbprint (RFC 7638), 43 characters of base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.inner.kid
    }

    /// Whether this key signed the message.
    #[must_use]
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.inner.parsed.verify_sig(message, signature).is_ok()
    }

    /// The key as an entry of a key set document, under this name.
    pub(crate) fn jwk(&self, kid: &str) -> Jwk {
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::RS256),
                key_id: Some(kid.to_owned()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: self.inner.n.clone(),
                e: self.inner.e.clone(),
            }),
        }
    }

    /// The name and the key of an entry that is meant for signatures with RS256; nothing of any other entry.
    ///
    /// The entry says `kty`, `alg` and `kid`; `use` and `key_ops`, if they are there, allow verification. Such
    /// an entry is a key of the issuer's: without a good `n` and `e` it is an error, not a stranger.
    pub(crate) fn from_jwk(entry: &Value) -> Option<(String, Result<Self, Error>)> {
        let member = |name| entry.get(name).filter(|value| !value.is_null());
        let for_signatures = member("kty").is_some_and(|kind| kind == "RSA")
            && member("alg").is_some_and(|algorithm| algorithm == Self::ALGORITHM)
            && member("use").is_none_or(|used| used == "sig")
            && member("key_ops").is_none_or(allows_verification);
        let kid = member("kid").and_then(Value::as_str).filter(|_| for_signatures)?;
        let key = component(entry, "n")
            .and_then(|n| Ok((n, component(entry, "e")?)))
            .and_then(|(n, e)| Self::from_components(&n, &e));
        Some((kid.to_owned(), key))
    }
}

fn allows_verification(operations: &Value) -> bool {
    operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
}

/// The bytes of a member of an RSA key (RFC 7518, section 6.3.1).
fn component(entry: &Value, name: &str) -> Result<Vec<u8>, Error> {
    let refused = || format!("the `{name}` of a key of this key set is missing or not base64url");
    let text = entry.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| Error::new(ErrorKind::InvalidInput, refused()))?;
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|source| Error::with_source(ErrorKind::InvalidInput, refused(), source))
}

/// SHA-256 of the required members in the order of their names (RFC 7638, section 3).
fn thumbprint(n: &str, e: &str) -> String {
    jws::encode(Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)))
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("kid", &self.inner.kid).finish_non_exhaustive()
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.inner.n, &self.inner.e) == (&other.inner.n, &other.inner.e)
    }
}

impl Eq for VerifyingKey {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: &str) -> VerifyingKey {
        VerifyingKey::from_components(&URL_SAFE_NO_PAD.decode(n).unwrap(), &[1, 0, 1]).unwrap()
    }

    /// RFC 7638, section 3.1.
    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi",
            "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnY",
            "b9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0",
            "Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        );
        assert_eq!(key(n).kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 7515, appendix A.2.
    #[test]
    fn the_signature_is_that_of_rfc_7515() {
        let n = concat!(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-S",
            "Fd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-U",
            "To7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2eth",
            "FkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        );
        let message = concat!(
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2",
            "90Ijp0cnVlfQ",
        );
        let signature = URL_SAFE_NO_PAD
            .decode(concat!(
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds",
                "9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR",
                "mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs9",
                "8rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ))
            .unwrap();
        assert!(key(n).verifies(message.as_bytes(), &signature));
        assert!(!key(n).verifies(&message.as_bytes()[1..], &signature));
    }

    #[test]
    fn a_short_or_padded_modulus_is_refused() {
        let short = VerifyingKey::from_components(&[0xff; 255], &[1, 0, 1]);
        assert_eq!(short.unwrap_err().kind(), ErrorKind::InvalidInput);
        let mut padded = vec![0xff; 257];
        padded[0] = 0;
        assert!(VerifyingKey::from_components(&padded, &[1, 0, 1]).is_err());
        assert!(VerifyingKey::from_components(&[], &[]).is_err());
    }

    #[test]
    fn a_small_even_or_endless_exponent_is_refused() {
        let n = [0xff; 256];
        assert!(VerifyingKey::from_components(&n, &[1, 0, 1]).is_ok());
        for e in [&[][..], &[1], &[3], &[0xff, 0xff], &[1, 0, 2], &[1; 5]] {
            assert!(VerifyingKey::from_components(&n, e).is_err(), "{e:?}");
        }
    }
}
