//! The compiled policy: immutable, and the one place all answers come from.
//!
//! A user has a short list of roles; a role has two sets of bits, what it allows and what it denies with
//! all that it inherits. So a check is a few bit tests, however large or deep the policy is.

mod catalogue;
mod compile;
mod problem;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use self::catalogue::Catalogue;
pub use self::catalogue::PermissionId;
pub use self::problem::Problem;
use crate::bits::BitSet;
use crate::error::Error;
use crate::name::{PermissionName, RoleName, UserId};
use crate::rows::{Effect, PolicyRows};
use crate::store::{PolicyVersion, Snapshot};
use crate::wildcard::PermissionPattern;

/// A compiled policy. It never changes; [`Live`](crate::Live) swaps in the next one.
///
/// # Examples
///
/// ```
/// use rbac::{Change, Decision, Effect, Policy, PolicyRows, admin};
///
/// let mut rows = PolicyRows::default();
/// for change in [
///     Change::AddPermission { permission: "course:edit".parse()?, label: "Edit a course".parse()? },
///     Change::AddRole { role: "editor".parse()?, label: "Editor".parse()? },
///     Change::Grant { role: "editor".parse()?, pattern: "course:*".parse()?, effect: Effect::Allow },
///     Change::AddUser { user: "alice".parse()? },
///     Change::Assign { user: "alice".parse()?, role: "editor".parse()? },
/// ] {
///     admin::apply(&mut rows, &change)?;
/// }
///
/// let policy = Policy::compile(&rows)?;
/// assert_eq!(policy.decide(&"alice".parse()?, &"course:edit".parse()?)?, Decision::Permit);
///
/// let edit = policy.permission(&"course:edit".parse()?).expect("registered above");
/// assert!(policy.subject(&"alice".parse()?).is_some_and(|alice| alice.can(edit)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Policy {
    version: PolicyVersion,
    catalogue: Catalogue,
    users: Vec<UserEntry>,
    user_index: HashMap<UserId, usize>,
    roles: Vec<RoleEntry>,
    problems: Vec<Problem>,
}

/// A user and the roles that are assigned, by index.
#[derive(Debug)]
pub(crate) struct UserEntry {
    pub(crate) id: UserId,
    pub(crate) active: bool,
    pub(crate) roles: Vec<usize>,
}

/// A role, what is said about it, and what follows. A disabled role has empty `allow` and `deny`.
#[derive(Debug)]
pub(crate) struct RoleEntry {
    pub(crate) name: RoleName,
    enabled: bool,
    pub(crate) grants: Vec<(PermissionPattern, Effect)>,
    pub(crate) juniors: Vec<usize>,
    members: Vec<usize>,
    allow: BitSet,
    deny: BitSet,
}

impl RoleEntry {
    /// True if the role or one that it inherits has such a grant for the permission.
    pub(crate) fn carries(&self, index: usize, effect: Effect) -> bool {
        match effect {
            Effect::Allow => self.allow.contains(index),
            Effect::Deny => self.deny.contains(index),
        }
    }
}

impl Policy {
    /// Compiles rows. The version is [`PolicyVersion::START`], and the permission ids are good for this
    /// policy only; [`Live`](crate::Live) keeps both going from one policy to the next.
    ///
    /// Rows that name what does not exist take no part, and are listed by [`problems`](Self::problems).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if roles inherit each other in a circle; the words
    /// show it.
    pub fn compile(rows: &PolicyRows) -> Result<Self, Error> {
        compile::compile(PolicyVersion::START, rows, Catalogue::new())
    }

    /// The first policy of a line.
    pub(crate) fn first(snapshot: &Snapshot) -> Result<Self, Error> {
        compile::compile(snapshot.version, &snapshot.rows, Catalogue::new())
    }

    /// The policy after this one. Permission ids of this one mean the same there.
    ///
    /// INVARIANT: a policy is continued at most once, or two heirs would give one id to two permissions.
    pub(crate) fn next(&self, snapshot: &Snapshot) -> Result<Self, Error> {
        compile::compile(snapshot.version, &snapshot.rows, self.catalogue.clone())
    }

