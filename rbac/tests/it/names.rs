//! Names and patterns: what is one, what is none, and what matches what.

use proptest::prelude::*;
use rbac::{
    DomainName, DutyName, ErrorKind, Label, PermissionName, PermissionPattern, Reason, RoleName, UserId,
    WildcardMode,
};

use crate::reference::matches_slowly;
use crate::world::{cases, name};

#[test]
fn names_have_their_documented_shape() {
    for good in ["a", "course:edit", "a:b:c:d:e:f:g:h", "x_1:y-2", "sys/User.List:view"] {
        assert_eq!(PermissionName::new(good).unwrap().as_str(), good);
    }
    let long = "a".repeat(129);
    for bad in ["", ":", "a:", ":a", "a::b", "*", "a:*", "a b", "a@b", "a,b", "a:b:c:d:e:f:g:h:i", "é", &long]
    {
        assert_eq!(PermissionName::new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
    for good in ["Admin", "a:b", "ns/role", "role@site", "r_1-2.3"] {
        assert_eq!(RoleName::new(good).unwrap().as_str(), good);
        assert_eq!(DomainName::new(good).unwrap().as_str(), good);
        assert_eq!(DutyName::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "a b", "a*", "a,b", "管理员", &long] {
        assert!(
            RoleName::new(bad).is_err() && DomainName::new(bad).is_err() && DutyName::new(bad).is_err(),
            "{bad}"
        );
    }
    assert!(DutyName::new(&"a".repeat(65)).is_err() && RoleName::new(&"a".repeat(65)).is_ok());
    for bad in ["", "a b", "a\n", "张三", &"a".repeat(256)] {
        assert!(UserId::new(bad).is_err(), "{bad}");
    }
    assert!(UserId::new("https://idp.example/|Ab`9").is_ok());
    for bad in ["two\nlines", "tab\t", "turned \u{202e}round"] {
        assert!(Label::new(bad).is_err() && Reason::new(bad).is_err(), "{bad}");
    }
    assert!(Label::new("").is_ok() && Label::new("课程 编辑").is_ok());
    assert!(Label::new(&"a".repeat(201)).is_err() && Label::new(&"a".repeat(200)).is_ok());
    assert!(Reason::new(&"a".repeat(501)).is_err() && Reason::new(&"a".repeat(500)).is_ok());
}

#[test]
fn a_star_is_a_whole_segment_and_stands_last() {
    for good in ["*", "*:*", "a:*", "a:*:*", "a:b", "A:*"] {
        assert!(PermissionPattern::new(good).is_ok(), "{good}");
    }
    for bad in ["", "a*", "a:b*", "*:a", "a:*:b", "**", "a:", "a:**", "*:*:*:*:*:*:*:*:*"] {
        assert!(PermissionPattern::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_last_star_matches_one_segment_or_more() {
    let table = [
        ("*", "a", true),
        ("*", "a:b:c", true),
        ("a:*", "a:b", true),
        ("a:*", "a:b:c", true),
        ("a:*", "a", false),
        ("a:*", "ab:c", false),
        ("a:*:*", "a:b", false),
        ("a:*:*", "a:b:c", true),
        ("a:*:*", "a:b:c:d", true),
        ("a", "a:b", false),
        ("a:b", "a:b", true),
        ("a:b", "a:c", false),
    ];
    for (pattern, asked, expected) in table {
        let pattern: PermissionPattern = name(pattern);
        assert_eq!(pattern.matches(&name(asked)), expected, "{pattern} {asked}");
    }
}

#[test]
fn an_error_shows_the_input_short_and_escaped() {
    let error = RoleName::new(&format!("\u{1b}[31m{}", "x".repeat(500))).unwrap_err().to_string();
    assert!(!error.contains('\u{1b}') && error.len() < 250, "{error}");
    let error = PermissionName::new("course:*").unwrap_err().to_string();
    assert!(error.starts_with("permission name `course:*` holds `*`; use"), "{error}");
}

/// Texts near the border between names and others.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-cA*:_ -]{0,12}", "([ab]{1,2}:){0,9}[ab*]{0,2}"]
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_text_is_parsed_or_refused_and_comes_back(text in nearly()) {
        let parsed = [
            UserId::new(&text).map(|name| name.to_string()),
            RoleName::new(&text).map(|name| name.to_string()),
            PermissionName::new(&text).map(|name| name.to_string()),
            PermissionPattern::new(&text).map(|name| name.to_string()),
            DomainName::new(&text).map(|name| name.to_string()),
            DutyName::new(&text).map(|name| name.to_string()),
            Label::new(&text).map(|name| name.to_string()),
            Reason::new(&text).map(|name| name.to_string()),
        ];
        for outcome in parsed {
            match outcome {
                Ok(back) => prop_assert_eq!(&back, &text),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
                    prop_assert!(!error.to_string().chars().any(char::is_control));
                }
            }
        }
        // A name is a pattern without a star, and nothing else is.
        let pattern = PermissionPattern::new(&text).ok();
        prop_assert_eq!(pattern.and_then(|it| it.exact()), PermissionName::new(&text).ok());
    }

    #[test]
    fn matching_agrees_with_its_meaning(
        pattern in "([ab]:){0,3}([ab]|\\*(:\\*){0,2})",
        asked in "([ab]:){0,4}[ab]",
    ) {
        let (granted, asked): (PermissionPattern, PermissionName) = (name(&pattern), name(&asked));
        prop_assert_eq!(granted.matches(&asked), matches_slowly(&pattern, asked.as_str()));
    }
}

/// Texts that are patterns of some mode, or nearly.
fn patterns() -> impl Strategy<Value = String> {
    prop_oneof![nearly(), "[ab*,]{1,2}(:[ab*,]{1,2}){0,3}", "[ab*:]{1,8}"]
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_text_is_a_pattern_of_a_mode_or_refused(text in patterns(), asked in "([ab]{1,2}:){0,3}[ab]{1,2}") {
        let asked: PermissionName = name(&asked);
        for mode in [WildcardMode::Strict, WildcardMode::Shiro, WildcardMode::SaToken] {
            prop_assert_eq!(WildcardMode::parse(mode.as_str()), Some(mode));
            let Ok(pattern) = PermissionPattern::with_mode(&text, mode) else { continue };
            prop_assert_eq!((pattern.as_str(), pattern.mode()), (text.as_str(), mode));
            prop_assert!(pattern.covers(&pattern));
            if let Some(exact) = pattern.exact() {
                prop_assert_eq!(pattern.matches(&asked), exact == asked);
            }
        }
    }

    /// Nothing that the narrow one matches is missed by one that covers it.
    #[test]
    fn who_covers_a_pattern_matches_all_that_it_matches(
        wide in patterns(),
        narrow in patterns(),
        asked in "([ab]{1,2}:){0,3}[ab]{1,2}",
    ) {
        let modes = [WildcardMode::Strict, WildcardMode::Shiro, WildcardMode::SaToken];
        let parsed = |text: &str| modes.map(|mode| PermissionPattern::with_mode(text, mode).ok());
        let asked: PermissionName = name(&asked);
        for wide in parsed(&wide).into_iter().flatten() {
            for narrow in parsed(&narrow).into_iter().flatten().filter(|narrow| wide.covers(narrow)) {
                prop_assert!(wide.matches(&asked) || !narrow.matches(&asked), "{wide} {narrow} {asked}");
            }
        }
    }
}
