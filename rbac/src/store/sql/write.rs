//! From a difference of rows to statements, as a value. Whether the change may be made has been decided before.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{Statement, Upsert, Value};
use super::table::{self, Table};
use crate::codec::words::{departments, scope_word};
use crate::name::{DepartmentId, DomainName, DutyName, RoleName, UserId};
use crate::rows::{
    Assignment, DepartmentRow, Duty, Effect, Grant, Inheritance, PolicyRows, RoleRow, UserRow,
};
use crate::time::Window;

type Rows = Vec<Vec<Value>>;
type Departments = BTreeMap<DepartmentId, DepartmentRow>;

/// What turns the rows `before` into the rows `after`, in an order that no foreign key minds: what names others goes
/// first and comes last.
pub(super) fn statements(style: Upsert, before: &PolicyRows, after: &PolicyRows) -> Vec<Statement> {
    [
        links_gone(before, after),
        things_gone(before, after),
        things(style, after),
        departments_here(style, &before.departments, &after.departments),
        users(style, &before.users, &after.users),
        links(style, before, after),
        departments_gone(style, &before.departments, &after.departments),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rows that name others. The departments of a scope and the roles of a set are replaced as a whole, so that none that
/// was left behind comes to life again.
fn links_gone(before: &PolicyRows, after: &PolicyRows) -> Vec<Statement> {
    let scopes = scopes_changed(before, after).into_iter().map(|name| vec![text(name.as_str())]);
    let duties = duties_changed(before, after).into_iter().map(|name| vec![text(name.as_str())]);
    let domains = gone(&before.domains, &after.domains).map(|name| vec![text(name.as_str())]);
    let inheritances = before.inheritance.difference(&after.inheritance).map(inheritance);
    let grants = gone(&before.grants, &after.grants).map(grant_key);
    let assignments = gone(&before.assignments, &after.assignments).map(assignment_key);
    [
        Statement::deletes(&table::ROLE_DEPARTMENTS, &["role"], scopes.collect()),
        Statement::deletes(&table::DUTY_ROLES, &["duty"], duties.collect()),
        // Assignments that could not be read do not keep a domain from going.
        Statement::deletes(&table::ASSIGNMENTS, &["domain"], domains.collect()),
        remove(&table::INHERITANCE, inheritances.collect()),
        remove(&table::GRANTS, grants.collect()),
        remove(&table::ASSIGNMENTS, assignments.collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rows that others name, except departments.
fn things_gone(before: &PolicyRows, after: &PolicyRows) -> Vec<Statement> {
    let duties = gone(&before.duties, &after.duties).map(|name| vec![text(name.as_str())]);
    let roles = gone(&before.roles, &after.roles).map(|name| vec![text(name.as_str())]);
    let users = gone(&before.users, &after.users).map(|id| vec![text(id.as_str())]);
    let domains = gone(&before.domains, &after.domains).map(|name| vec![text(name.as_str())]);
    let permissions = gone(&before.permissions, &after.permissions).map(|name| vec![text(name.as_str())]);
    [
        remove(&table::DUTIES, duties.collect()),
        remove(&table::ROLES, roles.collect()),
        remove(&table::USERS, users.collect()),
        remove(&table::DOMAINS, domains.collect()),
        remove(&table::PERMISSIONS, permissions.collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What others name: domains, permissions, roles, sets of duties.
fn things(style: Upsert, after: &PolicyRows) -> Vec<Statement> {
    let domains = after.domains.iter().map(|(name, row)| vec![text(name.as_str()), text(row.label.as_str())]);
    let permissions =
        after.permissions.iter().map(|(name, row)| vec![text(name.as_str()), text(row.label.as_str())]);
    [
        put(style, &table::DOMAINS, domains.collect()),
        put(style, &table::PERMISSIONS, permissions.collect()),
        put(style, &table::ROLES, after.roles.iter().map(role).collect()),
        put(style, &table::DUTIES, after.duties.iter().map(duty).collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What names two others.
fn links(style: Upsert, before: &PolicyRows, after: &PolicyRows) -> Vec<Statement> {
    let scopes = scopes_changed(before, after).into_iter().filter_map(|name| after.roles.get_key_value(name));
    let listed = scopes.flat_map(|(name, row)| {
        departments(&row.data_scope).map(|id| vec![text(name.as_str()), Value::from(id)])
    });
    let duties =
        duties_changed(before, after).into_iter().filter_map(|name| after.duties.get_key_value(name));
    let members = duties.flat_map(|(name, duty)| {
        duty.roles.iter().map(|role| vec![text(name.as_str()), text(role.as_str())])
    });
    [
        put(style, &table::ROLE_DEPARTMENTS, listed.collect()),
        put(style, &table::DUTY_ROLES, members.collect()),
        put(style, &table::ASSIGNMENTS, after.assignments.iter().map(assignment).collect()),
        put(style, &table::GRANTS, after.grants.iter().map(grant).collect()),
        put(style, &table::INHERITANCE, after.inheritance.iter().map(inheritance).collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Departments name each other, and some databases look at every row by itself: so they come without a parent first.
/// One that stays where it is keeps its parent unwritten: it may be one that is gone, which a foreign key would mind.
fn departments_here(style: Upsert, before: &Departments, after: &Departments) -> Vec<Statement> {
    let stays = |(id, row): &(&DepartmentId, &DepartmentRow)| {
        before.get(id).is_some_and(|old| old.parent == row.parent)
    };
    let (staying, moving): (Vec<_>, Vec<_>) = after.iter().partition(stays);
    let new = moving.iter().filter(|(id, _)| !before.contains_key(id));
    let rows = |rows: Vec<(&DepartmentId, &DepartmentRow)>| {
        rows.into_iter().map(|it| department(it, it.1.parent)).collect()
    };
    [
        put(style, &table::DEPARTMENTS, new.map(|it| department(*it, None)).collect()),
        Statement::upserts(style, &table::DEPARTMENTS, &["label"], rows(staying)),
        put(style, &table::DEPARTMENTS, rows(moving)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// For the same reason they lose their parents before they go.
fn departments_gone(style: Upsert, before: &Departments, after: &Departments) -> Vec<Statement> {
    let going = || before.iter().filter(|(id, _)| !after.contains_key(id));
    [
        put(style, &table::DEPARTMENTS, going().map(|it| department(it, None)).collect()),
        remove(&table::DEPARTMENTS, going().map(|(id, _)| vec![Value::from(*id)]).collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A user whose department stays is written without it: it may be one that is gone, which a foreign key would mind.
fn users(
    style: Upsert,
    before: &BTreeMap<UserId, UserRow>,
    after: &BTreeMap<UserId, UserRow>,
) -> Vec<Statement> {
    let stays =
        |(id, row): &(&UserId, &UserRow)| before.get(*id).is_some_and(|old| old.department == row.department);
    let (staying, moving): (Vec<_>, Vec<_>) = after.iter().partition(stays);
    [
        put(style, &table::USERS, moving.into_iter().map(user).collect()),
        Statement::upserts(
            style,
            &table::USERS,
            &["label", "active"],
            staying.into_iter().map(user).collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn remove(table: &Table, keys: Rows) -> Vec<Statement> {
    Statement::deletes(table, &table.keys().collect::<Vec<_>>(), keys)
}

fn put(style: Upsert, table: &Table, rows: Rows) -> Vec<Statement> {
    Statement::upserts(style, table, &table.values().collect::<Vec<_>>(), rows)
}

fn gone<'a, K: Ord, V>(before: &'a BTreeMap<K, V>, after: &'a BTreeMap<K, V>) -> impl Iterator<Item = &'a K> {
    before.keys().filter(|key| !after.contains_key(key))
}

/// The keys whose part is not the same on both sides.
fn changed<'a, K: Ord, V, P: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
    part: impl Fn(&V) -> &P,
) -> Vec<&'a K> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(key).map(&part) != after.get(key).map(&part)).collect()
}

fn scopes_changed<'a>(before: &'a PolicyRows, after: &'a PolicyRows) -> Vec<&'a RoleName> {
    changed(&before.roles, &after.roles, |row| &row.data_scope)
}

fn duties_changed<'a>(before: &'a PolicyRows, after: &'a PolicyRows) -> Vec<&'a DutyName> {
    changed(&before.duties, &after.duties, |duty| &duty.roles)
}

fn department((id, row): (&DepartmentId, &DepartmentRow), parent: Option<DepartmentId>) -> Vec<Value> {
    vec![Value::from(*id), text(row.label.as_str()), Value::from(parent)]
}

fn user((id, row): (&UserId, &UserRow)) -> Vec<Value> {
    vec![text(id.as_str()), text(row.label.as_str()), row.active.into(), row.department.into()]
}

fn role((name, row): (&RoleName, &RoleRow)) -> Vec<Value> {
    vec![text(name.as_str()), text(row.label.as_str()), row.enabled.into(), text(scope_word(&row.data_scope))]
}

fn duty((name, duty): (&DutyName, &Duty)) -> Vec<Value> {
    vec![
        text(name.as_str()),
        text(duty.label.as_str()),
        text(duty.kind.as_str()),
        i64::from(duty.cardinality).into(),
    ]
}

fn assignment_key(it: &Assignment) -> Vec<Value> {
    vec![
        text(it.user.as_str()),
        text(it.role.as_str()),
        text(it.domain.as_ref().map_or("", DomainName::as_str)),
    ]
}

fn assignment((it, window): (&Assignment, &Window)) -> Vec<Value> {
    let mut row = assignment_key(it);
    row.extend([window.not_before().into(), window.not_after().into()]);
    row
}

fn grant_key(it: &Grant) -> Vec<Value> {
    vec![text(it.role.as_str()), text(it.pattern.as_str()), text(it.pattern.mode().as_str())]
}

fn grant((it, effect): (&Grant, &Effect)) -> Vec<Value> {
    let mut row = grant_key(it);
    row.push(text(effect.as_str()));
    row
}

fn inheritance(it: &Inheritance) -> Vec<Value> {
    vec![text(it.senior.as_str()), text(it.junior.as_str())]
}

fn text(text: &str) -> Value {
    Value::from(text)
}
