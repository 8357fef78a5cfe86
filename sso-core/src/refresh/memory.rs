//! Families in memory: the rule under a lock. It is the specification of every other store.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::refresh::limits::RefreshLimits;
use crate::refresh::names::{ClientId, FamilyId, FamilyKey};
use crate::refresh::request::{NewFamily, Presented};
use crate::refresh::rule::{
    FAMILIES_PER_USER_MAX, FamilyKept, FamilyRecord, FamilyState, FamilyTombstone, RotateOutcome, Rotation,
    decide_rotation, family_state,
};
use crate::refresh::{Families, Family, FamilyEnd, RefreshStore, RevokeFamily};
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;
use crate::user_id::{UserId, UserTag};

/// Refresh tokens of one process, lost when it ends: for tests, demonstrations and single servers.
///
/// Its clock is the system's. What has been forgotten is swept out as the store grows.
#[derive(Default)]
pub struct MemoryRefreshStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    shelves: HashMap<UserTag, BTreeMap<FamilyId, FamilyKept>>,
    issues_until_sweep: usize,
}

impl MemoryRefreshStore {
    /// How many families there are at least between two sweeps.
    const SWEEP_EVERY_MIN: usize = 1024;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with_shelf<T>(
        &self,
        tag: UserTag,
        limits: RefreshLimits,
        at: At,
        verb: impl FnOnce(&mut Shelf<'_>) -> T,
    ) -> T {
        let now = resolve(at);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = inner.shelves.entry(tag).or_default();
        let answer = verb(&mut Shelf { kept, limits, now });
        if kept.is_empty() {
            inner.shelves.remove(&tag);
        }
        answer
    }

    /// Drops what every verb would call forgotten, so seldom that it costs each family a constant.
    fn sweep_if_due(&self, limits: RefreshLimits, at: At) {
        let now = resolve(at);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fewer) = inner.issues_until_sweep.checked_sub(1) {
            inner.issues_until_sweep = fewer;
            return;
        }
        for shelf in inner.shelves.values_mut() {
            shelf.retain(|_, kept| family_state(kept, &limits, now) != FamilyState::Forgotten);
        }
        inner.shelves.retain(|_, shelf| !shelf.is_empty());
        let left: usize = inner.shelves.values().map(BTreeMap::len).sum();
        inner.issues_until_sweep = left.max(Self::SWEEP_EVERY_MIN);
    }
}

fn resolve(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore").finish_non_exhaustive()
    }
}

/// All that is kept for the users of one tag, with the limits and the time of one verb.
struct Shelf<'a> {
    kept: &'a mut BTreeMap<FamilyId, FamilyKept>,
    limits: RefreshLimits,
    now: UnixMillis,
}

