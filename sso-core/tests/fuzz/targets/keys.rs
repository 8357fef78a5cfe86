//! Key set documents of strangers, and key files.

use std::sync::LazyLock;

use sso_core::{KeySet, PublicKeySet, SigningKey};

use super::{seeds, text};
use crate::engine::Target;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_rs256().unwrap());

/// A document with one good key.
pub(super) fn document() -> String {
    KeySet::new(KEY.clone()).jwks().unwrap().json
}

pub(crate) fn jwks() -> Target {
    let good = document();
    let other = good.replace(r#""kid":""#, r#""kid":"2"#);
    let key = |document: &str| document.trim_start_matches(r#"{"keys":["#).trim_end_matches("]}").to_owned();
    let two = format!(r#"{{"keys":[{},{}]}}"#, key(&good), key(&other));
    let unknown = r#"{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"},{"kty":"oct","k":"AA"}]}"#.to_owned();
    Target {
        name: "jwks",
        seeds: seeds([good, two, unknown, r#"{"keys":[]}"#.into(), "[]".into()]),
        words: &[
            r#""kty":"RSA""#,
            r#""kty":"EC""#,
            r#""use":"sig""#,
            r#""use":"enc""#,
            r#""alg":"RS256""#,
            r#""alg":"HS256""#,
            r#""key_ops":["verify"]"#,
            r#""key_ops":["sign"]"#,
            r#""n":"AQAB""#,
            r#""e":"AQAB""#,
            r#""e":"Aw""#,
            r#""e":"AAEAAQ""#,
            r#""kid":"""#,
            r#""d":"AA""#,
            r#""x5u":"x""#,
            r#""keys":["#,
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "null",
        ],
        bytes_max: 8000,
        run: |input| match PublicKeySet::from_jwks(&text(input)) {
            Ok(keys) => {
                let count = keys.kids().count();
                assert!((1..=PublicKeySet::KEYS_MAX).contains(&count));
                // What was read can be written and read again, and is the same.
                assert_eq!(PublicKeySet::from_jwks(&keys.jwks().unwrap().json).unwrap(), keys);
                format!("{count} keys")
            }
            Err(error) => error.to_string(),
        },
        reaches: &["1 keys", "2 keys", "this is no key set document"],
    }
}

pub(crate) fn signing_key_pem() -> Target {
    let good = KEY.to_pkcs8_pem().unwrap().to_string();
    let public = good.replace("PRIVATE", "PUBLIC");
    Target {
        name: "signing_key_pem",
        seeds: seeds([good.clone(), public, good.replace('\n', "\r\n"), String::new()]),
        words: &[
            "-----BEGIN PRIVATE KEY-----",
            "-----END PRIVATE KEY-----",
            "RSA ",
            "\n",
            "\r\n",
            "=",
            "MII",
            "-----",
        ],
        bytes_max: 4000,
        run: |input| match SigningKey::from_pem(&text(input)) {
            Ok(key) => {
                // A file that is read holds the key that it held, or else the signatures would be nobody's.
                assert_eq!(key.kid(), KEY.kid());
                "a key".into()
            }
            Err(error) => error.to_string(),
        },
        reaches: &["a key"],
    }
}
