//! The cookie and the secret as text: round trips, and headers that attackers write.

use std::time::Duration;

use proptest::prelude::*;
use sso_core::{CookieConfig, CookieRead, SessionSecret, UserId};

fn secret() -> SessionSecret {
    SessionSecret::new(&UserId::new("alice").unwrap(), [7; 32])
}

fn cookie() -> CookieConfig {
    CookieConfig::host("sid").unwrap()
}

#[test]
fn the_cookie_is_written_with_its_attributes() {
    let value = secret().expose().to_string();
    assert_eq!(
        cookie().set(&secret(), Duration::from_millis(90_900)),
        format!("__Host-sid={value}; Path=/; Max-Age=90; Secure; HttpOnly; SameSite=Lax")
    );
    assert_eq!(
        cookie().set(&secret(), None),
        format!("__Host-sid={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
    assert_eq!(cookie().clear(), "__Host-sid=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    let plain = CookieConfig::danger_insecure("sid").unwrap();
    assert_eq!(
        plain.set(&secret(), Duration::ZERO),
        format!("sid={value}; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    );
}

#[test]
fn a_name_with_a_meaning_or_a_separator_is_refused() {
    for name in
        ["", "a b", "a;b", "a=b", "a\r\nSet-Cookie: x", "sié", "__Host-sid", "__Secure-sid", &"x".repeat(65)]
    {
        assert!(CookieConfig::host(name).is_err(), "{name:?}");
        assert!(CookieConfig::danger_insecure(name).is_err(), "{name:?}");
    }
}

#[test]
fn one_cookie_of_the_name_is_read_and_others_do_not_matter() {
    let value = secret().expose().to_string();
    for header in [
        format!("__Host-sid={value}"),
        format!("a=b; __Host-sid={value}; c"),
        format!("=;;  ;__Host-sid = {value}\t;x=\"y"),
        format!("sid=x; __Host-sidx=y; x__Host-sid=z; __Host-sid={value}"),
    ] {
        assert_eq!(cookie().read(&header), CookieRead::Secret(secret()), "{header}");
    }
    for header in ["", ";", "a=b", "__Host-sid", "__host-sid=x", "sid=x"] {
        assert_eq!(cookie().read(header), CookieRead::Absent, "{header}");
    }
}

#[test]
fn a_malformed_or_repeated_cookie_is_told_apart() {
    let value = secret().expose().to_string();
    let (tag, random) = value.split_once('.').unwrap();
    let (most, last) = random.split_at(42);
    for bad in [
        String::new(),
        "x".into(),
        format!("\"{value}\""),
        format!("{value}="),
        format!("{value}x"),
        format!("{}.{random}", tag.to_uppercase().replace(char::is_numeric, "A")),
        format!("{tag}-{random}"),
        format!("{tag}.{most}"),
        // The last character carries two spare bits, which must be zero.
        format!("{tag}.{most}9"),
        format!("{tag}.{most}+"),
        format!("{tag}.{last}{most}="),
        format!("é{}.{random}", tag.split_at(2).1),
    ] {
        assert_eq!(cookie().read(&format!("__Host-sid={bad}")), CookieRead::Malformed, "{bad}");
    }
    let twice = format!("__Host-sid={value}; __Host-sid={value}");
    assert_eq!(cookie().read(&twice), CookieRead::Malformed);
    let long = format!("__Host-sid={value}; x={}", "y".repeat(CookieConfig::HEADER_BYTES_MAX));
    assert_eq!(cookie().read(&long), CookieRead::Malformed);
}

#[test]
fn a_secret_is_not_printed() {
    let signs = format!("{:?} {:?}", secret(), CookieRead::Secret(secret()));
    let value = secret().expose();
    assert!(!signs.contains(value.split_once('.').unwrap().1), "{signs}");
    assert!(!signs.contains('7'), "{signs}");
}

proptest! {
    #[test]
    fn a_secret_is_read_as_it_was_written(user in "\\PC{1,40}", random: [u8; 32]) {
        let secret = SessionSecret::new(&UserId::new(user).unwrap(), random);
        let text = secret.expose();
        prop_assert_eq!(text.len(), SessionSecret::TEXT_BYTES);
        let header = format!("__Host-sid={}", *text);
        prop_assert_eq!(cookie().read(&header), CookieRead::Secret(secret.clone()));
        prop_assert_eq!(SessionSecret::parse(&text).unwrap().key(), secret.key());
    }

    /// Whatever is read as a secret is written the same way: there is one text for one secret.
    #[test]
    fn there_is_one_text_for_one_secret(text in "[0-9a-f]{32}\\.[A-Za-z0-9_-]{43}|\\PC{0,90}") {
        if let Some(secret) = SessionSecret::parse(&text) {
            prop_assert_eq!(secret.expose().to_string(), text);
        }
    }

    #[test]
    fn any_header_is_read_without_panic(header in "(\\PC|__Host-sid=|;|=| ){0,60}") {
        let _ = cookie().read(&header);
    }
}
