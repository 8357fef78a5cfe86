//! A small universe of names, and random rows and changes in it.

mod build;
mod change;

use std::collections::BTreeSet;
use std::str::FromStr;

use proptest::prelude::*;
use rbac::{
    Assignment, DataScope, DepartmentId, DepartmentRow, DomainRow, Duty, DutyKind, Effect, Grant,
    Inheritance, PermissionRow, PolicyRows, RoleRow, UnixMillis, UserRow, Window,
};

pub(crate) use self::build::Build;
pub(crate) use self::change::{change, changes};

pub(crate) const USERS: [&str; 4] = ["admin", "alice", "bob", "carol"];
pub(crate) const ROLES: [&str; 6] = ["admin", "r1", "r2", "r3", "r4", "r5"];
pub(crate) const PERMISSIONS: [&str; 7] = ["a", "a:x", "a:x:i", "a:y", "ab:x", "b:x", "c"];
pub(crate) const PATTERNS: [&str; 12] =
    ["*", "*:*", "a", "a:*", "a:*:*", "a:x", "a:x:*", "a:y", "b:*", "b:x", "rbac:*", "rbac:user:*"];
pub(crate) const DOMAINS: [&str; 3] = ["d1", "d2", "d3"];
pub(crate) const DUTIES: [&str; 3] = ["s1", "s2", "s3"];
pub(crate) const DEPARTMENTS: [i64; 5] = [1, 2, 3, 4, 5];
/// Moments at which something begins or ends, and those between.
pub(crate) const MOMENTS: [u64; 5] = [0, 100, 150, 200, 300];

/// Parses a name of any type.
pub(crate) fn name<T: FromStr<Err = rbac::Error>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A moment.
pub(crate) fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

/// A window; ends that are none are open.
pub(crate) fn window(from: Option<u64>, until: Option<u64>) -> Window {
    Window::new(from.map(at), until.map(at)).unwrap()
}

/// So many cases and no files beside the sources.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One of some names.
pub(crate) fn pick(names: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(names)
}

/// A department of the universe.
pub(crate) fn department() -> impl Strategy<Value = DepartmentId> + Clone {
    prop::sample::select(&DEPARTMENTS[..]).prop_map(DepartmentId::new)
}

pub(crate) fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![3 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

/// Mostly at any time.
pub(crate) fn any_window() -> impl Strategy<Value = Window> {
    prop_oneof![
        6 => Just(Window::ALWAYS),
        1 => Just(window(Some(100), None)),
        1 => Just(window(None, Some(200))),
        1 => Just(window(Some(100), Some(200))),
    ]
}

pub(crate) fn data_scope() -> impl Strategy<Value = DataScope> {
    prop_oneof![
        3 => Just(DataScope::Nothing),
        1 => Just(DataScope::Own),
        1 => Just(DataScope::OwnDepartment),
        1 => Just(DataScope::OwnDepartmentAndBelow),
        1 => prop::collection::btree_set(department(), 0..3).prop_map(DataScope::Departments),
        1 => Just(DataScope::All),
    ]
}

/// Where an assignment holds: mostly everywhere.
pub(crate) fn place() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![3 => Just(None), 2 => pick(&DOMAINS).prop_map(Some)]
}

/// A user has a role there.
pub(crate) fn assignment(user: &str, role: &str, domain: Option<&str>) -> Assignment {
    match domain {
        None => Assignment::new(name(user), name(role)),
        Some(domain) => Assignment::in_domain(name(user), name(role), name(domain)),
    }
}

/// A set of two to four roles.
pub(crate) fn duty() -> impl Strategy<Value = Duty> {
    let kind = prop_oneof![Just(DutyKind::Static), Just(DutyKind::Dynamic)];
    (kind, 2..4_u32, prop::collection::btree_set(pick(&ROLES), 2..5)).prop_map(
        |(kind, cardinality, roles)| {
            let roles: BTreeSet<_> = roles.into_iter().map(name).collect();
            let cardinality = cardinality.min(u32::try_from(roles.len()).unwrap());
            Duty::new(name(""), kind, cardinality, roles)
        },
    )
}

