//! Hashes of passwords, and the proof of a known device.

use sso_core::{
    DeviceKey, DeviceProof, Guess, PasswordCheck, PasswordHash, PasswordHasher, PasswordParams, PasswordSalt,
    UnixMillis,
};

use super::{seeds, text};
use crate::engine::Target;

pub(crate) fn password_hash() -> Target {
    let hash = |memory_kib| {
        let hasher = PasswordHasher::new(PasswordParams::danger_weak(memory_kib, 1, 1).unwrap());
        hasher.hash("correct horse", PasswordSalt::new([7; 16])).unwrap().as_phc().to_owned()
    };
    Target {
        name: "password_hash",
        seeds: seeds([hash(8), hash(16), hash(8).replace("argon2id", "argon2i"), String::new()]),
        words: &[
            "$argon2id$",
            "$argon2i$",
            "$v=19$",
            "$v=16$",
            "m=8,t=1,p=1",
            "m=4294967295",
            "t=0",
            "p=16777216",
            "keyid=AAAA",
            "data=AAAA",
            "$",
            ",",
            "=",
            "/+",
        ],
        bytes_max: 400,
        run: |input| {
            let text = text(input);
            let hash = match PasswordHash::parse(&text) {
                Ok(hash) => hash,
                Err(error) => return error.to_string(),
            };
            assert_eq!(hash.as_phc(), text);
            // What can be read can be computed. A dear one would only cost time.
            if !text.contains("$m=8,t=1,p=1$") {
                return "a dear hash".into();
            }
            let hasher = PasswordHasher::new(PasswordParams::danger_weak(8, 1, 1).unwrap());
            assert_eq!(hasher.verify(Some(&hash), "battery staple").unwrap(), PasswordCheck::Mismatch);
            "a hash".into()
        },
        reaches: &["a hash", "a dear hash", "this is no password hash in the phc format"],
    }
}

fn key() -> DeviceKey {
    DeviceKey::new([7; 32])
}

fn proof() -> String {
    key().issue_to("alice", [1; 16], UnixMillis::saturating_new(1_800_000_000_000)).expose()
}

pub(crate) fn device_cookie() -> Target {
    let (good, name) = (proof(), DeviceProof::COOKIE);
    let of_bob = key().issue_to("bob", [1; 16], UnixMillis::MAX).expose();
    Target {
        name: "device_cookie",
        seeds: seeds([
            format!("theme=dark; {name}={good}"),
            format!("{name}={of_bob}; x=y"),
            format!("{name}={good}; {name}={good}"),
            format!("{name}=.0."),
        ]),
        words: &["__Host-device=", ".", "; ", "=", "1800000000", "01800000000", "9999999999999", "AAAA"],
        bytes_max: 600,
        run: |input| {
            let header = text(input);
            let Some(read) = DeviceProof::from_cookies(&header) else { return "none".into() };
            assert!(header.contains(&read.expose()));
            let guess = Guess::new("alice", [192, 0, 2, 7].into());
            let known = guess.clone().with_device(&key(), &read, UnixMillis::EPOCH) != guess;
            // Nobody makes a proof without the key.
            assert_eq!(known, read.expose() == proof());
            if known { "known".into() } else { "unknown".into() }
        },
        reaches: &["known", "unknown", "none"],
    }
}
