//! Kubernetes' `Covers`: `policy_comparator_test.go` of component-helpers/auth/rbac/validation (Apache-2.0).
//!
//! A rule there is the product of its groups, resources and verbs. Here each is a pattern `group:resource:verb`, with the
//! names of resources as a fourth segment and addresses under `url`. A star that stands before other segments is one of
//! Shiro's mode, one within a segment is one of Sa-Token's. The question is asked twice: of the patterns, and of the
//! guard that lets nobody give what is not held.

use rbac::{Change, Effect, PermissionName, PermissionPattern, PolicyRows, Refusal, WildcardMode};

use crate::edit::{add_role, add_user, allow, assign, built, by, refusal};
use crate::world::name;

/// Where from, what the owner holds, what the servant shall get, and what of that is not covered.
type Case = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const BUILDS: &[&str] =
    &["v1:deployments:delete", "v1:builds:delete", "v1:builds:update", "v1:deployments:update"];

const GROUPS: &[&str] = &[
    "group1:deployments:delete",
    "group1:builds:delete",
    "group1:builds:update",
    "group1:deployments:update",
    "group2:deployments:delete",
    "group2:builds:delete",
    "group2:builds:update",
    "group2:deployments:update",
];

const CASES: [Case; 25] = [
    ("ExactMatch", &["v1:builds:get"], &["v1:builds:get"], &[]),
    ("SubresourceWildcard", &["v1:*/scale:get"], &["v1:foo/scale:get"], &[]),
    ("MultipleRulesCoveringSingleRule", BUILDS, BUILDS, &[]),
    ("MultipleAPIGroupsCoveringSingleRule", GROUPS, GROUPS, &[]),
    ("SingleAPIGroupsCoveringMultiple", GROUPS, GROUPS, &[]),
    (
        "MultipleRulesMissingSingleVerbResourceCombination",
        &[
            "v1:builds:delete",
            "v1:builds:update",
            "v1:deployments:delete",
            "v1:deployments:update",
            "v1:pods:delete",
        ],
        &[
            "v1:builds:delete",
            "v1:builds:update",
            "v1:deployments:delete",
            "v1:deployments:update",
            "v1:pods:delete",
            "v1:pods:update",
        ],
        &["v1:pods:update"],
    ),
    ("APIGroupStarCoveringMultiple", &["*:roles:get"], &["group1:roles:get", "group2:roles:get"], &[]),
    ("EnumerationNotCoveringAPIGroupStar", &["dummy-group:roles:get"], &["*:roles:get"], &["*:roles:get"]),
    ("APIGroupStarCoveringStar", &["*:roles:get"], &["*:roles:get"], &[]),
    ("VerbStarCoveringMultiple", &["v1:roles:*"], &["v1:roles:watch", "v1:roles:list"], &[]),
    (
        "EnumerationNotCoveringVerbStar",
        &[
            "v1:roles:get",
            "v1:roles:list",
            "v1:roles:watch",
            "v1:roles:create",
            "v1:roles:update",
            "v1:roles:delete",
            "v1:roles:exec",
        ],
        &["v1:roles:*"],
        &["v1:roles:*"],
    ),
    ("VerbStarCoveringStar", &["v1:roles:*"], &["v1:roles:*"], &[]),
    ("ResourceStarCoveringMultiple", &["v1:*:get"], &["v1:resourcegroup.deployments:get"], &[]),
    (
        "EnumerationNotCoveringResourceStar",
        &["v1:roles:get", "v1:resourcegroup.deployments:get"],
        &["v1:*:get"],
        &["v1:*:get"],
    ),
    ("ResourceStarCoveringStar", &["v1:*:get"], &["v1:*:get"], &[]),
    ("ResourceNameEmptyCoveringMultiple", &["v1:pods:get:*"], &["v1:pods:get:foo", "v1:pods:get:bar"], &[]),
    (
        "EnumerationNotCoveringResourceNameEmpty",
        &["v1:pods:get:foo", "v1:pods:get:bar"],
        &["v1:pods:get:*"],
        &["v1:pods:get:*"],
    ),
    ("NonResourceURLs", &["url:/apis:*"], &["url:/apis:*"], &[]),
    ("NonResourceURLsStar", &["url:*:*"], &["url:/apis:*", "url:/apis/v1:*", "url:/:*"], &[]),
    (
        "NonResourceURLsStarAfterPrefixDoesntCover",
        &["url:/apis/*:*"],
        &["url:/apis:get", "url:/apis/v1:get"],
        &["url:/apis:get"],
    ),
    (
        "NonResourceURLsStarAfterPrefix",
        &["url:/apis/*:*"],
        &["url:/apis/v1/foo:get", "url:/apis/v1:get"],
        &[],
    ),
    (
        "NonResourceURLsWithOtherFields",
        &["v1:builds:get", "url:/apis:get"],
        &["v1:builds:get", "url:/apis:get"],
        &[],
    ),
    (
        "NonResourceURLsWithOtherFieldsFailure",
        &["v1:builds:get"],
        &["v1:builds:get", "url:/apis:get"],
        &["url:/apis:get"],
    ),
    // Beyond their cases: everything covers a star, and a star of everything covers all.
    ("everything", &["*"], &["*", "v1:*:get", "v1:*/scale:get", "url:/apis/*:*"], &[]),
    ("a star of one is not a star of all", &["v1:*"], &["*", "v1:roles:*"], &["*"]),
];

