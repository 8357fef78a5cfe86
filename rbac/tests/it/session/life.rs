//! The life of a session: opened, changed, overtaken by what happens to the policy meanwhile.

use proptest::prelude::*;
use rbac::{
    Assignment, DataScope, Decision, DenyReason, DomainRow, Duty, DutyKind, Effect, Grant, Inheritance, Lang,
    PermissionRow, Policy, PolicyRows, RoleRow, Scope, Session, SessionRefusal, UnixMillis, UserRow, Window,
};

use crate::world::{cases, name};

const NOW: UnixMillis = UnixMillis::EPOCH;

/// `ann` is cashier and auditor, which nobody may be at once; a boss is both. In `north` she is a guide too.
fn bank() -> PolicyRows {
    let mut rows = PolicyRows::default();
    rows.users.insert(name("ann"), UserRow::new(name("")));
    rows.domains.insert(name("north"), DomainRow::new(name("")));
    rows.domains.insert(name("south"), DomainRow::new(name("")));
    for role in ["auditor", "boss", "cashier", "guide"] {
        rows.roles.insert(name(role), RoleRow::new(name("")));
        let permission = format!("do:{role}");
        rows.permissions.insert(name(&permission), PermissionRow::new(name("")));
        rows.grants.insert(Grant::new(name(role), name(&permission)), Effect::Allow);
    }
    rows.roles.get_mut("cashier").unwrap().data_scope = DataScope::Own;
    rows.roles.get_mut("auditor").unwrap().data_scope = DataScope::All;
    rows.grants.insert(Grant::new(name("auditor"), name("do:cashier")), Effect::Allow);
    for role in ["auditor", "cashier"] {
        rows.inheritance.insert(Inheritance::new(name("boss"), name(role)));
        rows.assignments.insert(Assignment::new(name("ann"), name(role)), Window::ALWAYS);
    }
    rows.assignments.insert(Assignment::in_domain(name("ann"), name("guide"), name("north")), Window::ALWAYS);
    let roles = ["auditor", "cashier"].map(name).into();
    rows.duties.insert(name("till"), Duty::new(name(""), DutyKind::Dynamic, 2, roles));
    rows
}

fn opened(policy: &Policy, roles: &[&str]) -> Session {
    policy.at(NOW).session(&name("ann"), roles.iter().copied().map(name)).unwrap()
}

fn can(policy: &Policy, session: &Session, permission: &str) -> bool {
    let id = policy.permission(&name(permission)).unwrap();
    session.can(policy.at(NOW), id)
}

#[test]
fn a_session_has_the_roles_that_were_chosen() {
    let policy = Policy::compile(&bank()).unwrap();
    let view = policy.at(NOW);
    let mut session = opened(&policy, &["cashier"]);
    assert!(can(&policy, &session, "do:cashier") && !can(&policy, &session, "do:auditor"));

    let refusal = session.add_role(view, name("auditor")).unwrap_err();
    let roles = ["auditor", "cashier"].map(name).to_vec();
    assert_eq!(refusal, SessionRefusal::DutyViolated { duty: name("till"), roles });
    let words =
        "roles `auditor` `cashier` must not be active together (separation of duties `till`); choose fewer";
    assert_eq!(refusal.to_string(), words);
    assert!(refusal.words(Lang::Zh).contains("`till`"));

    assert!(session.drop_role(&name("cashier")) && !session.drop_role(&name("cashier")));
    session.add_role(view, name("auditor")).unwrap();
    assert!(can(&policy, &session, "do:auditor"));
    assert_eq!(session.roles().map(|role| role.as_str()).collect::<Vec<_>>(), ["auditor"]);
}

#[test]
fn a_session_is_refused_with_the_reason() {
    let mut rows = bank();
    let policy = Policy::compile(&rows).unwrap();
    let refused = |user: &str, role: &str| policy.at(NOW).session(&name(user), [name(role)]).unwrap_err();
    assert_eq!(refused("nobody", "cashier"), SessionRefusal::UnknownUser { user: name("nobody") });
    assert_eq!(refused("ann", "boss"), SessionRefusal::NotAuthorised { role: name("boss") });
    assert_eq!(refused("ann", "nothing"), SessionRefusal::NotAuthorised { role: name("nothing") });
    rows.users.get_mut("ann").unwrap().active = false;
    let policy = Policy::compile(&rows).unwrap();
    let refusal = policy.at(NOW).session(&name("ann"), [name("cashier")]).unwrap_err();
    assert_eq!(refusal, SessionRefusal::InactiveUser { user: name("ann") });
}

