//! The session's secret and its cookie.

use sso_core::{CookieConfig, CookieRead, SessionSecret, UserId};

use super::{seeds, text};
use crate::engine::Target;

fn secret(random: u8) -> String {
    SessionSecret::new(&UserId::new("alice").unwrap(), [random; 32]).expose().to_string()
}

pub(crate) fn session_secret() -> Target {
    Target {
        name: "session_secret",
        seeds: seeds([secret(0), secret(0xff), secret(0x5a), String::new()]),
        words: &["=", ".", "_-", "A", "ABCDEF"],
        bytes_max: 200,
        run: |input| {
            let text = text(input);
            let Some(secret) = SessionSecret::parse(&text) else { return "none".into() };
            // There is one way to write a secret down, so that two texts never open one session.
            assert_eq!(secret.expose().as_str(), text);
            "a secret".into()
        },
        reaches: &["a secret", "none"],
    }
}

pub(crate) fn session_cookie() -> Target {
    let (one, other) = (secret(1), secret(2));
    Target {
        name: "session_cookie",
        seeds: seeds([
            format!("theme=dark; __Host-sid={one}; x=\"y\""),
            format!("__Host-sid={one}"),
            format!("__Host-sid={one}; __Host-sid={other}"),
            format!("sid={one};__Host-sid ={other}"),
            "__Host-sid=".to_owned(),
            "a=b; c".to_owned(),
        ]),
        words: &["__Host-sid=", "__host-sid=", "; ", ";", "=", "\t", "\"", "sid="],
        bytes_max: CookieConfig::HEADER_BYTES_MAX + 100,
        run: |input| {
            let (header, cookie) = (text(input), CookieConfig::host("sid").unwrap());
            match cookie.read(&header) {
                CookieRead::Secret(secret) => {
                    let ours = |pair: &&str| {
                        let (name, _) = pair.split_once('=').unwrap_or_default();
                        name.trim_matches([' ', '\t']) == "__Host-sid"
                    };
                    let mut pairs = header.split(';').filter(ours);
                    assert!(
                        pairs
                            .next()
                            .unwrap()
                            .trim_end_matches([' ', '\t'])
                            .ends_with(secret.expose().as_str())
                            && pairs.next().is_none()
                    );
                    assert!(header.len() <= CookieConfig::HEADER_BYTES_MAX);
                    // What else is in the header changes nothing.
                    let more = format!("a=b; {header}; c=d");
                    if more.len() <= CookieConfig::HEADER_BYTES_MAX {
                        assert_eq!(cookie.read(&more), CookieRead::Secret(secret));
                    }
                    "a secret".into()
                }
                CookieRead::Absent => {
                    let exact = |pair: &str| pair.trim_matches([' ', '\t']).starts_with("__Host-sid=");
                    assert!(!header.split(';').any(exact));
                    "absent".into()
                }
                CookieRead::Malformed => "malformed".into(),
            }
        },
        reaches: &["a secret", "absent", "malformed"],
    }
}
