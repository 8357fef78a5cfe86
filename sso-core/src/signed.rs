//! Documents that this server signed and gets back, perhaps long after they have expired: the hints of clients.

use serde_json::{Map, Value};

use crate::jws::{Compact, Header};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::source::KeySource;
use crate::rejected::TokenRejected;
use crate::strict_json;
use crate::token::verifier::Verifier;

/// The claims of a token of a type whose signature is of one of these keys. Nothing else is checked.
pub(crate) fn claims_of(
    keys: &KeySource,
    typ: &str,
    token: &str,
) -> Result<Map<String, Value>, TokenRejected> {
    if token.len() > Verifier::TOKEN_BYTES_MAX {
        return Err(TokenRejected::TooLong);
    }
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header)?;
    if !header.is_typ(typ) {
        return Err(TokenRejected::WrongType);
    }
    let keys = keys.current();
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(TokenRejected::UnknownKey)?;
    if Algorithm::parse(&header.alg) != Some(key.algorithm()) {
        return Err(TokenRejected::WrongAlgorithm);
    }
    if !key.verifies(compact.message.as_bytes(), &compact.signature()?) {
        return Err(TokenRejected::BadSignature);
    }
    unverified(&compact)
}

/// What a token says of its issuer, before anything is verified: only good for finding the key to verify with.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    claimed(token, "iss")
}

/// What a token says, before anything is verified: worth no more than a parameter beside it.
pub(crate) fn claimed(token: &str, name: &str) -> Option<String> {
    let compact = Some(token).filter(|token| token.len() <= Verifier::TOKEN_BYTES_MAX)?;
    let claims = unverified(&Compact::parse(compact).ok()?).ok()?;
    text(&claims, name).map(str::to_owned)
}

/// A member that is text.
pub(crate) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn unverified(compact: &Compact<'_>) -> Result<Map<String, Value>, TokenRejected> {
    strict_json::object(&compact.payload()?).ok_or(TokenRejected::Malformed)
}
