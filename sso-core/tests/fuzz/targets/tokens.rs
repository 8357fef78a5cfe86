//! Access tokens: no text is accepted that the issuer did not sign, and none that says what it must not.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sso_core::{Claims, Issuer, KeySet, Lifetime, SigningKey, TokenId, UnixMillis, UserId, Verifier};

use super::{seeds, text};
use crate::engine::Target;

const ISSUER: &str = "https://sso.example";
const AUDIENCE: &str = "shop-api";
const WORDS: &[&str] = &[
    r#""alg":"#,
    r#""RS256""#,
    r#""none""#,
    r#""HS256""#,
    r#""kid":"#,
    r#""typ":"at+jwt""#,
    r#""crit":["exp"]"#,
    r#""b64":false"#,
    r#""jwk":{}"#,
    r#""jku":"x""#,
    r#""iss":"#,
    r#""sub":"#,
    r#""aud":["#,
    r#""exp":"#,
    r#""nbf":"#,
    r#""iat":"#,
    r#""scope":"#,
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    r"\u0000",
    r#"\""#,
    "1e30",
    "-1",
];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_rs256().unwrap());
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(ISSUER, AUDIENCE, &KeySet::new(KEY.clone())).unwrap());
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let life = Lifetime::starting(now(), Duration::from_secs(300)).unwrap();
    let alice = UserId::new("alice").unwrap();
    let claims = Claims::new(alice, "shop-web", AUDIENCE, TokenId::new([1; 16]), life).unwrap();
    Issuer::new(ISSUER, &KeySet::new(KEY.clone())).unwrap().issue(&claims).unwrap()
});
/// The same key for signing anything, which no user of the crate can do.
static PAIR: LazyLock<KeyPair> = LazyLock::new(|| {
    let pem = KEY.to_pkcs8_pem().unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap()
});

fn now() -> UnixMillis {
    UnixMillis::saturating_new(1_700_000_000_000)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the verifier says of a text.
fn answer(token: &str) -> String {
    match VERIFIER.verify(token, now()) {
        Ok(_) => "verified".into(),
        Err(rejected) => rejected.to_string(),
    }
}

pub(crate) fn token_text() -> Target {
    let good = TOKEN.clone();
    let unsigned = good.rsplit_once('.').unwrap().0.to_owned() + ".";
    Target {
        name: "token_text",
        seeds: seeds([good, unsigned, "a.b.c".into(), "....".into(), String::new()]),
        words: &[".", "..", "=", "eyJhbGciOiJub25lIn0", "e30", "_-", "AA"],
        bytes_max: Verifier::TOKEN_BYTES_MAX + 100,
        run: |input| {
            let token = text(input);
            let answer = answer(&token);
            // Every bit of a token counts: there is one text with this signature.
            assert_eq!(answer == "verified", *token == *TOKEN);
            answer
        },
        reaches: &["verified", "the token is malformed", "the token's signature is wrong"],
    }
}

/// Header, payload and signature, one a line, not yet encoded.
pub(crate) fn token_parts() -> Target {
    let parts = TOKEN.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let good = parts.collect::<Vec<_>>().join(&b"\n"[..]);
    Target {
        name: "token_parts",
        seeds: vec![good, b"{}\n{}\n".to_vec(), br#"{"alg":"none"}"#.to_vec()],
        words: WORDS,
        bytes_max: 4000,
        run: |input| {
            let token = input.splitn(3, |byte| *byte == b'\n').map(encode).collect::<Vec<_>>().join(".");
            let answer = answer(&token);
            assert_eq!(answer == "verified", token == *TOKEN);
            answer
        },
        reaches: &["verified", "the token is malformed"],
    }
}

/// Claims that the issuer has signed, whatever they say: the checks behind the signature.
pub(crate) fn token_claims() -> Target {
    let good = format!(
        r#"{{"iss":"{ISSUER}","sub":"alice","aud":["{AUDIENCE}","x"],"client_id":"shop-web","jti":"x","iat":1700000000,"exp":1700000060,"nbf":1700000000,"scope":"a b","role":{{"a":[1,null]}}}}"#
    );
    let over = good.replace("1700000060", "1700000000");
    let early = good.replace(r#""nbf":1700000000"#, r#""nbf":1700000001"#);
    let elsewhere = good.replace("shop-api", "other");
    Target {
        name: "token_claims",
        seeds: seeds([good, over, early, elsewhere, "{}".into()]),
        words: WORDS,
        bytes_max: 3000,
        run: |input| {
            let header = format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{}"}}"#, KEY.kid());
            let message = format!("{}.{}", encode(header), encode(input));
            let mut signature = vec![0; PAIR.public_modulus_len()];
            PAIR.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
            let answer = answer(&format!("{message}.{}", encode(signature)));
            if answer == "verified" {
                let payload: Value = serde_json::from_slice(input).unwrap();
                let is_or_has = |value: &Value, text| match value {
                    Value::Array(all) => all.iter().any(|one| one == text),
                    one => one == text,
                };
                assert_eq!(payload["iss"], ISSUER);
                assert!(is_or_has(&payload["aud"], AUDIENCE));
                assert!(payload["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
                assert!(payload["exp"].as_f64().unwrap() > 1_700_000_000.0);
                assert!(payload["iat"].as_f64().unwrap() <= 1_700_000_000.0);
                assert!(payload.get("nbf").is_none_or(|nbf| nbf.as_f64().unwrap() <= 1_700_000_000.0));
            }
            answer
        },
        reaches: &[
            "verified",
            "the token has expired",
            "the token is not valid yet",
            "the token is for another audience",
            "the token is malformed",
        ],
    }
}
