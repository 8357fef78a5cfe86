//! One change to a policy, as a value, and its words for the audit trail.

use std::fmt;

use crate::moment;
use crate::name::{DepartmentId, DomainName, DutyName, Label, PermissionName, RoleName, UserId};
use crate::rows::{Assignment, Duty, Effect};
use crate::scope::DataScope;
use crate::time::Window;
use crate::wildcard::PermissionPattern;

/// One change to a policy: the functions of INCITS 359 that edit users, roles, grants, the hierarchy and the
/// separation of duty, and those of domains, departments and data scopes.
///
/// Its text is what the audit trail shows.
///
/// # Examples
///
/// ```
/// use rbac::{Change, Effect};
///
/// let change = Change::Grant {
///     role: "editor".parse()?,
///     pattern: "course:*".parse()?,
///     effect: Effect::Allow,
/// };
/// assert_eq!(change.to_string(), "grant role `editor` allow `course:*`");
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// A new user, active, without roles and without a department.
    AddUser {
        /// Who.
        user: UserId,
        /// What people see.
        label: Label,
    },
    /// Another label for a user.
    SetUserLabel {
        /// Who.
        user: UserId,
        /// What people see from now on.
        label: Label,
    },
    /// Locks a user out, or lets the user in again. The roles stay.
    SetUserActive {
        /// Who.
        user: UserId,
        /// In or out.
        active: bool,
    },
    /// Moves a user to a department, or out of all.
    SetUserDepartment {
        /// Who.
        user: UserId,
        /// Where to.
        department: Option<DepartmentId>,
    },
    /// The user goes, and the user's assignments.
    RemoveUser {
        /// Who.
        user: UserId,
    },
    /// A new role, enabled, without grants, and with no rows in its data scope.
    AddRole {
        /// Which.
        role: RoleName,
        /// What people see.
        label: Label,
    },
    /// Another label for a role.
    SetRoleLabel {
        /// Which.
        role: RoleName,
        /// What people see from now on.
        label: Label,
    },
    /// Switches a role off or on for all who have or inherit it.
    SetRoleEnabled {
        /// Which.
        role: RoleName,
        /// On or off.
        enabled: bool,
    },
    /// Says which rows a role opens.
    SetDataScope {
        /// Which.
        role: RoleName,
        /// Its rows.
        scope: DataScope,
    },
    /// The role goes, and its assignments, grants and inheritances. One that a separation of duty needs stays.
    RemoveRole {
        /// Which.
        role: RoleName,
    },
    /// A new permission. Grants whose `*` matches it give it at once.
    AddPermission {
        /// Which.
        permission: PermissionName,
        /// What people see.
        label: Label,
    },
    /// Another label for a permission.
    SetPermissionLabel {
        /// Which.
        permission: PermissionName,
        /// What people see from now on.
        label: Label,
    },
    /// The permission goes, and the grants that give it alone by its name. What denies it stays.
    RemovePermission {
        /// Which.
        permission: PermissionName,
    },
    /// A new domain.
    AddDomain {
        /// Which.
        domain: DomainName,
        /// What people see.
        label: Label,
    },
    /// Another label for a domain.
    SetDomainLabel {
        /// Which.
        domain: DomainName,
        /// What people see from now on.
        label: Label,
    },
    /// The domain goes, and all assignments in it.
    RemoveDomain {
        /// Which.
        domain: DomainName,
    },
    /// A new department.
    AddDepartment {
        /// Which.
        department: DepartmentId,
        /// What people see.
        label: Label,
        /// What it belongs to.
        parent: Option<DepartmentId>,
    },
    /// Another label for a department.
    SetDepartmentLabel {
        /// Which.
        department: DepartmentId,
        /// What people see from now on.
        label: Label,
    },
    /// Hangs a department, with all below it, under another one.
    MoveDepartment {
        /// Which.
        department: DepartmentId,
        /// What it belongs to from now on.
        parent: Option<DepartmentId>,
    },
    /// The department goes. It must have no users, no departments below it and no role that names it.
    RemoveDepartment {
        /// Which.
        department: DepartmentId,
    },
    /// The user gets the role; if the user has it there already, its window changes.
    Assign {
        /// Who, what and where.
        assignment: Assignment,
        /// When.
        window: Window,
    },
    /// The user loses the role there.
    Unassign {
        /// Who, what and where.
        assignment: Assignment,
    },
    /// The role is allowed or denied what matches; on a pattern that it has already, the effect changes.
    Grant {
        /// Who gets it.
        role: RoleName,
        /// Which permissions.
        pattern: PermissionPattern,
        /// Allowed or denied.
        effect: Effect,
    },
    /// Exactly this grant goes, allowing or denying.
    Revoke {
        /// Who loses it.
        role: RoleName,
        /// The pattern exactly as it was granted.
        pattern: PermissionPattern,
    },
    /// The senior role gets all that the junior role has and will have.
    Inherit {
        /// Who gets it.
        senior: RoleName,
        /// Whose grants.
        junior: RoleName,
    },
    /// Exactly this inheritance goes.
    Disinherit {
        /// Who loses it.
        senior: RoleName,
        /// Whose grants.
        junior: RoleName,
    },
    /// A new separation of duty, or another text of one that is there.
    SetDuty {
        /// Which.
        name: DutyName,
        /// The set.
        duty: Duty,
    },
    /// The separation of duty goes.
    RemoveDuty {
        /// Which.
        name: DutyName,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddUser { user, .. } => write!(f, "add user `{user}`"),
            Self::SetUserLabel { user, label } => write!(f, "label user `{user}` `{label}`"),
            Self::SetUserActive { user, active: true } => write!(f, "activate user `{user}`"),
            Self::SetUserActive { user, active: false } => write!(f, "deactivate user `{user}`"),
            Self::SetUserDepartment { user, department: Some(department) } => {
                write!(f, "move user `{user}` to department `{department}`")
            }
            Self::SetUserDepartment { user, department: None } => {
                write!(f, "take user `{user}` out of the department")
            }
            Self::RemoveUser { user } => write!(f, "remove user `{user}`"),
            Self::AddRole { role, label } => write!(f, "add role `{role}` labelled `{label}`"),
            Self::SetRoleLabel { role, label } => write!(f, "label role `{role}` `{label}`"),
            Self::SetRoleEnabled { role, enabled: true } => write!(f, "enable role `{role}`"),
            Self::SetRoleEnabled { role, enabled: false } => write!(f, "disable role `{role}`"),
            Self::SetDataScope { role, scope } => write!(f, "open {scope} to role `{role}`"),
            Self::RemoveRole { role } => write!(f, "remove role `{role}`"),
            Self::AddPermission { permission, label } => {
                write!(f, "add permission `{permission}` labelled `{label}`")
            }
            Self::SetPermissionLabel { permission, label } => {
                write!(f, "label permission `{permission}` `{label}`")
            }
            Self::RemovePermission { permission } => write!(f, "remove permission `{permission}`"),
            Self::AddDomain { domain, label } => write!(f, "add domain `{domain}` labelled `{label}`"),
            Self::SetDomainLabel { domain, label } => write!(f, "label domain `{domain}` `{label}`"),
            Self::RemoveDomain { domain } => write!(f, "remove domain `{domain}`"),
            Self::AddDepartment { department, label, parent } => {
                write!(f, "add department `{department}` labelled `{label}`")?;
                under(f, *parent)
            }
            Self::SetDepartmentLabel { department, label } => {
                write!(f, "label department `{department}` `{label}`")
            }
            Self::MoveDepartment { department, parent } => {
                write!(f, "move department `{department}`")?;
                under(f, *parent)
            }
            Self::RemoveDepartment { department } => write!(f, "remove department `{department}`"),
            Self::Assign { assignment, window } => {
                f.write_str("assign ")?;
                write_assignment(f, assignment)?;
                write_window(f, *window)
            }
            Self::Unassign { assignment } => {
                f.write_str("unassign ")?;
                write_assignment(f, assignment)
            }
            Self::Grant { role, pattern, effect } => write!(f, "grant role `{role}` {effect} `{pattern}`"),
            Self::Revoke { role, pattern } => write!(f, "revoke role `{role}` `{pattern}`"),
            Self::Inherit { senior, junior } => write!(f, "let role `{senior}` inherit role `{junior}`"),
            Self::Disinherit { senior, junior } => {
                write!(f, "stop role `{senior}` inheriting role `{junior}`")
            }
            Self::SetDuty { name, duty } => {
                let (kind, max) = (duty.kind.as_str(), duty.cardinality.saturating_sub(1));
                write!(f, "separate duties `{name}`: {kind}, at most {max} of")?;
                duty.roles.iter().try_for_each(|role| write!(f, " `{role}`"))
            }
            Self::RemoveDuty { name } => write!(f, "remove separation of duties `{name}`"),
        }
    }
}

