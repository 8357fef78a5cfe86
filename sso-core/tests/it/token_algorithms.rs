//! All algorithms, between this crate, another implementation, and the openssl program.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use proptest::prelude::*;
use serde_json::{Value, json};
use sso_core::{
    Algorithm, Claims, ErrorKind, Issuer, KeySet, Lifetime, PublicKeySet, Signer, SigningKey, TokenId,
    TokenRejected, UnixMillis, UserId, Verifier, VerifyingKey,
};

use crate::token::{AUDIENCE, ISSUER, at, claims};

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256];

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.name().parse().unwrap()
}

fn der(key: &SigningKey) -> Vec<u8> {
    let pem = key.to_pkcs8_pem().unwrap();
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// Runs openssl with some files in a directory of its own; what it writes to its output.
pub(crate) fn openssl(files: &[(&str, &[u8])], arguments: &[&str]) -> Result<Vec<u8>, String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::File::create(directory.path().join(name)).unwrap().write_all(bytes).unwrap();
    }
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program openssl is needed: apt-get install openssl");
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn tokens_of_every_algorithm_arrive() {
    for algorithm in ALGORITHMS {
        let keys = KeySet::new(SigningKey::generate(algorithm).unwrap());
        let sent = claims(at(0)).with("role", json!(["编辑"])).unwrap();
        let token = Issuer::new(ISSUER, &keys).unwrap().issue(&sent).unwrap();
        let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap();
        // Twice: the second time its header is known.
        for _ in 0..2 {
            assert_eq!(*verifier.verify(&token, at(0)).unwrap(), sent, "{algorithm}");
        }
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.alg, theirs(algorithm));
        assert_eq!(header.kid.as_deref(), Some(keys.active().kid()));
        assert_eq!(keys.active().kid().len(), 43);
    }
}

#[test]
fn another_implementation_and_this_one_understand_each_other() {
    let mut payload = json!({"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "c", "jti": "x"});
    payload["iat"] = json!(UnixMillis::now().as_secs());
    payload["exp"] = json!(UnixMillis::now().as_secs() + 60);
    for algorithm in [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = KeySet::new(key.clone());
        // Ours, read by them from our document.
        let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(60)).unwrap();
        let user = UserId::new("alice").unwrap();
        let sent = Claims::new(user, "c", AUDIENCE, TokenId::new([7; 16]), life).unwrap();
        let token = Issuer::new(ISSUER, &keys).unwrap().issue(&sent).unwrap();
        let document: JwkSet = serde_json::from_str(&keys.jwks().unwrap().json).unwrap();
        let jwk = document.find(key.kid()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(theirs(algorithm));
        validation.set_audience(&[AUDIENCE]);
        let decoding = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &decoding, &validation).unwrap();
        assert_eq!(read.claims["sub"], "alice", "{algorithm}");
        assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid());
        // Theirs, read by us.
        let encoding = match algorithm {
            Algorithm::Ps256 => jsonwebtoken::EncodingKey::from_rsa_der(&der(&key)[26..]),
            Algorithm::Es256 => jsonwebtoken::EncodingKey::from_ec_der(&der(&key)),
            _ => jsonwebtoken::EncodingKey::from_ed_der(&der(&key)),
        };
        let mut header = jsonwebtoken::Header::new(theirs(algorithm));
        (header.typ, header.kid) = (Some("at+jwt".into()), Some(key.kid().into()));
        let token = jsonwebtoken::encode(&header, &payload, &encoding).unwrap();
        let public = PublicKeySet::from_jwks(&keys.jwks().unwrap().json).unwrap();
        let verifier = Verifier::new(ISSUER, AUDIENCE, public).unwrap();
        assert_eq!(verifier.verify(&token, UnixMillis::now()).unwrap().client_id(), "c", "{algorithm}");
    }
}

