//! Names, and patterns of permissions.

use rbac::{
    DomainName, DutyName, Label, PermissionName, PermissionPattern, Reason, RoleName, UserId, WildcardMode,
};

use super::{answer, seeds, text};
use crate::engine::Target;

pub(super) fn all() -> Vec<Target> {
    vec![names(), patterns()]
}

fn names() -> Target {
    Target {
        name: "names",
        seeds: seeds(&[
            "alice",
            "course:edit",
            "two words",
            "名",
            "",
            "a::b",
            "user@example.com",
            "a\u{202e}b",
        ]),
        words: &[":", "/", "@", "*", " ", "\n", "\u{202e}", "课", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        bytes_max: 600,
        run: |input| {
            let text = text(input);
            let read = [
                answer(UserId::new(&text)).map(|it| it.to_string()),
                answer(RoleName::new(&text)).map(|it| it.to_string()),
                answer(DomainName::new(&text)).map(|it| it.to_string()),
                answer(DutyName::new(&text)).map(|it| it.to_string()),
                answer(PermissionName::new(&text)).map(|it| it.to_string()),
                answer(Label::new(&text)).map(|it| it.to_string()),
                answer(Reason::new(&text)).map(|it| it.to_string()),
            ];
            for back in read.iter().flatten() {
                assert_eq!(*back, text);
            }
            let kinds: String = read.iter().map(|it| if it.is_some() { 'x' } else { '-' }).collect();
            kinds
        },
        reaches: &["xxxxxxx", "xxxx-xx", "-----xx", "-------"],
    }
}

fn patterns() -> Target {
    Target {
        name: "patterns",
        seeds: seeds(&["*", "course:*", "a:*:*", "*:edit", "a,b:view", "a*b:*c", "a**", "Course:edit", ""]),
        words: &["*", ":", ",", ":*", "**", "course", "a", "A"],
        bytes_max: 160,
        run: |input| {
            let text = text(input);
            let modes = [WildcardMode::Strict, WildcardMode::Shiro, WildcardMode::SaToken];
            let read = modes.map(|mode| answer(PermissionPattern::with_mode(&text, mode)));
            let asked =
                ["course:edit", "a", "a:b:c", "b:view"].map(|name| PermissionName::new(name).unwrap());
            let all = PermissionPattern::new("*").unwrap();
            for pattern in read.iter().flatten() {
                assert_eq!(pattern.as_str(), text);
                assert!(all.covers(pattern) && pattern.covers(pattern));
                if let Some(name) = pattern.exact() {
                    assert!(pattern.matches(&name));
                    assert!(asked.iter().all(|asked| pattern.matches(asked) == (*asked == name)));
                }
                // Who covers a pattern has all that it matches.
                for other in read.iter().flatten().filter(|other| pattern.covers(other)) {
                    assert!(asked.iter().all(|asked| !other.matches(asked) || pattern.matches(asked)));
                }
            }
            read.iter().map(|it| if it.is_some() { 'x' } else { '-' }).collect()
        },
        reaches: &["xxx", "-x-", "--x", "---"],
    }
}
