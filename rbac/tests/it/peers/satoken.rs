//! Sa-Token's `SaFoxUtilTest.vagueMatch` and `AllowUrlWildcardPatternTest` (Apache-2.0): every assertion, in
//! [`WildcardMode::SaToken`].
//!
//! There any text may be asked for. Here it is a name, and those that are none are listed with what is wrong with them.
//! That a text is missing cannot be said.

use rbac::{PermissionName, PermissionPattern, WildcardMode};

/// What is granted, what is asked for, and whether it matches.
const MATCHES: [(&str, &str, bool); 26] = [
    ("hello", "hello", true),
    ("hello*", "hello", true),
    ("hello*", "he", false),
    ("user-*", "user-", true),
    ("user-*", "user-add", true),
    ("user-*", "user", false),
    ("user-*-add-*", "user-xx-add-1", true),
    ("user-*-add-*", "user-add-1", false),
    ("user-*", "usermgt-list", false),
    ("user/*", "user/", true),
    ("user/*", "user/add", true),
    ("user/*", "user", false),
    ("user/*/add/*", "user/xx/add/1", true),
    ("user/*/add/*", "user/add/1", false),
    ("user/*", "usermgt/list", false),
    ("user:*", "user:add", true),
    ("user:*", "user", false),
    ("user:*:add:*", "user:xx:add:1", true),
    ("user:*:add:*", "user:add:1", false),
    ("user:*", "usermgt:list", false),
    ("user.*", "user.", true),
    ("user.*", "user.add", true),
    ("user.*", "user", false),
    ("user.*.add.*", "user.xx.add.1", true),
    ("user.*.add.*", "user.add.1", false),
    ("user.*", "usermgt.list", false),
];

const URLS: [(&str, &str, bool); 3] = [
    ("*", "http://sa-sso-client1.com:9001/sso/login", true),
    ("http://sa-sso-client1.com:9001/*", "http://sa-sso-client1.com:9001/sso/login", true),
    ("http://sa-sso-client1.com:9001/*", "http://sa-sso-client1.com:9002", false),
];

/// What is granted, what is asked for (all of these match there), and why ours refuses the question.
const REFUSED: [(&str, &str, &str); 9] = [
    ("hello*", "hello world", "holds ` `"),
    ("hello*", "hello*", "holds `*`"),
    ("user-*", "user-*", "holds `*`"),
    ("user/*", "user/*", "holds `*`"),
    ("user:*", "user:*", "holds `*`"),
    ("user.*", "user.*", "holds `*`"),
    ("user:*", "user:", "has an empty segment"),
    ("http://sa-sso-client1.com:9001/*", "http://sa-sso-client1.com:9001/sso/login?name=1", "holds `?`"),
    (
        "http://sa-sso-client1.com:9001/*",
        "http://sa-sso-client1.com:9001/sso/login?name=1&age=2",
        "holds `?`",
    ),
];

/// Grants that ours refuses.
const NO_GRANTS: [&str; 2] = ["http://[::1]:9003/*", "http://[2001:db8::1]:8080/*"];

fn sa_token(text: &str) -> PermissionPattern {
    PermissionPattern::with_mode(text, WildcardMode::SaToken).unwrap()
}

#[test]
fn texts_match_as_sa_token_says() {
    for (granted, asked, expected) in MATCHES.into_iter().chain(URLS) {
        let asked: PermissionName = asked.parse().unwrap();
        assert_eq!(sa_token(granted).matches(&asked), expected, "{granted} {asked}");
        assert_eq!(sa_token(granted).covers(&asked.clone().into()), expected, "{granted} {asked}");
    }
}

#[test]
fn what_is_no_name_is_not_asked_for() {
    for (granted, asked, why) in REFUSED {
        let words = PermissionName::new(asked).unwrap_err().to_string();
        assert!(words.contains(why), "{asked}: {words}");
        // As a grant a pattern can be compared with a pattern, and each covers itself.
        assert!(sa_token(granted).covers(&sa_token(granted)), "{granted}");
    }
    for text in NO_GRANTS {
        let words = PermissionPattern::with_mode(text, WildcardMode::SaToken).unwrap_err().to_string();
        assert!(words.contains("holds `[`"), "{text}: {words}");
    }
}
