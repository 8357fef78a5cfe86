//! The compiled policy against a slow model that reads the rows afresh for every question.

mod explained;
mod small;

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{
    Decision, DenyReason, DomainName, Duty, DutyKind, Effect, PermissionName, Policy, PolicyRows, RoleName,
    Subject, UnixMillis, UserId, View,
};

use crate::world::{DOMAINS, MOMENTS, PERMISSIONS, USERS, at, cases, name, rows};

/// Where and when something is asked.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) now: UnixMillis,
    pub(crate) domain: Option<DomainName>,
}

impl Point {
    /// Everywhere and in each domain that exists, at each moment.
    pub(crate) fn all(rows: &PolicyRows) -> Vec<Self> {
        let domains = rows.domains.keys().cloned().map(Some).chain([None]);
        let points =
            domains.flat_map(|domain| MOMENTS.map(|moment| Self { now: at(moment), domain: domain.clone() }));
        points.collect()
    }

    pub(crate) fn view<'a>(&self, policy: &'a Policy) -> View<'a> {
        let view = policy.at(self.now);
        self.domain.as_ref().map_or(view, |domain| view.in_domain(domain).unwrap())
    }
}

/// The roles that are assigned there and then, enabled or not, and exist.
pub(crate) fn held(rows: &PolicyRows, user: &UserId, point: &Point) -> BTreeSet<RoleName> {
    let holding = rows.assignments.iter().filter(|(row, window)| {
        let known = row.domain.as_ref().is_none_or(|domain| rows.domains.contains_key(domain));
        row.user == *user
            && known
            && rows.roles.contains_key(&row.role)
            && (row.domain.is_none() || row.domain == point.domain)
            && window.not_before().is_none_or(|from| from <= point.now)
            && window.not_after().is_none_or(|until| until > point.now)
    });
    holding.map(|(row, _)| row.role.clone()).collect()
}

/// The roles that count: held or inherited, by ways on which every role exists and is enabled.
pub(crate) fn active(rows: &PolicyRows, user: &UserId, point: &Point) -> BTreeSet<RoleName> {
    let enabled = |role: &RoleName| rows.roles.get(role).is_some_and(|row| row.enabled);
    let mut roles: BTreeSet<RoleName> = held(rows, user, point).into_iter().filter(enabled).collect();
    loop {
        let inherited = rows.inheritance.iter().filter(|row| roles.contains(&row.senior));
        let more: Vec<_> = inherited.map(|row| &row.junior).filter(|role| enabled(role)).cloned().collect();
        let before = roles.len();
        roles.extend(more);
        if roles.len() == before {
            return roles;
        }
    }
}

/// The roles among these that say so of the permission.
pub(crate) fn saying(
    rows: &PolicyRows,
    roles: &BTreeSet<RoleName>,
    asked: &PermissionName,
    said: Effect,
) -> BTreeSet<RoleName> {
    let grants = rows.grants.iter().filter(|(grant, effect)| {
        **effect == said
            && roles.contains(&grant.role)
            && matches_slowly(grant.pattern.as_str(), asked.as_str())
    });
    grants.map(|(grant, _)| grant.role.clone()).collect()
}

/// The meaning of a strict pattern, written once more in another way.
pub(crate) fn matches_slowly(pattern: &str, asked: &str) -> bool {
    let (pattern, asked): (Vec<_>, Vec<_>) = (pattern.split(':').collect(), asked.split(':').collect());
    let literals = pattern.iter().take_while(|segment| **segment != "*").count();
    let long_enough =
        if literals == pattern.len() { asked.len() == pattern.len() } else { asked.len() >= pattern.len() };
    long_enough && pattern[..literals] == asked[..literals]
}

fn broken(duty: &Duty, roles: &BTreeSet<RoleName>) -> bool {
    let cardinality = usize::try_from(duty.cardinality).unwrap();
    duty.kind == DutyKind::Dynamic && duty.roles.intersection(roles).count() >= cardinality
}

/// What the answer is, in a word.
pub(crate) fn model(rows: &PolicyRows, user: &UserId, asked: &PermissionName, point: &Point) -> &'static str {
    let roles = active(rows, user, point);
    match rows.users.get(user) {
        None => "unknown",
        Some(row) if !row.active => "inactive",
        Some(_) if rows.duties.values().any(|duty| broken(duty, &roles)) => "to choose",
        Some(_) if !saying(rows, &roles, asked, Effect::Deny).is_empty() => "denied",
        Some(_) if saying(rows, &roles, asked, Effect::Allow).is_empty() => "not granted",
        Some(_) => "permit",
    }
}

