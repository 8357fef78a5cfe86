//! Which permission each change needs, and whose record it touches.

use super::guarded::Guard;
use crate::change::Change;
use crate::name::{DomainName, UserId};

/// What the actor of a change must hold, and where, and who must be within reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need<'a> {
    pub(super) guard: Guard,
    /// In this domain; everywhere if none. A role in one domain can be assigned by those who may there.
    pub(super) domain: Option<&'a DomainName>,
    pub(super) user: Option<&'a UserId>,
}

pub(super) fn of(change: &Change) -> Need<'_> {
    let everywhere = |guard| Need { guard, domain: None, user: None };
    match change {
        Change::AddUser { user, .. }
        | Change::SetUserLabel { user, .. }
        | Change::SetUserActive { user, .. }
        | Change::SetUserDepartment { user, .. }
        | Change::RemoveUser { user } => Need { user: Some(user), ..everywhere(Guard::UserEdit) },
        Change::Assign { assignment, .. } | Change::Unassign { assignment } => Need {
            guard: Guard::UserAssign,
            domain: assignment.domain.as_ref(),
            user: Some(&assignment.user),
        },
        Change::AddRole { .. }
        | Change::SetRoleLabel { .. }
        | Change::SetRoleEnabled { .. }
        | Change::SetDataScope { .. }
        | Change::RemoveRole { .. }
        | Change::Grant { .. }
        | Change::Revoke { .. }
        | Change::Inherit { .. }
        | Change::Disinherit { .. } => everywhere(Guard::RoleEdit),
        Change::AddPermission { .. }
        | Change::SetPermissionLabel { .. }
        | Change::RemovePermission { .. } => everywhere(Guard::PermissionEdit),
        Change::AddDomain { .. } | Change::SetDomainLabel { .. } | Change::RemoveDomain { .. } => {
            everywhere(Guard::DomainEdit)
        }
        Change::AddDepartment { .. }
        | Change::SetDepartmentLabel { .. }
        | Change::MoveDepartment { .. }
        | Change::RemoveDepartment { .. } => everywhere(Guard::DepartmentEdit),
        Change::SetDuty { .. } | Change::RemoveDuty { .. } => everywhere(Guard::DutyEdit),
    }
}