/// A role that inherits both would get round the rule if inherited roles were not counted.
#[test]
fn a_senior_role_cannot_be_active_but_its_juniors_can() {
    let mut rows = bank();
    rows.assignments.retain(|row, _| row.role.as_str() == "guide");
    rows.assignments.insert(Assignment::new(name("ann"), name("boss")), Window::ALWAYS);
    let policy = Policy::compile(&rows).unwrap();
    let refused = policy.at(NOW).session(&name("ann"), [name("boss")]).unwrap_err();
    assert!(matches!(refused, SessionRefusal::DutyViolated { .. }), "{refused}");
    assert!(can(&policy, &opened(&policy, &["auditor"]), "do:auditor"));
    let decision = policy.at(NOW).decide(&name("ann"), &name("do:boss")).unwrap();
    assert_eq!(decision, Decision::Deny(DenyReason::RolesToChoose { duty: name("till") }));
}

#[test]
fn what_is_revoked_or_over_drops_out() {
    let noon = UnixMillis::new(43_200_000).unwrap();
    let mut rows = bank();
    rows.assignments.insert(Assignment::new(name("ann"), name("cashier")), Window::until(noon).unwrap());
    let policy = Policy::compile(&rows).unwrap();
    let session = opened(&policy, &["cashier"]);
    let cashier = policy.permission(&name("do:cashier")).unwrap();
    assert!(session.can(policy.at(NOW), cashier));
    assert!(!session.can(policy.at(noon), cashier));
    assert_eq!(session.resume(policy.at(noon)).unwrap().roles().count(), 0);

    rows.assignments.remove(&Assignment::new(name("ann"), name("cashier")));
    assert!(!can(&Policy::compile(&rows).unwrap(), &session, "do:cashier"));
    let mut rows = bank();
    rows.roles.get_mut("cashier").unwrap().enabled = false;
    assert!(!can(&Policy::compile(&rows).unwrap(), &session, "do:cashier"));
    let mut rows = bank();
    rows.users.get_mut("ann").unwrap().active = false;
    let policy = Policy::compile(&rows).unwrap();
    assert!(!session.resume(policy.at(NOW)).unwrap().subject().is_active());
    assert!(!can(&policy, &session, "do:cashier"));
    rows.users.clear();
    assert!(session.resume(Policy::compile(&rows).unwrap().at(NOW)).is_none());
}

/// A role that is gone neither counts against another one nor keeps it out; it is active again when it is assigned again.
#[test]
fn a_role_that_dropped_out_is_not_in_the_way() {
    let mut rows = bank();
    let mut session = opened(&Policy::compile(&rows).unwrap(), &["cashier"]);
    let cashier = Assignment::new(name("ann"), name("cashier"));
    rows.assignments.remove(&cashier);
    let policy = Policy::compile(&rows).unwrap();
    session.add_role(policy.at(NOW), name("auditor")).unwrap();
    assert!(can(&policy, &session, "do:auditor"));
    rows.assignments.insert(cashier, Window::ALWAYS);
    let policy = Policy::compile(&rows).unwrap();
    assert!(!can(&policy, &session, "do:auditor"));
    session.drop_role(&name("cashier"));
    assert!(can(&policy, &session, "do:auditor"));
}

/// A set that came later, or an inheritance: the session has to be given up for one with fewer roles.
#[test]
fn a_rule_that_came_later_holds_for_open_sessions() {
    let mut rows = bank();
    let duties = std::mem::take(&mut rows.duties);
    let session = opened(&Policy::compile(&rows).unwrap(), &["auditor", "cashier"]);
    rows.duties = duties;
    let policy = Policy::compile(&rows).unwrap();
    assert!(!can(&policy, &session, "do:cashier"));
    let active = session.resume(policy.at(NOW)).unwrap();
    let decision = active.subject().decide(&name("do:cashier")).unwrap();
    assert_eq!(decision, Decision::Deny(DenyReason::RolesToChoose { duty: name("till") }));
    assert!(active.subject().permissions().is_empty());
}

