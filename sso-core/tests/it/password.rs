//! Passwords: a vector of the standard, the answers, and texts that are no hashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use sso_core::{ErrorKind, PasswordCheck, PasswordHash, PasswordHasher, PasswordParams, PasswordSalt};

fn hasher(memory_kib: u32) -> PasswordHasher {
    PasswordHasher::new(PasswordParams::danger_weak(memory_kib, 1, 1).unwrap())
}

#[test]
fn the_default_cost_is_the_recommended_one_and_stands_in_the_hash() {
    let hasher = PasswordHasher::new(PasswordParams::default());
    let hash = hasher.hash("correct horse", PasswordSalt::new([7; 16])).unwrap();
    assert!(
        hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
        "{}",
        hash.as_phc()
    );
    assert_eq!(hasher.verify(Some(&hash), "correct horse").unwrap(), PasswordCheck::Match);
}

#[test]
fn right_wrong_and_unknown_are_answered() {
    let hasher = hasher(64);
    let hash = hasher.hash("correct horse", PasswordSalt::random().unwrap()).unwrap();
    let kept = PasswordHash::parse(hash.as_phc()).unwrap();
    assert_eq!(kept, hash);
    assert_eq!(hasher.verify(Some(&kept), "correct horse").unwrap(), PasswordCheck::Match);
    assert_eq!(hasher.verify(Some(&kept), "correct horsE").unwrap(), PasswordCheck::Mismatch);
    assert_eq!(hasher.verify(None, "correct horse").unwrap(), PasswordCheck::Mismatch);
}

#[test]
fn a_hash_of_another_cost_asks_for_a_new_one_only_after_the_right_password() {
    let old = hasher(64).hash("correct horse", PasswordSalt::new([1; 16])).unwrap();
    for new in [hasher(128), hasher(32)] {
        assert_eq!(new.verify(Some(&old), "correct horse").unwrap(), PasswordCheck::MatchRehash);
        assert_eq!(new.verify(Some(&old), "wrong").unwrap(), PasswordCheck::Mismatch);
    }
}

/// An imported hash may have a short salt and a short output at the same cost.
#[test]
fn a_hash_that_is_shorter_than_new_ones_asks_for_a_new_one() {
    for (salt, output) in [(8_u8, 32), (16, 16)] {
        let salt: Vec<u8> = (0..salt).collect();
        let mut bytes = vec![0; output];
        let cost = argon2::Params::new(64, 1, 1, Some(output)).unwrap();
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cost)
            .hash_password_into(b"correct horse", &salt, &mut bytes)
            .unwrap();
        let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        let text = format!("$argon2id$v=19$m=64,t=1,p=1${}${}", encode(&salt), encode(&bytes));
        let imported = PasswordHash::parse(&text).unwrap();
        assert_eq!(hasher(64).verify(Some(&imported), "correct horse").unwrap(), PasswordCheck::MatchRehash);
        assert_eq!(hasher(64).verify(Some(&imported), "wrong").unwrap(), PasswordCheck::Mismatch);
    }
}

#[test]
fn equal_passwords_have_different_hashes() {
    let hash = || hasher(64).hash("correct horse", PasswordSalt::random().unwrap()).unwrap();
    assert_ne!(hash().as_phc(), hash().as_phc());
}

#[test]
fn a_password_has_a_length() {
    let long = "x".repeat(PasswordHasher::PASSWORD_BYTES_MAX);
    let hash = hasher(64).hash(&long, PasswordSalt::new([1; 16])).unwrap();
    assert_eq!(hasher(64).verify(Some(&hash), &long).unwrap(), PasswordCheck::Match);
    for bad in [String::new(), long + "x"] {
        let refused = hasher(64).verify(Some(&hash), &bad).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert_eq!(hasher(64).verify(None, &bad).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(hasher(64).hash(&bad, PasswordSalt::new([1; 16])).is_err());
    }
}

#[test]
fn a_low_cost_is_refused_unless_it_is_called_dangerous() {
    // The lines of the OWASP Password Storage Cheat Sheet, and the last one for more passes than it names.
    for (memory_kib, passes) in [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5), (7_168, 16)] {
        assert!(PasswordParams::new(memory_kib, passes, 1).is_ok(), "{memory_kib} {passes}");
        assert!(PasswordParams::new(memory_kib - 1, passes, 1).is_err(), "{memory_kib} {passes}");
        assert!(PasswordParams::danger_weak(memory_kib - 1, passes, 1).is_ok());
    }
    for (memory_kib, passes, lanes) in [(7, 1, 1), (64, 0, 1), (64, 1, 0), (u32::MAX, 1, 1), (64, 1, 16)] {
        assert!(PasswordParams::danger_weak(memory_kib, passes, lanes).is_err());
    }
}

#[test]
fn what_is_no_hash_of_ours_is_refused() {
    let good = hasher(64).hash("x", PasswordSalt::new([1; 16])).unwrap().as_phc().to_owned();
    for bad in [
        String::new(),
        "x".into(),
        good.replace("argon2id", "argon2i"),
        good.replace("v=19", "v=16"),
        good.replace("m=64", "m=4294967295"),
        good.replace("t=1", "t=0"),
        good.replace("p=1", "p=1,data=AAAA"),
        good.rsplit_once('$').unwrap().0.to_owned(),
        format!("{}$AAAA", good.rsplit_once('$').unwrap().0),
        format!("{good}$x"),
    ] {
        assert_eq!(PasswordHash::parse(&bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
}

#[test]
fn a_hash_is_not_printed() {
    let hash = hasher(64).hash("x", PasswordSalt::new([1; 16])).unwrap();
    let output = hash.as_phc().rsplit_once('$').unwrap().1;
    assert!(!format!("{hash:?}").contains(output));
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic(text in "(\\$argon2id\\$v=19\\$m=64,t=1,p=1)?(\\$|[A-Za-z0-9+/=,]|\\PC){0,60}") {
        if let Ok(hash) = PasswordHash::parse(&text) {
            prop_assert_eq!(hasher(8).verify(Some(&hash), "x").unwrap(), PasswordCheck::Mismatch);
        }
    }

    /// Whatever is read as a hash can be computed: its cost, its salt and its length are known to be possible.
    #[test]
    fn what_is_parsed_can_be_verified(
        (memory_kib, passes, lanes) in (0..80_u32, 0..4_u32, 0..6_u32),
        salt in vec(any::<u8>(), 0..60),
        output in vec(any::<u8>(), 0..70),
    ) {
        let encode = |bytes| STANDARD_NO_PAD.encode(bytes);
        let cost = format!("m={memory_kib},t={passes},p={lanes}");
        let text = format!("$argon2id$v=19${cost}${}${}", encode(salt.as_slice()), encode(output.as_slice()));
        let possible = passes > 0 && lanes > 0 && memory_kib >= 8 * lanes;
        let possible = possible && (8..=48).contains(&salt.len()) && (16..=64).contains(&output.len());
        let parsed = PasswordHash::parse(&text);
        prop_assert_eq!(parsed.is_ok(), possible, "{}", text);
        if let Ok(hash) = parsed {
            let check = hasher(8).verify(Some(&hash), "x");
            prop_assert_eq!(check.unwrap(), PasswordCheck::Mismatch);
        }
    }
}
