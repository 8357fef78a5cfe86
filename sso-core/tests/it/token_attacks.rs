//! Tokens between dishonest parties: what attackers have tried on other verifiers.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use sso_core::{SigningKey, TokenRejected, Verifier};

use crate::token::{AUDIENCE, ISSUER, KEY, at, keys, token, verifier};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs any header and any payload with a key, as text.
fn signed_by(key: &SigningKey, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let pem = key.to_pkcs8_pem().unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", encode(signature))
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "at+jwt", "kid": KEY.kid()})
}

fn payload() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "shop-web", "jti": "x",
        "iat": at(0).as_secs(), "exp": at(60).as_secs(),
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

fn rejection(token: &str) -> Option<TokenRejected> {
    verifier().verify(token, at(0)).err()
}

fn of_header(header: &Value) -> Option<TokenRejected> {
    rejection(&signed_by(&KEY, &header.to_string(), &payload().to_string()))
}

fn of_payload(payload: &str) -> Option<TokenRejected> {
    rejection(&signed_by(&KEY, &header().to_string(), payload))
}

#[test]
fn the_tools_of_these_tests_make_good_tokens() {
    assert_eq!(of_header(&header()), None);
    assert_eq!(of_payload(&payload().to_string()), None);
}

#[test]
fn a_token_of_another_key_is_refused() {
    let attacker = SigningKey::generate_rs256().unwrap();
    let forged = signed_by(&attacker, &header().to_string(), &payload().to_string());
    assert_eq!(rejection(&forged), Some(TokenRejected::BadSignature));
    let own_name = with(header(), "kid", json!(attacker.kid()));
    let forged = signed_by(&attacker, &own_name.to_string(), &payload().to_string());
    assert_eq!(rejection(&forged), Some(TokenRejected::UnknownKey));
    // A key that the token brings along (CVE-2018-0114) changes nothing.
    let jwks: Value =
        serde_json::from_str(&sso_core::KeySet::new(attacker.clone()).jwks().unwrap().json).unwrap();
    let embedded = with(own_name, "jwk", jwks["keys"][0].clone());
    let forged = signed_by(&attacker, &embedded.to_string(), &payload().to_string());
    assert_eq!(rejection(&forged), Some(TokenRejected::UnsupportedHeader));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let (head, rest) = token().split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let admin = with(payload(), "sub", json!("admin")).to_string();
    assert_eq!(
        rejection(&format!("{head}.{}.{signature}", encode(admin))),
        Some(TokenRejected::BadSignature)
    );
}

#[test]
fn no_other_algorithm_is_ever_used() {
    for alg in ["none", "None", "NONE", "HS256", "PS256", "RS384", "ES256", "rs256", ""] {
        let header = with(header(), "alg", json!(alg));
        let message = format!("{}.{}", encode(header.to_string()), encode(payload().to_string()));
        for signature in ["", "AA", token().rsplit_once('.').unwrap().1] {
            let forged = format!("{message}.{signature}");
            assert_eq!(rejection(&forged), Some(TokenRejected::WrongAlgorithm), "{alg} {signature}");
        }
        assert_eq!(of_header(&header), Some(TokenRejected::WrongAlgorithm), "{alg}");
    }
    assert_eq!(of_header(&without(header(), "alg")), Some(TokenRejected::Malformed));
    assert_eq!(of_header(&with(header(), "alg", json!(["RS256"]))), Some(TokenRejected::Malformed));
}

/// The public key as the secret of an HMAC, in the shapes that attackers know of it.
#[test]
fn the_public_key_is_no_hmac_secret() {
    let jwks: Value = serde_json::from_str(&keys().jwks().unwrap().json).unwrap();
    let n = jwks["keys"][0]["n"].as_str().unwrap();
    for secret in [n.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(n).unwrap(), jwks.to_string().into_bytes()] {
        for alg in ["HS256", "RS256"] {
            let header = with(header(), "alg", json!(alg)).to_string();
            let message = format!("{}.{}", encode(header), encode(payload().to_string()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
            assert!(rejection(&format!("{message}.{}", encode(tag))).is_some());
        }
    }
}

#[test]
fn headers_that_change_the_rules_are_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
    ] {
        assert_eq!(of_header(&with(header(), name, value)), Some(TokenRejected::UnsupportedHeader), "{name}");
    }
    for kid in ["", "../../dev/null", "file:///etc/passwd", "' or 1=1", "\0", &"k".repeat(4000)] {
        assert_eq!(of_header(&with(header(), "kid", json!(kid))), Some(TokenRejected::UnknownKey));
    }
    assert_eq!(of_header(&without(header(), "kid")), Some(TokenRejected::UnknownKey));
    assert_eq!(of_header(&with(header(), "kid", json!(1))), Some(TokenRejected::Malformed));
    for typ in ["JWT", "logout+jwt", "at+jwt ", ""] {
        assert_eq!(of_header(&with(header(), "typ", json!(typ))), Some(TokenRejected::WrongType), "{typ}");
    }
    assert_eq!(of_header(&without(header(), "typ")), Some(TokenRejected::WrongType));
}

