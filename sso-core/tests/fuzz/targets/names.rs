//! Names and secrets that come back from browsers, clients and pages: each has one text.

use std::fmt::Display;

use sso_core::{Cursor, FamilyId, RefreshSecret, SessionId, UserId};

use super::{seeds, text};
use crate::engine::Target;

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

pub(crate) fn refresh_secret() -> Target {
    let secret = |random| RefreshSecret::new(&alice(), [1; 16], [random; 32]).expose().to_string();
    Target {
        name: "refresh_secret",
        seeds: seeds([secret(0), secret(0xff), secret(0x5a), String::new()]),
        words: &["=", ".", "_-", "A", "ABCDEF", "abcdef0123456789"],
        bytes_max: 200,
        run: |input| {
            let text = text(input);
            let Some(secret) = RefreshSecret::parse(&text) else { return "none".into() };
            // There is one way to write a secret down, so that two texts never open one family.
            assert_eq!(secret.expose().as_str(), text);
            let child = secret.child(&[0; 32]);
            assert_ne!(child, secret);
            assert_eq!(child.family(), secret.family());
            "a secret".into()
        },
        reaches: &["a secret", "none"],
    }
}

/// What was read, if anything, is written as it was.
fn told<T: Display>(text: &str, read: Option<T>) -> String {
    let Some(read) = read else { return "none".into() };
    assert_eq!(read.to_string(), text);
    "a name".into()
}

pub(crate) fn session_id() -> Target {
    Target {
        name: "session_id",
        seeds: seeds(["0123456789abc-_Z".into(), "A".repeat(16), String::new()]),
        words: &["../", "=", "_-", "A", "*"],
        bytes_max: 40,
        run: |input| told(&text(input), SessionId::parse(&text(input))),
        reaches: &["a name", "none"],
    }
}

pub(crate) fn family_id() -> Target {
    let secret = RefreshSecret::new(&alice(), [1; 16], [2; 32]);
    Target {
        name: "family_id",
        seeds: seeds([secret.family().id().to_string(), "A".repeat(22), String::new()]),
        words: &["=", "_-", "A", "AAAAAAAA"],
        bytes_max: 60,
        run: |input| told(&text(input), FamilyId::parse(&text(input))),
        reaches: &["a name", "none"],
    }
}

pub(crate) fn cursor() -> Target {
    let cursor = |user: &str| Cursor::after(UserId::new(user).unwrap()).to_string();
    Target {
        name: "cursor",
        seeds: seeds([cursor("alice"), cursor("张三"), cursor("a b"), "AA".into(), "no cursor".into()]),
        words: &["=", "_-", "A", "AAAAAAAA", "_w"],
        bytes_max: Cursor::TEXT_BYTES_MAX + 20,
        run: |input| {
            let text = text(input);
            let read = Cursor::parse(&text);
            assert!(read.as_ref().is_none_or(|cursor| UserId::new(cursor.user().as_str()).is_ok()));
            told(&text, read)
        },
        reaches: &["a name", "none"],
    }
}
