//! Private keys, public keys and keys of content.

use payments::alipay::ContentKey;
use payments::{PrivateKey, PublicKey};

use super::answer::{kind, lossy, named};
use super::openssl::SETUP;
use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![private_key(), public_key(), content_key()]
}

const KEY_WORDS: &[&str] =
    &["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "\n", "=", "MII"];

fn private_key() -> Target {
    Target {
        name: "private_key",
        seeds: SETUP.key_texts.iter().map(|text| text.clone().into_bytes()).chain([vec![]]).collect(),
        words: KEY_WORDS,
        bytes_max: 3000,
        run: |input| match PrivateKey::parse(&lossy(input)) {
            Ok(_) => "read".to_owned(),
            Err(error) if error.to_string().contains("encrypted with a password") => "encrypted".to_owned(),
            Err(error) => kind(&error),
        },
        reaches: &["read", "encrypted", "InvalidInput"],
    }
}

fn public_key() -> Target {
    Target {
        name: "public_key",
        seeds: SETUP.key_texts.iter().map(|text| text.clone().into_bytes()).chain([vec![]]).collect(),
        words: KEY_WORDS,
        bytes_max: 3000,
        run: |input| match PublicKey::parse(&lossy(input)) {
            Ok(key) => {
                let text = key.to_base64().unwrap();
                assert_eq!(PublicKey::parse(&text).unwrap().to_base64().unwrap(), text);
                "read".to_owned()
            }
            Err(error) => kind(&error),
        },
        reaches: &["read", "InvalidInput"],
    }
}

fn content_key() -> Target {
    Target {
        name: "content_key",
        seeds: vec![b"aa4BtZ4tspm2wnXLb1ThQA==".to_vec(), b" AAAA ".to_vec()],
        words: &["=", "A", "\n"],
        bytes_max: 60,
        run: |input| named(ContentKey::parse(&lossy(input))),
        reaches: &["read", "InvalidInput"],
    }
}
