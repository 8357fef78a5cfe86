//! Vectors of the standards: RFC 7515 appendix A, RFC 7520 section 4, RFC 7638, RFC 7797, RFC 8037 appendix A.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sso_core::{Algorithm, PublicKeySet, SigningKey, UnixMillis, Verifier, VerifyingKey};

fn vectors(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/rfc.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

/// The public key of an entry as a document would bring it.
fn public(jwk: &Value) -> VerifyingKey {
    let mut jwk = jwk.clone();
    jwk["kid"] = json!("it");
    let set = PublicKeySet::from_jwks(&json!({ "keys": [jwk] }).to_string()).unwrap();
    set.find("it").unwrap().clone()
}

fn private(vector: &Value) -> Option<SigningKey> {
    match (vector.get("pem"), vector.get("secret")) {
        (Some(pem), _) => Some(SigningKey::from_pem(pem.as_str().unwrap()).unwrap()),
        (_, Some(secret)) => Some(SigningKey::hs256(&bytes(secret.as_str().unwrap())).unwrap()),
        _ => None,
    }
}

#[test]
fn signatures_of_the_standards_verify_and_come_out_again() {
    let signed = vectors("signed");
    assert_eq!(signed.len(), 6);
    for vector in signed {
        let name = text(&vector, "name");
        let (message, signature) = text(&vector, "token").rsplit_once('.').unwrap();
        let signature = bytes(signature);
        let private = private(&vector);
        let public = match vector.get("jwk") {
            Some(jwk) => public(jwk),
            None => private.as_ref().unwrap().verifying_key().clone(),
        };
        assert_eq!(public.algorithm(), Algorithm::parse(text(&vector, "algorithm")).unwrap(), "{name}");
        assert!(public.verifies(message.as_bytes(), &signature), "{name}");
        assert!(!public.verifies(&message.as_bytes()[1..], &signature), "{name}");
        for place in [0, signature.len() / 2, signature.len() - 1] {
            let mut bad = signature.clone();
            bad[place] ^= 1;
            assert!(!public.verifies(message.as_bytes(), &bad), "{name} {place}");
        }
        if let Some(thumbprint) = vector.get("thumbprint") {
            assert_eq!(public.kid(), thumbprint, "{name}");
        }
        let Some(private) = private else { continue };
        assert_eq!(*private.verifying_key(), public, "{name}");
        let again = private.sign(message.as_bytes()).unwrap();
        assert!(public.verifies(message.as_bytes(), &again), "{name}");
        assert_eq!(again == signature, vector.get("reproducible").is_some(), "{name}");
    }
}

#[test]
fn what_the_standards_allow_and_this_crate_does_not_is_refused() {
    let keys = vectors("signed").into_iter().find(|vector| vector["name"] == "RFC 7520, 4.1").unwrap();
    let set = PublicKeySet::from_jwks(&json!({ "keys": [keys["jwk"]] }).to_string()).unwrap();
    let verifier = Verifier::new("joe", "me", set).unwrap().typ("JWT").unwrap().typ_may_be_missing();
    let refusal = |token: &str| format!("{:?}", verifier.verify_map(token, UnixMillis::EPOCH).unwrap_err());
    let refused = vectors("refused");
    assert_eq!(refused.len(), 6);
    for vector in refused {
        assert_eq!(refusal(text(&vector, "token")), text(&vector, "why"), "{}", text(&vector, "name"));
    }
    // The signature of this one is right; what it signs is no set of claims.
    assert_eq!(refusal(text(&keys, "token")), "Malformed");
    let broken = text(&keys, "token").replace(".MRjdkly7", ".MRjdkly8");
    assert_eq!(refusal(&broken), "BadSignature");
}

/// RFC 7638, section 3.1.
#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    let n = concat!(
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n",
        "3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd",
        "AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCu",
        "r-kEgU8awapJzKnqDKgw",
    );
    let key = public(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}));
    assert_eq!(key.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // The algorithm is no part of the name.
    let same = public(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "PS256"}));
    assert_eq!((same.kid(), same.algorithm()), (key.kid(), Algorithm::Ps256));
}
