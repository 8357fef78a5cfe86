//! The decision: permit or deny, and why.
//!
//! Denied by default; an inactive user first; then a deny at any depth beats every allow.

use std::fmt;

use crate::explain::trail;
use crate::name::{PermissionName, RoleName, UserId};
use crate::policy::Policy;
use crate::rows::Effect;

/// Whether a user may. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Decision {
    /// Yes.
    Permit,
    /// No, and why not.
    Deny(DenyReason),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyReason {
    /// There is no such user.
    UnknownUser,
    /// The user is switched off.
    InactiveUser,
    /// A role of the user, or one it inherits, is denied it.
    ExplicitDeny {
        /// The role that the denying grant stands in.
        role: RoleName,
    },
    /// No role of the user is allowed it.
    NotGranted,
}

/// A permission was asked for that is not registered: a slip in the program, not a "no" to the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownPermission(PermissionName);

impl UnknownPermission {
    /// The permission that was asked for.
    #[must_use]
    pub const fn name(&self) -> &PermissionName {
        &self.0
    }
}

impl fmt::Display for UnknownPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permission `{}` is not registered; add it to the policy or correct the name", self.0)
    }
}

impl std::error::Error for UnknownPermission {}

impl Decision {
    /// True for [`Decision::Permit`].
    #[must_use]
    pub const fn is_permit(&self) -> bool {
        matches!(self, Self::Permit)
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUser => f.write_str("there is no such user"),
            Self::InactiveUser => f.write_str("the user is not active"),
            Self::ExplicitDeny { role } => write!(f, "role `{role}` is denied it"),
            Self::NotGranted => f.write_str("no role of the user is allowed it"),
        }
    }
}

impl Policy {
    /// Decides, with the reason. Where only yes or no matters, [`Subject::can`](crate::Subject::can) is
    /// faster.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn decide(&self, user: &UserId, permission: &PermissionName) -> Result<Decision, UnknownPermission> {
        let index = self.permission_index(permission).ok_or_else(|| UnknownPermission(permission.clone()))?;
        let Some(user) = self.user(user) else {
            return Ok(Decision::Deny(DenyReason::UnknownUser));
        };
        if !user.active {
            return Ok(Decision::Deny(DenyReason::InactiveUser));
        }
        if self.may(user, index) {
            return Ok(Decision::Permit);
        }
        let denied = trail(self, user, permission, index, Effect::Deny);
        Ok(Decision::Deny(match denied {
            Some(trail) => DenyReason::ExplicitDeny { role: trail.granted_role().clone() },
            None => DenyReason::NotGranted,
        }))
    }
}
