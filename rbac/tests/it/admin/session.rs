//! A draft that is made in a session: its roles count for what the actor may change and give, and no others.

use rbac::{Change, Draft, DutyKind, Policy, PolicyRows, PolicyVersion, Refusal, Session, admin};

use crate::edit::{
    add_domain, add_permission, add_role, add_user, allow, apart, assign, assign_in, built, by, deny,
    extended, refusal,
};
use crate::world::{at, name};

/// Kim assigns roles and sells, but not at once. Bob is a colleague without anything.
fn office() -> PolicyRows {
    built([
        add_user("kim"),
        add_user("bob"),
        add_role("clerk"),
        add_role("seller"),
        add_role("viewer"),
        add_permission("sale:run"),
        add_permission("sale:see"),
        add_domain("east"),
        allow("clerk", "rbac:user:*"),
        allow("clerk", "sale:see"),
        allow("seller", "sale:run"),
        allow("viewer", "sale:see"),
        assign("kim", "clerk"),
        assign("kim", "seller"),
        apart("hats", DutyKind::Dynamic, &["clerk", "seller"]),
    ])
}

fn session(rows: &PolicyRows, roles: &[&str]) -> Session {
    let policy = Policy::compile(rows).unwrap();
    policy.at(at(0)).session(&name("kim"), roles.iter().map(|role| name(role))).unwrap()
}

fn in_session(rows: &PolicyRows, roles: &[&str], change: Change) -> Option<Refusal> {
    let draft = Draft::in_session(session(rows, roles)).change(change);
    let refused = admin::check(rows, PolicyVersion::START, &draft, at(0)).err();
    // What is tried out is refused as what is made.
    let preview = admin::preview(rows, PolicyVersion::START, &draft, None, at(0)).unwrap();
    assert_eq!(preview.refused, refused);
    refused.map(|refused| refused.why)
}

#[test]
fn who_has_to_choose_roles_changes_something_in_a_session() {
    let rows = office();
    let give = || assign("bob", "viewer");
    let lacks = Some(Refusal::NotPermitted(name("rbac:user:assign")));
    assert_eq!(refusal(&rows, by("kim"), [give()]), lacks);
    assert_eq!(in_session(&rows, &["clerk"], give()), None);
    assert_eq!(in_session(&rows, &["seller"], give()), lacks);
    assert_eq!(in_session(&rows, &[], give()), lacks);
}

#[test]
fn only_what_a_session_holds_is_given() {
    let rows = office();
    let refused = in_session(&rows, &["clerk"], assign("bob", "seller"));
    assert!(matches!(refused, Some(Refusal::Escalation { .. })), "{refused:?}");
    // A role that is not active denies all the same.
    let denied = extended(&rows, [deny("seller", "sale:see")]);
    let refused = in_session(&denied, &["clerk"], assign("bob", "viewer"));
    assert!(matches!(refused, Some(Refusal::Escalation { .. })), "{refused:?}");
    // A deny of the permission itself as well.
    let locked = extended(&rows, [deny("seller", "rbac:user:assign")]);
    let lacks = Some(Refusal::NotPermitted(name("rbac:user:assign")));
    assert_eq!(in_session(&locked, &["clerk"], assign("bob", "viewer")), lacks);
}

#[test]
fn a_session_counts_where_it_was_opened() {
    let rows = office();
    // What holds everywhere holds in a domain.
    assert_eq!(in_session(&rows, &["clerk"], assign_in("bob", "viewer", "east")), None);
    let policy = Policy::compile(&rows).unwrap();
    let east = policy.at(at(0)).in_domain(&name("east")).unwrap();
    let session = east.session(&name("kim"), [name("clerk")]).unwrap();
    let made = |change| {
        let draft = Draft::in_session(session.clone()).change(change);
        admin::check(&rows, PolicyVersion::START, &draft, at(0)).is_ok()
    };
    assert!(!made(assign("bob", "viewer")));
}

#[test]
fn roles_that_went_give_nothing() {
    let rows = office();
    let open = session(&rows, &["clerk"]);
    let later = extended(&rows, [crate::edit::unassign("kim", "clerk")]);
    let draft = Draft::in_session(open).change(assign("bob", "viewer"));
    let refused = admin::check(&later, PolicyVersion::START, &draft, at(0)).unwrap_err();
    assert_eq!(refused.why, Refusal::NotPermitted(name("rbac:user:assign")));
}

#[test]
fn a_draft_tells_what_it_rests_on() {
    let rows = extended(
        &office(),
        [add_user("root"), add_role("chief"), allow("chief", "rbac:*"), assign("root", "chief")],
    );
    let needed = |user: &str, change: Change| {
        let draft = Draft::new(by(user)).change(change);
        admin::needed(&rows, &draft, at(0)).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(needed("kim", assign("bob", "viewer")), ["rbac:user:assign"]);
    // Who may escalate gives what they do not hold by that alone.
    assert_eq!(needed("root", assign("bob", "viewer")), ["rbac:escalate", "rbac:user:assign"]);
    assert_eq!(needed("root", assign("bob", "chief")), ["rbac:user:assign"]);
    assert_eq!(needed("root", add_domain("west")), ["rbac:domain:edit"]);
    let gone = Change::RemovePermission { permission: name("sale:see") };
    assert_eq!(needed("root", gone), ["rbac:permission:edit", "rbac:role:edit"]);
    let system = Draft::new(crate::edit::system()).change(add_domain("west"));
    assert!(admin::needed(&rows, &system, at(0)).is_empty());
}