fn under(f: &mut fmt::Formatter<'_>, parent: Option<DepartmentId>) -> fmt::Result {
    match parent {
        Some(parent) => write!(f, " under `{parent}`"),
        None => f.write_str(" at the top"),
    }
}

fn write_assignment(f: &mut fmt::Formatter<'_>, assignment: &Assignment) -> fmt::Result {
    write!(f, "user `{}` role `{}`", assignment.user, assignment.role)?;
    assignment.domain.iter().try_for_each(|domain| write!(f, " in domain `{domain}`"))
}

fn write_window(f: &mut fmt::Formatter<'_>, window: Window) -> fmt::Result {
    window.not_before().iter().try_for_each(|from| write!(f, " from {}", moment::text(*from)))?;
    window.not_after().iter().try_for_each(|until| write!(f, " until {}", moment::text(*until)))
}

#[cfg(test)]
mod tests {
    use super::{Assignment, Change, Window};
    use crate::time::UnixMillis;

    #[test]
    fn a_window_is_written_for_people() {
        let at = |millis| UnixMillis::new(millis).unwrap();
        let assignment = Assignment { user: "u".parse().unwrap(), role: "r".parse().unwrap(), domain: None };
        let window = Window::new(Some(at(5)), Some(at(1_767_225_600_000))).unwrap();
        assert_eq!(
            Change::Assign { assignment, window }.to_string(),
            "assign user `u` role `r` from 1970-01-01T00:00:00.005Z until 2026-01-01T00:00:00Z"
        );
    }
}
