//! Rows that a policy had to leave out.

use std::fmt;

use crate::name::{DepartmentId, DomainName, DutyName, PermissionName, RoleName, UserId};
use crate::rows::UnreadableRow;
use crate::wildcard::PermissionPattern;

/// A row that names what does not exist, or does not make sense. It, or the part of it that is at fault, takes no part;
/// all other rows work as if it were not there.
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
    /// A role is assigned in a domain that does not exist.
    AssignedDomainUnknown {
        /// The user in the same row.
        user: UserId,
        /// The role in the same row.
        role: RoleName,
        /// The missing domain.
        domain: DomainName,
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
    /// A user works in a department that does not exist, and so counts as working in none.
    UserDepartmentUnknown {
        /// The user.
        user: UserId,
        /// The missing department.
        department: DepartmentId,
    },
    /// The data scope of a role names a department that does not exist; the others of it count.
    ScopeDepartmentUnknown {
        /// The role.
        role: RoleName,
        /// The missing department.
        department: DepartmentId,
    },
    /// A department belongs to one that does not exist, and so counts as standing at the top.
    DepartmentParentUnknown {
        /// The department.
        department: DepartmentId,
        /// The missing one.
        parent: DepartmentId,
    },
    /// Departments belong to each other in a circle; all of them count as standing at the top.
    DepartmentCircle {
        /// The departments from the lowest number upwards; the last belongs to the first.
        departments: Vec<DepartmentId>,
    },
    /// A separation of duty names a role that does not exist; the others of it count.
    DutyRoleUnknown {
        /// The set.
        duty: DutyName,
        /// The missing role.
        role: RoleName,
    },
    /// A separation of duty forbids to have even one of its roles, or none; its cardinality is at least 2.
    DutyShape {
        /// The set, which takes no part.
        duty: DutyName,
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
            Self::AssignedDomainUnknown { user, role, domain } => {
                write!(
                    f,
                    "user `{user}` is assigned role `{role}` in domain `{domain}`, which does not exist"
                )
            }
            Self::UserDepartmentUnknown { user, department } => {
                write!(f, "user `{user}` works in department `{department}`, which does not exist")
            }
            Self::ScopeDepartmentUnknown { role, department } => {
                write!(f, "role `{role}` opens rows of department `{department}`, which does not exist")
            }
            Self::DepartmentParentUnknown { department, parent } => {
                write!(f, "department `{department}` belongs to department `{parent}`, which does not exist")
            }
            Self::DepartmentCircle { departments } => {
                f.write_str("departments belong to each other in a circle: ")?;
                let closed = departments.iter().chain(departments.first());
                closed.enumerate().try_for_each(|(at, department)| {
                    write!(f, "{}`{department}`", if at == 0 { "" } else { " → " })
                })
            }
            Self::DutyRoleUnknown { duty, role } => {
                write!(f, "separation of duty `{duty}` names role `{role}`, which does not exist")
            }
            Self::DutyShape { duty } => {
                write!(f, "separation of duty `{duty}` has a cardinality below 2")
            }
            Self::Unreadable(row) => write!(f, "a row of table `{}` is unreadable: {}", row.table, row.fault),
        }
    }
}
