//! Who may gain by a draft: roles and users whose own rows changed, and users who have such roles.

use std::collections::BTreeSet;

use super::Amended;
use super::graph::Through;
use super::rights::Rights;
use crate::name::{DepartmentId, RoleName, UserId};

/// The roles whose own rows changed in a way that matters: switched on or off, opened, granted, inheriting.
pub(super) fn changed_roles(amended: &Amended) -> BTreeSet<&RoleName> {
    let (before, after) = (&amended.before, &amended.after);
    let same = |role: &RoleName| match (before.roles.get(role), after.roles.get(role)) {
        (Some(old), Some(new)) => old.enabled == new.enabled && old.data_scope == new.data_scope,
        _ => false,
    };
    let mut roles: BTreeSet<&RoleName> =
        before.roles.keys().chain(after.roles.keys()).filter(|role| !same(role)).collect();
    for rows in [before, after] {
        roles.extend(rows.grants.keys().map(|row| &row.role));
        roles.extend(rows.inheritance.iter().map(|row| &row.senior));
    }
    roles
}

/// The users to look at one by one: those whose own rows changed, those who have one of these roles, and those who
/// work in a department that others came under.
pub(super) fn users<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    amended: &'a Amended,
    roles: &BTreeSet<usize>,
) -> BTreeSet<&'a UserId> {
    let mut users = changed_users(amended);
    let roles = after.graph.up(roles.iter().copied(), Through::All);
    if !roles.is_empty() {
        let has = |role| after.graph.place(role).is_some_and(|place| roles.contains(&place));
        let members = after.graph.rows.assignments.keys().filter(|row| has(&row.role));
        users.extend(members.map(|row| &row.user));
    }
    let grown = grown_departments(before, after, amended);
    if !grown.is_empty() {
        let there = |department: Option<DepartmentId>| department.is_some_and(|id| grown.contains(&id));
        let all = after.graph.rows.users.iter();
        users.extend(all.filter(|(_, row)| there(row.department)).map(|(user, _)| user));
    }
    users.retain(|user| after.counts(user));
    users
}

/// The users whose own rows changed in a way that matters: let in or locked out, moved, assigned.
pub(super) fn changed_users(amended: &Amended) -> BTreeSet<&UserId> {
    let (before, after) = (&amended.before, &amended.after);
    let same = |user: &UserId| match (before.users.get(user), after.users.get(user)) {
        (Some(old), Some(new)) => old.active == new.active && old.department == new.department,
        _ => false,
    };
    let mut users: BTreeSet<&UserId> =
        before.users.keys().chain(after.users.keys()).filter(|user| !same(user)).collect();
    for rows in [before, after] {
        users.extend(rows.assignments.keys().map(|row| &row.user));
    }
    users
}

/// The departments that have old departments below them that were not there before.
fn grown_departments(before: &Rights<'_>, after: &Rights<'_>, amended: &Amended) -> BTreeSet<DepartmentId> {
    let moved = amended.after.departments.keys().filter(|&&id| before.tree.contains(id));
    moved.flat_map(|&id| &after.tree.above(id) - &before.tree.above(id)).collect()
}