/// A star within a segment is Sa-Token's, one before other segments Shiro's, one at the end ours.
fn pattern(text: &str) -> PermissionPattern {
    let within = text.split(':').any(|segment| segment.len() > 1 && segment.contains('*'));
    let mode = match PermissionPattern::new(text) {
        Ok(strict) => return strict,
        Err(_) if within => WildcardMode::SaToken,
        Err(_) => WildcardMode::Shiro,
    };
    PermissionPattern::with_mode(text, mode).unwrap()
}

fn grant(role: &str, text: &str) -> Change {
    Change::Grant { role: name(role), pattern: pattern(text), effect: Effect::Allow }
}

/// The owner may edit roles and holds these.
fn owning(held: &[&str]) -> PolicyRows {
    let cast = [add_user("owner"), add_role("owners"), add_role("servants"), assign("owner", "owners")];
    let rights = [allow("owners", "rbac:role:edit")].into_iter();
    let held = held.iter().map(|text| pattern(text));
    let names: Vec<PermissionName> = held.clone().filter_map(|pattern| pattern.exact()).collect();
    let known = names.iter().map(|name| crate::edit::add_permission(name.as_str()));
    let grants = held.map(|pattern| Change::Grant { role: name("owners"), pattern, effect: Effect::Allow });
    built(cast.into_iter().chain(known).chain(rights).chain(grants))
}

fn is_escalation(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Escalation { .. } | Refusal::PatternEscalation { .. })
}

#[test]
fn patterns_cover_what_kubernetes_says() {
    for (source, owner, servant, expected) in CASES {
        let owner: Vec<_> = owner.iter().map(|text| pattern(text)).collect();
        let covered = |text: &&str| owner.iter().any(|own| own.covers(&pattern(text)));
        let uncovered: Vec<&str> = servant.iter().copied().filter(|text| !covered(text)).collect();
        assert_eq!(uncovered, expected, "{source}");
    }
}

#[test]
fn nobody_gives_what_is_not_covered() {
    for (source, owner, servant, expected) in CASES {
        let rows = owning(owner);
        for text in servant {
            // What is registered later must not matter: a star is not covered by all that there is.
            let refused = refusal(&rows, by("owner"), [grant("servants", text)]);
            assert_eq!(
                refused.as_ref().is_some_and(is_escalation),
                expected.contains(text),
                "{source}: {text}"
            );
            assert_eq!(refused.is_some(), expected.contains(text), "{source}: {text}: {refused:?}");
        }
        let together = servant.iter().map(|text| grant("servants", text));
        assert_eq!(refusal(&rows, by("owner"), together).is_some(), !expected.is_empty(), "{source}");
    }
}

/// TestNonResourceURLCovers: the owner's address, the requested one, and whether it is covered.
const ADDRESSES: [(&str, &str, bool); 12] = [
    ("*", "/", true),
    ("*", "/api", true),
    ("/*", "/", true),
    ("/*", "/foo", true),
    ("/api", "/api", true),
    ("/apis", "/api", false),
    ("/api/v1", "/api", false),
    ("/api/v1", "/api/v1", true),
    ("/api/*", "/api/v1", true),
    ("/api/*", "/api", false),
    ("/api/*/*", "/api/v1", false),
    ("/*/v1/*", "/api/v1", false),
];

#[test]
fn a_star_at_the_end_of_an_address_is_a_prefix() {
    for (owner, requested, expected) in ADDRESSES {
        let owner = PermissionPattern::with_mode(owner, WildcardMode::SaToken).unwrap();
        let requested: PermissionName = requested.parse().unwrap();
        assert_eq!(owner.matches(&requested), expected, "{owner} {requested}");
        assert_eq!(owner.covers(&requested.clone().into()), expected, "{owner} {requested}");
    }
    // Two more cases request no address at all, which is no name here.
    assert!(PermissionName::new("").is_err());
}
