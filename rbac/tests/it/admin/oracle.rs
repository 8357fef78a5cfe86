//! The rule against escalation beside the compiled policies: what they say before and after a draft that was let
//! through, and before and after one that was not.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{
    Assignment, Change, DataScope, DepartmentId, Effect, Grant, PermissionName, PermissionRow, Policy,
    PolicyRows, Refusal, UserId, View, Window,
};

use crate::edit::{by, checked};
use crate::world::{
    DOMAINS, MOMENTS, PERMISSIONS, USERS, any_window, assignment, at, cases, change, data_scope, name, pick,
    place, sound_rows,
};

const ACTOR: &str = "admin";
/// A role that no change is about.
const EVERYTHING: &str = "r5";

/// The actor may change everything, and give only what else the actor holds. Sets are left out: they bar roles from
/// each other, which no permission makes up for.
fn with_actor(mut rows: PolicyRows) -> PolicyRows {
    rows.duties.clear();
    rows.users.entry(name(ACTOR)).or_insert_with(|| rbac::UserRow::new(name(""))).active = true;
    let role = rows.roles.entry(name("admin")).or_insert_with(|| rbac::RoleRow::new(name("")));
    (role.enabled, role.data_scope) = (true, DataScope::All);
    for pattern in
        ["rbac:user:*", "rbac:role:*", "rbac:domain:edit", "rbac:permission:edit", "rbac:department:edit"]
    {
        rows.grants.insert(Grant::new(name("admin"), name(pattern)), Effect::Allow);
    }
    rows.grants.insert(Grant::new(name("admin"), name("rbac:escalate")), Effect::Deny);
    rows.grants.retain(|grant, effect| {
        *effect == Effect::Allow || !["rbac:*", "*", "rbac:user:*"].contains(&grant.pattern.as_str())
    });
    rows.assignments.insert(Assignment::new(name(ACTOR), name("admin")), Window::ALWAYS);
    rows
}

/// The policy, with all permissions of the universe registered: what a pattern matches does not change.
fn compiled(rows: &PolicyRows) -> Policy {
    let mut rows = rows.clone();
    rows.permissions.extend(PERMISSIONS.iter().map(|it| (name(it), PermissionRow::new(name("")))));
    Policy::compile(&rows).unwrap()
}

