//! The rows of a policy, as they are stored: what was said, before it is compiled into answers.
//!
//! Rows may contradict each other (an assignment of a role that is gone). [`Policy`](crate::Policy) copes
//! with that; [`admin::check`](crate::admin::check) keeps changes from causing it.

mod amend;
mod difference;
mod ranges;
mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub(crate) use self::amend::Amendment;

use crate::name::{DepartmentId, DomainName, DutyName, Label, PermissionName, RoleName, UserId};
use crate::scope::DataScope;
use crate::time::Window;
use crate::wildcard::PermissionPattern;

/// All rows of one policy. Sets and maps, so that a row cannot stand twice.
///
/// # Examples
///
/// ```
/// use rbac::{Assignment, PolicyRows, RoleRow, UserRow, Window};
///
/// let mut rows = PolicyRows::default();
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// rows.roles.insert("editor".parse()?, RoleRow::new("Editor".parse()?));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "editor".parse()?), Window::ALWAYS);
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRows {
    /// Who may be asked about.
    pub users: BTreeMap<UserId, UserRow>,
    /// The roles.
    pub roles: BTreeMap<RoleName, RoleRow>,
    /// The registered permissions. Beside them only what the program declares in code can be asked for.
    pub permissions: BTreeMap<PermissionName, PermissionRow>,
    /// The domains that assignments may hold in.
    pub domains: BTreeMap<DomainName, DomainRow>,
    /// The tree of departments that data scopes refer to.
    pub departments: BTreeMap<DepartmentId, DepartmentRow>,
    /// Which user has which role, where and when.
    pub assignments: BTreeMap<Assignment, Window>,
    /// What each role is granted or denied.
    pub grants: BTreeMap<Grant, Effect>,
    /// Which role has everything that another has.
    pub inheritance: BTreeSet<Inheritance>,
    /// Sets of roles that keep duties apart.
    pub duties: BTreeMap<DutyName, Duty>,
    /// Stored rows that could not be read. They take no part in any answer.
    pub unreadable: BTreeSet<UnreadableRow>,
}

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRow {
    /// What people see.
    pub label: Label,
    /// An inactive user is denied everything, whatever the roles.
    pub active: bool,
    /// Where the user works, for data scopes.
    pub department: Option<DepartmentId>,
}

/// What is known of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleRow {
    /// What people see.
    pub label: Label,
    /// A disabled role gives nothing, denies nothing and passes nothing on.
    pub enabled: bool,
    /// Which rows the role opens, for the permissions that it carries.
    pub data_scope: DataScope,
}

/// What is known of a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermissionRow {
    /// What people see.
    pub label: Label,
}

/// What is known of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainRow {
    /// What people see.
    pub label: Label,
}

/// What is known of a department.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DepartmentRow {
    /// What people see.
    pub label: Label,
    /// The department that it belongs to; none at the top.
    pub parent: Option<DepartmentId>,
}

/// A set of roles of which nobody may have too many (INCITS 359: SSD and DSD).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Duty {
    /// What people see.
    pub label: Label,
    /// Whether having them or using them together is refused.
    pub kind: DutyKind,
    /// Nobody has so many of the roles or more, inherited ones counted; from 2 up to the number of roles.
    pub cardinality: u32,
    /// The roles; at least two.
    pub roles: BTreeSet<RoleName>,
}

/// How duties are separated. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DutyKind {
    /// No user is authorised for too many of the roles in one domain, at whatever times.
    Static,
    /// No session has too many of the roles active.
    Dynamic,
}

/// A user has a role, in one domain or everywhere: the key of a [`Window`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Assignment {
    /// Who has it.
    pub user: UserId,
    /// What is had.
    pub role: RoleName,
    /// Where it holds; everywhere if none.
    pub domain: Option<DomainName>,
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
    /// An active user without a department.
    #[must_use]
    pub const fn new(label: Label) -> Self {
        Self { label, active: true, department: None }
    }
}

impl RoleRow {
    /// An enabled role that opens no rows.
    #[must_use]
    pub const fn new(label: Label) -> Self {
        Self { label, enabled: true, data_scope: DataScope::Nothing }
    }
}

impl PermissionRow {
    /// A permission.
    #[must_use]
    pub const fn new(label: Label) -> Self {
        Self { label }
    }
}

impl DomainRow {
    /// A domain.
    #[must_use]
    pub const fn new(label: Label) -> Self {
        Self { label }
    }
}

impl DepartmentRow {
    /// A department.
    #[must_use]
    pub const fn new(label: Label, parent: Option<DepartmentId>) -> Self {
        Self { label, parent }
    }
}

impl Duty {
    /// A set. Whether it makes sense is checked when it is added.
    #[must_use]
    pub const fn new(label: Label, kind: DutyKind, cardinality: u32, roles: BTreeSet<RoleName>) -> Self {
        Self { label, kind, cardinality, roles }
    }
}

impl DutyKind {
    /// `static` or `dynamic`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

impl Assignment {
    /// The user has the role everywhere.
    #[must_use]
    pub const fn new(user: UserId, role: RoleName) -> Self {
        Self { user, role, domain: None }
    }

    /// The user has the role in one domain.
    #[must_use]
    pub const fn in_domain(user: UserId, role: RoleName, domain: DomainName) -> Self {
        Self { user, role, domain: Some(domain) }
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
