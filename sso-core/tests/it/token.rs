//! Tokens between honest parties: issue, verify, times, rotation, key set documents, and another implementation.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use sso_core::{
    Claims, ErrorKind, Issuer, KeySet, Lifetime, PublicKeySet, SigningKey, TokenId, TokenRejected,
    UnixMillis, UserId, Verifier,
};

pub(crate) const ISSUER: &str = "https://sso.example";
pub(crate) const AUDIENCE: &str = "shop-api";

/// One key for all tests: generating one takes a while.
pub(crate) static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_rs256().unwrap());

pub(crate) fn at(secs: u64) -> UnixMillis {
    UnixMillis::new((1_700_000_000 + secs) * 1000).unwrap()
}

pub(crate) fn claims(now: UnixMillis) -> Claims {
    let life = Lifetime::starting(now, Duration::from_secs(300)).unwrap();
    Claims::new(UserId::new("alice").unwrap(), "shop-web", AUDIENCE, TokenId::new([1; 16]), life).unwrap()
}

pub(crate) fn keys() -> KeySet {
    KeySet::new(KEY.clone())
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, &keys()).unwrap()
}

pub(crate) fn token() -> String {
    Issuer::new(ISSUER, &keys()).unwrap().issue(&claims(at(0))).unwrap()
}

/// The PKCS #1 part of a PKCS #8 file: what comes after the 26 bytes that say "RSA".
fn pkcs1() -> Vec<u8> {
    let pem = KEY.to_pkcs8_pem().unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).unwrap().split_off(26)
}

#[test]
fn claims_arrive_as_they_were_sent() {
    let sent = claims(at(0)).with_scope("read write").with("role", json!({"name": ["编辑"]})).unwrap();
    let token = Issuer::new(ISSUER, &keys()).unwrap().issue(&sent).unwrap();
    let verified = verifier().verify(&token, at(0)).unwrap();
    assert_eq!(*verified, sent);
    assert_eq!(verified.scope(), Some("read write"));
    assert_eq!(verified.into_inner(), sent);
}

#[test]
fn a_token_is_valid_from_its_issue_until_its_end() {
    let token = token();
    let strict = verifier();
    assert!(strict.verify(&token, at(299)).is_ok());
    assert_eq!(strict.verify(&token, at(300)), Err(TokenRejected::Expired { at: at(300) }));
    let early = UnixMillis::new(at(0).as_millis() - 1).unwrap();
    assert_eq!(strict.verify(&token, early), Err(TokenRejected::NotYetValid { at: at(0) }));

    let lenient = verifier().leeway(Duration::from_secs(30)).unwrap();
    assert!(lenient.verify(&token, at(329)).is_ok());
    assert_eq!(lenient.verify(&token, at(330)), Err(TokenRejected::Expired { at: at(300) }));
    assert!(lenient.verify(&token, early).is_ok());
    assert!(verifier().leeway(Duration::from_secs(301)).is_err());
}

#[test]
fn a_token_is_for_one_audience_of_one_issuer() {
    let other = |issuer, audience| Verifier::new(issuer, audience, &keys()).unwrap().verify(&token(), at(0));
    assert_eq!(other("https://sso.example/", AUDIENCE), Err(TokenRejected::WrongIssuer));
    assert_eq!(other(ISSUER, "shop"), Err(TokenRejected::WrongAudience));

    let sent = claims(at(0)).also_audience("shop").unwrap();
    let for_both = Issuer::new(ISSUER, &keys()).unwrap().issue(&sent).unwrap();
    for audience in [AUDIENCE, "shop"] {
        let verifier = Verifier::new(ISSUER, audience, &keys()).unwrap();
        assert_eq!(*verifier.verify(&for_both, at(0)).unwrap(), sent);
    }
    assert!(sent.clone().also_audience("").is_err() && sent.also_audience(&"x".repeat(257)).is_err());
}

