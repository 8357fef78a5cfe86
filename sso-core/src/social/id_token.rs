//! Verifying an ID token (OpenID Connect Core, section 3.1.3.7). Every rule is applied; none is optional.

use std::time::Duration;

use aws_lc_rs::digest;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::jws::{self, Compact, Header};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::jwks::PublicKeySet;
use crate::rejected::TokenRejected;
use crate::social::refused::SocialRefused;
use crate::time::UnixMillis;
use crate::token::verifier::Verifier;

/// How far the clocks of two companies may be apart.
const LEEWAY: Duration = Duration::from_secs(60);
/// How old a token may be that was just fetched.
const MAX_AGE: Duration = Duration::from_secs(600);

/// What an ID token has to say.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) access_token: &'a str,
    pub(crate) now: UnixMillis,
}

/// Whether tokens with this algorithm are verified. A shared secret would let the provider's other clients sign.
pub(crate) fn is_supported(algorithm: &str) -> bool {
    Algorithm::parse(algorithm).is_some_and(|algorithm| algorithm != Algorithm::Hs256)
}

/// Whether the key that a token names is in a set. A text that is no token names none.
pub(crate) fn names_a_key_of(token: &str, keys: &PublicKeySet) -> bool {
    header(token).is_some_and(|header| header.kid.is_some_and(|kid| keys.find(&kid).is_some()))
}

/// What an ID token is worth.
pub(crate) enum Trust {
    /// These claims are the issuer's, for us, and of this sign-in.
    Claims(Map<String, Value>),
    Refused(SocialRefused),
}

/// Verifies a token.
///
/// # Errors
/// `InvalidInput` if the issuer or the client id is too long to be one.
pub(crate) fn verify(token: &str, keys: &PublicKeySet, expected: &Expected<'_>) -> Result<Trust, Error> {
    // Another kind of token of the same issuer, an access token for instance, is no ID token.
    let verifier = Verifier::new(expected.issuer, expected.client_id, keys.clone())?
        .typ("JWT")?
        .typ_may_be_missing()
        .leeway(LEEWAY)?
        .max_age(MAX_AGE);
    Ok(match verifier.verify_map(token, expected.now) {
        Ok(claims) => match refusal(&claims, token, expected) {
            Some(refused) => Trust::Refused(refused),
            None => Trust::Claims(claims.into_inner()),
        },
        Err(TokenRejected::WrongAudience) => Trust::Refused(SocialRefused::WrongApp),
        Err(rejected) => Trust::Refused(SocialRefused::UntrustedIdToken { why: rejected.to_string() }),
    })
}

/// What is wrong with an ID token that would be right as any other token.
fn refusal(claims: &Map<String, Value>, token: &str, expected: &Expected<'_>) -> Option<SocialRefused> {
    if !is_only_audience(claims.get("aud"), expected.client_id)
        || claims.get("azp").is_some_and(|party| party != expected.client_id)
    {
        return Some(SocialRefused::WrongApp);
    }
    let nonce = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Some(SocialRefused::WrongNonce);
    }
    let algorithm = header(token).and_then(|header| Algorithm::parse(&header.alg)).unwrap_or_default();
    let swapped =
        claims.get("at_hash").is_some_and(|hash| *hash != at_hash(algorithm, expected.access_token));
    let why = "it belongs to another access token";
    swapped.then(|| SocialRefused::UntrustedIdToken { why: why.to_owned() })
}

fn header(token: &str) -> Option<Header> {
    Compact::parse(token).and_then(|compact| Header::parse(compact.header)).ok()
}

/// A token for several parties is not taken: nobody here trusts the others (section 3.1.3.7, rule 3).
fn is_only_audience(audience: Option<&Value>, client_id: &str) -> bool {
    match audience {
        Some(Value::String(only)) => only == client_id,
        Some(Value::Array(several)) => matches!(several.as_slice(), [only] if only == client_id),
        _ => false,
    }
}

/// The left half of the digest of the access token, with the digest of the signature (section 3.1.3.6).
pub(crate) fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let kind = if algorithm == Algorithm::EdDsa { &digest::SHA512 } else { &digest::SHA256 };
    let digest = digest::digest(kind, access_token.as_bytes());
    let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    jws::encode(left)
}