#[test]
fn a_session_stays_in_its_domain() {
    let policy = Policy::compile(&bank()).unwrap();
    let at = |domain: &str| policy.at(NOW).in_domain(&name(domain)).unwrap();
    let mut session = at("north").session(&name("ann"), [name("guide")]).unwrap();
    let guide = policy.permission(&name("do:guide")).unwrap();
    assert!(session.can(at("north"), guide));
    assert!(session.resume(at("south")).is_none() && session.resume(policy.at(NOW)).is_none());
    let refusal = session.add_role(at("south"), name("cashier")).unwrap_err();
    assert_eq!(refusal, SessionRefusal::OtherDomain { domain: Some(name("north")) });
    session.add_role(at("north"), name("cashier")).unwrap();
    assert_eq!(session.domain(), Some(&name("north")));
    let refusal = at("south").session(&name("ann"), [name("guide")]).unwrap_err();
    assert_eq!(refusal, SessionRefusal::NotAuthorised { role: name("guide") });
}

#[test]
fn a_scope_is_that_of_the_roles_in_the_session() {
    let policy = Policy::compile(&bank()).unwrap();
    let cashier = policy.permission(&name("do:cashier")).unwrap();
    let scope =
        |roles: &[&str]| opened(&policy, roles).resume(policy.at(NOW)).unwrap().subject().scope(cashier);
    assert_eq!(scope(&["cashier"]), Scope { own: true, ..Scope::default() });
    assert_eq!(scope(&["auditor"]), Scope::all());
    assert_eq!(scope(&[]), Scope::default());
    // Too many roles at once, and none was chosen: no rows.
    assert_eq!(policy.at(NOW).scope(&name("ann"), cashier), Scope::default());
}

#[test]
fn a_session_can_be_kept_as_json_and_is_checked_again_when_it_is_used() {
    let policy = Policy::compile(&bank()).unwrap();
    let session = opened(&policy, &["cashier"]);
    let kept = serde_json::to_string(&session).unwrap();
    assert_eq!(kept, r#"{"user":"ann","domain":null,"roles":["cashier"]}"#);
    assert_eq!(serde_json::from_str::<Session>(&kept).unwrap(), session);
    // Whoever could write the stored session still gets no role that the user does not have.
    let forged: Session = serde_json::from_str(r#"{"user":"ann","domain":null,"roles":["boss"]}"#).unwrap();
    assert!(!can(&policy, &forged, "do:boss"));
    let both: Session =
        serde_json::from_str(r#"{"user":"ann","domain":null,"roles":["auditor","cashier"]}"#).unwrap();
    assert!(!can(&policy, &both, "do:cashier"));
    serde_json::from_str::<Session>(r#"{"user":"ann","domain":null,"roles":[],"more":1}"#).unwrap_err();
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is_read(
        user in "[!-~]{1,40}",
        domain in prop::option::of("[a-z/]{1,9}"),
        roles in prop::collection::btree_set("[a-zA-Z0-9_.:@/-]{1,9}", 0..4),
        noise: Vec<u8>,
        (at, byte) in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        let kept = serde_json::json!({ "user": user, "domain": domain, "roles": roles }).to_string();
        let session: Session = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(session.user().as_str(), user);
        prop_assert_eq!(session.domain().map(|domain| domain.to_string()), domain);
        prop_assert_eq!(session.roles().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>(), roles);
        let again: Session = serde_json::from_str(&serde_json::to_string(&session).unwrap()).unwrap();
        prop_assert_eq!(&again, &session);

        // Damaged, it is refused or is a session that can be kept again; no text at all is one.
        let mut damaged = kept.into_bytes();
        *at.get_mut(&mut damaged) = byte;
        if let Ok(other) = serde_json::from_slice::<Session>(&damaged) {
            let again: Session = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
            prop_assert_eq!(again, other);
        }
        prop_assert!(serde_json::from_slice::<Session>(&noise).is_err());
    }
}
