//! Which rows are open to a user for a permission: the union over the roles that carry it.

use super::{DataScope, Scope};
use crate::name::{DepartmentId, UserId};
use crate::policy::{Departments, PermissionId, Through};
use crate::rows::Effect;
use crate::subject::Subject;
use crate::view::View;

impl View<'_> {
    /// Which rows the user sees for a permission, as [`Subject::scope`]; none for an unknown user.
    #[must_use]
    pub fn scope(self, user: &UserId, permission: impl Into<PermissionId>) -> Scope {
        self.subject(user).map(|subject| subject.scope(permission)).unwrap_or_default()
    }
}

impl Subject<'_> {
    /// Which rows the user sees for a permission: what the active roles open that carry it, assigned and inherited
    /// ones. A role carries what it is granted itself and what it inherits; a role that does not carry the permission
    /// opens nothing for it, however much it opens for others. Whoever is denied the permission sees no rows.
    ///
    /// ```
    /// use rbac::{
    ///     Assignment, DataScope, Effect, Grant, PermissionRow, Policy, PolicyRows, RoleRow, Scope, UnixMillis,
    ///     UserRow, Window,
    /// };
    ///
    /// let mut rows = PolicyRows::default();
    /// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
    /// for (role, data_scope, pattern) in
    ///     [("auditor", DataScope::All, "order:list"), ("clerk", DataScope::Own, "order:*")]
    /// {
    ///     let mut row = RoleRow::new("".parse()?);
    ///     row.data_scope = data_scope;
    ///     rows.roles.insert(role.parse()?, row);
    ///     rows.grants.insert(Grant::new(role.parse()?, pattern.parse()?), Effect::Allow);
    ///     rows.assignments.insert(Assignment::new("alice".parse()?, role.parse()?), Window::ALWAYS);
    /// }
    /// for permission in ["order:list", "order:edit"] {
    ///     rows.permissions.insert(permission.parse()?, PermissionRow::new("".parse()?));
    /// }
    /// let policy = Policy::compile(&rows)?;
    /// let scope = |permission: &str| {
    ///     let id = policy.permission(&permission.parse()?).expect("added above");
    ///     Ok::<Scope, rbac::Error>(policy.at(UnixMillis::EPOCH).scope(&"alice".parse()?, id))
    /// };
    /// assert_eq!(scope("order:list")?, Scope::all());
    /// assert_eq!(scope("order:edit")?, Scope { own: true, ..Scope::default() });
    /// # Ok::<(), rbac::Error>(())
    /// ```
    #[must_use]
    pub fn scope(self, permission: impl Into<PermissionId>) -> Scope {
        let bit = self.policy().registry().bit(permission.into());
        bit.map(|bit| self.scope_of(bit)).unwrap_or_default()
    }

    pub(crate) fn scope_of(self, bit: u32) -> Scope {
        let mut scope = Scope::default();
        if !self.has(bit) {
            return scope;
        }
        let policy = self.policy();
        let roles = policy.role_table();
        for role in policy.closure(self.active_roles(), Through::Enabled).iter() {
            if roles.carries(role, bit, Effect::Allow)
                && let Some(entry) = roles.entry(role)
            {
                scope.open(&entry.data_scope, self.department(), policy.department_tree());
            }
        }
        // Of all rows nothing more is said, so that equal scopes are equal values.
        if scope.all { Scope::all() } else { scope }
    }
}

impl Scope {
    /// Adds what one role opens to a user of this department. Both name only departments that are in the tree.
    ///
    /// INVARIANT: adding in any order gives the same scope: it is a union.
    fn open(&mut self, opened: &DataScope, home: Option<DepartmentId>, tree: &Departments) {
        match opened {
            DataScope::Nothing => {}
            DataScope::Own => self.own = true,
            DataScope::OwnDepartment => self.departments.extend(home),
            DataScope::OwnDepartmentAndBelow => {
                self.departments.extend(home.into_iter().flat_map(|home| tree.with_below(home)));
            }
            DataScope::Departments(departments) => self.departments.extend(departments),
            DataScope::All => self.all = true,
        }
    }
}
