//! The users of a policy, in order of id, found by id by a hash.

use super::lists::place;
use super::lookup::Lookup;
use crate::name::{DepartmentId, UserId};
use crate::time::{UnixMillis, Window};

/// What is said about a user beside the roles.
#[derive(Debug)]
pub(crate) struct UserEntry {
    pub(crate) id: UserId,
    pub(crate) department: Option<DepartmentId>,
    pub(crate) active: bool,
    /// Active, and all roles hold everywhere and for ever and break no dynamic separation of duty: nothing to look at
    /// but bits.
    pub(super) plain: bool,
    /// The role that is the only one of a plain user, as most users have; [`NO_ROLE`] for all others. It stands here, and
    /// where the user is found, so that a check has nothing else to fetch.
    pub(crate) only_role: u32,
}

/// No role.
pub(crate) const NO_ROLE: u32 = u32::MAX;

impl UserEntry {
    #[inline]
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }
}

/// A role that a user has for some time or in one domain only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited {
    pub(crate) role: u32,
    pub(crate) domain: Option<u32>,
    pub(crate) window: Window,
}

impl Limited {
    /// True if it takes part there and then.
    #[inline]
    pub(crate) fn holds(self, now: UnixMillis, domain: Option<u32>) -> bool {
        (self.domain.is_none() || self.domain == domain) && self.window.holds(now)
    }
}

/// All users, and where each stands.
#[derive(Debug)]
pub(crate) struct Users {
    entries: Vec<UserEntry>,
    lookup: Lookup,
}

impl Users {
    /// Users in order of id, none twice.
    pub(super) fn new(entries: Vec<UserEntry>) -> Self {
        let lookup = Lookup::noted(entries.iter().map(|user| (user.id.as_str(), user.only_role)));
        Self { entries, lookup }
    }

    /// Where a user stands and the only role of a plain one, without a look at the entry.
    #[inline(always)]
    pub(crate) fn find_with_only_role(&self, id: &str) -> Option<(u32, u32)> {
        self.lookup.find_noted(id, |at| self.entry(at).map_or("", |user| user.id.as_str()))
    }

    #[inline]
    pub(crate) fn entry(&self, at: u32) -> Option<&UserEntry> {
        self.entries.get(place(at))
    }

    /// All, in order of id.
    pub(crate) fn entries(&self) -> &[UserEntry] {
        &self.entries
    }
}