pub(crate) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit => "permit",
        Decision::Deny(DenyReason::UnknownUser) => "unknown",
        Decision::Deny(DenyReason::InactiveUser) => "inactive",
        Decision::Deny(DenyReason::RolesToChoose { .. }) => "to choose",
        Decision::Deny(DenyReason::ExplicitDeny { .. }) => "denied",
        Decision::Deny(DenyReason::NotGranted) => "not granted",
        Decision::Deny(other) => panic!("{other}"),
    }
}

/// All answers of one view agree with the model and with each other.
pub(crate) fn assert_agree(
    rows: &PolicyRows,
    policy: &Policy,
    point: &Point,
    users: &[UserId],
    asked: &[PermissionName],
) {
    let view = point.view(policy);
    for user in users {
        let permitted = view.what_can(user);
        assert!(permitted.is_sorted());
        let roles: Vec<RoleName> = view.subject(user).into_iter().flat_map(Subject::roles).cloned().collect();
        if rows.users.contains_key(user) {
            assert_eq!(roles, held(rows, user, point).into_iter().collect::<Vec<_>>());
        }
        for asked in asked {
            let decision = view.decide(user, asked).unwrap();
            assert_eq!(
                word(&decision),
                model(rows, user, asked, point),
                "{user} {asked} {point:?} {rows:#?}"
            );
            let id = policy.permission(asked).unwrap();
            let can = view.subject(user).is_some_and(|subject| subject.can(id));
            assert_eq!(can, decision.is_permit());
            assert_eq!(permitted.contains(asked), can);
            let checked = view.subject(user).map(|subject| subject.check(id));
            match (checked, &decision) {
                (Some(Ok(())), Decision::Permit) | (None, Decision::Deny(DenyReason::UnknownUser)) => {}
                (Some(Err(denied)), Decision::Deny(reason)) => assert_eq!(denied.reason(), reason),
                other => panic!("{other:?}"),
            }
            if let Decision::Deny(DenyReason::ExplicitDeny { role }) = &decision {
                assert!(saying(rows, &active(rows, user, point), asked, Effect::Deny).contains(role));
            }
        }
    }
    for asked in asked {
        let id = policy.permission(asked).unwrap();
        let who: Vec<UserId> =
            rows.users.keys().filter(|user| view.subject(user).unwrap().can(id)).cloned().collect();
        assert_eq!(view.who_can(id), who);
    }
}

/// What is registered: by rows or by the crate itself.
pub(crate) fn registered(rows: &PolicyRows) -> Vec<PermissionName> {
    let own = ["rbac:user:edit", "rbac:audit:view"].map(name);
    rows.permissions.keys().cloned().chain(own).collect()
}

/// The users of the universe, and one who never exists.
pub(crate) fn users() -> Vec<UserId> {
    USERS.iter().chain(&["nobody"]).map(|user| name(user)).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_answer_agrees_with_the_model(rows in rows()) {
        let policy = Policy::compile(&rows).unwrap();
        for point in Point::all(&rows) {
            assert_agree(&rows, &policy, &point, &users(), &registered(&rows));
        }
    }

    #[test]
    fn what_is_not_registered_is_an_error_and_what_is_no_domain_too(rows in rows()) {
        let policy = Policy::compile(&rows).unwrap();
        let view = policy.at(at(0));
        for asked in PERMISSIONS.iter().map(|asked| name::<PermissionName>(asked)) {
            let known = rows.permissions.contains_key(&asked);
            prop_assert_eq!(policy.permission(&asked).is_some(), known);
            for user in users() {
                prop_assert_eq!(view.decide(&user, &asked).is_ok(), known);
                prop_assert_eq!(view.explain(&user, &asked).is_ok(), known);
            }
        }
        for domain in DOMAINS.iter().map(|domain| name::<DomainName>(domain)) {
            match view.in_domain(&domain) {
                Ok(there) => prop_assert_eq!(there.domain(), Some(&domain)),
                Err(unknown) => prop_assert_eq!(unknown.name(), &domain),
            }
            prop_assert_eq!(view.in_domain(&domain).is_ok(), rows.domains.contains_key(&domain));
        }
    }
}