#[test]
fn a_shared_secret_signs_for_both_sides_and_is_never_published() {
    let secret = [9; 32];
    let key = SigningKey::hs256(&secret).unwrap();
    let token = jsonwebtoken::encode(
        &jsonwebtoken::Header {
            kid: Some(key.kid().into()),
            typ: Some("at+jwt".into()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
        },
        &json!({
            "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "c", "jti": "x",
            "iat": at(0).as_secs(), "exp": at(60).as_secs(),
        }),
        &jsonwebtoken::EncodingKey::from_secret(&secret),
    )
    .unwrap();
    let rsa = SigningKey::generate_rs256().unwrap();
    let keys = KeySet::new(key.clone()).publish(rsa.verifying_key().clone()).unwrap();
    assert!(Verifier::new(ISSUER, AUDIENCE, &keys).unwrap().verify(&token, at(0)).is_ok());

    let json = keys.jwks().unwrap().json;
    assert!(json.contains(rsa.kid()) && !json.contains(key.kid()) && !json.contains("oct"));
    // The name says nothing that a digest of the secret alone would say.
    let thumbprint = json!({"k": URL_SAFE_NO_PAD.encode(secret), "kty": "oct"}).to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, thumbprint.as_bytes());
    assert_ne!(key.kid(), URL_SAFE_NO_PAD.encode(digest));
    assert!(!format!("{key:?} {:?}", key.verifying_key()).contains("9, 9"));

    for bytes in [0, 1, 31, VerifyingKey::HMAC_BYTES_MAX + 1] {
        let refused = SigningKey::hs256(&vec![9; bytes]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{bytes}");
    }
    assert!(SigningKey::hs256(&[9; VerifyingKey::HMAC_BYTES_MAX]).is_ok());
    assert_eq!(key.to_pkcs8_pem().unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn private_keys_of_openssl_are_read_in_every_form() {
    let rsa = openssl(&[], &["genrsa", "-traditional", "2048"]).unwrap();
    let rsa8 = openssl(&[("k", &rsa)], &["pkcs8", "-topk8", "-nocrypt", "-in", "k"]).unwrap();
    let ec = openssl(&[], &["ecparam", "-name", "prime256v1", "-genkey"]).unwrap();
    let ec8 = openssl(&[("k", &ec)], &["pkcs8", "-topk8", "-nocrypt", "-in", "k"]).unwrap();
    let ed = openssl(&[], &["genpkey", "-algorithm", "ed25519"]).unwrap();
    let text = |pem: &[u8]| String::from_utf8(pem.to_vec()).unwrap();
    let read = |pem: &[u8]| SigningKey::from_pem(&text(pem)).unwrap();

    assert!(text(&rsa).starts_with("-----BEGIN RSA PRIVATE KEY"));
    assert!(text(&ec).starts_with("-----BEGIN EC PARAMETERS"));
    for (one, other, algorithm) in
        [(&rsa, &rsa8, Algorithm::Rs256), (&ec, &ec8, Algorithm::Es256), (&ed, &ed, Algorithm::EdDsa)]
    {
        assert_eq!((read(one).kid(), read(one).algorithm()), (read(other).kid(), algorithm));
        let again = read(read(one).to_pkcs8_pem().unwrap().as_bytes());
        assert_eq!(again.kid(), read(one).kid());
        // What we write, openssl reads.
        let pem = read(one).to_pkcs8_pem().unwrap();
        assert!(openssl(&[("k", pem.as_bytes())], &["pkey", "-in", "k", "-noout"]).is_ok());
    }
    let pss = SigningKey::from_pem_for(Algorithm::Ps256, &text(&rsa)).unwrap();
    assert_eq!((pss.algorithm(), pss.kid()), (Algorithm::Ps256, read(&rsa).kid()));

    let small = openssl(&[], &["genrsa", "1024"]).unwrap();
    let p384 = openssl(&[], &["ecparam", "-name", "secp384r1", "-genkey"]).unwrap();
    let sealed = openssl(&[("k", &rsa)], &["pkcs8", "-topk8", "-in", "k", "-passout", "pass:x"]).unwrap();
    for bad in [&small, &p384, &sealed] {
        assert_eq!(SigningKey::from_pem(&text(bad)).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    for (pem, algorithm) in [(&rsa, Algorithm::Es256), (&ec, Algorithm::Ps256), (&ed, Algorithm::Hs256)] {
        let refused = SigningKey::from_pem_for(algorithm, &text(pem)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn openssl_verifies_what_we_sign_and_the_other_way_round() {
    let message = b"a message for two programs";
    for (algorithm, extra) in [
        (Algorithm::Rs256, &[][..]),
        (Algorithm::Ps256, &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
    ] {
        let key = SigningKey::generate(algorithm).unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let public = openssl(&[("k", pem.as_bytes())], &["pkey", "-in", "k", "-pubout"]).unwrap();
        let signature = key.sign(message).unwrap();
        let files: &[(&str, &[u8])] =
            &[("k", pem.as_bytes()), ("p", &public), ("m", message), ("s", &signature)];
        let verify = [&["dgst", "-sha256", "-verify", "p", "-signature", "s"][..], extra, &["m"]].concat();
        openssl(files, &verify).unwrap();
        let sign = [&["dgst", "-sha256", "-sign", "k"][..], extra, &["m"]].concat();
        let theirs = openssl(files, &sign).unwrap();
        assert!(key.verifying_key().verifies(message, &theirs), "{algorithm}");
    }
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let files: &[(&str, &[u8])] = &[("k", pem.as_bytes()), ("m", message)];
    let theirs = openssl(files, &["pkeyutl", "-sign", "-inkey", "k", "-rawin", "-in", "m"]).unwrap();
    assert_eq!(theirs, key.sign(message).unwrap());
}

#[test]
fn a_key_verifies_with_its_own_algorithm_only() {
    let rsa = SigningKey::generate_rs256().unwrap();
    let pss = SigningKey::from_pem_for(Algorithm::Ps256, &rsa.to_pkcs8_pem().unwrap()).unwrap();
    let token = Issuer::new(ISSUER, &KeySet::new(pss.clone())).unwrap().issue(&claims(at(0))).unwrap();
    let verifier = |key: &SigningKey| Verifier::new(ISSUER, AUDIENCE, &KeySet::new(key.clone())).unwrap();
    assert!(verifier(&pss).verify(&token, at(0)).is_ok());
    assert_eq!(verifier(&rsa).verify(&token, at(0)), Err(TokenRejected::WrongAlgorithm));
    // Nor does a signature of the other kind pass under its name.
    let message = b"x";
    assert!(!rsa.verifying_key().verifies(message, &pss.sign(message).unwrap()));
    assert!(!pss.verifying_key().verifies(message, &rsa.sign(message).unwrap()));
}

#[test]
fn a_signer_signs_objects_of_its_type_only() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
    let signer = Signer::new("logout+jwt", &keys).unwrap();
    let claims = json!({"iss": ISSUER, "aud": [AUDIENCE, "x"], "exp": at(60).as_secs(), "events": {"a": {}}});
    let token = signer.sign(&claims).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap();
    assert_eq!(verifier.verify(&token, at(0)), Err(TokenRejected::WrongType));
    assert_eq!(verifier.verify_map(&token, at(0)), Err(TokenRejected::WrongType));
    let logout = verifier.clone().typ("LOGOUT+jwt").unwrap();
    assert_eq!(Value::from(logout.verify_map(&token, at(0)).unwrap().into_inner()), claims);
    assert_eq!(logout.verify_map(&token, at(60)), Err(TokenRejected::Expired { at: at(60) }));
    assert_eq!(logout.verify(&token, at(0)), Err(TokenRejected::Malformed), "it is no access token");

    for no_object in [json!([1]), json!("x"), json!(null)] {
        assert_eq!(signer.sign(&no_object).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert!(signer.sign(&json!({"x": "y".repeat(9000)})).is_err());
    for typ in ["", "a b", "application/jwt", "\"", "ü", &"t".repeat(65)] {
        assert!(Signer::new(typ, &keys).is_err() && verifier.clone().typ(typ).is_err(), "{typ}");
    }
}

#[test]
fn claims_of_a_map_are_as_strict_as_those_of_an_access_token() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
    let signer = Signer::new("JWT", &keys).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap().typ("JWT").unwrap();
    let good = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": at(60).as_secs(), "iat": at(0).as_secs()});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        verifier.verify_map(&signer.sign(&claims).unwrap(), at(0)).err()
    };
    assert_eq!(with("x", json!(1)), None);
    let odd =
        [json!("1700000060"), json!(1e30), json!(-1), json!(1.5), json!(null), json!([1]), json!(u64::MAX)];
    for name in ["exp", "iat", "nbf"] {
        for value in &odd {
            assert_eq!(with(name, value.clone()), Some(TokenRejected::Malformed), "{name} {value}");
        }
    }
    for name in ["iss", "aud"] {
        for value in [json!(null), json!(1), json!({}), json!([1])] {
            assert_eq!(with(name, value), Some(TokenRejected::Malformed), "{name}");
        }
    }
    assert_eq!(with("iss", json!("x")), Some(TokenRejected::WrongIssuer));
    assert_eq!(with("aud", json!(["x"])), Some(TokenRejected::WrongAudience));
    assert_eq!(with("iat", json!(at(1).as_secs())), Some(TokenRejected::NotYetValid { at: at(1) }));
    assert_eq!(with("nbf", json!(at(1).as_secs())), Some(TokenRejected::NotYetValid { at: at(1) }));
    let mut endless = good.clone();
    endless.as_object_mut().unwrap().remove("exp");
    let endless = signer.sign(&endless).unwrap();
    assert_eq!(verifier.verify_map(&endless, at(0)), Err(TokenRejected::Malformed));
}

#[test]
fn a_verifier_can_ask_for_more() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let issuer = Issuer::new(ISSUER, &keys).unwrap();
    let token = issuer.issue(&claims(at(0)).with("role", json!("editor")).unwrap()).unwrap();
    let verifier = || Verifier::new(ISSUER, AUDIENCE, &keys).unwrap();
    for (claim, is_there) in [("role", true), ("sub", true), ("scope", false), ("nbf", false), ("acr", false)]
    {
        let refused = verifier().require(claim).verify(&token, at(0)).err();
        assert_eq!(refused, (!is_there).then_some(TokenRejected::MissingClaim), "{claim}");
    }
    let other = Verifier::new(ISSUER, "other", &keys).unwrap();
    assert_eq!(other.verify(&token, at(0)), Err(TokenRejected::WrongAudience));
    assert!(other.also_audience(AUDIENCE).unwrap().verify(&token, at(0)).is_ok());

    let young = verifier().max_age(Duration::from_secs(60)).leeway(Duration::from_secs(5)).unwrap();
    assert!(young.verify(&token, at(64)).is_ok());
    assert_eq!(young.verify(&token, at(65)), Err(TokenRejected::TooOld { issued_at: at(0) }));

    let untyped = verifier().typ("JWT").unwrap();
    let signed = |header: Value| {
        let body = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": at(60).as_secs()});
        let [header, body] = [header, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{body}");
        let signature = URL_SAFE_NO_PAD.encode(keys.active().sign(message.as_bytes()).unwrap());
        format!("{message}.{signature}")
    };
    let bare = signed(json!({"alg": "ES256", "kid": keys.active().kid()}));
    assert_eq!(untyped.verify_map(&bare, at(0)), Err(TokenRejected::WrongType));
    assert!(untyped.clone().typ_may_be_missing().verify_map(&bare, at(0)).is_ok());
    let other = signed(json!({"alg": "ES256", "kid": keys.active().kid(), "typ": "at+jwt"}));
    assert_eq!(untyped.typ_may_be_missing().verify_map(&other, at(0)), Err(TokenRejected::WrongType));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_no_key(text in "\\PC{0,100}|-----BEGIN (RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/]{0,80}={0,2}\n-----END (RSA |EC )?PRIVATE KEY-----") {
        prop_assert_eq!(SigningKey::from_pem(&text).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn any_text_is_no_key_set(text in "\\PC{0,60}|\\{\"keys\":\\[(\\{(\"(kty|kid|crv|alg|n|e|x|y|use)\":(\"(RSA|EC|OKP|P-256|Ed25519|AQAB|sig)\"|1),?){0,6}\\},?){0,3}\\]\\}") {
        prop_assert_eq!(PublicKeySet::from_jwks(&text).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn claims_of_any_text_arrive(sub in "\\PC{1,40}", scope in "\\PC{0,20}", name in "\\PC{0,9}", value in "\\PC{0,20}") {
        let keys = KeySet::new(SigningKey::hs256(&[1; 32]).unwrap());
        let life = Lifetime::starting(at(0), Duration::from_secs(60)).unwrap();
        let sent = Claims::new(UserId::new(sub).unwrap(), "c", AUDIENCE, TokenId::new([1; 16]), life).unwrap();
        let sent = sent.with_scope(scope).with(&name, json!({ name.clone(): [value, 1, null, 0.5] })).unwrap();
        let token = Issuer::new(ISSUER, &keys).unwrap().issue(&sent).unwrap();
        prop_assert_eq!(&*Verifier::new(ISSUER, AUDIENCE, &keys).unwrap().verify(&token, at(0)).unwrap(), &sent);
    }
}