impl Shelf<'_> {
    /// Brings one entry up to date.
    fn settle(&mut self, id: FamilyId) -> Option<&FamilyKept> {
        match family_state(self.kept.get(&id)?, &self.limits, self.now) {
            FamilyState::Live => {}
            FamilyState::Ended(tombstone) => drop(self.kept.insert(id, FamilyKept::Ended(tombstone))),
            FamilyState::Forgotten => drop(self.kept.remove(&id)),
        }
        self.kept.get(&id)
    }

    fn bury(&mut self, id: FamilyId, reason: FamilyEnd) {
        self.kept.insert(id, FamilyKept::Ended(FamilyTombstone { reason, ended_at: self.now }));
    }

    /// The live families of a user, oldest first; those of one age in the order of their names' text.
    fn live_of(&mut self, user: &UserId) -> Vec<Family> {
        let is_live =
            |(id, kept): (&FamilyId, &FamilyKept)| matches!(kept, FamilyKept::Live(_)).then_some(*id);
        let ids: Vec<FamilyId> = self.kept.iter().filter_map(is_live).collect();
        let limits = self.limits;
        let mut live: Vec<Family> = ids
            .into_iter()
            .filter_map(|id| match self.settle(id) {
                Some(FamilyKept::Live(record)) if record.user == *user => Some(record.family(id, &limits)),
                Some(FamilyKept::Live(_) | FamilyKept::Ended(_)) | None => None,
            })
            .collect();
        live.sort_by_cached_key(|family| (family.created_at, family.id.to_string()));
        live
    }

    fn issue(&mut self, new: &NewFamily) -> Result<Family, Error> {
        let id = new.key().id();
        if self.settle(id).is_some() {
            return Err(reused_handle());
        }
        let live = self.live_of(new.user());
        let too_many = (live.len() + 1).saturating_sub(FAMILIES_PER_USER_MAX);
        for family in live.iter().take(too_many) {
            self.bury(family.id, FamilyEnd::Replaced);
        }
        let record = FamilyRecord::new(new, self.now);
        let family = record.family(id, &self.limits);
        self.kept.insert(id, FamilyKept::Live(record));
        Ok(family)
    }

    fn rotate(&mut self, presented: &Presented) -> RotateOutcome {
        let id = presented.key().id();
        let (limits, now) = (self.limits, self.now);
        let kept = self.settle(id).cloned();
        let rotation = decide_rotation(kept.as_ref(), presented, now, &limits);
        let Some(FamilyKept::Live(record)) = kept else {
            return match rotation {
                Rotation::Ended(tombstone) => RotateOutcome::Ended(tombstone.reason),
                _ => RotateOutcome::Unknown,
            };
        };
        let family = record.family(id, &limits);
        match rotation {
            Rotation::Rotate => {
                let record = record.rotated(presented, now);
                let family = record.family(id, &limits);
                self.kept.insert(id, FamilyKept::Live(record));
                RotateOutcome::Rotated(family)
            }
            Rotation::Replay(nonce) => RotateOutcome::Replayed(family, nonce),
            Rotation::Reused => {
                self.bury(id, FamilyEnd::Reused);
                RotateOutcome::Reused(family)
            }
            Rotation::WrongClient => RotateOutcome::WrongClient(family),
            Rotation::ScopeTooWide => RotateOutcome::ScopeTooWide(family),
            Rotation::Ended(tombstone) => RotateOutcome::Ended(tombstone.reason),
            Rotation::Unknown => RotateOutcome::Unknown,
        }
    }

    fn revoke_family(&mut self, id: FamilyId, client: Option<&ClientId>) -> RevokeFamily {
        match self.settle(id) {
            None => RevokeFamily::Unknown,
            Some(FamilyKept::Ended(tombstone)) => RevokeFamily::AlreadyEnded(tombstone.reason),
            Some(FamilyKept::Live(record)) if client.is_some_and(|client| record.client != *client) => {
                RevokeFamily::WrongClient
            }
            Some(FamilyKept::Live(_)) => {
                self.bury(id, FamilyEnd::Revoked);
                RevokeFamily::Revoked
            }
        }
    }

    fn revoke_user(&mut self, user: &UserId, families: &Families, reason: FamilyEnd) -> u64 {
        let mut count = 0;
        for family in self.live_of(user) {
            let is_meant = match families {
                Families::All => true,
                Families::OfSession(session) => family.session.as_ref() == Some(session),
                Families::OfClient(client) => family.client == *client,
            };
            if is_meant {
                self.bury(family.id, reason);
                count += 1;
            }
        }
        count
    }
}

/// The one way in which issuing is the caller's fault.
pub(crate) fn reused_handle() -> Error {
    Error::new(ErrorKind::Misuse, "this family exists: draw fresh random bytes for every sign-in")
}

impl RefreshStore for MemoryRefreshStore {
    fn issue<'a>(
        &'a self,
        new: &'a NewFamily,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Family, Error>> {
        Box::pin(async move {
            self.sweep_if_due(limits, at);
            self.with_shelf(new.key().tag(), limits, at, |shelf| shelf.issue(new))
        })
    }

    fn rotate<'a>(
        &'a self,
        presented: &'a Presented,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RotateOutcome, Error>> {
        let tag = presented.key().tag();
        Box::pin(async move { Ok(self.with_shelf(tag, limits, at, |shelf| shelf.rotate(presented))) })
    }

    fn revoke_family<'a>(
        &'a self,
        key: &'a FamilyKey,
        client: Option<&'a ClientId>,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeFamily, Error>> {
        Box::pin(async move {
            Ok(self.with_shelf(key.tag(), limits, at, |shelf| shelf.revoke_family(key.id(), client)))
        })
    }

    fn revoke_user<'a>(
        &'a self,
        user: &'a UserId,
        families: &'a Families,
        reason: FamilyEnd,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            Ok(self.with_shelf(user.tag(), limits, at, |shelf| shelf.revoke_user(user, families, reason)))
        })
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Family>, Error>> {
        Box::pin(async move { Ok(self.with_shelf(user.tag(), limits, at, |shelf| shelf.live_of(user))) })
    }
}
