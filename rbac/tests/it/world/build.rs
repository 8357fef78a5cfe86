//! Rows written down in a few words.

use rbac::{
    DataScope, DepartmentId, DepartmentRow, DomainRow, Duty, DutyKind, Effect, Grant, Inheritance,
    PermissionRow, PolicyRows, RoleRow, UserRow, Window,
};

use super::{assignment, name};

/// Rows in the making. Nothing is checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Build(pub(crate) PolicyRows);

impl Build {
    pub(crate) fn users(mut self, users: &[&str]) -> Self {
        self.0.users.extend(users.iter().map(|user| (name(user), UserRow::new(name("")))));
        self
    }

    pub(crate) fn inactive(mut self, user: &str) -> Self {
        let mut row = UserRow::new(name(""));
        row.active = false;
        self.0.users.insert(name(user), row);
        self
    }

    pub(crate) fn roles(mut self, roles: &[&str]) -> Self {
        self.0.roles.extend(roles.iter().map(|role| (name(role), RoleRow::new(name("")))));
        self
    }

    pub(crate) fn disabled(mut self, role: &str) -> Self {
        let mut row = RoleRow::new(name(""));
        row.enabled = false;
        self.0.roles.insert(name(role), row);
        self
    }

    pub(crate) fn scope(mut self, role: &str, scope: DataScope) -> Self {
        self.0.roles.get_mut(role).unwrap().data_scope = scope;
        self
    }

    pub(crate) fn permissions(mut self, permissions: &[&str]) -> Self {
        self.0.permissions.extend(permissions.iter().map(|it| (name(it), PermissionRow::new(name("")))));
        self
    }

    pub(crate) fn domains(mut self, domains: &[&str]) -> Self {
        self.0.domains.extend(domains.iter().map(|it| (name(it), DomainRow::new(name("")))));
        self
    }

    /// Departments and what each belongs to; 0 is the top.
    pub(crate) fn departments(mut self, departments: &[(i64, i64)]) -> Self {
        let row = |up: i64| DepartmentRow::new(name(""), (up != 0).then(|| DepartmentId::new(up)));
        self.0.departments.extend(departments.iter().map(|&(it, up)| (DepartmentId::new(it), row(up))));
        self
    }

    pub(crate) fn works_in(mut self, user: &str, department: i64) -> Self {
        self.0.users.get_mut(user).unwrap().department = Some(DepartmentId::new(department));
        self
    }

    pub(crate) fn assign(self, user: &str, role: &str) -> Self {
        self.assign_in(user, role, None, Window::ALWAYS)
    }

    pub(crate) fn assign_in(mut self, user: &str, role: &str, domain: Option<&str>, window: Window) -> Self {
        self.0.assignments.insert(assignment(user, role, domain), window);
        self
    }

    pub(crate) fn allow(mut self, role: &str, pattern: &str) -> Self {
        self.0.grants.insert(Grant::new(name(role), name(pattern)), Effect::Allow);
        self
    }

    pub(crate) fn deny(mut self, role: &str, pattern: &str) -> Self {
        self.0.grants.insert(Grant::new(name(role), name(pattern)), Effect::Deny);
        self
    }

    pub(crate) fn inherit(mut self, senior: &str, junior: &str) -> Self {
        self.0.inheritance.insert(Inheritance::new(name(senior), name(junior)));
        self
    }

    pub(crate) fn duty(mut self, set: &str, kind: DutyKind, cardinality: u32, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|role| name(role)).collect();
        self.0.duties.insert(name(set), Duty::new(name(""), kind, cardinality, roles));
        self
    }
}
