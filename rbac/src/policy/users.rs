//! The users of a policy, in order of id, found by id by a hash.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::lists::{index, place};
use crate::name::{DepartmentId, UserId};
use crate::time::{UnixMillis, Window};

/// What is said about a user beside the roles.
#[derive(Debug)]
pub(crate) struct UserEntry {
    pub(crate) id: UserId,
    pub(crate) department: Option<DepartmentId>,
    pub(crate) active: bool,
    /// All roles hold everywhere and for ever, and break no dynamic separation of duty: nothing to look at but bits.
    pub(super) plain: bool,
}

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
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Users {
    /// Users in order of id, none twice.
    pub(super) fn new(entries: Vec<UserEntry>) -> Self {
        let hasher = RandomState::default();
        let mut places = HashTable::with_capacity(entries.len());
        let hash = |at: u32| entries.get(place(at)).map_or(0, |user| hasher.hash_one(user.id.as_str()));
        for at in 0..index(entries.len()) {
            places.insert_unique(hash(at), at, |&other| hash(other));
        }
        Self { entries, places, hasher }
    }

    #[inline]
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        let is_it = |&at: &u32| self.entries.get(place(at)).is_some_and(|user| user.id.as_str() == id);
        self.places.find(self.hasher.hash_one(id), is_it).copied()
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
