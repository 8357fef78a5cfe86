//! Apache Shiro's `WildcardPermissionTest` (Apache-2.0): every assertion, in [`WildcardMode::Shiro`].
//!
//! There both sides are patterns. Here what is asked for is a name: `*` and `,` are refused in it. A list that is asked
//! for is all of its names; a `*` that is asked for can only be compared as a grant, by `covers`, which may say "no" in
//! doubt but never "yes" wrongly. That a text is missing cannot be said.

use rbac::{PermissionName, PermissionPattern, WildcardMode};

/// What is granted, what is asked for, and whether it is implied.
type Implied = (&'static str, &'static str, bool);

const NAMED: [Implied; 12] = [
    ("something", "something", true),
    ("something", "something", true),
    ("something", "SOMETHING", true),
    ("SOMETHING", "something", true),
    ("something", "else", false),
    ("else", "something", false),
    ("BLAHBLAH", "BLAHBLAH", true),
    ("BLAHBLAH", "BLAHBLAH", true),
    ("BLAHBLAH", "bLAHBLAH", true),
    ("bLAHBLAH", "BLAHBLAH", true),
    ("BLAHBLAH", "whatwhat", false),
    ("whatwhat", "BLAHBLAH", false),
];

const LISTS: [Implied; 16] = [
    ("one,two", "one", true),
    ("one", "one,two", false),
    ("one,two,three", "one,three", true),
    ("one,three", "one,two,three", false),
    ("one,two:one,two,three", "one:three", true),
    ("one:three", "one,two:one,two,three", false),
    ("one,two:one,two,three", "one:two,three", true),
    ("one:three", "one:two,three", false),
    ("one:two,three", "one:three", true),
    ("one,two,three:one,two,three:one,two", "one:three:two", true),
    ("one:three:two", "one,two,three:one,two,three:one,two", false),
    ("one", "one:two,three,four", true),
    ("one", "one:two,three,four:five:six:seven", true),
    ("one:two,three,four", "one", false),
    ("one:two,three,four:five:six:seven", "one", false),
    ("one:two,three,four", "one:two,three,four:five:six:seven", true),
];

/// Each of these is implied by each of [`LETTERS`].
const NEWSLETTERS: [&str; 8] = [
    "newsletter:read",
    "newsletter:read,write",
    "newsletter:*",
    "newsletter:*:*",
    "newsletter:*:read",
    "newsletter:write:*",
    "newsletter:read,write:*",
    "newsletter",
];

const LETTERS: [&str; 4] = ["newsletter:*", "newsletter:*:*", "newsletter:*:*:*", "newsletter"];

const WILDCARDS: [Implied; 11] = [
    ("*", "one", true),
    ("*", "one:two", true),
    ("*", "one,two:three,four", true),
    ("*", "one,two:three,four,five:six:seven,eight", true),
    ("newsletter:*:read", "newsletter:123:read", true),
    ("newsletter:*:read", "newsletter:123,456:read,write", false),
    ("newsletter:*:read", "newsletter:read", false),
    ("newsletter:*:read", "newsletter:read,write", false),
    ("newsletter:*:read", "newsletter:123:read:write", true),
    ("newsletter:*:read:*", "newsletter:123:read", true),
    ("newsletter:*:read:*", "newsletter:123:read:write", true),
];

const LEFT_TERMINATION: [Implied; 12] = [
    ("one", "one:*", true),
    ("one", "one:*:*", true),
    ("one", "one:read", true),
    ("one:*", "one", true),
    ("one:*", "one:*:*", true),
    ("one:*", "one:read", true),
    ("one:*:*", "one", true),
    ("one:*:*", "one:*", true),
    ("one:*:*", "one:read", true),
    ("one:read", "one", false),
    ("one:read", "one:*", false),
    ("one:read", "one:*:*", false),
];

fn shiro(text: &str) -> PermissionPattern {
    PermissionPattern::with_mode(text, WildcardMode::Shiro).unwrap()
}

/// All names of a text with lists but without a `*`.
fn names(text: &str) -> Vec<PermissionName> {
    let longer = |texts: Vec<String>, part: &str| {
        let with =
            |text: &String, word: &str| if text.is_empty() { word.into() } else { format!("{text}:{word}") };
        texts.iter().flat_map(|text| part.split(',').map(move |word| with(text, word))).collect()
    };
    let texts: Vec<String> = text.split(':').fold(vec![String::new()], longer);
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Asks as one can ask here. True if the answer is the peer's own, false if only a comparison of grants is possible.
fn is_answered((granted, asked, expected): Implied) -> bool {
    let case = format!("{granted} {asked}");
    let pattern = shiro(granted);
    // As a grant: never yes where the peer says no.
    assert!(expected || !pattern.covers(&shiro(asked)), "{case}");
    if asked.contains(['*', ',']) {
        let words = PermissionName::new(asked).unwrap_err().to_string();
        assert!(words.contains("holds `*`") || words.contains("holds `,`"), "{case}: {words}");
    }
    if asked.contains('*') {
        return false;
    }
    let names = names(asked);
    assert_eq!(names.iter().all(|name| pattern.matches(name)), expected, "{case}");
    true
}

#[test]
fn names_and_lists_are_implied_as_shiro_says() {
    for case in NAMED.into_iter().chain(LISTS) {
        assert!(is_answered(case), "{case:?}");
    }
}

#[test]
fn wildcards_imply_what_shiro_says() {
    let newsletters = LETTERS.iter().flat_map(|granted| NEWSLETTERS.map(|asked| (*granted, asked, true)));
    let all: Vec<Implied> = newsletters.chain(WILDCARDS).chain(LEFT_TERMINATION).collect();
    let answered = all.iter().filter(|&&case| is_answered(case)).count();
    // 20 of the 32, and 6 of the last 12, ask for a star.
    assert_eq!((all.len(), answered), (55, 55 - 20 - 6));
}

#[test]
fn nothing_blank_or_delimiters_are_no_grant() {
    for text in ["", "   ", "::,,::,:"] {
        assert!(PermissionPattern::with_mode(text, WildcardMode::Shiro).is_err(), "{text:?}");
        assert!(PermissionName::new(text).is_err(), "{text:?}");
    }
}

/// testListDifferentOrder: the texts differ here, what they match does not.
#[test]
fn the_order_of_a_list_is_of_no_account() {
    let (one, other) = (shiro("one,two:three,four"), shiro("two,one:four,three"));
    for text in ["one,two,five:three,four,six", "one", "one:three:more"] {
        for name in names(text) {
            assert_eq!(one.matches(&name), other.matches(&name), "{name}");
        }
    }
}

/// testToString
#[test]
fn texts_come_back() {
    for text in ["*", "one", "one:two", "one,two:three,four", "one,two:three,four,five:six:seven,eight"] {
        assert_eq!(shiro(text).as_str(), text);
        assert_eq!(shiro(shiro(text).as_str()), shiro(text));
    }
}
