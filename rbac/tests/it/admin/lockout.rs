//! Nobody locks everybody out, and nobody oneself.

use rbac::{Change, DutyKind, PolicyRows, Refusal, Window};

use crate::edit::{
    active, add_domain, add_role, add_user, allow, apart, assign, assign_in, assign_when, built, by, checked,
    deny, disinherit, enabled, extended, inherit, refusal, remove_role, remove_user, revoke, system,
    unassign,
};
use crate::world::{at, name, window};

/// Alice is the only administrator, by a role that inherits the power.
fn one_administrator() -> PolicyRows {
    built([
        add_user("alice"),
        add_user("bob"),
        add_role("boss"),
        add_role("root"),
        add_role("other"),
        add_domain("d1"),
        inherit("boss", "root"),
        allow("root", "*"),
        deny("other", "rbac:audit:view"),
        assign("alice", "boss"),
    ])
}

fn ways_out() -> Vec<Change> {
    vec![
        remove_user("alice"),
        active("alice", false),
        unassign("alice", "boss"),
        disinherit("boss", "root"),
        revoke("root", "*"),
        deny("root", "*"),
        deny("boss", "rbac:*"),
        deny("boss", "rbac:duty:edit"),
        enabled("root", false),
        enabled("boss", false),
        remove_role("boss"),
        assign("alice", "other"),
        inherit("root", "other"),
        assign_when("alice", "boss", window(None, Some(1_000_000))),
        assign_when("alice", "boss", window(Some(1), None)),
        assign_when("alice", "other", window(Some(500), Some(1_000))),
    ]
}

#[test]
fn the_last_administrator_stays_whoever_asks() {
    let rows = one_administrator();
    for change in ways_out() {
        for actor in [system(), by("alice")] {
            let refused = checked(&rows, actor, [change.clone()]).unwrap_err();
            assert_eq!((refused.at, refused.why), (None, Refusal::LastAdministrator), "{change}");
        }
    }
}

#[test]
fn another_administrator_takes_over_in_the_same_draft() {
    let rows = one_administrator();
    for change in [remove_user("alice"), active("alice", false), remove_role("boss")] {
        assert_eq!(refusal(&rows, system(), [change.clone(), assign("bob", "root")]), None, "{change}");
    }
    let two = extended(&rows, [assign("bob", "root")]);
    for change in ways_out() {
        let by_the_root = refusal(&two, system(), [change.clone()]) == Some(Refusal::LastAdministrator);
        let touches_both =
            [revoke("root", "*"), deny("root", "*"), enabled("root", false), inherit("root", "other")];
        assert_eq!(by_the_root, touches_both.contains(&change), "{change}");
    }
}

#[test]
fn who_is_not_one_for_good_and_everywhere_does_not_count() {
    let rows = one_administrator();
    for no_heir in [
        assign_when("bob", "root", window(None, Some(1_000_000))),
        assign_when("bob", "root", window(Some(1), None)),
        assign_in("bob", "root", "d1"),
        assign("bob", "other"),
    ] {
        let draft = [no_heir.clone(), remove_user("alice")];
        assert_eq!(refusal(&rows, system(), draft), Some(Refusal::LastAdministrator), "{no_heir}");
    }
    // A part for good and the rest for a while is not all of it for good.
    let in_parts = [
        add_role("part"),
        allow("part", "rbac:user:*"),
        assign("bob", "part"),
        assign_when("bob", "root", window(None, Some(1_000_000))),
        remove_user("alice"),
    ];
    assert_eq!(refusal(&rows, system(), in_parts), Some(Refusal::LastAdministrator));
    let inactive = [assign("bob", "root"), active("bob", false), remove_user("alice")];
    assert_eq!(refusal(&rows, system(), inactive), Some(Refusal::LastAdministrator));
    let over =
        [assign("bob", "root"), assign_when("bob", "other", window(None, Some(1))), remove_user("alice")];
    assert_eq!(refusal(&rows, system(), over.clone()), Some(Refusal::LastAdministrator));
    let draft = crate::edit::draft(system(), over);
    // What denied is over by then.
    assert!(rbac::admin::check(&rows, rbac::PolicyVersion::START, &draft, at(1)).is_ok());
}

#[test]
fn one_who_breaks_a_dynamic_set_without_a_session_does_not_count() {
    let rows =
        extended(&one_administrator(), [assign("bob", "root"), add_role("clerk"), assign("bob", "clerk")]);
    let apart = apart("s1", DutyKind::Dynamic, &["root", "clerk"]);
    assert_eq!(refusal(&rows, system(), [remove_user("alice")]), None);
    let draft = [apart, remove_user("alice")];
    assert_eq!(refusal(&rows, system(), draft), Some(Refusal::LastAdministrator));
}

#[test]
fn a_policy_without_an_administrator_is_not_held_back() {
    let rows =
        built([add_user("alice"), add_role("boss"), allow("boss", "rbac:user:*"), assign("alice", "boss")]);
    assert_eq!(refusal(&rows, system(), [remove_user("alice")]), None);
    assert_eq!(refusal(&PolicyRows::default(), system(), [add_user("alice")]), None);
}