#[test]
fn keys_rotate_without_refusing_anybody() {
    let next = SigningKey::generate_rs256().unwrap();
    let before = keys();
    let old_token = token();

    let published = before.clone().publish(next.verifying_key().clone()).unwrap();
    let after = published.clone().rotate(next.clone()).unwrap();
    assert_eq!(after.public(), published.public());
    assert_ne!(before.jwks().unwrap().etag, after.jwks().unwrap().etag);
    let new_token = Issuer::new(ISSUER, &after).unwrap().issue(&claims(at(0))).unwrap();

    // Whoever loaded the keys before the turn knows both tokens.
    let verifier = Verifier::new(ISSUER, AUDIENCE, &published).unwrap();
    assert!(verifier.verify(&old_token, at(0)).is_ok());
    assert!(verifier.verify(&new_token, at(0)).is_ok());
    // When the old key is dropped, its tokens go with it.
    let dropped = Verifier::new(ISSUER, AUDIENCE, &KeySet::new(next)).unwrap();
    assert_eq!(dropped.verify(&old_token, at(0)), Err(TokenRejected::UnknownKey));
    assert!(dropped.verify(&new_token, at(0)).is_ok());
    assert_eq!(before.publish(KEY.verifying_key().clone()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_key_survives_its_file() {
    let again = SigningKey::from_pem(&KEY.to_pkcs8_pem().unwrap()).unwrap();
    assert_eq!(again.kid(), KEY.kid());
    let token = Issuer::new(ISSUER, &KeySet::new(again)).unwrap().issue(&claims(at(0))).unwrap();
    assert!(verifier().verify(&token, at(0)).is_ok());
    for bad in ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(SigningKey::from_pem(bad).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(format!("{:?}", *KEY), format!("SigningKey {{ kid: {:?}, algorithm: Rs256, .. }}", KEY.kid()));
}

#[test]
fn a_key_set_document_passes_over_what_it_does_not_know_and_refuses_what_is_wrong() {
    let ours: Value = serde_json::from_str(&keys().jwks().unwrap().json).unwrap();
    let ours = ours["keys"][0].clone();
    let with = |name: &str, value: Value| {
        let mut entry = ours.clone();
        entry[name] = value;
        entry
    };
    let read =
        |entries: &[Value]| PublicKeySet::from_jwks(&json!({ "keys": entries, "more": 1 }).to_string());

    assert_eq!(&read(std::slice::from_ref(&ours)).unwrap(), keys().public());
    let strangers = [
        json!({"kty": "quantum", "x": 1}),
        json!(7),
        json!({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA", "kid": "x"}),
        with("use", json!("enc")),
        with("alg", json!("PS384")),
        with("alg", json!("HS256")),
        with("alg", json!("ES256")),
        with("alg", json!(["RS256"])),
        with("key_ops", json!(["encrypt"])),
        with("kid", Value::Null),
    ];
    assert!(read(&strangers).is_err());
    let mixed: Vec<Value> = strangers.into_iter().chain([ours.clone()]).collect();
    assert_eq!(read(&mixed).unwrap().kids().count(), 1);

    let mut without_n = ours.clone();
    without_n.as_object_mut().unwrap().remove("n");
    let mut second = ours.clone();
    second["kid"] = json!("second");
    for bad in [
        without_n,
        with("n", json!(7)),
        with("n", Value::Null),
        with("e", json!([])),
        with("n", json!("AQAB")),
        with("n", json!("*")),
        with("e", json!("")),
        with("e", json!("AQA=")),
        // Whoever publishes a secret has lost it.
        with("d", json!("AAAA")),
        json!({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "x"}),
        json!({"kty": "oct", "k": "A".repeat(64), "alg": "HS256", "kid": "x"}),
    ] {
        // A good key beside it does not hide that one of the issuer's keys is lost.
        let refused = read(&[bad.clone(), second.clone()]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{bad}");
    }
    assert!(read(&[ours.clone(), ours.clone()]).is_err());
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, &" ".repeat(70_000)] {
        assert_eq!(PublicKeySet::from_jwks(bad).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let many: Vec<Value> = (0..17).map(|kid| with("kid", json!(kid.to_string()))).collect();
    let sixteen = read(&many[..16]).unwrap();
    assert_eq!(PublicKeySet::from_jwks(&sixteen.jwks().unwrap().json).unwrap(), sixteen);
    assert!(read(&many).is_err());
}

#[test]
fn limits_of_claims_hold() {
    let life = |secs| Lifetime::starting(at(0), Duration::from_secs(secs));
    assert!(life(0).is_err() && life(1).is_ok() && life(86_400).is_ok() && life(86_401).is_err());
    assert!(Lifetime::starting(UnixMillis::MAX, Duration::from_secs(1)).is_err());
    let new = |client: &str, audience: &str| {
        Claims::new(UserId::new("a").unwrap(), client, audience, TokenId::new([0; 16]), life(1).unwrap())
    };
    assert!(new("", "a").is_err() && new("a", "").is_err() && new("a", &"x".repeat(257)).is_err());
    for registered in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"] {
        assert!(claims(at(0)).with(registered, json!(1)).is_err());
    }
    // An issued token is one that verifiers can read.
    let nested = |levels, around: fn(Value) -> Value| (0..levels).fold(json!(1), |inner, _| around(inner));
    for around in [|inner| json!([inner, 0]), |inner| json!({ "a": 0, "b": inner })] {
        let deep = claims(at(0)).with("x", nested(Claims::PRIVATE_LEVELS_MAX, around)).unwrap();
        let token = Issuer::new(ISSUER, &keys()).unwrap().issue(&deep).unwrap();
        assert_eq!(verifier().verify(&token, at(0)).unwrap().private(), deep.private());
        let too_deep = claims(at(0)).with("x", nested(Claims::PRIVATE_LEVELS_MAX + 1, around));
        assert_eq!(too_deep.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let large = claims(at(0)).with("x", json!("y".repeat(9000))).unwrap();
    let refused = Issuer::new(ISSUER, &keys()).unwrap().issue(&large).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

#[test]
fn another_implementation_verifies_our_tokens() {
    let token = Issuer::new(ISSUER, &keys()).unwrap().issue(&claims(UnixMillis::now())).unwrap();
    let document: JwkSet = serde_json::from_str(&keys().jwks().unwrap().json).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let jwk = document.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims["sub"], "alice");
    assert_eq!(read.claims["aud"], AUDIENCE);
    assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), KEY.kid());
}

#[test]
fn we_verify_tokens_of_another_implementation() {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.typ = Some("application/at+JWT".into());
    header.kid = Some(KEY.kid().into());
    let payload = json!({
        "iss": ISSUER, "sub": "alice", "aud": ["other", AUDIENCE], "client_id": "shop-web", "jti": "x",
        "iat": at(0).as_secs(), "nbf": at(10).as_secs(), "exp": at(60).as_secs(), "extra": [1, 2],
    });
    let key = jsonwebtoken::EncodingKey::from_rsa_der(&pkcs1());
    let token = jsonwebtoken::encode(&header, &payload, &key).unwrap();
    let verified = verifier().verify(&token, at(10)).unwrap();
    assert_eq!(verified.audience(), ["other", AUDIENCE]);
    assert_eq!(verified.not_before(), Some(at(10)));
    assert_eq!(verified.private().get("extra"), Some(&json!([1, 2])));
    assert_eq!(verifier().verify(&token, at(9)), Err(TokenRejected::NotYetValid { at: at(10) }));
}
