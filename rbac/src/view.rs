//! A policy at one moment, everywhere or in one domain: all questions are asked here.

use std::fmt;

use crate::bits::BitSet;
use crate::decide::UnknownDomain;
use crate::name::{DomainName, PermissionName, UserId};
use crate::policy::lists::index;
use crate::policy::{PermissionId, Policy};
use crate::subject::Subject;
use crate::time::UnixMillis;

/// A policy at one moment. It is as good as free to make and to copy; take a new one for each request.
///
/// Assignments without a domain take part in every view, those with a domain only in the view of that domain.
///
/// # Examples
///
/// ```
/// use rbac::{Assignment, DomainRow, Effect, Grant, Policy, PolicyRows, RoleRow, UnixMillis, UserRow, Window, perm};
///
/// let mut rows = PolicyRows::default();
/// rows.domains.insert("branch-1".parse()?, DomainRow::new("First branch".parse()?));
/// rows.roles.insert("auditor".parse()?, RoleRow::new("Auditor".parse()?));
/// rows.grants.insert(Grant::new("auditor".parse()?, "rbac:audit:*".parse()?), Effect::Allow);
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// let alice = Assignment::in_domain("alice".parse()?, "auditor".parse()?, "branch-1".parse()?);
/// let tomorrow = UnixMillis::new(86_400_000)?;
/// rows.assignments.insert(alice, Window::until(tomorrow)?);
///
/// let policy = Policy::compile(&rows)?;
/// let may = |view: rbac::View<'_>| view.who_can(perm::audit::VIEW).len() == 1;
/// let today = policy.at(UnixMillis::EPOCH);
/// assert!(may(today.in_domain(&"branch-1".parse()?)?) && !may(today));
/// assert!(!may(policy.at(tomorrow).in_domain(&"branch-1".parse()?)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct View<'a> {
    policy: &'a Policy,
    now: UnixMillis,
    domain: Option<u32>,
}

impl<'a> View<'a> {
    #[inline]
    pub(crate) const fn new(policy: &'a Policy, now: UnixMillis) -> Self {
        Self { policy, now, domain: None }
    }

    /// The same moment in a domain: what holds everywhere, and what holds there.
    ///
    /// # Errors
    ///
    /// [`UnknownDomain`] if there is no such domain.
    pub fn in_domain(self, domain: &DomainName) -> Result<Self, UnknownDomain> {
        match self.policy.domain_names().binary_search(domain) {
            Ok(at) => Ok(Self { domain: Some(index(at)), ..self }),
            Err(_) => Err(UnknownDomain::new(domain)),
        }
    }

    /// The policy that is looked at.
    #[must_use]
    #[inline]
    pub const fn policy(self) -> &'a Policy {
        self.policy
    }

    /// The moment.
    #[must_use]
    #[inline]
    pub const fn now(self) -> UnixMillis {
        self.now
    }

    /// The domain, if it is not everywhere.
    #[must_use]
    pub fn domain(self) -> Option<&'a DomainName> {
        self.policy.domain_name(self.domain)
    }

    /// The place of the domain among the domains of the policy.
    #[inline]
    pub(crate) const fn domain_place(self) -> Option<u32> {
        self.domain
    }

    /// The same moment in the domain of this place.
    pub(crate) const fn in_place(self, domain: Option<u32>) -> Self {
        Self { domain, ..self }
    }

    /// Another moment in the same domain.
    pub(crate) const fn at_moment(self, now: UnixMillis) -> Self {
        Self { now, ..self }
    }

    /// A user to ask about, active or not; none if there is no such user.
    #[must_use]
    #[inline]
    pub fn subject(self, user: &UserId) -> Option<Subject<'a>> {
        self.subject_str(user.as_str())
    }

    /// As [`subject`](Self::subject), for an id that was not parsed: what is no id is no user.
    #[must_use]
    #[inline(always)]
    pub fn subject_str(self, user: &str) -> Option<Subject<'a>> {
        Subject::find(self, user)
    }

    /// All users, active or not, in order of id.
    pub fn subjects(self) -> impl Iterator<Item = Subject<'a>> {
        let users = index(self.policy.user_table().entries().len());
        (0..users).filter_map(move |at| Subject::new(self, at))
    }

    /// The users who have a permission, in order of id.
    ///
    /// The cost grows with the answer and the number of roles that give it, not with the number of users.
    #[must_use]
    pub fn who_can(self, permission: impl Into<PermissionId>) -> Vec<UserId> {
        let Some(bit) = self.policy.registry().bit(permission.into()) else {
            return Vec::new();
        };
        let mut members = BitSet::with_room(self.policy.user_table().entries().len());
        for role in self.policy.role_table().allowing(bit) {
            self.policy.assigned().members(role).iter().for_each(|&user| {
                members.insert(user);
            });
        }
        let subjects = members.iter().filter_map(|at| Subject::new(self, at));
        subjects.filter(|subject| subject.has(bit)).map(|subject| subject.id().clone()).collect()
    }

    /// The permitted permissions of a user in order of name; none if the user is unknown or inactive.
    #[must_use]
    pub fn what_can(self, user: &UserId) -> Vec<PermissionName> {
        self.subject(user).map(Subject::permissions).unwrap_or_default()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.policy.version();
        let mut shown = f.debug_struct("View");
        shown.field("version", &version).field("now", &self.now).field("domain", &self.domain()).finish()
    }
}
