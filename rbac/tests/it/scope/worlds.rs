//! Data scopes of random worlds against the model, whatever order the roles stand in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rbac::{
    Assignment, DataScope, DepartmentRow, Effect, Grant, Inheritance, PermissionName, PermissionRow, Policy,
    PolicyRows, RoleName, RoleRow, UserId, UserRow, View, Window,
};

use super::model::opens;
use super::{NOW, id};
use crate::world::{self, cases, name};

const ROLES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PERMISSIONS: [&str; 2] = ["order:list", "order:edit"];
const PATTERNS: [&str; 4] = ["order:list", "order:edit", "order:*", "*"];
const DEPARTMENTS: i64 = 7;

fn data_scopes() -> impl Strategy<Value = DataScope> {
    prop_oneof![
        2 => Just(DataScope::Nothing),
        2 => Just(DataScope::Own),
        2 => Just(DataScope::OwnDepartment),
        3 => Just(DataScope::OwnDepartmentAndBelow),
        // One number more than there are departments.
        3 => prop::collection::btree_set((0..=DEPARTMENTS).prop_map(id), 0..4).prop_map(DataScope::Departments),
        1 => Just(DataScope::All),
    ]
}

/// A user, a forest of departments, and roles that inherit only later ones.
fn worlds() -> impl Strategy<Value = PolicyRows> {
    let roles = prop::collection::vec((data_scopes(), prop::bool::weighted(0.75)), ROLES.len());
    let parents = prop::collection::vec(
        prop::option::weighted(0.8, 0..DEPARTMENTS),
        usize::try_from(DEPARTMENTS).unwrap(),
    );
    let pairs = prop::collection::vec((0..ROLES.len(), 0..ROLES.len()), 0..8);
    let effect = prop_oneof![20 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
    let grants = prop::collection::vec((0..ROLES.len(), prop::sample::select(&PATTERNS[..]), effect), 1..8);
    let assigned = prop::collection::btree_set(0..ROLES.len(), 1..4);
    let home = prop::option::weighted(0.9, (0..DEPARTMENTS).prop_map(id));
    (roles, parents, pairs, grants, assigned, home).prop_map(
        |(roles, parents, pairs, grants, assigned, home)| {
            let mut rows = PolicyRows::default();
            for (at, parent) in (0..).zip(parents) {
                // A parent has a lower number, so there is no circle.
                let parent = parent.filter(|&parent| parent < at).map(id);
                rows.departments.insert(id(at), DepartmentRow::new(name(""), parent));
            }
            let mut user = UserRow::new(name(""));
            user.department = home;
            rows.users.insert(name("ann"), user);
            for (role, (data_scope, enabled)) in ROLES.into_iter().zip(roles) {
                let mut row = RoleRow::new(name(""));
                (row.data_scope, row.enabled) = (data_scope, enabled);
                rows.roles.insert(name(role), row);
            }
            rows.permissions.extend(PERMISSIONS.map(|it| (name(it), PermissionRow::new(name("")))));
            let down = pairs.into_iter().filter(|(senior, junior)| senior < junior);
            rows.inheritance.extend(down.map(|(a, b)| Inheritance::new(name(ROLES[a]), name(ROLES[b]))));
            rows.grants.extend(
                grants
                    .into_iter()
                    .map(|(role, it, effect)| (Grant::new(name(ROLES[role]), name(it)), effect)),
            );
            let assign = |role: usize| (Assignment::new(name("ann"), name(ROLES[role])), Window::ALWAYS);
            rows.assignments.extend(assigned.into_iter().map(assign));
            rows
        },
    )
}

/// The same world with roles called otherwise, so that they stand in another order.
fn renamed(rows: &PolicyRows, names: &BTreeMap<RoleName, RoleName>) -> PolicyRows {
    let mut other = rows.clone();
    other.roles = rows.roles.iter().map(|(role, row)| (names[role].clone(), row.clone())).collect();
    let grant =
        |(it, effect): (&Grant, &Effect)| (Grant::new(names[&it.role].clone(), it.pattern.clone()), *effect);
    other.grants = rows.grants.iter().map(grant).collect();
    let inherit = |it: &Inheritance| Inheritance::new(names[&it.senior].clone(), names[&it.junior].clone());
    other.inheritance = rows.inheritance.iter().map(inherit).collect();
    let assign = |(it, window): (&Assignment, &Window)| {
        (Assignment::new(it.user.clone(), names[&it.role].clone()), *window)
    };
    other.assignments = rows.assignments.iter().map(assign).collect();
    other
}

/// Every row that a scope may open, asked of the scope and of the model.
fn agree(
    rows: &PolicyRows,
    view: View<'_>,
    user: &UserId,
    asked: &PermissionName,
) -> Result<(), TestCaseError> {
    let scope = view.scope(user, view.policy().permission(asked).unwrap());
    // One department more than there are.
    for department in (0..=DEPARTMENTS).map(|at| Some(id(at))).chain([None]) {
        for own in [false, true] {
            let expected = opens((rows, view), user, asked, department, own);
            prop_assert_eq!(
                scope.contains(department, own),
                expected,
                "{} {} {:?} {}",
                user,
                asked,
                department,
                own
            );
        }
    }
    if !view.decide(user, asked).unwrap().is_permit() {
        prop_assert!(scope.is_nothing());
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_scope_opens_what_the_model_opens(
        rows in worlds(),
        order in Just(ROLES.to_vec()).prop_shuffle(),
    ) {
        let user: UserId = name("ann");
        let policy = Policy::compile(&rows).unwrap();
        let names = ROLES.into_iter().map(name).zip(order.into_iter().map(name)).collect();
        let other = Policy::compile(&renamed(&rows, &names)).unwrap();
        for asked in PERMISSIONS.map(name::<PermissionName>) {
            agree(&rows, policy.at(NOW), &user, &asked)?;
            let of = |policy: &Policy| policy.at(NOW).scope(&user, policy.permission(&asked).unwrap());
            prop_assert_eq!(of(&policy), of(&other));
        }
    }

    /// With domains, windows, circles of departments, dynamic duties, and rows that name what is missing.
    #[test]
    fn a_scope_opens_what_the_model_opens_everywhere_and_at_any_time(rows in world::rows()) {
        let policy = Policy::compile(&rows).unwrap();
        for moment in world::MOMENTS {
            let view = policy.at(world::at(moment));
            let in_domain = policy.domains().map(|domain| view.in_domain(domain).unwrap());
            for view in in_domain.chain([view]) {
                for (user, asked) in policy.users().flat_map(|user| rows.permissions.keys().map(move |it| (user, it))) {
                    agree(&rows, view, user, asked)?;
                }
            }
        }
    }
}
