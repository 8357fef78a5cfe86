//! One user, ready to be asked about again and again: the check itself.

use std::fmt;

use crate::bits::{mask_of, members, word_of};
use crate::name::{DepartmentId, PermissionName, RoleName, UserId};
use crate::policy::{NO_ROLE, PermissionId, Policy, Said, UserEntry};
use crate::rows::DutyKind;
use crate::view::View;

/// A user of a [`View`]: the check without text.
///
/// # Examples
///
/// ```
/// use rbac::{Assignment, Effect, Grant, Policy, PolicyRows, RoleRow, UnixMillis, UserRow, Window, perm};
///
/// let mut rows = PolicyRows::default();
/// rows.roles.insert("clerk".parse()?, RoleRow::new("Clerk".parse()?));
/// rows.grants.insert(Grant::new("clerk".parse()?, "rbac:user:view".parse()?), Effect::Allow);
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "clerk".parse()?), Window::ALWAYS);
///
/// let policy = Policy::compile(&rows)?;
/// let alice = policy.at(UnixMillis::EPOCH).subject_str("alice").expect("added above");
/// assert!(alice.can(perm::user::VIEW) && !alice.can(perm::user::EDIT));
/// let denied = alice.check(perm::user::EDIT).unwrap_err();
/// assert_eq!(denied.to_string(), "`rbac:user:edit` is denied: no role of the user is allowed it");
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    view: View<'a>,
    at: u32,
    user: &'a UserEntry,
    standing: Standing,
    /// As in the entry.
    only_role: u32,
    /// The roles of a session; none if all roles are active.
    chosen: Option<&'a [u32]>,
}

/// What comes before all grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Only the bits of the permanent roles have to be looked at.
    Plain,
    /// The roles have to be looked at one by one.
    Limited,
    /// The user is switched off.
    Inactive,
    /// The roles break the dynamic separation of duty of this number.
    ToChoose(u32),
}

impl<'a> Subject<'a> {
    // Inlined, so that the subject of a single check never leaves the registers.
    #[inline(always)]
    pub(crate) fn new(view: View<'a>, at: u32) -> Option<Self> {
        let user = view.policy().user_table().entry(at)?;
        let standing = if user.is_plain() { Standing::Plain } else { Self::unusual(view, at, user) };
        Some(Self { view, at, user, standing, only_role: user.only_role, chosen: None })
    }

    /// The user of this id. Of a plain user with one role the entry is not fetched: a large table of them is not in the
    /// cache.
    #[inline(always)]
    pub(crate) fn find(view: View<'a>, id: &str) -> Option<Self> {
        let users = view.policy().user_table();
        let (at, only_role) = users.find_with_only_role(id)?;
        if only_role == NO_ROLE {
            return Self::new(view, at);
        }
        let user = users.entry(at)?;
        Some(Self { view, at, user, standing: Standing::Plain, only_role, chosen: None })
    }

    #[inline(never)]
    fn unusual(view: View<'a>, at: u32, user: &'a UserEntry) -> Standing {
        Self { view, at, user, standing: Standing::Limited, only_role: NO_ROLE, chosen: None }
            .placed()
            .standing
    }

    /// The same user with some roles active only, as in a session. They must be roles that the user is authorised for.
    ///
    /// What the user's other roles deny stays denied, so no choice of roles gives more than all of them.
    pub(crate) fn choosing(self, roles: &'a [u32]) -> Self {
        Self { chosen: Some(roles), ..self }.placed()
    }

    /// The same user as if switched on.
    pub(crate) fn as_if_active(self) -> Self {
        Self { standing: self.find_standing(), ..self }
    }

    fn placed(self) -> Self {
        let standing = if self.user.active { self.find_standing() } else { Standing::Inactive };
        Self { standing, ..self }
    }

    fn find_standing(self) -> Standing {
        let duties = self.policy().duties();
        if duties.any_dynamic()
            && let Some(breach) = duties.breaches(DutyKind::Dynamic, self.active_roles()).first()
        {
            return Standing::ToChoose(breach.set);
        }
        Standing::Limited
    }

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

