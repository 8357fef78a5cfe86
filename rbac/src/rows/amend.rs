//! What a change does to the rows, and to all that refers to them. Whether it may be made is asked elsewhere.

use super::references::References;
use super::{
    Assignment, DepartmentRow, DomainRow, Effect, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow,
    UserRow,
};
use crate::change::Change;
use crate::name::{DepartmentId, DomainName, PermissionName, RoleName, UserId};
use crate::scope::DataScope;

/// Rows that are being changed, with what is known of who refers to whom.
#[derive(Debug)]
pub(crate) struct Amendment {
    rows: PolicyRows,
    references: References,
}

impl Amendment {
    pub(crate) fn new(rows: PolicyRows) -> Self {
        Self { rows, references: References::default() }
    }

    pub(crate) const fn rows(&self) -> &PolicyRows {
        &self.rows
    }

    pub(crate) fn into_rows(self) -> PolicyRows {
        self.rows
    }

    /// True if some role inherits this one.
    pub(crate) fn is_inherited(&mut self, role: &RoleName) -> bool {
        !self.references.seniors(&self.rows, role).is_empty()
    }

    /// True if a user, another department or a data scope names this department.
    pub(crate) fn is_in_use(&mut self, department: DepartmentId) -> bool {
        self.references.uses(&self.rows, department) > 0
    }

    /// Makes the change.
    ///
    /// INVARIANT: afterwards nothing refers to a user, role, domain or department that went, and nothing that was
    /// left over from before refers to one that came: it starts with what later changes give it.
    pub(crate) fn make(&mut self, change: &Change) {
        match change {
            Change::AddUser { .. }
            | Change::SetUserLabel { .. }
            | Change::SetUserActive { .. }
            | Change::SetUserDepartment { .. }
            | Change::RemoveUser { .. } => self.edit_user(change),
            Change::AddRole { .. }
            | Change::SetRoleLabel { .. }
            | Change::SetRoleEnabled { .. }
            | Change::SetDataScope { .. }
            | Change::RemoveRole { .. } => self.edit_role(change),
            Change::AddDepartment { .. }
            | Change::SetDepartmentLabel { .. }
            | Change::MoveDepartment { .. }
            | Change::RemoveDepartment { .. } => self.edit_department(change),
            Change::AddPermission { .. }
            | Change::SetPermissionLabel { .. }
            | Change::RemovePermission { .. }
            | Change::AddDomain { .. }
            | Change::SetDomainLabel { .. }
            | Change::RemoveDomain { .. } => self.edit_name(change),
            _ => self.edit_relation(change),
        }
    }

    fn edit_user(&mut self, change: &Change) {
        let users = &mut self.rows.users;
        match change {
            Change::AddUser { user, label } => {
                self.unassign_user(user);
                self.rows.users.insert(user.clone(), UserRow::new(label.clone()));
            }
            Change::SetUserLabel { user, label } => {
                users.entry(user.clone()).and_modify(|row| row.label = label.clone());
            }
            Change::SetUserActive { user, active } => {
                users.entry(user.clone()).and_modify(|row| row.active = *active);
            }
            Change::SetUserDepartment { user, department } => {
                if let Some(row) = users.get_mut(user) {
                    self.references.leave(row.department);
                    row.department = *department;
                    self.references.enter(row.department);
                }
            }
            Change::RemoveUser { user } => {
                if let Some(row) = users.remove(user) {
                    self.references.leave(row.department);
                }
                self.unassign_user(user);
            }
            _ => {}
        }
    }

    fn edit_role(&mut self, change: &Change) {
        let roles = &mut self.rows.roles;
        match change {
            Change::AddRole { role, label } => {
                self.forget_role(role);
                self.rows.roles.insert(role.clone(), RoleRow::new(label.clone()));
            }
            Change::SetRoleLabel { role, label } => {
                roles.entry(role.clone()).and_modify(|row| row.label = label.clone());
            }
            Change::SetRoleEnabled { role, enabled } => {
                roles.entry(role.clone()).and_modify(|row| row.enabled = *enabled);
            }
            Change::SetDataScope { role, scope } => {
                if let Some(row) = roles.get_mut(role) {
                    self.references.close(&row.data_scope);
                    row.data_scope = scope.clone();
                    self.references.open(&row.data_scope);
                }
            }
            Change::RemoveRole { role } => {
                if let Some(row) = roles.remove(role) {
                    self.references.close(&row.data_scope);
                }
                self.forget_role(role);
            }
            _ => {}
        }
    }

    fn edit_department(&mut self, change: &Change) {
        let departments = &mut self.rows.departments;
        match change {
            Change::AddDepartment { department, label, parent } => {
                self.forget_department(*department);
                self.references.enter(*parent);
                self.rows.departments.insert(*department, DepartmentRow::new(label.clone(), *parent));
            }
            Change::SetDepartmentLabel { department, label } => {
                departments.entry(*department).and_modify(|row| row.label = label.clone());
            }
            Change::MoveDepartment { department, parent } => {
                if let Some(row) = departments.get_mut(department) {
                    self.references.leave(row.parent);
                    row.parent = *parent;
                    self.references.enter(row.parent);
                }
            }
            Change::RemoveDepartment { department } => {
                if let Some(row) = departments.remove(department) {
                    self.references.leave(row.parent);
                }
            }
            _ => {}
        }
    }