#[test]
fn the_first_administrator_comes_from_the_program() {
    let needed = |permission| Some(Refusal::NotPermitted(name(permission)));
    let changes = || [add_user("alice"), add_role("root"), allow("root", "*"), assign("alice", "root")];
    assert_eq!(refusal(&PolicyRows::default(), by("alice"), changes()), needed("rbac:user:edit"));
    assert_eq!(refusal(&PolicyRows::default(), system(), changes()), None);
}

#[test]
fn nobody_takes_the_own_rights_over_the_policy() {
    let rows = extended(&one_administrator(), [assign("bob", "root")]);
    let out = |permission| Some(Refusal::SelfLockOut(name(permission)));
    for (change, lost) in [
        (remove_user("alice"), "rbac:user:view"),
        (active("alice", false), "rbac:user:view"),
        (unassign("alice", "boss"), "rbac:user:view"),
        (disinherit("boss", "root"), "rbac:user:view"),
        (enabled("boss", false), "rbac:user:view"),
        (remove_role("boss"), "rbac:user:view"),
        (deny("boss", "rbac:duty:edit"), "rbac:duty:edit"),
        (assign("alice", "other"), "rbac:audit:view"),
        (assign_in("alice", "other", "d1"), "rbac:audit:view"),
        (assign_when("alice", "other", window(Some(500), Some(1_000))), "rbac:audit:view"),
        (assign_when("alice", "boss", window(None, Some(1_000_000))), "rbac:user:view"),
    ] {
        assert_eq!(refusal(&rows, by("alice"), [change.clone()]), out(lost), "{change}");
        assert_eq!(refusal(&rows, by("bob"), [change.clone()]), None, "{change}");
    }
    let replaced = [assign("alice", "root"), unassign("alice", "boss")];
    assert_eq!(refusal(&rows, by("alice"), replaced), None);
    let gone = [assign_in("alice", "boss", "d1")];
    let rows = extended(&rows, gone);
    assert_eq!(refusal(&rows, by("alice"), [Change::RemoveDomain { domain: name("d1") }]), None);
}

#[test]
fn each_change_needs_its_permission() {
    let grants = [
        ("users", "rbac:user:edit"),
        ("assigner", "rbac:user:assign"),
        ("roles", "rbac:role:edit"),
        ("permissions", "rbac:permission:edit"),
        ("domains", "rbac:domain:edit"),
        ("departments", "rbac:department:edit"),
        ("duties", "rbac:duty:edit"),
    ];
    let of_one = |(role, permission): &(&str, &str)| {
        [add_user(role), add_role(role), allow(role, permission), assign(role, role)]
    };
    let rows = built(grants.iter().flat_map(of_one).chain([add_user("target"), add_role("empty")]));
    let changes = [
        add_user("new"),
        assign("target", "empty"),
        add_role("new"),
        crate::edit::add_permission("new"),
        add_domain("new"),
        crate::edit::add_department(1, None),
        apart("new", DutyKind::Static, &["empty", "users"]),
    ];
    for (who, _) in grants {
        for ((_, needed), change) in grants.iter().zip(&changes) {
            let may = grants.iter().any(|(role, permission)| *role == who && permission == needed);
            let expected = (!may).then(|| Refusal::NotPermitted(name(needed)));
            assert_eq!(refusal(&rows, by(who), [change.clone()]), expected, "{who} {change}");
        }
    }
}

#[test]
fn a_permission_must_hold_now_and_here() {
    let base = [
        add_user("ann"),
        add_user("bob"),
        add_role("assigner"),
        add_role("empty"),
        add_domain("d1"),
        add_domain("d2"),
        allow("assigner", "rbac:user:assign"),
    ];
    let rows = |more: Change| built(base.iter().cloned().chain([more]));
    let needed = Some(Refusal::NotPermitted(name("rbac:user:assign")));
    let later = rows(assign_when("ann", "assigner", window(Some(10), None)));
    assert_eq!(refusal(&later, by("ann"), [assign("bob", "empty")]), needed);
    let local = rows(assign_in("ann", "assigner", "d1"));
    assert_eq!(refusal(&local, by("ann"), [assign("bob", "empty")]), needed);
    assert_eq!(refusal(&local, by("ann"), [assign_in("bob", "empty", "d2")]), needed);
    assert_eq!(refusal(&local, by("ann"), [assign_in("bob", "empty", "d1")]), None);
    assert_eq!(refusal(&local, by("nobody"), [assign_in("bob", "empty", "d1")]), needed);
    let always = rows(assign_when("ann", "assigner", Window::ALWAYS));
    assert_eq!(refusal(&always, by("ann"), [assign("bob", "empty")]), None);
    let inactive = extended(&always, [active("ann", false)]);
    assert_eq!(refusal(&inactive, by("ann"), [assign("bob", "empty")]), needed);
    let choosing =
        extended(&always, [assign("ann", "empty"), apart("s1", DutyKind::Dynamic, &["assigner", "empty"])]);
    assert_eq!(refusal(&choosing, by("ann"), [assign("bob", "empty")]), needed);
}