    /// Where the user works.
    #[must_use]
    pub fn department(self) -> Option<DepartmentId> {
        self.user.department
    }

    /// The policy at the moment and in the domain that the answers are about.
    #[must_use]
    pub const fn view(self) -> View<'a> {
        self.view
    }

    /// The roles that are assigned, holding now and here, without those they inherit, in order of name.
    pub fn roles(self) -> impl Iterator<Item = &'a RoleName> {
        let mut held: Vec<u32> = self.held_roles().collect();
        held.sort_unstable();
        held.dedup();
        held.into_iter().filter_map(move |role| self.policy().role_name(role))
    }

    /// True if the permission is permitted: the same answer as [`View::decide`], by a few bit tests and without a reason.
    /// The id of a permission that this policy does not know is denied.
    #[inline]
    #[must_use]
    pub fn can(self, permission: impl Into<PermissionId>) -> bool {
        self.policy().registry().bit(permission.into()).is_some_and(|bit| self.has(bit))
    }

    /// True if all of them are permitted; so also if none is asked for.
    #[must_use]
    pub fn can_all(self, permissions: &[PermissionId]) -> bool {
        permissions.iter().all(|&permission| self.can(permission))
    }

    /// True if one of them is permitted.
    #[must_use]
    pub fn can_any(self, permissions: &[PermissionId]) -> bool {
        permissions.iter().any(|&permission| self.can(permission))
    }

    /// All permitted permissions, in order of name.
    #[must_use]
    pub fn permissions(self) -> Vec<PermissionName> {
        self.policy().registry().names_of(members(self.permitted()))
    }

    #[inline]
    pub(crate) const fn policy(self) -> &'a Policy {
        self.view.policy()
    }

    /// The place of the user among the users of the policy.
    pub(crate) const fn place(self) -> u32 {
        self.at
    }

    pub(crate) const fn standing(self) -> Standing {
        self.standing
    }

    /// The roles that are assigned, holding now and here, enabled or not; one may come twice.
    pub(crate) fn held_roles(self) -> impl Iterator<Item = u32> + 'a {
        let assigned = self.policy().assigned();
        let (now, domain) = (self.view.now(), self.view.domain_place());
        let limited = assigned.limited(self.at).iter().filter(move |limited| limited.holds(now, domain));
        assigned.permanent(self.at).iter().copied().chain(limited.map(|limited| limited.role))
    }

    /// The roles that give something: those of the session, or all that hold.
    pub(crate) fn active_roles(self) -> impl Iterator<Item = u32> + 'a {
        let chosen = self.chosen.into_iter().flatten().copied();
        let held = self.chosen.is_none().then(|| self.held_roles());
        chosen.chain(held.into_iter().flatten())
    }

    /// The rule: active, the duties kept apart, nothing denies, something allows.
    #[inline]
    pub(crate) fn has(self, bit: u32) -> bool {
        let (word, mask) = (word_of(bit), mask_of(bit));
        if self.standing != Standing::Plain {
            return self.permitted_word(word) & mask != 0;
        }
        let said = |role| self.policy().role_table().said(role, word);
        let all = if self.only_role == NO_ROLE {
            let roles = self.policy().assigned().permanent(self.at);
            roles.iter().fold(Said::default(), |sum, &role| sum.and(said(role)))
        } else {
            said(self.only_role)
        };
        all.allow & !all.deny & mask != 0
    }

    /// The same for all permissions: one bit each, in words.
    pub(crate) fn permitted(self) -> impl Iterator<Item = u64> + 'a {
        (0..self.policy().role_table().words()).map(move |word| self.permitted_word(word))
    }

    #[inline(never)]
    fn permitted_word(self, word: usize) -> u64 {
        if matches!(self.standing, Standing::Inactive | Standing::ToChoose(_)) {
            return 0;
        }
        let said = |role| self.policy().role_table().said(role, word);
        let allow = self.active_roles().fold(0, |sum, role| sum | said(role).allow);
        let deny = self.held_roles().fold(0, |sum, role| sum | said(role).deny);
        allow & !deny
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("id", self.id()).field("view", &self.view).finish_non_exhaustive()
    }
}
