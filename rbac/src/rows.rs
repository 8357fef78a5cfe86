//! The rows of a policy, as they are stored: what was said, before it is compiled into answers.
//!
//! Rows may contradict each other (an assignment of a role that is gone). [`Policy`](crate::Policy) copes
//! with that; [`admin::check`](crate::admin::check) keeps changes from causing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::change::Change;
use crate::name::{Label, PermissionName, RoleName, UserId};
use crate::wildcard::PermissionPattern;

/// All rows of one policy. Sets and maps, so that a row cannot stand twice.
///
/// # Examples
///
/// ```
/// use rbac::{Assignment, PolicyRows, RoleRow, UserRow};
///
/// let mut rows = PolicyRows::default();
/// rows.users.insert("alice".parse()?, UserRow::new(true));
/// rows.roles.insert("editor".parse()?, RoleRow::new("Editor".parse()?, true));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "editor".parse()?));
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRows {
    /// Who may be asked about.
    pub users: BTreeMap<UserId, UserRow>,
    /// The roles.
    pub roles: BTreeMap<RoleName, RoleRow>,
    /// The registered permissions; nothing else can be asked for.
    pub permissions: BTreeMap<PermissionName, PermissionRow>,
    /// Which user has which role.
    pub assignments: BTreeSet<Assignment>,
    /// What each role is granted or denied.
    pub grants: BTreeMap<Grant, Effect>,
    /// Which role has everything that another has.
    pub inheritance: BTreeSet<Inheritance>,
    /// Stored rows that could not be read. They take no part in any answer.
    pub unreadable: BTreeSet<UnreadableRow>,
}

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRow {
    /// An inactive user is denied everything, whatever the roles.
    pub active: bool,
}

/// What is known of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleRow {
    /// What people see.
    pub label: Label,
    /// A disabled role gives nothing, denies nothing and passes nothing on.
    pub enabled: bool,
}

/// What is known of a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermissionRow {
    /// What people see.
    pub label: Label,
}

/// A user has a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Assignment {
    /// Who has it.
    pub user: UserId,
    /// What is had.
    pub role: RoleName,
}

/// A role and what is said about it: the key of an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Grant {
    /// Who gets it.
    pub role: RoleName,
    /// Which permissions.
    pub pattern: PermissionPattern,
}

/// What a grant does. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// The permission is given, unless something denies it.
    Allow,
    /// The permission is denied, whatever allows it, at any depth.
    Deny,
}

/// The senior role has everything that the junior role has (INCITS 359: senior ≥ junior).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Inheritance {
    /// The role that gets more.
    pub senior: RoleName,
    /// The role whose grants it gets, allowing and denying ones alike.
    pub junior: RoleName,
}

/// A stored row that could not be read, most likely written by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct UnreadableRow {
    /// The table it stands in.
    pub table: String,
    /// What is wrong with it, in words, with the text at fault escaped.
    pub fault: String,
}

impl UserRow {
    /// A user, active or not.
    #[must_use]
    pub const fn new(active: bool) -> Self {
        Self { active }
    }
}

impl RoleRow {
    /// A role, enabled or not.
    #[must_use]
    pub const fn new(label: Label, enabled: bool) -> Self {
        Self { label, enabled }
    }
}

impl PermissionRow {
    /// A permission.
    #[must_use]
    pub const fn new(label: Label) -> Self {
        Self { label }
    }
}

impl Assignment {
    /// The user has the role.
    #[must_use]
    pub const fn new(user: UserId, role: RoleName) -> Self {
        Self { user, role }
    }
}

impl Grant {
    /// Something is said about the role and the pattern.
    #[must_use]
    pub const fn new(role: RoleName, pattern: PermissionPattern) -> Self {
        Self { role, pattern }
    }
}

impl Inheritance {
    /// The senior role inherits the junior one.
    #[must_use]
    pub const fn new(senior: RoleName, junior: RoleName) -> Self {
        Self { senior, junior }
    }
}

impl UnreadableRow {
    /// A row of this table, and what is wrong with it.
    #[must_use]
    pub const fn new(table: String, fault: String) -> Self {
        Self { table, fault }
    }
}

impl Effect {
    /// `allow` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PolicyRows {
    /// What the rows are after a change, whether it may be made or not.
    pub(crate) fn amend(&mut self, change: &Change) {
        match change.clone() {
            Change::AddUser { user } => {
                // Rows that outlived a user of the same id must not come back to life.
                self.assignments.retain(|row| row.user != user);
                self.users.insert(user, UserRow::new(true));
            }
            Change::SetUserActive { user, active } => {
                self.users.entry(user).and_modify(|row| row.active = active);
            }
            Change::RemoveUser { user } => {
                self.assignments.retain(|row| row.user != user);
                self.users.remove(&user);
            }
            Change::AddRole { role, label } => {
                self.forget_role(&role);
                self.roles.insert(role, RoleRow::new(label, true));
            }
            Change::SetRoleEnabled { role, enabled } => {
                self.roles.entry(role).and_modify(|row| row.enabled = enabled);
            }
            Change::RemoveRole { role } => {
                self.forget_role(&role);
                self.roles.remove(&role);
            }
            Change::AddPermission { permission, label } => {
                self.permissions.insert(permission, PermissionRow::new(label));
            }
            Change::Assign { user, role } => {
                self.assignments.insert(Assignment { user, role });
            }
            Change::Unassign { user, role } => {
                self.assignments.remove(&Assignment { user, role });
            }
            Change::Grant { role, pattern, effect } => {
                self.grants.insert(Grant { role, pattern }, effect);
            }
            Change::Revoke { role, pattern } => {
                self.grants.remove(&Grant { role, pattern });
            }
            Change::Inherit { senior, junior } => {
                self.inheritance.insert(Inheritance { senior, junior });
            }
            Change::Disinherit { senior, junior } => {
                self.inheritance.remove(&Inheritance { senior, junior });
            }
        }
    }

    fn forget_role(&mut self, role: &RoleName) {
        self.assignments.retain(|row| row.role != *role);
        self.grants.retain(|row, _| row.role != *role);
        self.inheritance.retain(|row| row.senior != *role && row.junior != *role);
    }
}
