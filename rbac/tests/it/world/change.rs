//! Random changes, few enough names that they meet each other.

use proptest::prelude::*;
use rbac::Change;

use super::{
    DOMAINS, DUTIES, PERMISSIONS, ROLES, USERS, any_window, assignment, data_scope, department, duty, effect,
    name, pick, place,
};

/// How many of the roles changes are about.
const CHANGED_ROLES: usize = 4;
/// The patterns changes are about.
const CHANGED_PATTERNS: [&str; 6] = ["*", "a:*", "a:x", "a:y", "b:*", "rbac:*"];

/// A few users, roles and permissions, then any changes.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let first = || {
        let label = || name("");
        let users = USERS[..2].iter().map(move |user| Change::AddUser { user: name(user), label: label() });
        let roles = ROLES[..CHANGED_ROLES].iter();
        let roles = roles.map(move |role| Change::AddRole { role: name(role), label: label() });
        users.chain(roles).chain([
            Change::AddPermission { permission: name("a:x"), label: label() },
            Change::AddDomain { domain: name(DOMAINS[0]), label: label() },
        ])
    };
    prop::collection::vec(change(), 0..40).prop_map(move |then| first().chain(then).collect())
}

/// Any change, sensible or not.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![4 => of_users(), 4 => of_roles(), 3 => of_names(), 2 => of_departments(), 6 => of_assignments(), 8 => of_grants(), 2 => of_duties()]
}

fn user() -> impl Strategy<Value = rbac::UserId> {
    pick(&USERS).prop_map(name)
}

fn role() -> impl Strategy<Value = rbac::RoleName> {
    prop::sample::select(&ROLES[..CHANGED_ROLES]).prop_map(name)
}

fn label() -> impl Strategy<Value = rbac::Label> {
    pick(&["", "Label", "标签"]).prop_map(name)
}

fn of_users() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (user(), label()).prop_map(|(user, label)| Change::AddUser { user, label }),
        1 => (user(), label()).prop_map(|(user, label)| Change::SetUserLabel { user, label }),
        2 => (user(), any::<bool>()).prop_map(|(user, active)| Change::SetUserActive { user, active }),
        2 => (user(), prop::option::of(department()))
            .prop_map(|(user, department)| Change::SetUserDepartment { user, department }),
        1 => user().prop_map(|user| Change::RemoveUser { user }),
    ]
}

fn of_roles() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (role(), label()).prop_map(|(role, label)| Change::AddRole { role, label }),
        1 => (role(), label()).prop_map(|(role, label)| Change::SetRoleLabel { role, label }),
        2 => (role(), any::<bool>()).prop_map(|(role, enabled)| Change::SetRoleEnabled { role, enabled }),
        2 => (role(), data_scope()).prop_map(|(role, scope)| Change::SetDataScope { role, scope }),
        1 => role().prop_map(|role| Change::RemoveRole { role }),
    ]
}

fn of_names() -> impl Strategy<Value = Change> {
    let permission = || pick(&PERMISSIONS).prop_map(name);
    let domain = || pick(&DOMAINS).prop_map(name);
    prop_oneof![
        3 => (permission(), label())
            .prop_map(|(permission, label)| Change::AddPermission { permission, label }),
        1 => (permission(), label())
            .prop_map(|(permission, label)| Change::SetPermissionLabel { permission, label }),
        1 => permission().prop_map(|permission| Change::RemovePermission { permission }),
        2 => (domain(), label()).prop_map(|(domain, label)| Change::AddDomain { domain, label }),
        1 => (domain(), label()).prop_map(|(domain, label)| Change::SetDomainLabel { domain, label }),
        1 => domain().prop_map(|domain| Change::RemoveDomain { domain }),
    ]
}

fn of_departments() -> impl Strategy<Value = Change> {
    let parent = || prop::option::of(department());
    prop_oneof![
        4 => (department(), label(), parent())
            .prop_map(|(department, label, parent)| Change::AddDepartment { department, label, parent }),
        1 => (department(), label())
            .prop_map(|(department, label)| Change::SetDepartmentLabel { department, label }),
        2 => (department(), parent())
            .prop_map(|(department, parent)| Change::MoveDepartment { department, parent }),
        1 => department().prop_map(|department| Change::RemoveDepartment { department }),
    ]
}

fn of_assignments() -> impl Strategy<Value = Change> {
    let row = || {
        (user(), role(), place())
            .prop_map(|(user, role, domain)| assignment(user.as_str(), role.as_str(), domain))
    };
    prop_oneof![
        5 => (row(), any_window()).prop_map(|(assignment, window)| Change::Assign { assignment, window }),
        1 => row().prop_map(|assignment| Change::Unassign { assignment }),
    ]
}

fn of_grants() -> impl Strategy<Value = Change> {
    let pattern = || pick(&CHANGED_PATTERNS).prop_map(name);
    prop_oneof![
        6 => (role(), pattern(), effect())
            .prop_map(|(role, pattern, effect)| Change::Grant { role, pattern, effect }),
        1 => (role(), pattern()).prop_map(|(role, pattern)| Change::Revoke { role, pattern }),
        4 => (role(), role()).prop_map(|(senior, junior)| Change::Inherit { senior, junior }),
        1 => (role(), role()).prop_map(|(senior, junior)| Change::Disinherit { senior, junior }),
    ]
}

fn of_duties() -> impl Strategy<Value = Change> {
    let set = || pick(&DUTIES).prop_map(name);
    prop_oneof![
        3 => (set(), duty()).prop_map(|(name, duty)| Change::SetDuty { name, duty }),
        1 => set().prop_map(|name| Change::RemoveDuty { name }),
    ]
}