/// Rows without circles of roles: a role inherits only roles that stand after it. Some rows name what is missing,
/// departments may stand in a circle, and separations of duty may be broken.
pub(crate) fn rows() -> impl Strategy<Value = PolicyRows> {
    let user = (prop::bool::weighted(0.85), prop::option::of(department()));
    let role = (prop::bool::weighted(0.85), data_scope());
    (
        prop::collection::btree_map(pick(&USERS), user, 1..5),
        prop::collection::btree_map(pick(&ROLES), role, 2..7),
        prop::collection::btree_set(pick(&PERMISSIONS), 1..8),
        prop::collection::btree_set(pick(&DOMAINS), 0..4),
        prop::collection::btree_map(department(), prop::option::of(department()), 0..6),
        prop::collection::vec((pick(&USERS), pick(&ROLES), place(), any_window()), 0..14),
        prop::collection::vec((pick(&ROLES), pick(&PATTERNS), effect()), 0..14),
        prop::collection::vec((0..ROLES.len(), 0..ROLES.len()), 0..8),
        prop::option::weighted(0.4, (pick(&DUTIES), duty())),
    )
        .prop_map(
            |(users, roles, permissions, domains, departments, assignments, grants, inheritance, duty)| {
                let mut rows = PolicyRows::default();
                for (id, (active, department)) in users {
                    let mut row = UserRow::new(name(""));
                    (row.active, row.department) = (active, department);
                    rows.users.insert(name(id), row);
                }
                for (role, (enabled, data_scope)) in roles {
                    let mut row = RoleRow::new(name(""));
                    (row.enabled, row.data_scope) = (enabled, data_scope);
                    rows.roles.insert(name(role), row);
                }
                rows.permissions
                    .extend(permissions.into_iter().map(|it| (name(it), PermissionRow::new(name("")))));
                rows.domains.extend(domains.into_iter().map(|it| (name(it), DomainRow::new(name("")))));
                let departments = departments.into_iter();
                rows.departments.extend(departments.map(|(it, up)| (it, DepartmentRow::new(name(""), up))));
                for (user, role, domain, window) in assignments {
                    rows.assignments.insert(assignment(user, role, domain), window);
                }
                let grants = grants.into_iter();
                rows.grants
                    .extend(grants.map(|(role, it, effect)| (Grant::new(name(role), name(it)), effect)));
                let downwards = inheritance.into_iter().filter(|(senior, junior)| senior < junior);
                rows.inheritance.extend(
                    downwards
                        .map(|(senior, junior)| Inheritance::new(name(ROLES[senior]), name(ROLES[junior]))),
                );
                rows.duties.extend(duty.into_iter().map(|(it, duty)| (name(it), duty)));
                rows
            },
        )
}

/// As [`rows`], but nothing names what is missing and departments stand in trees. Separations of duty may be broken.
pub(crate) fn sound_rows() -> impl Strategy<Value = PolicyRows> {
    rows().prop_map(|mut rows| {
        mend(&mut rows);
        rows
    })
}

/// Takes away what names nothing.
fn mend(rows: &mut PolicyRows) {
    let PolicyRows { users, roles, permissions, domains, departments, .. } = rows;
    // A department belongs to one of a lower number, so there is no circle.
    let known: BTreeSet<DepartmentId> = departments.keys().copied().collect();
    for (id, row) in departments {
        row.parent = row.parent.filter(|parent| parent < id && known.contains(parent));
    }
    for row in users.values_mut() {
        row.department = row.department.filter(|department| known.contains(department));
    }
    for row in roles.values_mut() {
        if let DataScope::Departments(departments) = &mut row.data_scope {
            departments.retain(|department| known.contains(department));
        }
    }
    rows.assignments.retain(|row, _| {
        let placed = row.domain.as_ref().is_none_or(|domain| domains.contains_key(domain));
        placed && users.contains_key(&row.user) && roles.contains_key(&row.role)
    });
    rows.grants.retain(|row, _| {
        let known = |exact: rbac::PermissionName| permissions.contains_key(&exact);
        roles.contains_key(&row.role) && row.pattern.exact().is_none_or(known)
    });
    rows.inheritance.retain(|row| roles.contains_key(&row.senior) && roles.contains_key(&row.junior));
    for duty in rows.duties.values_mut() {
        duty.roles.retain(|role| roles.contains_key(role));
    }
    rows.duties.retain(|_, duty| usize::try_from(duty.cardinality).unwrap() <= duty.roles.len());
}
