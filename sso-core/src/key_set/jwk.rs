//! One entry of a key set document (RFC 7517, section 4): written, and read without trust.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::verifying_key::{Members, VerifyingKey};

/// Members that only a private or a secret key has (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The entry of a key under this name; nothing for a secret.
pub(crate) fn write(kid: &str, key: &VerifyingKey) -> Option<Value> {
    let own: &[(&str, &str)] = match key.members()? {
        Members::Rsa { n, e } => &[("kty", "RSA"), ("n", n), ("e", e)],
        Members::P256 { x, y } => &[("kty", "EC"), ("crv", "P-256"), ("x", x), ("y", y)],
        Members::Ed25519 { x } => &[("kty", "OKP"), ("crv", "Ed25519"), ("x", x)],
    };
    let common = [("use", "sig"), ("alg", key.algorithm().name()), ("kid", kid)];
    let members = own.iter().chain(&common);
    Some(members.map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect::<Map<_, _>>().into())
}

/// The name and the key of an entry that is meant for signatures; nothing of an entry for anything else.
///
/// An entry with `alg` has that algorithm, one without has that of its kind. `use` and `key_ops`, if they are
/// there, allow verification. Such an entry is a key of the issuer's: a broken one is an error, not a stranger.
/// So is one that shows a secret: whoever published it has lost it.
pub(crate) fn read(entry: &Value) -> Result<Option<(String, VerifyingKey)>, Error> {
    if PRIVATE.iter().any(|name| entry.get(*name).is_some()) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a key of this key set shows its secret part: the issuer must replace the key",
        ));
    }
    let member = |name| entry.get(name).filter(|value| !value.is_null());
    let text = |name| member(name).and_then(Value::as_str);
    let allowed =
        member("use").is_none_or(|used| used == "sig") && member("key_ops").is_none_or(allows_verification);
    let (Some(kid), true, Some(algorithm)) = (text("kid"), allowed, algorithm(entry)) else {
        return Ok(None);
    };
    let key = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            VerifyingKey::rsa(algorithm, &component(entry, "n")?, &component(entry, "e")?)
        }
        Algorithm::Es256 => {
            let point = [&[4], &component(entry, "x")?[..], &component(entry, "y")?[..]];
            VerifyingKey::p256(&point.concat())
        }
        Algorithm::EdDsa => VerifyingKey::ed25519(&component(entry, "x")?),
        Algorithm::Hs256 => return Ok(None),
    };
    Ok(Some((kid.to_owned(), key?)))
}

/// The algorithm that the kind of a key and its `alg` agree on.
fn algorithm(entry: &Value) -> Option<Algorithm> {
    let text = |name| entry.get(name).and_then(Value::as_str);
    let usual = match (text("kty")?, text("crv")) {
        ("RSA", _) => Algorithm::Rs256,
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        _ => return None,
    };
    let Some(said) = entry.get("alg").filter(|said| !said.is_null()) else {
        return Some(usual);
    };
    let said = Algorithm::parse(said.as_str()?)?;
    (said == usual || (said, usual) == (Algorithm::Ps256, Algorithm::Rs256)).then_some(said)
}

fn allows_verification(operations: &Value) -> bool {
    operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
}

/// The bytes of a member of a key.
fn component(entry: &Value, name: &str) -> Result<Vec<u8>, Error> {
    let refused = || format!("the `{name}` of a key of this key set is missing or not base64url");
    let text = entry.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| Error::new(ErrorKind::InvalidInput, refused()))?;
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|source| Error::with_source(ErrorKind::InvalidInput, refused(), source))
}
