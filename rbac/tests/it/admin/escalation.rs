//! Nobody gives what one does not hold, by whatever change.

use rbac::{Change, Gainer, PermissionPattern, PolicyRows, Refusal, WildcardMode, Window};

use crate::edit::{
    active, add_domain, add_permission, add_role, add_user, allow, assign, assign_in, assign_when, built, by,
    deny, disinherit, enabled, extended, inherit, refusal, remove_role, revoke, unassign,
};
use crate::world::{name, window};

/// Ed may edit roles, users and assignments, and holds `a:*`. Bob is a colleague without anything. The others are
/// roles: `reader` has `a:x`, `payer` has `pay:out`, `boss` everything.
fn office() -> PolicyRows {
    built([
        add_user("ed"),
        add_user("bob"),
        add_user("carol"),
        add_role("editor"),
        add_role("reader"),
        add_role("payer"),
        add_role("boss"),
        add_role("empty"),
        add_domain("d1"),
        add_permission("a:x"),
        add_permission("a:y"),
        add_permission("pay:out"),
        allow("editor", "rbac:role:edit"),
        allow("editor", "rbac:user:*"),
        allow("editor", "rbac:permission:edit"),
        allow("editor", "a:*"),
        allow("reader", "a:x"),
        allow("payer", "pay:out"),
        allow("boss", "*"),
        assign("ed", "editor"),
    ])
}

fn user_gains(user: &str, permissions: &[&str]) -> Option<Refusal> {
    let permissions = permissions.iter().map(|it| name(it)).collect();
    Some(Refusal::Escalation { gained_by: Gainer::User(name(user)), permissions })
}

fn role_gains(role: &str, permissions: &[&str]) -> Option<Refusal> {
    let permissions = permissions.iter().map(|it| name(it)).collect();
    Some(Refusal::Escalation { gained_by: Gainer::Role(name(role)), permissions })
}

fn reaches_further(role: &str, pattern: &str) -> Option<Refusal> {
    Some(Refusal::PatternEscalation { role: name(role), pattern: name(pattern) })
}

fn ed(rows: &PolicyRows, changes: impl IntoIterator<Item = Change>) -> Option<Refusal> {
    refusal(rows, by("ed"), changes)
}

#[test]
fn what_is_held_may_be_given() {
    let rows = office();
    for change in [
        assign("bob", "reader"),
        assign("bob", "editor"),
        assign_in("bob", "editor", "d1"),
        allow("empty", "a:y"),
        allow("empty", "a:z:new"),
        allow("empty", "a:*"),
        allow("empty", "a:*:*"),
        allow("empty", "rbac:user:*"),
        inherit("empty", "editor"),
        deny("payer", "pay:out"),
        deny("reader", "*"),
        revoke("payer", "pay:out"),
        enabled("boss", false),
    ] {
        assert_eq!(ed(&rows, [change.clone()]), None, "{change}");
    }
}

#[test]
fn what_is_not_held_may_not_be_given_to_users() {
    let rows = office();
    assert_eq!(ed(&rows, [assign("bob", "payer")]), user_gains("bob", &["pay:out"]));
    assert_eq!(ed(&rows, [assign_in("bob", "payer", "d1")]), user_gains("bob", &["pay:out"]));
    assert_eq!(ed(&rows, [assign("ed", "payer")]), user_gains("ed", &["pay:out"]));
    let boss = ["pay:out", "rbac:audit:view", "rbac:department:edit", "rbac:domain:edit", "rbac:duty:edit"];
    let boss = [&boss[..], &["rbac:escalate", "rbac:role:view"]].concat();
    assert_eq!(ed(&rows, [assign("bob", "boss")]), user_gains("bob", &boss));
    let new = [Change::AddUser { user: name("new"), label: name("") }, assign("new", "payer")];
    assert_eq!(ed(&rows, new), user_gains("new", &["pay:out"]));
}

#[test]
fn what_is_not_held_may_not_be_given_to_roles_even_without_members() {
    let rows = office();
    assert_eq!(ed(&rows, [allow("empty", "pay:out")]), role_gains("empty", &["pay:out"]));
    assert_eq!(ed(&rows, [inherit("empty", "payer")]), role_gains("empty", &["pay:out"]));
    assert_eq!(ed(&rows, [inherit("editor", "payer")]), role_gains("editor", &["pay:out"]));
    assert_eq!(ed(&rows, [allow("editor", "rbac:escalate")]), role_gains("editor", &["rbac:escalate"]));
    let new = [add_role("new"), allow("new", "pay:out")];
    assert_eq!(ed(&rows, new), role_gains("new", &["pay:out"]));
    let undeclared = allow("empty", "code:declares-it");
    assert_eq!(ed(&rows, [undeclared]), role_gains("empty", &["code:declares-it"]));
}