    fn edit_name(&mut self, change: &Change) {
        let rows = &mut self.rows;
        match change {
            Change::AddPermission { permission, label } => {
                // A grant that names it counts already: the program may declare the permission in code.
                rows.permissions.insert(permission.clone(), PermissionRow::new(label.clone()));
            }
            Change::SetPermissionLabel { permission, label } => {
                rows.permissions.entry(permission.clone()).and_modify(|row| row.label = label.clone());
            }
            Change::RemovePermission { permission } => {
                rows.permissions.remove(permission);
                self.revoke_everywhere(permission);
            }
            Change::AddDomain { domain, label } => {
                self.unassign_in(domain);
                self.rows.domains.insert(domain.clone(), DomainRow::new(label.clone()));
            }
            Change::SetDomainLabel { domain, label } => {
                rows.domains.entry(domain.clone()).and_modify(|row| row.label = label.clone());
            }
            Change::RemoveDomain { domain } => {
                rows.domains.remove(domain);
                self.unassign_in(domain);
            }
            _ => {}
        }
    }

    fn edit_relation(&mut self, change: &Change) {
        match change {
            Change::Assign { assignment, window } => {
                self.rows.assignments.insert(assignment.clone(), *window);
                self.references.assigned(assignment);
            }
            Change::Unassign { assignment } => self.unassign(assignment),
            Change::Grant { role, pattern, effect } => {
                let grant = Grant::new(role.clone(), pattern.clone());
                self.references.granted(&grant);
                self.rows.grants.insert(grant, *effect);
            }
            Change::Revoke { role, pattern } => self.revoke(&Grant::new(role.clone(), pattern.clone())),
            Change::Inherit { senior, junior } => {
                let row = Inheritance::new(senior.clone(), junior.clone());
                self.references.inherited(&row);
                self.rows.inheritance.insert(row);
            }
            Change::Disinherit { senior, junior } => {
                self.disinherit(&Inheritance::new(senior.clone(), junior.clone()));
            }
            Change::SetDuty { name, duty } => {
                self.rows.duties.insert(name.clone(), duty.clone());
            }
            Change::RemoveDuty { name } => {
                self.rows.duties.remove(name);
            }
            _ => {}
        }
    }

    fn unassign_user(&mut self, user: &UserId) {
        let gone: Vec<_> = self.rows.assignments_of(user).map(|(row, _)| row.clone()).collect();
        gone.iter().for_each(|row| self.unassign(row));
    }

    fn unassign_in(&mut self, domain: &DomainName) {
        let gone = self.references.in_domain(&self.rows, domain);
        gone.iter().for_each(|row| self.unassign(row));
    }

    fn forget_role(&mut self, role: &RoleName) {
        let members = self.references.of_role(&self.rows, role);
        members.iter().for_each(|row| self.unassign(row));
        let grants: Vec<_> = self.rows.grants_of(role).map(|(row, _)| row.clone()).collect();
        grants.iter().for_each(|row| self.revoke(row));
        let mut edges: Vec<_> = self.rows.juniors_of(role).cloned().collect();
        let seniors = self.references.seniors(&self.rows, role);
        edges.extend(seniors.into_iter().map(|senior| Inheritance::new(senior, role.clone())));
        edges.iter().for_each(|row| self.disinherit(row));
    }

    /// What denies it stays: the program may declare the permission in code, and a pattern may give it.
    fn revoke_everywhere(&mut self, permission: &PermissionName) {
        let naming = self.references.naming(&self.rows, permission);
        let gives = |row: &&Grant| self.rows.grants.get(*row) == Some(&Effect::Allow);
        let gone: Vec<_> = naming.iter().filter(gives).cloned().collect();
        gone.iter().for_each(|row| self.revoke(row));
    }

    /// What rows written by hand say of a department that was not there.
    fn forget_department(&mut self, department: DepartmentId) {
        if self.references.uses(&self.rows, department) == 0 {
            return;
        }
        for row in self.rows.users.values_mut().filter(|row| row.department == Some(department)) {
            row.department = None;
        }
        for row in self.rows.departments.values_mut().filter(|row| row.parent == Some(department)) {
            row.parent = None;
        }
        for row in self.rows.roles.values_mut() {
            if let DataScope::Departments(departments) = &mut row.data_scope {
                departments.remove(&department);
            }
        }
        self.references.forget_department(department);
    }

    fn unassign(&mut self, row: &Assignment) {
        self.rows.assignments.remove(row);
        self.references.unassigned(row);
    }

    fn revoke(&mut self, row: &Grant) {
        self.rows.grants.remove(row);
        self.references.revoked(row);
    }

    fn disinherit(&mut self, row: &Inheritance) {
        self.rows.inheritance.remove(row);
        self.references.disinherited(row);
    }
}
