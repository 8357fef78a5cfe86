//! Names and patterns: what is one, what is none, and what matches what.

use proptest::prelude::*;
use rbac::{ErrorKind, Label, PermissionName, PermissionPattern, RoleName, UserId};

use crate::reference::matches_slowly;
use crate::world::{cases, name};

#[test]
fn names_have_their_documented_shape() {
    for good in ["a", "course:edit", "a:b:c:d:e:f:g:h", "x_1:y-2"] {
        assert_eq!(PermissionName::new(good).unwrap().as_str(), good);
    }
    let long = "a".repeat(129);
    for bad in ["", ":", "a:", ":a", "a::b", "*", "a:*", "A", "a b", "a:b:c:d:e:f:g:h:i", "é", &long] {
        assert_eq!(PermissionName::new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
    for bad in ["", "Admin", "a:b", "a b", "管理员", &"a".repeat(65)] {
        assert!(RoleName::new(bad).is_err(), "{bad}");
    }
    for bad in ["", "a b", "a\n", "张三", &"a".repeat(256)] {
        assert!(UserId::new(bad).is_err(), "{bad}");
    }
    assert!(UserId::new("https://idp.example/|Ab`9").is_ok());
    for bad in ["two\nlines", "tab\t", "turned \u{202e}round", &"a".repeat(201)] {
        assert!(Label::new(bad).is_err(), "{bad}");
    }
    assert!(Label::new("").is_ok() && Label::new("课程 编辑").is_ok());
}

#[test]
fn a_star_is_a_whole_segment_and_stands_last() {
    for good in ["*", "*:*", "a:*", "a:*:*", "a:b"] {
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
            Label::new(&text).map(|name| name.to_string()),
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