#[test]
fn a_repeated_member_is_refused() {
    let twice = |object: Value, member: &str| {
        let text = object.to_string();
        format!("{},{member}}}", text.strip_suffix('}').unwrap())
    };
    let header_twice = signed_by(&KEY, &twice(header(), r#""alg":"RS256""#), &payload().to_string());
    assert_eq!(rejection(&header_twice), Some(TokenRejected::Malformed));
    assert_eq!(of_payload(&twice(payload(), r#""sub":"admin""#)), Some(TokenRejected::Malformed));
    assert_eq!(
        of_payload(&twice(payload(), r#""x":{"role":"a","role":"b"}"#)),
        Some(TokenRejected::Malformed)
    );
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let odd = [
        json!("1700000060"),
        json!(1e30),
        json!(-1),
        json!(1_700_000_060.5),
        json!(null),
        json!([1]),
        json!(u64::MAX),
    ];
    for name in ["exp", "iat", "nbf"] {
        for value in &odd {
            let payload = with(payload(), name, value.clone()).to_string();
            assert_eq!(of_payload(&payload), Some(TokenRejected::Malformed), "{name} {value}");
        }
    }
    for name in ["iss", "sub", "aud", "client_id", "jti", "exp", "iat"] {
        assert_eq!(
            of_payload(&without(payload(), name).to_string()),
            Some(TokenRejected::Malformed),
            "{name}"
        );
        assert_eq!(
            of_payload(&with(payload(), name, json!({})).to_string()),
            Some(TokenRejected::Malformed),
            "{name}"
        );
    }
    for payload in ["", "[]", "null", "{", "\u{feff}{}"] {
        assert_eq!(of_payload(payload), Some(TokenRejected::Malformed), "{payload}");
    }
    assert_eq!(
        of_payload(&with(payload(), "aud", json!([])).to_string()),
        Some(TokenRejected::WrongAudience)
    );
    assert_eq!(of_payload(&with(payload(), "aud", json!([1])).to_string()), Some(TokenRejected::Malformed));
}

#[test]
fn a_token_has_one_form() {
    let token = token();
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    // 256 bytes are 342 characters with 4 spare bits at the end: the last is A, Q, g or w, never a neighbour.
    let last = signature.chars().last().unwrap();
    let spare = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        _ => 'x',
    };
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}..{signature}"),
        format!(".{body}.{signature}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("Bearer {token}"),
        format!("{head}.{body}=.{signature}"),
        format!("{head}.{body}.{}{spare}", signature.strip_suffix(last).unwrap()),
        token.replace('.', ":"),
        ".".repeat(8192),
    ] {
        assert!(rejection(&bad).is_some(), "{bad}");
    }
    for long in [".".repeat(1 << 20), format!("{token}{}", "A".repeat(Verifier::TOKEN_BYTES_MAX))] {
        assert_eq!(rejection(&long), Some(TokenRejected::TooLong));
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_without_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,3}") {
        prop_assert!(rejection(&text).is_some());
    }

    #[test]
    fn any_json_in_a_header_is_read_without_panic(header in "\\{(\"(alg|kid|typ|crit)\":(\"RS256\"|[0-9]|\\{|\\}|,)){0,6}\\}?") {
        let text = format!("{}.{}.AAAA", encode(header), encode("{}"));
        prop_assert!(rejection(&text).is_some());
    }

    /// There is one text of a token: whichever character changes, it is refused.
    #[test]
    fn a_token_with_another_character_is_refused(place: prop::sample::Index, character in "[A-Za-z0-9_.=-]") {
        let good = token();
        let place = place.index(good.len());
        let mut bad = good.clone();
        bad.replace_range(place..=place, &character);
        prop_assert_eq!(rejection(&bad).is_some(), bad != good);
    }
}
