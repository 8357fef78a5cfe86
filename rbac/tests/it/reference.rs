//! The compiled policy against a slow model that reads the rows afresh for every question.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{
    Assignment, Decision, DenyReason, Effect, Inheritance, PermissionName, Policy, PolicyRows, RoleName,
    Trail, UserId,
};

use crate::world::{PERMISSIONS, USERS, cases, name, rows};

/// All roles of a user that count: assigned or inherited, by ways on which every role exists and is enabled.
fn roles_of(rows: &PolicyRows, user: &UserId) -> BTreeSet<RoleName> {
    let enabled = |role: &&RoleName| rows.roles.get(*role).is_some_and(|row| row.enabled);
    let assigned = rows.assignments.iter().filter(|row| row.user == *user).map(|row| &row.role);
    let mut roles: BTreeSet<RoleName> = assigned.filter(enabled).cloned().collect();
    loop {
        let inherited = rows.inheritance.iter().filter(|row| roles.contains(&row.senior));
        let more: Vec<_> = inherited.map(|row| &row.junior).filter(enabled).cloned().collect();
        let before = roles.len();
        roles.extend(more);
        if roles.len() == before {
            return roles;
        }
    }
}

fn roles_saying(
    rows: &PolicyRows,
    user: &UserId,
    asked: &PermissionName,
    said: Effect,
) -> BTreeSet<RoleName> {
    let roles = roles_of(rows, user);
    let grants = rows.grants.iter().filter(|(grant, effect)| {
        **effect == said
            && roles.contains(&grant.role)
            && matches_slowly(grant.pattern.as_str(), asked.as_str())
    });
    grants.map(|(grant, _)| grant.role.clone()).collect()
}

/// The meaning of a pattern, written once more in another way.
pub(crate) fn matches_slowly(pattern: &str, asked: &str) -> bool {
    let (pattern, asked): (Vec<_>, Vec<_>) = (pattern.split(':').collect(), asked.split(':').collect());
    let literals = pattern.iter().take_while(|segment| **segment != "*").count();
    let long_enough =
        if literals == pattern.len() { asked.len() == pattern.len() } else { asked.len() >= pattern.len() };
    long_enough && pattern[..literals] == asked[..literals]
}

fn model(rows: &PolicyRows, user: &UserId, asked: &PermissionName) -> &'static str {
    match rows.users.get(user) {
        None => "unknown",
        Some(row) if !row.active => "inactive",
        Some(_) if !roles_saying(rows, user, asked, Effect::Deny).is_empty() => "denied",
        Some(_) if roles_saying(rows, user, asked, Effect::Allow).is_empty() => "not granted",
        Some(_) => "permit",
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit => "permit",
        Decision::Deny(DenyReason::UnknownUser) => "unknown",
        Decision::Deny(DenyReason::InactiveUser) => "inactive",
        Decision::Deny(DenyReason::ExplicitDeny { .. }) => "denied",
        Decision::Deny(DenyReason::NotGranted) => "not granted",
        Decision::Deny(other) => panic!("{other}"),
    }
}

/// A trail is true if the rows say each of its steps.
fn assert_true(trail: &Trail, rows: &PolicyRows, user: &UserId, asked: &PermissionName, effect: Effect) {
    let roles: Vec<_> = trail.roles().cloned().collect();
    assert!(rows.assignments.contains(&Assignment::new(user.clone(), roles[0].clone())));
    assert!(roles.iter().all(|role| rows.roles[role].enabled));
    for step in roles.windows(2) {
        assert!(rows.inheritance.contains(&Inheritance::new(step[0].clone(), step[1].clone())));
    }
    let last = roles.last().unwrap();
    assert_eq!(last, trail.granted_role());
    assert_eq!(trail.effect(), effect);
    assert!(trail.pattern().matches(asked));
    assert_eq!(rows.grants[&rbac::Grant::new(last.clone(), trail.pattern().clone())], effect);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_answer_agrees_with_the_model(rows in rows()) {
        let policy = Policy::compile(&rows).unwrap();
        for (user, asked) in USERS.iter().flat_map(|user| PERMISSIONS.iter().map(move |asked| (user, asked))) {
            let (user, asked): (UserId, PermissionName) = (name(user), name(asked));
            let Some(id) = policy.permission(&asked) else {
                prop_assert!(!rows.permissions.contains_key(&asked));
                let (decided, explained) = (policy.decide(&user, &asked), policy.explain(&user, &asked));
                prop_assert_eq!(decided.unwrap_err().name().clone(), asked.clone());
                prop_assert_eq!(explained.unwrap_err().name().clone(), asked);
                continue;
            };
            let decision = policy.decide(&user, &asked).unwrap();
            let expected = model(&rows, &user, &asked);
            prop_assert_eq!(word(&decision), expected);
            let can = policy.subject(&user).is_some_and(|subject| subject.can(id));
            prop_assert_eq!(can, decision.is_permit());
            prop_assert_eq!(policy.who_can(id).contains(&user), can);
            prop_assert_eq!(policy.what_can(&user).contains(&asked), can);
            if let Decision::Deny(DenyReason::ExplicitDeny { role }) = &decision {
                prop_assert!(roles_saying(&rows, &user, &asked, Effect::Deny).contains(role));
            }
        }
    }

    #[test]
    fn an_explanation_is_true_and_says_what_decide_says(rows in rows()) {
        let policy = Policy::compile(&rows).unwrap();
        for (user, asked) in USERS.iter().flat_map(|user| PERMISSIONS.iter().map(move |asked| (user, asked))) {
            let (user, asked): (UserId, PermissionName) = (name(user), name(asked));
            let Ok(why) = policy.explain(&user, &asked) else { continue };
            prop_assert_eq!(why.decision(), &policy.decide(&user, &asked).unwrap());
            let deciding = match word(why.decision()) {
                "permit" => Some(Effect::Allow),
                "denied" => Some(Effect::Deny),
                _ => None,
            };
            prop_assert_eq!(why.because().map(Trail::effect), deciding);
            if let (Some(trail), Some(effect)) = (why.because(), deciding) {
                assert_true(trail, &rows, &user, &asked, effect);
            }
            let beaten = deciding == Some(Effect::Deny)
                && !roles_saying(&rows, &user, &asked, Effect::Allow).is_empty();
            prop_assert_eq!(why.overruled().is_some(), beaten);
            if let Some(trail) = why.overruled() {
                assert_true(trail, &rows, &user, &asked, Effect::Allow);
            }
            for remedy in why.remedies() {
                let mut helped = rows.clone();
                helped.assignments.insert(Assignment::new(user.clone(), remedy.clone()));
                prop_assert!(Policy::compile(&helped).unwrap().decide(&user, &asked).unwrap().is_permit());
            }
        }
    }
}