#[test]
fn a_pattern_needs_a_pattern_that_covers_it() {
    let rows = extended(&office(), [revoke("editor", "a:*"), allow("editor", "a:x"), allow("editor", "a:y")]);
    // Each of today's permissions is held, but not what the star will match tomorrow.
    assert_eq!(ed(&rows, [allow("empty", "a:*")]), reaches_further("empty", "a:*"));
    assert_eq!(ed(&rows, [allow("empty", "b:*")]), reaches_further("empty", "b:*"));
    assert_eq!(ed(&rows, [allow("empty", "a:x")]), None);
    let wide = extended(&rows, [allow("boss", "b:*"), revoke("boss", "*")]);
    assert_eq!(ed(&wide, [assign("bob", "boss")]), reaches_further("boss", "b:*"));
    assert!(matches!(ed(&rows, [allow("empty", "*")]), Some(Refusal::Escalation { .. })));
}

#[test]
fn patterns_of_other_modes_are_given_as_they_are_held() {
    let shiro = PermissionPattern::with_mode("a,b:view", WildcardMode::Shiro).unwrap();
    let grant =
        |role| Change::Grant { role: name(role), pattern: shiro.clone(), effect: rbac::Effect::Allow };
    assert!(matches!(ed(&office(), [grant("empty")]), Some(Refusal::PatternEscalation { .. })));
    let rows = extended(&office(), [grant("editor")]);
    assert_eq!(ed(&rows, [grant("empty")]), None);
    assert_eq!(ed(&rows, [allow("empty", "b:view")]), None);
    let rows = extended(&office(), [allow("editor", "*")]);
    assert_eq!(ed(&rows, [grant("empty")]), None);
}

#[test]
fn a_deny_of_the_giver_takes_away_what_may_be_given() {
    let rows = extended(&office(), [deny("editor", "a:y")]);
    assert_eq!(ed(&rows, [allow("empty", "a:x")]), None);
    assert_eq!(ed(&rows, [allow("empty", "a:y")]), role_gains("empty", &["a:y"]));
    assert_eq!(ed(&rows, [allow("empty", "a:*")]), role_gains("empty", &["a:y"]));
    // The gainer is denied the same, so nothing is gained that is not held.
    assert_eq!(ed(&rows, [deny("empty", "a:y"), allow("empty", "a:*")]), None);
    assert_eq!(ed(&rows, [assign("bob", "editor")]), None);
}

#[test]
fn lifting_a_deny_gives() {
    let rows = extended(
        &office(),
        [
            add_role("barred"),
            deny("barred", "pay:out"),
            assign("bob", "payer"),
            assign("bob", "barred"),
            inherit("empty", "barred"),
        ],
    );
    let role = role_gains("barred", &["pay:out"]);
    assert_eq!(ed(&rows, [revoke("barred", "pay:out")]), role);
    assert_eq!(ed(&rows, [enabled("barred", false)]), role);
    assert_eq!(ed(&rows, [allow("barred", "pay:out")]), role);
    assert_eq!(ed(&rows, [disinherit("empty", "barred")]), role_gains("empty", &["pay:out"]));
    assert_eq!(ed(&rows, [unassign("bob", "barred")]), user_gains("bob", &["pay:out"]));
    assert!(matches!(ed(&rows, [remove_role("barred")]), Some(Refusal::Escalation { .. })));
    let ending = assign_when("bob", "barred", window(None, Some(1_000)));
    assert_eq!(ed(&rows, [ending]), user_gains("bob", &["pay:out"]));
    let permission_gone = [Change::RemovePermission { permission: name("pay:out") }];
    // The deny outlasts the name: the program may declare it in code.
    assert_eq!(ed(&rows, permission_gone), None);
    let alone = extended(&rows, [disinherit("empty", "barred")]);
    assert_eq!(ed(&alone, [remove_role("barred")]), user_gains("bob", &["pay:out"]));
    let harmless = [unassign("bob", "payer"), unassign("bob", "barred")];
    assert_eq!(ed(&rows, harmless), None);
    let replaced = [deny("barred", "pay:*"), revoke("barred", "pay:out")];
    assert_eq!(ed(&rows, replaced), None);
}