    /// The version of the rows that it was compiled from.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.version
    }

    /// Rows that took no part, and why. Empty in a sound policy.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The id of a registered permission, for [`Subject::can`].
    #[must_use]
    pub fn permission(&self, name: &PermissionName) -> Option<PermissionId> {
        self.catalogue.id(name)
    }

    /// A user to ask about, active or not; none if there is no such user.
    #[must_use]
    pub fn subject(&self, user: &UserId) -> Option<Subject<'_>> {
        self.user(user).map(|user| Subject { policy: self, user })
    }

    /// The permitted permissions of a user in order of name; none if the user is unknown or inactive.
    #[must_use]
    pub fn what_can(&self, user: &UserId) -> Vec<PermissionName> {
        let Some(user) = self.user(user).filter(|user| user.active) else {
            return Vec::new();
        };
        let (mut allow, mut deny) = (BitSet::default(), BitSet::default());
        for role in self.roles_at(&user.roles) {
            allow.union(&role.allow);
            deny.union(&role.deny);
        }
        let permitted = allow.iter().filter(|&index| !deny.contains(index));
        let mut names: Vec<_> = permitted.filter_map(|index| self.catalogue.name(index)).cloned().collect();
        names.sort_unstable();
        names
    }

    /// The users who have a permission, in order of id.
    #[must_use]
    pub fn who_can(&self, permission: PermissionId) -> Vec<UserId> {
        let Some(index) = self.catalogue.index(permission) else {
            return Vec::new();
        };
        let carriers = self.roles.iter().filter(|role| role.carries(index, Effect::Allow));
        let members: BTreeSet<usize> = carriers.flat_map(|role| role.members.iter().copied()).collect();
        let users = members.into_iter().filter_map(|at| self.users.get(at));
        users.filter(|user| self.may(user, index)).map(|user| user.id.clone()).collect()
    }

    /// All users, active or not, in order of id.
    pub fn users(&self) -> impl Iterator<Item = Subject<'_>> {
        self.users.iter().map(|user| Subject { policy: self, user })
    }

    /// All roles, enabled or not, in order of name.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter().map(|role| &role.name)
    }

    /// All registered permissions, in order of name.
    #[must_use]
    pub fn permissions(&self) -> Vec<PermissionName> {
        self.catalogue.registered()
    }

    /// The roles that are assigned to a user, without those they inherit; none if the user is unknown.
    pub fn roles_of(&self, user: &UserId) -> impl Iterator<Item = &RoleName> {
        self.subject(user).into_iter().flat_map(Subject::roles)
    }

    pub(crate) fn user(&self, id: &UserId) -> Option<&UserEntry> {
        self.user_index.get(id).and_then(|&at| self.users.get(at))
    }

    pub(crate) fn role(&self, at: usize) -> Option<&RoleEntry> {
        self.roles.get(at)
    }

    pub(crate) fn role_entries(&self) -> &[RoleEntry] {
        &self.roles
    }

    /// The index of a registered permission.
    pub(crate) fn permission_index(&self, name: &PermissionName) -> Option<usize> {
        self.permission(name).and_then(|id| self.catalogue.index(id))
    }

    /// The rule: active, nothing denies, something allows.
    #[inline]
    pub(crate) fn may(&self, user: &UserEntry, index: usize) -> bool {
        let mut allowed = false;
        for role in self.roles_at(&user.roles) {
            if role.deny.contains(index) {
                return false;
            }
            allowed |= role.allow.contains(index);
        }
        allowed && user.active
    }

    // INVARIANT: all indices of roles were made by `compile` from these roles, so none is dropped.
    fn roles_at<'a>(&'a self, indices: &'a [usize]) -> impl Iterator<Item = &'a RoleEntry> {
        indices.iter().filter_map(|&at| self.roles.get(at))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("version", &self.version)
            .field("users", &self.users.len())
            .field("roles", &self.roles.len())
            .field("permissions", &self.catalogue.registered_count())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// A user of a [`Policy`], ready to be asked about again and again.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    policy: &'a Policy,
    user: &'a UserEntry,
}

impl<'a> Subject<'a> {
    /// Who it is.
    #[must_use]
    pub fn id(self) -> &'a UserId {
        &self.user.id
    }

    /// An inactive user can do nothing.
    #[must_use]
    pub fn is_active(self) -> bool {
        self.user.active
    }

    /// The roles that are assigned, without those they inherit, in order of name.
    pub fn roles(self) -> impl Iterator<Item = &'a RoleName> {
        self.policy.roles_at(&self.user.roles).map(|role| &role.name)
    }

    /// True if the permission is permitted: the same answer as [`Policy::decide`], in nanoseconds and
    /// without a reason. An id from another line of policies is denied.
    #[inline]
    #[must_use]
    pub fn can(self, permission: PermissionId) -> bool {
        self.policy.catalogue.index(permission).is_some_and(|index| self.policy.may(self.user, index))
    }
}