fn held(policy: &Policy, user: &UserId, millis: u64, domain: Option<&str>) -> BTreeSet<PermissionName> {
    let everywhere = policy.at(at(millis));
    let view = domain.map_or(Ok(everywhere), |domain| everywhere.in_domain(&name(domain)));
    view.map(|view: View<'_>| view.what_can(user)).unwrap_or_default().into_iter().collect()
}

/// Who gains, when, where, what.
type Gain = (UserId, u64, Option<&'static str>, PermissionName);

/// What somebody gains that the actor lacks.
fn undue(before: &Policy, after: &Policy, now: u64) -> Option<Gain> {
    undue_by(before, (before, after), now)
}

/// The same where the actor gives by another policy.
fn undue_by(giving: &Policy, (before, after): (&Policy, &Policy), now: u64) -> Option<Gain> {
    let actor: UserId = name(ACTOR);
    let places = DOMAINS.iter().copied().map(Some).chain([None]);
    for (domain, user) in places.flat_map(|place| USERS.iter().map(move |user| (place, name::<UserId>(user))))
    {
        // In a domain that is new, what holds everywhere holds before.
        let place = domain.filter(|domain| before.domains().any(|known| known.as_str() == *domain));
        for millis in MOMENTS.into_iter().filter(|millis| *millis >= now) {
            let (was, is) = (held(before, &user, millis, place), held(after, &user, millis, domain));
            let giver = held(giving, &actor, if user == actor { millis } else { now }, place);
            if let Some(permission) = is.difference(&was).find(|permission| !giver.contains(*permission)) {
                return Some((user, millis, domain, permission.clone()));
            }
        }
    }
    None
}

/// Rows that open to somebody and are neither open to the actor nor were open before: who, when, where, for what.
fn unduly_open(
    (before, after): (&Policy, &Policy),
    known: &BTreeSet<DepartmentId>,
) -> Option<(UserId, u64, Option<&'static str>, &'static str)> {
    let actor: UserId = name(ACTOR);
    let opened = |policy: &Policy, user: &UserId, millis: u64, domain: Option<&str>, asked: &str| {
        let id = policy.permission(&name(asked)).unwrap();
        let everywhere = policy.at(at(millis));
        let view = domain.map_or(Ok(everywhere), |domain| everywhere.in_domain(&name(domain)));
        let mut scope = view.map(|view| view.scope(user, id)).unwrap_or_default();
        // The rows of a new department were nobody's.
        scope.departments.retain(|department| known.contains(department));
        scope
    };
    let places = DOMAINS.iter().copied().map(Some).chain([None]);
    for (domain, user) in places.flat_map(|place| USERS.iter().map(move |user| (place, name::<UserId>(user))))
    {
        let place = domain.filter(|domain| before.domains().any(|known| known.as_str() == *domain));
        for (millis, asked) in MOMENTS.into_iter().flat_map(|it| PERMISSIONS.map(|asked| (it, asked))) {
            let is = opened(after, &user, millis, domain, asked);
            let was = opened(before, &user, millis, place, asked);
            let giver = opened(before, &actor, if user == actor { millis } else { 0 }, place, asked);
            let all = was.all || giver.all;
            let among = |id: &DepartmentId| was.departments.contains(id) || giver.departments.contains(id);
            let own = was.own || giver.own || !giver.departments.is_empty();
            if !all && (is.all || !is.departments.iter().all(among) || (is.own && !own)) {
                return Some((user, millis, domain, asked));
            }
        }
    }
    None
}

fn no_duty(change: &Change) -> bool {
    !matches!(change, Change::SetDuty { .. } | Change::RemoveDuty { .. })
}

/// Only what is named exactly, and all of it switched on: then a policy knows all there is to gain.
fn exact_rows() -> impl Strategy<Value = PolicyRows> {
    sound_rows().prop_map(|mut rows| {
        rows.grants.retain(|grant, _| grant.pattern.exact().is_some());
        rows.roles.values_mut().for_each(|row| row.enabled = true);
        rows.users.values_mut().for_each(|row| row.active = true);
        with_actor(rows)
    })
}

/// Nothing is denied but the right to escalate, and every role is off but the actor's, who has no other. Everybody else
/// has everything by one role of its own, were that one on: what comes beside it only opens another way.
fn switched_off(mut rows: PolicyRows) -> PolicyRows {
    rows.grants.retain(|_, effect| *effect == Effect::Allow);
    rows.assignments.retain(|row, _| row.user.as_str() != ACTOR);
    rows.inheritance.retain(|row| row.senior.as_str() != "admin" && row.junior.as_str() != EVERYTHING);
    rows.roles.insert(name(EVERYTHING), rbac::RoleRow::new(name("")));
    rows.grants.insert(Grant::new(name(EVERYTHING), name("*")), Effect::Allow);
    rows.roles.values_mut().for_each(|row| row.enabled = false);
    let others = rows.users.keys().filter(|user| user.as_str() != ACTOR);
    let others = others.map(|user| (assignment(user.as_str(), EVERYTHING, None), Window::ALWAYS));
    rows.assignments.extend(others.collect::<Vec<_>>());
    with_actor(rows)
}

fn denies_nothing(change: &Change) -> bool {
    no_duty(change) && !matches!(change, Change::Grant { effect: Effect::Deny, .. })
}

/// Those of the changes that are let through one after the other, all as one draft.
fn let_through(rows: &PolicyRows, changes: Vec<Change>) -> Vec<Change> {
    let mut draft = Vec::new();
    for change in changes {
        draft.push(change);
        if checked(rows, by(ACTOR), draft.clone()).is_err() {
            draft.pop();
        }
    }
    draft
}

fn switched_on(rows: &PolicyRows, roles: &[&rbac::RoleName]) -> Policy {
    let mut rows = rows.clone();
    for role in roles {
        rows.roles.get_mut(*role).into_iter().for_each(|row| row.enabled = true);
    }
    compiled(&rows)
}

proptest! {
    #![proptest_config(cases(128))]

    /// Whatever is switched on later, one role or two of them.
    #[test]
    fn nobody_waits_for_a_role_to_be_switched_on(
        rows in sound_rows().prop_map(switched_off),
        changes in prop::collection::vec(change().prop_filter("nothing is denied", denies_nothing), 1..8),
    ) {
        let draft = let_through(&rows, changes);
        if let Ok(amended) = checked(&rows, by(ACTOR), draft.clone()) {
            let giving = compiled(&rows);
            let off: Vec<_> = amended.rows.roles.iter().filter(|(_, row)| !row.enabled).map(|(role, _)| role).collect();
            for (at, one) in off.iter().enumerate() {
                for other in &off[at..] {
                    let on = [*one, *other];
                    let undue = undue_by(&giving, (&switched_on(&rows, &on), &switched_on(&amended.rows, &on)), 0);
                    prop_assert_eq!(undue, None, "{:?} {:?}", draft, on);
                }
            }
        }
    }

    #[test]
    fn whoever_gains_gains_what_the_actor_holds(
        rows in sound_rows().prop_map(with_actor),
        changes in prop::collection::vec(change().prop_filter("no sets", no_duty), 1..8),
    ) {
        let draft = let_through(&rows, changes);
        if let Ok(amended) = checked(&rows, by(ACTOR), draft.clone()) {
            prop_assert_eq!(undue(&compiled(&rows), &compiled(&amended.rows), 0), None, "{:?}", draft);
        }
    }

    #[test]
    fn whoever_sees_more_sees_what_the_actor_sees(
        (rows, scope) in (sound_rows().prop_map(with_actor), data_scope()),
        changes in prop::collection::vec(change().prop_filter("no sets", no_duty), 1..8),
    ) {
        let mut rows = rows;
        rows.roles.get_mut("admin").unwrap().data_scope = scope;
        rows.grants.insert(Grant::new(name("admin"), name("a:*")), Effect::Allow);
        rows.grants.insert(Grant::new(name("admin"), name("b:*")), Effect::Allow);
        let draft = let_through(&rows, changes);
        if let Ok(amended) = checked(&rows, by(ACTOR), draft.clone()) {
            let known = rows.departments.keys().copied().collect();
            prop_assert_eq!(unduly_open((&compiled(&rows), &compiled(&amended.rows)), &known), None, "{:?}", draft);
        }
    }

    #[test]
    fn an_assignment_is_refused_only_if_somebody_would_gain_unduly(
        rows in exact_rows(),
        assignments in prop::collection::vec((pick(&USERS), pick(&["admin", "r1", "r2", "r3"]), place(), any_window()), 1..4),
    ) {
        let draft = assignments.into_iter().map(|(user, role, domain, window)| Change::Assign {
            assignment: assignment(user, role, domain),
            window,
        });
        let draft: Vec<_> = draft.collect();
        let mut later = rows.clone();
        for change in &draft {
            if let Change::Assign { assignment, window } = change {
                later.assignments.insert(assignment.clone(), *window);
            }
        }
        match checked(&rows, by(ACTOR), draft).map_err(|refused| refused.why) {
            Ok(_) | Err(Refusal::Escalation { .. }) => {}
            Err(_) => return Ok(()),
        }
        let undue = undue(&compiled(&rows), &compiled(&later), 0);
        let refused = checked(&rows, by(ACTOR), later_changes(&rows, &later)).is_err();
        prop_assert_eq!(refused, undue.is_some(), "{:?}", undue);
    }
}

fn later_changes(rows: &PolicyRows, later: &PolicyRows) -> Vec<Change> {
    let changes = rbac::admin::changes_between(rows, later);
    if changes.is_empty() { vec![crate::edit::add_user("nobody")] } else { changes }
}
