//! The verbs of a transaction, one for each change.

use super::transaction::Transaction;
use crate::change::Change;
use crate::name::{DepartmentId, DomainName, DutyName, Label, PermissionName, RoleName, UserId};
use crate::rows::{Assignment, Duty, Effect};
use crate::scope::DataScope;
use crate::time::Window;
use crate::wildcard::PermissionPattern;

impl Transaction<'_> {
    /// A new user, active, without roles.
    pub fn add_user(self, user: UserId, label: Label) -> Self {
        self.change(Change::AddUser { user, label })
    }

    /// Another label for a user.
    pub fn label_user(self, user: UserId, label: Label) -> Self {
        self.change(Change::SetUserLabel { user, label })
    }

    /// Lets a user in again.
    pub fn activate_user(self, user: UserId) -> Self {
        self.change(Change::SetUserActive { user, active: true })
    }

    /// Locks a user out. The roles stay.
    pub fn deactivate_user(self, user: UserId) -> Self {
        self.change(Change::SetUserActive { user, active: false })
    }

    /// Moves a user to a department, or out of all.
    pub fn move_user(self, user: UserId, department: Option<DepartmentId>) -> Self {
        self.change(Change::SetUserDepartment { user, department })
    }

    /// The user goes, and the user's assignments.
    pub fn remove_user(self, user: UserId) -> Self {
        self.change(Change::RemoveUser { user })
    }

    /// A new role, enabled, without grants and rows.
    pub fn add_role(self, role: RoleName, label: Label) -> Self {
        self.change(Change::AddRole { role, label })
    }

    /// Another label for a role.
    pub fn label_role(self, role: RoleName, label: Label) -> Self {
        self.change(Change::SetRoleLabel { role, label })
    }

    /// Switches a role on for all who have or inherit it.
    pub fn enable_role(self, role: RoleName) -> Self {
        self.change(Change::SetRoleEnabled { role, enabled: true })
    }

    /// Switches a role off for all who have or inherit it.
    pub fn disable_role(self, role: RoleName) -> Self {
        self.change(Change::SetRoleEnabled { role, enabled: false })
    }

    /// Says which rows a role opens.
    pub fn open_rows(self, role: RoleName, scope: DataScope) -> Self {
        self.change(Change::SetDataScope { role, scope })
    }

    /// The role goes, and its assignments, grants and inheritances.
    pub fn remove_role(self, role: RoleName) -> Self {
        self.change(Change::RemoveRole { role })
    }

    /// A new permission. Grants whose `*` matches it give it at once.
    pub fn add_permission(self, permission: PermissionName, label: Label) -> Self {
        self.change(Change::AddPermission { permission, label })
    }

    /// Another label for a permission.
    pub fn label_permission(self, permission: PermissionName, label: Label) -> Self {
        self.change(Change::SetPermissionLabel { permission, label })
    }

    /// The permission goes, and the grants that name it alone.
    pub fn remove_permission(self, permission: PermissionName) -> Self {
        self.change(Change::RemovePermission { permission })
    }

    /// A new domain.
    pub fn add_domain(self, domain: DomainName, label: Label) -> Self {
        self.change(Change::AddDomain { domain, label })
    }

    /// The domain goes, and all assignments in it.
    pub fn remove_domain(self, domain: DomainName) -> Self {
        self.change(Change::RemoveDomain { domain })
    }

    /// A new department, at the top or under another.
    pub fn add_department(
        self,
        department: DepartmentId,
        label: Label,
        parent: Option<DepartmentId>,
    ) -> Self {
        self.change(Change::AddDepartment { department, label, parent })
    }

    /// Another label for a department.
    pub fn label_department(self, department: DepartmentId, label: Label) -> Self {
        self.change(Change::SetDepartmentLabel { department, label })
    }

    /// Hangs a department, with all below it, elsewhere.
    pub fn move_department(self, department: DepartmentId, parent: Option<DepartmentId>) -> Self {
        self.change(Change::MoveDepartment { department, parent })
    }

    /// The department goes. It must not be in use.
    pub fn remove_department(self, department: DepartmentId) -> Self {
        self.change(Change::RemoveDepartment { department })
    }

    /// The user gets the role, always and everywhere unless the next words say otherwise.
    pub fn assign(self, user: UserId, role: RoleName) -> Self {
        self.change(Change::Assign { assignment: Assignment::new(user, role), window: Window::ALWAYS })
    }

    /// The user loses the role: the assignment that holds everywhere, or that in the domain that the next word names.
    pub fn unassign(self, user: UserId, role: RoleName) -> Self {
        self.change(Change::Unassign { assignment: Assignment::new(user, role) })
    }

    /// The role is allowed what matches.
    pub fn grant(self, role: RoleName, pattern: PermissionPattern) -> Self {
        self.change(Change::Grant { role, pattern, effect: Effect::Allow })
    }

    /// The role is denied what matches, whatever allows it.
    pub fn deny(self, role: RoleName, pattern: PermissionPattern) -> Self {
        self.change(Change::Grant { role, pattern, effect: Effect::Deny })
    }

    /// Exactly this grant goes, allowing or denying.
    pub fn revoke(self, role: RoleName, pattern: PermissionPattern) -> Self {
        self.change(Change::Revoke { role, pattern })
    }

    /// The senior role gets all that the junior role has and will have.
    pub fn inherit(self, senior: RoleName, junior: RoleName) -> Self {
        self.change(Change::Inherit { senior, junior })
    }

    /// Exactly this inheritance goes.
    pub fn disinherit(self, senior: RoleName, junior: RoleName) -> Self {
        self.change(Change::Disinherit { senior, junior })
    }

    /// A new separation of duty, or another text of one that is there.
    pub fn set_duty(self, name: DutyName, duty: Duty) -> Self {
        self.change(Change::SetDuty { name, duty })
    }

    /// The separation of duty goes.
    pub fn remove_duty(self, name: DutyName) -> Self {
        self.change(Change::RemoveDuty { name })
    }
}
