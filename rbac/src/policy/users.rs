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
    /// The role that is the only one of a plain user, as most users have; [`NO_ROLE`] for all others. It stands here too so
    /// that a check has nothing else to fetch.
    pub(super) only_role: u32,
}

/// No role.
pub(super) const NO_ROLE: u32 = u32::MAX;

impl UserEntry {
    #[inline]
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    #[inline]
    pub(crate) const fn only_role(&self) -> Option<u32> {
        if self.only_role == NO_ROLE { None } else { Some(self.only_role) }
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
        let lookup = Lookup::new(entries.iter().map(|user| user.id.as_str()));
        Self { entries, lookup }
    }

    #[inline(always)]
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        self.lookup.find(id, |at| self.entry(at).map_or("", |user| user.id.as_str()))
    }

    #[inline]
    pub(crate) fn entry(&self, at: u32) -> Option<&UserEntry> {
        self.entries.get(place(at))
    }

    /// All, in order of id.
    pub(crate) fn entries(&self) -> &[UserEntry] {
        &self.entries
    }

    pub(super) fn entries_mut(&mut self) -> &mut [UserEntry] {
        &mut self.entries
    }
}