#[test]
fn removing_a_permission_from_roles_needs_the_right_to_change_roles() {
    let rows = extended(&office(), [add_user("clerk"), add_role("names"), assign("clerk", "names")]);
    let rows = extended(&rows, [allow("names", "rbac:permission:edit"), allow("reader", "code:declares-it")]);
    let clerk = |changes: Vec<Change>| refusal(&rows, by("clerk"), changes);
    let remove = |permission: &str| Change::RemovePermission { permission: name(permission) };
    let may_not = Some(Refusal::NotPermitted(name("rbac:role:edit")));
    assert_eq!(clerk(vec![remove("a:y")]), None);
    assert_eq!(clerk(vec![remove("a:x")]), may_not);
    let declared = vec![add_permission("code:declares-it"), remove("code:declares-it")];
    assert_eq!(clerk(declared), may_not);
    assert_eq!(ed(&rows, [remove("a:x")]), None);
}

#[test]
fn switching_on_gives() {
    let rows = extended(
        &office(),
        [assign("bob", "payer"), active("bob", false), assign("carol", "boss"), enabled("boss", false)],
    );
    assert_eq!(ed(&rows, [active("bob", true)]), user_gains("bob", &["pay:out"]));
    assert!(matches!(
        ed(&rows, [enabled("boss", true)]),
        Some(Refusal::Escalation { gained_by: Gainer::Role(role), .. }) if role == name("boss")
    ));
    assert_eq!(ed(&rows, [unassign("bob", "payer"), active("bob", true)]), None);
}

#[test]
fn what_is_switched_off_is_not_handed_round() {
    let rows = extended(&office(), [add_role("all"), allow("all", "*:*"), enabled("all", false)]);
    let gains = |user: &str, change: Change| {
        let refused = ed(&rows, [change.clone()]);
        let to = Gainer::User(name(user));
        assert!(
            matches!(&refused, Some(Refusal::Escalation { gained_by, .. }) if *gained_by == to),
            "{change}: {refused:?}"
        );
    };
    gains("ed", assign("ed", "all"));
    gains("bob", assign("bob", "all"));
    assert_eq!(ed(&rows, [active("bob", false), assign("bob", "payer")]), user_gains("bob", &["pay:out"]));
    assert_eq!(ed(&rows, [add_role("new"), enabled("new", false), allow("new", "a:x")]), None);
    let off = [add_role("new"), enabled("new", false), allow("new", "pay:out")];
    assert_eq!(ed(&rows, off), role_gains("new", &["pay:out"]));
    assert!(matches!(ed(&rows, [inherit("empty", "all")]), Some(Refusal::Escalation { .. })));
    // It may be taken away, and so may what it denies; what somebody holds, switched off or not, is no gain.
    let had = extended(&rows, [assign("bob", "all"), deny("all", "a:x")]);
    for change in
        [revoke("all", "a:x"), unassign("bob", "all"), assign("bob", "reader"), active("bob", false)]
    {
        assert_eq!(ed(&had, [change.clone()]), None, "{change}");
    }
}

#[test]
fn a_deny_that_is_switched_off_hides_no_gain() {
    let rows = extended(&office(), [enabled("boss", false)]);
    let mask = [add_role("mask"), deny("mask", "*"), enabled("mask", false)];
    let own = [assign("bob", "mask"), assign("bob", "boss")];
    assert!(matches!(ed(&rows, mask.into_iter().chain(own)), Some(Refusal::Escalation { .. })));
    let below = [add_role("low"), deny("low", "*"), add_role("mask"), inherit("mask", "low")];
    let own = [enabled("mask", false), assign("bob", "mask"), assign("bob", "boss")];
    assert!(matches!(ed(&rows, below.into_iter().chain(own)), Some(Refusal::Escalation { .. })));
    // One that has an effect hides it: who switches the role on lifts nothing.
    let denied = [add_role("low"), deny("low", "*"), assign("bob", "low"), assign("bob", "boss")];
    assert_eq!(ed(&rows, denied), None);
}

#[test]
fn a_window_that_opens_later_gives() {
    let rows = office();
    let later = assign_when("bob", "payer", window(Some(1_000), Some(2_000)));
    assert_eq!(ed(&rows, [later]), user_gains("bob", &["pay:out"]));
    let rows = extended(&rows, [assign_when("bob", "payer", window(None, Some(1_000)))]);
    assert_eq!(ed(&rows, [assign("bob", "payer")]), user_gains("bob", &["pay:out"]));
    let longer = assign_when("bob", "payer", window(None, Some(1_001)));
    assert_eq!(ed(&rows, [longer]), user_gains("bob", &["pay:out"]));
    let shorter = assign_when("bob", "payer", window(Some(5), Some(999)));
    assert_eq!(ed(&rows, [shorter]), None);
}

