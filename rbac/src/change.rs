//! One change to a policy, as a value, and its words for the audit trail.

use std::fmt;

use crate::name::{Label, PermissionName, RoleName, UserId};
use crate::rows::Effect;
use crate::wildcard::PermissionPattern;

/// One change to a policy: the functions of INCITS 359 that edit users, roles, grants and the hierarchy.
///
/// Its text is what the audit trail keeps.
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
    /// A new user, active and without roles.
    AddUser {
        /// Who.
        user: UserId,
    },
    /// Locks a user out, or lets the user in again. The roles stay.
    SetUserActive {
        /// Who.
        user: UserId,
        /// In or out.
        active: bool,
    },
    /// The user goes, and the user's assignments.
    RemoveUser {
        /// Who.
        user: UserId,
    },
    /// A new role, enabled and without grants.
    AddRole {
        /// Which.
        role: RoleName,
        /// What people see.
        label: Label,
    },
    /// Switches a role off or on for all who have or inherit it.
    SetRoleEnabled {
        /// Which.
        role: RoleName,
        /// On or off.
        enabled: bool,
    },
    /// The role goes, and its assignments, grants and inheritances.
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
    /// The user gets the role.
    Assign {
        /// Who.
        user: UserId,
        /// What.
        role: RoleName,
    },
    /// The user loses the role.
    Unassign {
        /// Who.
        user: UserId,
        /// What.
        role: RoleName,
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
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddUser { user } => write!(f, "add user `{user}`"),
            Self::SetUserActive { user, active: true } => write!(f, "activate user `{user}`"),
            Self::SetUserActive { user, active: false } => write!(f, "deactivate user `{user}`"),
            Self::RemoveUser { user } => write!(f, "remove user `{user}`"),
            Self::AddRole { role, label } => write!(f, "add role `{role}` labelled `{label}`"),
            Self::SetRoleEnabled { role, enabled: true } => write!(f, "enable role `{role}`"),
            Self::SetRoleEnabled { role, enabled: false } => write!(f, "disable role `{role}`"),
            Self::RemoveRole { role } => write!(f, "remove role `{role}`"),
            Self::AddPermission { permission, label } => {
                write!(f, "add permission `{permission}` labelled `{label}`")
            }
            Self::Assign { user, role } => write!(f, "assign user `{user}` role `{role}`"),
            Self::Unassign { user, role } => write!(f, "unassign user `{user}` role `{role}`"),
            Self::Grant { role, pattern, effect } => write!(f, "grant role `{role}` {effect} `{pattern}`"),
            Self::Revoke { role, pattern } => write!(f, "revoke role `{role}` `{pattern}`"),
            Self::Inherit { senior, junior } => write!(f, "let role `{senior}` inherit role `{junior}`"),
            Self::Disinherit { senior, junior } => {
                write!(f, "stop role `{senior}` inheriting role `{junior}`")
            }
        }
    }
}
