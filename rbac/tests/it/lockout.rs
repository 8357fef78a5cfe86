//! The guard against locking everybody out, and what a new user or role starts with.

use proptest::prelude::*;
use rbac::{Assignment, Change, Effect, Grant, PolicyRows, Refusal, admin};

use crate::world::{
    add_permission, add_role, add_user, assign, built, cases, change, grant, inherit, name, rows,
};

/// Alice is the only administrator, by a role that inherits the power.
fn one_administrator() -> PolicyRows {
    built([
        add_user("alice"),
        add_user("bob"),
        add_role("boss"),
        add_role("root"),
        add_role("other"),
        inherit("boss", "root"),
        grant("root", "*", Effect::Allow),
        grant("other", "rbac:*", Effect::Deny),
        assign("alice", "boss"),
    ])
}

#[test]
fn the_last_administrator_stays() {
    let rows = one_administrator();
    let ways_out = [
        Change::RemoveUser { user: name("alice") },
        Change::SetUserActive { user: name("alice"), active: false },
        Change::Unassign { user: name("alice"), role: name("boss") },
        Change::Disinherit { senior: name("boss"), junior: name("root") },
        Change::Revoke { role: name("root"), pattern: name("*") },
        Change::SetRoleEnabled { role: name("root"), enabled: false },
        Change::RemoveRole { role: name("boss") },
        grant("root", "*", Effect::Deny),
        grant("boss", "rbac:*", Effect::Deny),
        assign("alice", "other"),
        inherit("root", "other"),
    ];
    for change in &ways_out {
        assert_eq!(admin::check(&rows, change), Err(Refusal::LastAdministrator), "{change}");
    }

    let mut two = rows;
    admin::apply(&mut two, &assign("bob", "root")).unwrap();
    assert_eq!(admin::check(&two, &ways_out[0]), Ok(()));
    assert_eq!(admin::check(&two, &ways_out[2]), Ok(()));
    assert_eq!(admin::check(&two, &ways_out[4]), Err(Refusal::LastAdministrator));
}

#[test]
fn a_deny_elsewhere_leaves_an_administrator() {
    let mut rows = one_administrator();
    admin::apply(&mut rows, &add_permission("order:refund")).unwrap();
    assert_eq!(admin::check(&rows, &grant("root", "order:refund", Effect::Deny)), Ok(()));
}

#[test]
fn leftovers_do_not_come_back_to_life() {
    let mut rows = built([add_role("editor"), add_permission("a")]);
    rows.assignments.insert(Assignment::new(name("alice"), name("editor")));
    rows.grants.insert(Grant::new(name("root"), name("*")), Effect::Allow);
    admin::apply(&mut rows, &add_user("alice")).unwrap();
    admin::apply(&mut rows, &add_role("root")).unwrap();
    assert!(rows.assignments.is_empty());
    assert!(rows.grants.is_empty());
}

#[test]
fn a_grant_turns_round_in_one_change() {
    let mut rows = built([add_role("editor"), grant("editor", "a:*", Effect::Allow)]);
    assert_eq!(admin::check(&rows, &grant("editor", "a:*", Effect::Allow)), Err(Refusal::AlreadyThere));
    admin::apply(&mut rows, &grant("editor", "a:*", Effect::Deny)).unwrap();
    assert_eq!(rows.grants.into_values().collect::<Vec<_>>(), [Effect::Deny]);
}

#[test]
fn a_grant_names_a_registered_permission() {
    let rows = built([add_role("editor")]);
    let refusal = admin::check(&rows, &grant("editor", "a:x", Effect::Allow)).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownPermission(name("a:x")));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_refused_change_changes_nothing_and_a_made_one_something(before in rows(), change in change()) {
        let mut after = before.clone();
        let outcome = admin::apply(&mut after, &change);
        prop_assert_eq!(outcome.is_err(), after == before);
    }

    #[test]
    fn allowed_changes_never_make_a_circle(before in rows(), changes in prop::collection::vec(change(), 1..20)) {
        let mut rows = before;
        for change in &changes {
            let _made_or_not = admin::apply(&mut rows, change);
            prop_assert!(rbac::Policy::compile(&rows).is_ok());
        }
    }
}
