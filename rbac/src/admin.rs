//! Guarded changes: whether a change may be made to these rows, as one pure rule for all stores.

use std::fmt;

use crate::change::Change;
use crate::error::write_path;
use crate::hierarchy;
use crate::lockout::has_administrator;
use crate::name::{PermissionName, RoleName, UserId};
use crate::rows::{Assignment, Effect, Grant, Inheritance, PolicyRows};
use crate::wildcard::PermissionPattern;

/// The most roles that changes can bring about. With as many permissions the bits take 100 MB at most.
pub const ROLES_MAX: usize = 20_000;
/// The most permissions that changes can bring about.
pub const PERMISSIONS_MAX: usize = 20_000;

/// Why a change is not made. An expected "no": nothing is broken, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such user; add the user first.
    UnknownUser(UserId),
    /// There is no such role; add the role first.
    UnknownRole(RoleName),
    /// The permission is not registered; add it first.
    UnknownPermission(PermissionName),
    /// It is so already.
    AlreadyThere,
    /// What should be taken away is not there.
    NotThere,
    /// Roles would inherit each other: the senior role, the way down from its junior, the senior again.
    Cycle(Vec<RoleName>),
    /// No active user would be left who may do everything under `rbac:`. Make another administrator first.
    LastAdministrator,
    /// There are as many roles as there may be.
    TooManyRoles {
        /// The limit.
        roles_max: usize,
    },
    /// There are as many permissions as there may be.
    TooManyPermissions {
        /// The limit.
        permissions_max: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUser(user) => write!(f, "there is no user `{user}`; add the user first"),
            Self::UnknownRole(role) => write!(f, "there is no role `{role}`; add the role first"),
            Self::UnknownPermission(name) => {
                write!(f, "permission `{name}` is not registered; add it first")
            }
            Self::AlreadyThere => f.write_str("it is so already"),
            Self::NotThere => f.write_str("what should be taken away is not there"),
            Self::Cycle(path) => {
                f.write_str("roles would inherit each other in a circle: ")?;
                write_path(f, path)
            }
            Self::LastAdministrator => f.write_str(
                "no active user would be left who may change the policy; make another administrator first",
            ),
            Self::TooManyRoles { roles_max } => {
                write!(f, "there are {roles_max} roles, the most there may be; remove one first")
            }
            Self::TooManyPermissions { permissions_max } => {
                write!(f, "there are {permissions_max} permissions, the most there may be")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// Whether this change may be made to these rows. Every store asks here, and nowhere else.
///
/// Who asks for the change is not looked at: that the actor may is for the application to decide first,
/// with the policy itself.
///
/// # Errors
///
/// The [`Refusal`]; the rows stay as they are.
///
/// # Examples
///
/// ```
/// use rbac::{Change, PolicyRows, Refusal, admin};
///
/// let rows = PolicyRows::default();
/// let change = Change::RemoveUser { user: "alice".parse()? };
/// assert_eq!(admin::check(&rows, &change), Err(Refusal::UnknownUser("alice".parse()?)));
/// # Ok::<(), rbac::Error>(())
/// ```
pub fn check(rows: &PolicyRows, change: &Change) -> Result<(), Refusal> {
    check_rows(rows, change)?;
    if touches_rights(change) && has_administrator(rows) {
        let mut after = rows.clone();
        after.amend(change);
        if !has_administrator(&after) {
            return Err(Refusal::LastAdministrator);
        }
    }
    Ok(())
}

/// Makes the change if it may be made.
///
/// # Errors
///
/// The [`Refusal`] that [`check`] gives; then the rows stay as they are.
pub fn apply(rows: &mut PolicyRows, change: &Change) -> Result<(), Refusal> {
    check(rows, change)?;
    rows.amend(change);
    Ok(())
}

fn check_rows(rows: &PolicyRows, change: &Change) -> Result<(), Refusal> {
    match change {
        Change::AddUser { user } => absent(rows.users.contains_key(user)),
        Change::SetUserActive { user, active } => {
            known_user(rows, user)?;
            absent(rows.users.get(user).is_some_and(|row| row.active == *active))
        }
        Change::RemoveUser { user } => known_user(rows, user),
        Change::AddRole { role, .. } => {
            absent(rows.roles.contains_key(role))?;
            below(rows.roles.len(), ROLES_MAX, Refusal::TooManyRoles { roles_max: ROLES_MAX })
        }
        Change::SetRoleEnabled { role, enabled } => {
            known_role(rows, role)?;
            absent(rows.roles.get(role).is_some_and(|row| row.enabled == *enabled))
        }
        Change::RemoveRole { role } => known_role(rows, role),
        Change::AddPermission { permission, .. } => {
            absent(rows.permissions.contains_key(permission))?;
            let full = Refusal::TooManyPermissions { permissions_max: PERMISSIONS_MAX };
            below(rows.permissions.len(), PERMISSIONS_MAX, full)
        }
        Change::Assign { user, role } => {
            known_user(rows, user)?;
            known_role(rows, role)?;
            absent(rows.assignments.contains(&Assignment::new(user.clone(), role.clone())))
        }
        Change::Unassign { user, role } => {
            let there = rows.assignments.contains(&Assignment::new(user.clone(), role.clone()));
            taken(there, || known_user(rows, user).and_then(|()| known_role(rows, role)))
        }
        Change::Grant { role, pattern, effect } => check_grant(rows, role, pattern, *effect),
        Change::Revoke { role, pattern } => {
            let there = rows.grants.contains_key(&Grant::new(role.clone(), pattern.clone()));
            taken(there, || known_role(rows, role))
        }
        Change::Inherit { senior, junior } => check_inherit(rows, senior, junior),
        Change::Disinherit { senior, junior } => {
            let there = rows.inheritance.contains(&Inheritance::new(senior.clone(), junior.clone()));
            taken(there, || known_role(rows, senior).and_then(|()| known_role(rows, junior)))
        }
    }
}

fn check_grant(
    rows: &PolicyRows,
    role: &RoleName,
    pattern: &PermissionPattern,
    effect: Effect,
) -> Result<(), Refusal> {
    known_role(rows, role)?;
    if let Some(name) = pattern.exact()
        && !rows.permissions.contains_key(&name)
    {
        return Err(Refusal::UnknownPermission(name));
    }
    absent(rows.grants.get(&Grant::new(role.clone(), pattern.clone())) == Some(&effect))
}

fn check_inherit(rows: &PolicyRows, senior: &RoleName, junior: &RoleName) -> Result<(), Refusal> {
    known_role(rows, senior)?;
    known_role(rows, junior)?;
    absent(rows.inheritance.contains(&Inheritance::new(senior.clone(), junior.clone())))?;
    match hierarchy::chain(&rows.inheritance, junior, senior) {
        None => Ok(()),
        Some(mut way) => {
            way.insert(0, senior.clone());
            Err(Refusal::Cycle(way))
        }
    }
}

/// A new user, role or permission takes no right from anybody.
fn touches_rights(change: &Change) -> bool {
    !matches!(change, Change::AddUser { .. } | Change::AddRole { .. } | Change::AddPermission { .. })
}

fn known_user(rows: &PolicyRows, user: &UserId) -> Result<(), Refusal> {
    if rows.users.contains_key(user) { Ok(()) } else { Err(Refusal::UnknownUser(user.clone())) }
}

fn known_role(rows: &PolicyRows, role: &RoleName) -> Result<(), Refusal> {
    if rows.roles.contains_key(role) { Ok(()) } else { Err(Refusal::UnknownRole(role.clone())) }
}

fn absent(there: bool) -> Result<(), Refusal> {
    if there { Err(Refusal::AlreadyThere) } else { Ok(()) }
}

/// A row that is there may go, even if it names what is gone; of others say first what they name wrongly.
fn taken(there: bool, known: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
    if there { Ok(()) } else { known().and(Err(Refusal::NotThere)) }
}

fn below(count: usize, max: usize, full: Refusal) -> Result<(), Refusal> {
    if count < max { Ok(()) } else { Err(full) }
}
