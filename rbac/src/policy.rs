//! The compiled policy: immutable, and the one place all answers come from.
//!
//! A user has a short list of roles; a role has two rows of bits, what it allows and what it denies with all that it
//! inherits. So a check is a few bit tests, however large or deep the policy is.

mod assigned;
mod columns;
mod compile;
mod departments;
mod duties;
pub(crate) mod lists;
mod lookup;
mod problem;
mod registry;
mod roles;
mod users;

use std::fmt;

pub(crate) use self::assigned::Assigned;
pub(crate) use self::departments::Departments;
pub(crate) use self::duties::Duties;
pub use self::problem::Problem;
pub use self::registry::PermissionId;
pub(crate) use self::registry::Registry;
pub(crate) use self::roles::{Roles, Said};
pub(crate) use self::users::{Limited, NO_ROLE, UserEntry, Users};
use crate::bits::BitSet;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::name::{DomainName, PermissionName, RoleName, UserId};
use crate::rows::PolicyRows;
use crate::store::{PolicyVersion, Revision};
use crate::time::UnixMillis;
use crate::view::View;

/// A compiled policy. It never changes; [`Live`](crate::Live) swaps in the next one.
///
/// What it answers depends on the moment and on the domain, so it is asked through a [`View`].
///
/// # Examples
///
/// ```
/// use rbac::{
///     Assignment, Decision, Effect, Grant, PermissionRow, Policy, PolicyRows, RoleRow, UnixMillis, UserRow, Window,
/// };
///
/// let mut rows = PolicyRows::default();
/// rows.permissions.insert("course:edit".parse()?, PermissionRow::new("Edit a course".parse()?));
/// rows.roles.insert("editor".parse()?, RoleRow::new("Editor".parse()?));
/// rows.grants.insert(Grant::new("editor".parse()?, "course:*".parse()?), Effect::Allow);
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "editor".parse()?), Window::ALWAYS);
///
/// let policy = Policy::compile(&rows)?;
/// let view = policy.at(UnixMillis::new(1_767_225_600_000)?);
/// assert_eq!(view.decide(&"alice".parse()?, &"course:edit".parse()?)?, Decision::Permit);
///
/// let edit = policy.permission(&"course:edit".parse()?).expect("registered above");
/// assert!(view.subject_str("alice").is_some_and(|alice| alice.can(edit)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Policy {
    revision: Revision,
    registry: Registry,
    users: Users,
    assigned: Assigned,
    roles: Roles,
    /// In order of name; elsewhere a domain is its place here.
    domains: Vec<DomainName>,
    departments: Departments,
    duties: Duties,
    problems: Vec<Problem>,
}

/// Which roles a walk down the hierarchy passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// Only enabled ones: what has an effect.
    Enabled,
    /// All of them: what somebody is authorised for.
    All,
}

impl Policy {
    /// Compiles rows. The version is [`PolicyVersion::START`]; only the crate's own permissions
    /// ([`perm`](crate::perm)) and those of the rows are registered.
    ///
    /// Rows that name what does not exist take no part, and are listed by [`problems`](Self::problems).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if roles inherit each other in a circle; the words
    /// show it.
    pub fn compile(rows: &PolicyRows) -> Result<Self, Error> {
        Self::compile_at(Revision::default(), None, rows, None)
    }

    /// Compiles rows for a program that declares permissions of its own: those are registered too.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile).
    pub fn compile_with(catalogue: &'static Catalogue, rows: &PolicyRows) -> Result<Self, Error> {
        Self::compile_at(Revision::default(), Some(catalogue), rows, None)
    }

    /// Compiles the rows of a version. Permission ids of the policy before it mean the same there.
    pub(crate) fn compile_at(
        revision: Revision,
        catalogue: Option<&'static Catalogue>,
        rows: &PolicyRows,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        compile::compile(revision, catalogue, rows, before)
    }

    /// The version of the rows that it was compiled from.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.revision.version
    }

    /// The version and its history.
    pub(crate) const fn revision(&self) -> Revision {
        self.revision
    }

    /// Rows that took no part, and why. Empty in a sound policy.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The policy as it is at a moment: what holds everywhere. See [`View::in_domain`] for what holds in one domain.
    #[must_use]
    #[inline]
    pub const fn at(&self, now: UnixMillis) -> View<'_> {
        View::new(self, now)
    }

    /// The id of a registered permission, for [`Subject::can`](crate::Subject::can).
    #[must_use]
    pub fn permission(&self, name: &PermissionName) -> Option<PermissionId> {
        self.registry.id(name.as_str())
    }

    /// As [`permission`](Self::permission), for a name that was not parsed: what is no name is not registered.
    #[must_use]
    #[inline]
    pub fn permission_str(&self, name: &str) -> Option<PermissionId> {
        self.registry.id(name)
    }

    /// All registered permissions, in order of name.
    #[must_use]
    pub fn permissions(&self) -> Vec<PermissionName> {
        let sorted = self.registry.sorted().iter();
        sorted.filter_map(|&bit| self.registry.name(bit)).cloned().collect()
    }

    /// The name of a registered permission.
    #[must_use]
    pub fn name(&self, permission: impl Into<PermissionId>) -> Option<&PermissionName> {
        self.registry.bit(permission.into()).and_then(|bit| self.registry.name(bit))
    }

    /// The catalogue that it was compiled with.
    #[must_use]
    pub fn catalogue(&self) -> Option<&'static Catalogue> {
        self.registry.catalogue()
    }

    /// All users, active or not, in order of id.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.entries().iter().map(|user| &user.id)
    }

    /// All roles, enabled or not, in order of name.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.entries().iter().map(|role| &role.name)
    }

    /// All domains, in order of name.
    pub fn domains(&self) -> impl Iterator<Item = &DomainName> {
        self.domains.iter()
    }

    #[inline]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    #[inline]
    pub(crate) fn user_table(&self) -> &Users {
        &self.users
    }

    #[inline]
    pub(crate) fn assigned(&self) -> &Assigned {
        &self.assigned
    }

    #[inline]
    pub(crate) fn role_table(&self) -> &Roles {
        &self.roles
    }

    pub(crate) fn domain_names(&self) -> &[DomainName] {
        &self.domains
    }

    /// The name of the domain of this place.
    pub(crate) fn domain_name(&self, place: Option<u32>) -> Option<&DomainName> {
        self.domains.get(lists::place(place?))
    }

    pub(crate) fn department_tree(&self) -> &Departments {
        &self.departments
    }

    #[inline]
    pub(crate) fn duties(&self) -> &Duties {
        &self.duties
    }

    /// The name of a role.
    pub(crate) fn role_name(&self, role: u32) -> Option<&RoleName> {
        self.roles.entry(role).map(|role| &role.name)
    }

    /// These roles and all that they inherit, walked through certain roles only.
    pub(crate) fn closure(&self, roles: impl IntoIterator<Item = u32>, through: Through) -> BitSet {
        let passes = |role: &u32| through == Through::All || self.roles.is_enabled(*role);
        let mut met = BitSet::with_room(self.roles.entries().len());
        let mut open: Vec<u32> = roles.into_iter().filter(passes).collect();
        while let Some(role) = open.pop() {
            if met.insert(role) {
                open.extend(self.roles.juniors().of(role).iter().copied().filter(passes));
            }
        }
        met
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("version", &self.version())
            .field("users", &self.users.entries().len())
            .field("roles", &self.roles.entries().len())
            .field("permissions", &self.registry.count())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}
