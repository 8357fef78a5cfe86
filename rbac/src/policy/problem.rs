//! Rows that a policy had to leave out.

use std::fmt;

use crate::name::{PermissionName, RoleName, UserId};
use crate::rows::UnreadableRow;
use crate::wildcard::PermissionPattern;

/// A row that names what does not exist. It takes no part; all other rows work as if it were not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// A role is assigned to a user who does not exist.
    AssignedUserUnknown {
        /// The missing user.
        user: UserId,
        /// The role in the same row.
        role: RoleName,
    },
    /// A user is assigned a role that does not exist.
    AssignedRoleUnknown {
        /// The user in the same row.
        user: UserId,
        /// The missing role.
        role: RoleName,
    },
    /// Something is granted to a role that does not exist.
    GrantedRoleUnknown {
        /// The missing role.
        role: RoleName,
        /// The pattern in the same row.
        pattern: PermissionPattern,
    },
    /// A grant names a permission that is not registered.
    GrantedPermissionUnknown {
        /// The role in the same row.
        role: RoleName,
        /// The missing permission.
        permission: PermissionName,
    },
    /// An inheritance names a role that does not exist.
    InheritanceUnknown {
        /// The senior role of the row.
        senior: RoleName,
        /// Its junior role.
        junior: RoleName,
        /// The missing one of the two.
        unknown: RoleName,
    },
    /// A stored row could not be read.
    Unreadable(UnreadableRow),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssignedUserUnknown { user, role } => {
                write!(f, "role `{role}` is assigned to user `{user}`, who does not exist")
            }
            Self::AssignedRoleUnknown { user, role } => {
                write!(f, "user `{user}` is assigned role `{role}`, which does not exist")
            }
            Self::GrantedRoleUnknown { role, pattern } => {
                write!(f, "`{pattern}` is granted to role `{role}`, which does not exist")
            }
            Self::GrantedPermissionUnknown { role, permission } => {
                write!(f, "a grant of role `{role}` names permission `{permission}`, which is not registered")
            }
            Self::InheritanceUnknown { senior, junior, unknown } => {
                write!(f, "role `{senior}` inherits role `{junior}`, but role `{unknown}` does not exist")
            }
            Self::Unreadable(row) => write!(f, "a row of table `{}` is unreadable: {}", row.table, row.fault),
        }
    }
}
