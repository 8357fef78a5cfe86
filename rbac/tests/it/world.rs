//! A small universe of names, and random rows and changes in it.

use proptest::prelude::*;
use rbac::{Assignment, Change, Effect, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow, UserRow};

pub(crate) const USERS: [&str; 4] = ["admin", "alice", "bob", "carol"];
pub(crate) const ROLES: [&str; 6] = ["admin", "r1", "r2", "r3", "r4", "r5"];
pub(crate) const PERMISSIONS: [&str; 7] = ["a", "a:x", "a:x:i", "a:y", "ab:x", "b:x", "rbac:manage"];
pub(crate) const PATTERNS: [&str; 12] =
    ["*", "*:*", "a", "a:*", "a:*:*", "a:x", "a:x:*", "a:y", "b:*", "b:x", "rbac:*", "rbac:manage"];

/// Parses a name of any type.
pub(crate) fn name<T: std::str::FromStr<Err = rbac::Error>>(text: &str) -> T {
    text.parse().unwrap()
}

/// At most 64 cases and no files beside the sources.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn pick(names: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(names)
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![3 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

/// Rows without circles: a role inherits only roles that stand after it. Some rows name what is missing.
pub(crate) fn rows() -> impl Strategy<Value = PolicyRows> {
    (
        prop::collection::btree_map(pick(&USERS), prop::bool::weighted(0.8), 0..5),
        prop::collection::btree_map(pick(&ROLES), prop::bool::weighted(0.8), 0..7),
        prop::collection::btree_set(pick(&PERMISSIONS), 1..8),
        prop::collection::vec((pick(&USERS), pick(&ROLES)), 0..8),
        prop::collection::vec((pick(&ROLES), pick(&PATTERNS), effect()), 0..10),
        prop::collection::vec((0..ROLES.len(), 0..ROLES.len()), 0..8),
    )
        .prop_map(|(users, roles, permissions, assignments, grants, inheritance)| {
            let mut rows = PolicyRows::default();
            rows.users.extend(users.into_iter().map(|(id, active)| (name(id), UserRow::new(active))));
            let role = |(role, enabled)| (name(role), RoleRow::new(name(""), enabled));
            rows.roles.extend(roles.into_iter().map(role));
            let permission = |text| (name(text), PermissionRow::new(name("")));
            rows.permissions.extend(permissions.into_iter().map(permission));
            let assignment = |(user, role)| Assignment::new(name(user), name(role));
            rows.assignments.extend(assignments.into_iter().map(assignment));
            let grant = |(role, pattern, effect)| (Grant::new(name(role), name(pattern)), effect);
            rows.grants.extend(grants.into_iter().map(grant));
            let downwards = inheritance.into_iter().filter(|(senior, junior)| senior < junior);
            let inherit =
                |(senior, junior): (usize, usize)| Inheritance::new(name(ROLES[senior]), name(ROLES[junior]));
            rows.inheritance.extend(downwards.map(inherit));
            rows
        })
}

/// A few users, roles and permissions, then any changes: few enough names that changes meet each other.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let first = || {
        let users = USERS[..2].iter().map(|user| add_user(user));
        let roles = ROLES[..CHANGED_ROLES].iter().map(|role| add_role(role));
        users.chain(roles).chain([add_permission("a:x")])
    };
    prop::collection::vec(change(), 0..40).prop_map(move |then| first().chain(then).collect())
}

/// How many of the roles changes are about.
const CHANGED_ROLES: usize = 4;
/// The patterns changes are about.
const CHANGED_PATTERNS: [&str; 6] = ["*", "a:*", "a:x", "a:y", "b:*", "rbac:*"];

/// Any change, sensible or not.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    let user = || pick(&USERS).prop_map(name);
    let role = || pick(&ROLES[..CHANGED_ROLES]).prop_map(name);
    let label = || pick(&["", "Label", "标签"]).prop_map(name);
    let pattern = || pick(&CHANGED_PATTERNS).prop_map(name);
    let effect = || prop_oneof![Just(Effect::Allow), Just(Effect::Deny)];
    prop_oneof![
        3 => user().prop_map(|user| Change::AddUser { user }),
        2 => (user(), any::<bool>()).prop_map(|(user, active)| Change::SetUserActive { user, active }),
        1 => user().prop_map(|user| Change::RemoveUser { user }),
        4 => (role(), label()).prop_map(|(role, label)| Change::AddRole { role, label }),
        2 => (role(), any::<bool>()).prop_map(|(role, enabled)| Change::SetRoleEnabled { role, enabled }),
        1 => role().prop_map(|role| Change::RemoveRole { role }),
        3 => (pick(&PERMISSIONS).prop_map(name), label())
            .prop_map(|(permission, label)| Change::AddPermission { permission, label }),
        5 => (user(), role()).prop_map(|(user, role)| Change::Assign { user, role }),
        1 => (user(), role()).prop_map(|(user, role)| Change::Unassign { user, role }),
        6 => (role(), pattern(), effect())
            .prop_map(|(role, pattern, effect)| Change::Grant { role, pattern, effect }),
        1 => (role(), pattern()).prop_map(|(role, pattern)| Change::Revoke { role, pattern }),
        4 => (role(), role()).prop_map(|(senior, junior)| Change::Inherit { senior, junior }),
        1 => (role(), role()).prop_map(|(senior, junior)| Change::Disinherit { senior, junior }),
    ]
}

/// Makes all changes or fails.
pub(crate) fn built(changes: impl IntoIterator<Item = Change>) -> PolicyRows {
    let mut rows = PolicyRows::default();
    for change in changes {
        rbac::admin::apply(&mut rows, &change).unwrap_or_else(|refusal| panic!("{change}: {refusal}"));
    }
    rows
}

/// Short ways to write changes.
pub(crate) fn add_user(user: &str) -> Change {
    Change::AddUser { user: name(user) }
}

pub(crate) fn add_role(role: &str) -> Change {
    Change::AddRole { role: name(role), label: name("") }
}

pub(crate) fn add_permission(permission: &str) -> Change {
    Change::AddPermission { permission: name(permission), label: name("") }
}

pub(crate) fn assign(user: &str, role: &str) -> Change {
    Change::Assign { user: name(user), role: name(role) }
}

pub(crate) fn grant(role: &str, pattern: &str, effect: Effect) -> Change {
    Change::Grant { role: name(role), pattern: name(pattern), effect }
}

pub(crate) fn inherit(senior: &str, junior: &str) -> Change {
    Change::Inherit { senior: name(senior), junior: name(junior) }
}
