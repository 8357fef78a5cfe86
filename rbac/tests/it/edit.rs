//! Short ways to write changes, drafts and what becomes of them.

use rbac::{
    Actor, Amended, Change, DataScope, DepartmentId, Draft, Duty, DutyKind, Effect, PolicyRows,
    PolicyVersion, Refusal, Refused, Window, admin,
};

use crate::world::{assignment, at, name};

pub(crate) fn system() -> Actor {
    Actor::System(name("test"))
}

pub(crate) fn by(user: &str) -> Actor {
    Actor::User(name(user))
}

pub(crate) fn add_user(user: &str) -> Change {
    Change::AddUser { user: name(user), label: name("") }
}

pub(crate) fn add_role(role: &str) -> Change {
    Change::AddRole { role: name(role), label: name("") }
}

pub(crate) fn add_permission(permission: &str) -> Change {
    Change::AddPermission { permission: name(permission), label: name("") }
}

pub(crate) fn add_domain(domain: &str) -> Change {
    Change::AddDomain { domain: name(domain), label: name("") }
}

pub(crate) fn add_department(department: i64, parent: Option<i64>) -> Change {
    let parent = parent.map(DepartmentId::new);
    Change::AddDepartment { department: DepartmentId::new(department), label: name(""), parent }
}

pub(crate) fn work_in(user: &str, department: i64) -> Change {
    Change::SetUserDepartment { user: name(user), department: Some(DepartmentId::new(department)) }
}

pub(crate) fn active(user: &str, active: bool) -> Change {
    Change::SetUserActive { user: name(user), active }
}

pub(crate) fn enabled(role: &str, enabled: bool) -> Change {
    Change::SetRoleEnabled { role: name(role), enabled }
}

pub(crate) fn remove_role(role: &str) -> Change {
    Change::RemoveRole { role: name(role) }
}

pub(crate) fn remove_user(user: &str) -> Change {
    Change::RemoveUser { user: name(user) }
}

pub(crate) fn open(role: &str, scope: DataScope) -> Change {
    Change::SetDataScope { role: name(role), scope }
}

pub(crate) fn assign(user: &str, role: &str) -> Change {
    assign_when(user, role, Window::ALWAYS)
}

pub(crate) fn assign_when(user: &str, role: &str, window: Window) -> Change {
    Change::Assign { assignment: assignment(user, role, None), window }
}

pub(crate) fn assign_in(user: &str, role: &str, domain: &str) -> Change {
    Change::Assign { assignment: assignment(user, role, Some(domain)), window: Window::ALWAYS }
}

pub(crate) fn unassign(user: &str, role: &str) -> Change {
    Change::Unassign { assignment: assignment(user, role, None) }
}

pub(crate) fn allow(role: &str, pattern: &str) -> Change {
    Change::Grant { role: name(role), pattern: name(pattern), effect: Effect::Allow }
}

pub(crate) fn deny(role: &str, pattern: &str) -> Change {
    Change::Grant { role: name(role), pattern: name(pattern), effect: Effect::Deny }
}

pub(crate) fn revoke(role: &str, pattern: &str) -> Change {
    Change::Revoke { role: name(role), pattern: name(pattern) }
}

pub(crate) fn inherit(senior: &str, junior: &str) -> Change {
    Change::Inherit { senior: name(senior), junior: name(junior) }
}

pub(crate) fn disinherit(senior: &str, junior: &str) -> Change {
    Change::Disinherit { senior: name(senior), junior: name(junior) }
}

/// Nobody has two or more of these.
pub(crate) fn apart(set: &str, kind: DutyKind, roles: &[&str]) -> Change {
    let roles = roles.iter().map(|role| name(role)).collect();
    Change::SetDuty { name: name(set), duty: Duty::new(name(""), kind, 2, roles) }
}

/// Rows out of changes that all fit.
pub(crate) fn built(changes: impl IntoIterator<Item = Change>) -> PolicyRows {
    admin::build(changes).unwrap_or_else(|refused| panic!("{refused}"))
}

/// The same rows after more changes that all fit, whatever the rules say.
pub(crate) fn extended(rows: &PolicyRows, changes: impl IntoIterator<Item = Change>) -> PolicyRows {
    built(admin::changes_between(&PolicyRows::default(), rows).into_iter().chain(changes))
}

pub(crate) fn draft(actor: Actor, changes: impl IntoIterator<Item = Change>) -> Draft {
    Draft::new(actor).changes_of(changes)
}

/// What becomes of the changes in the first second.
pub(crate) fn checked(
    rows: &PolicyRows,
    actor: Actor,
    changes: impl IntoIterator<Item = Change>,
) -> Result<Amended, Refused> {
    admin::check(rows, PolicyVersion::START, &draft(actor, changes), at(0))
}

/// Why the changes are refused; none if they are not.
pub(crate) fn refusal(
    rows: &PolicyRows,
    actor: Actor,
    changes: impl IntoIterator<Item = Change>,
) -> Option<Refusal> {
    checked(rows, actor, changes).err().map(|refused| refused.why)
}