#[test]
fn a_temporary_holder_gives_on_but_not_to_oneself() {
    let mut stand_in = extended(&office(), [unassign("ed", "editor")]);
    stand_in = extended(&stand_in, [assign_when("ed", "editor", window(None, Some(1_000)))]);
    assert_eq!(ed(&stand_in, [assign("bob", "reader")]), None);
    assert_eq!(ed(&stand_in, [allow("empty", "a:y")]), None);
    let prolonged = ed(&stand_in, [assign("ed", "editor")]);
    assert!(matches!(
        &prolonged,
        Some(Refusal::Escalation { gained_by: Gainer::User(user), .. }) if *user == name("ed")
    ));
    assert_eq!(ed(&stand_in, [assign("ed", "reader")]), user_gains("ed", &["a:x"]));
}

#[test]
fn a_temporary_holder_prolongs_nothing_through_a_role() {
    let rows = extended(&office(), [assign_when("ed", "payer", window(None, Some(1_000)))]);
    let own = user_gains("ed", &["pay:out"]);
    assert_eq!(ed(&rows, [allow("editor", "pay:out")]), own);
    assert_eq!(ed(&rows, [inherit("editor", "payer")]), own);
    let bound = extended(&rows, [inherit("editor", "empty")]);
    assert_eq!(ed(&bound, [allow("empty", "pay:out")]), own);
    assert_eq!(ed(&rows, [add_role("new"), inherit("new", "payer"), inherit("editor", "new")]), own);
    // Others may have it for as long as Ed likes, and Ed for as long as it is held anyway.
    assert_eq!(ed(&rows, [allow("reader", "pay:out"), assign("bob", "reader")]), None);
    assert_eq!(ed(&rows, [allow("payer", "a:x")]), None);
}

#[test]
fn a_domain_gives_what_is_held_there() {
    let rows = extended(
        &office(),
        [
            unassign("ed", "editor"),
            assign_in("ed", "editor", "d1"),
            add_role("assigner"),
            allow("assigner", "rbac:user:assign"),
            allow("assigner", "rbac:role:edit"),
            assign("ed", "assigner"),
        ],
    );
    assert_eq!(ed(&rows, [assign_in("bob", "reader", "d1")]), None);
    assert_eq!(ed(&rows, [assign("bob", "reader")]), user_gains("bob", &["a:x"]));
    assert_eq!(ed(&rows, [allow("empty", "a:x")]), role_gains("empty", &["a:x"]));
    let barred =
        extended(&office(), [add_role("barred"), deny("barred", "a:x"), assign_in("ed", "barred", "d1")]);
    // Everywhere would be there too.
    assert_eq!(ed(&barred, [assign("bob", "reader")]), user_gains("bob", &["a:x"]));
    assert_eq!(ed(&barred, [allow("empty", "a:x")]), role_gains("empty", &["a:x"]));
    assert_eq!(ed(&barred, [allow("empty", "a:y")]), None);
}

#[test]
fn registering_a_permission_gives_nothing_that_was_not_given() {
    let rows = extended(&office(), [assign("bob", "boss"), assign("carol", "reader")]);
    assert_eq!(ed(&rows, [add_permission("a:new")]), None);
    // Bob's `*` was given for all that it would ever match; Ed gains nothing by it.
    assert_eq!(ed(&rows, [add_permission("other:new")]), None);
    let own = [add_permission("other:new"), allow("editor", "other:new")];
    assert_eq!(ed(&rows, own), role_gains("editor", &["other:new"]));
}

#[test]
fn whoever_may_escalate_gives_anything() {
    let rows = extended(&office(), [allow("editor", "rbac:escalate")]);
    assert_eq!(ed(&rows, [assign("bob", "boss")]), None);
    let local =
        extended(&office(), [add_role("up"), allow("up", "rbac:escalate"), assign_in("ed", "up", "d1")]);
    assert!(ed(&local, [assign("bob", "boss")]).is_some());
}

#[test]
fn changes_that_take_and_give_the_same_come_to_nothing() {
    let rows = extended(&office(), [assign("bob", "payer")]);
    assert_eq!(ed(&rows, [unassign("bob", "payer"), assign("bob", "payer")]), None);
    assert_eq!(ed(&rows, [revoke("payer", "pay:out"), allow("payer", "pay:out")]), None);
    let moved = [
        add_role("payer2"),
        inherit("payer2", "payer"),
        unassign("bob", "payer"),
        Change::Assign {
            assignment: crate::world::assignment("bob", "payer2", None),
            window: Window::ALWAYS,
        },
    ];
    // The new role has no one to take it from: it is a gain of the role.
    assert_eq!(ed(&rows, moved), role_gains("payer2", &["pay:out"]));
}
