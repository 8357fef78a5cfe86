//! Sessions in memory: the rule under a lock. It is the specification of every other store.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::secret::SessionKey;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::rule::{Decision, Kept, Record, SESSIONS_PER_USER_MAX, Tombstone, decide};
use crate::session::{Check, EndOutcome, EndReason, Session};
use crate::store::{At, BoxFuture, SessionStore};
use crate::time::UnixMillis;
use crate::user_id::{UserId, UserTag};

/// Sessions of one process, lost when it ends: for tests, demonstrations and single servers.
///
/// Its clock is the system's. What has been forgotten is swept out as the store grows.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    shelves: HashMap<UserTag, BTreeMap<SessionKey, Kept>>,
    creates_until_sweep: usize,
}

impl MemoryStore {
    /// How many logins there are at least between two sweeps.
    const SWEEP_EVERY_MIN: usize = 1024;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with_shelf<T>(
        &self,
        tag: UserTag,
        limits: SessionLimits,
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

    /// Drops what every verb would call forgotten, so seldom that it costs each login a constant.
    fn sweep_if_due(&self, limits: SessionLimits, at: At) {
        let now = resolve(at);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fewer) = inner.creates_until_sweep.checked_sub(1) {
            inner.creates_until_sweep = fewer;
            return;
        }
        for shelf in inner.shelves.values_mut() {
            shelf.retain(|_, kept| decide(kept, &limits, now) != Decision::Forgotten);
        }
        inner.shelves.retain(|_, shelf| !shelf.is_empty());
        let left: usize = inner.shelves.values().map(BTreeMap::len).sum();
        inner.creates_until_sweep = left.max(Self::SWEEP_EVERY_MIN);
    }
}

fn resolve(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// All that is kept for the users of one tag, with the limits and the time of one verb.
struct Shelf<'a> {
    kept: &'a mut BTreeMap<SessionKey, Kept>,
    limits: SessionLimits,
    now: UnixMillis,
}

impl Shelf<'_> {
    /// Brings one entry up to date and says what it is; `touch` writes its use down if that is due.
    fn settle(&mut self, key: &SessionKey, touch: bool) -> Check {
        let Some(kept) = self.kept.get_mut(key) else {
            return Check::Unknown;
        };
        match (decide(kept, &self.limits, self.now), kept) {
            (Decision::Forgotten, _) => {
                self.kept.remove(key);
                Check::Unknown
            }
            (Decision::Ended(tombstone), kept) => {
                *kept = Kept::Ended(tombstone);
                Check::Ended(tombstone.reason)
            }
            (decision, Kept::Live(record)) => {
                if touch && decision == Decision::Stale {
                    record.last_seen_at = self.now;
                }
                Check::Active(record.session(key.id(), &self.limits))
            }
            // The rule never calls a tombstone live.
            (_, Kept::Ended(tombstone)) => Check::Ended(tombstone.reason),
        }
    }

    fn bury(&mut self, key: &SessionKey, reason: EndReason) {
        self.kept.insert(key.clone(), Kept::Ended(Tombstone { reason, ended_at: self.now }));
    }

    /// The live sessions of a user, oldest first; those of one age in the order of their digests' text.
    fn live_of(&mut self, user: &UserId) -> Vec<(SessionKey, Session)> {
        let is_live = |(key, kept): (&SessionKey, &Kept)| matches!(kept, Kept::Live(_)).then(|| key.clone());
        let keys: Vec<SessionKey> = self.kept.iter().filter_map(is_live).collect();
        let mut live: Vec<(SessionKey, Session)> = keys
            .into_iter()
            .filter_map(|key| match self.settle(&key, false) {
                Check::Active(session) if session.user == *user => Some((key, session)),
                Check::Active(_) | Check::Ended(_) | Check::Unknown => None,
            })
            .collect();
        live.sort_by_cached_key(|(key, session)| (session.created_at, key.digest_text()));
        live
    }

    fn create(&mut self, new: &NewSession) -> Result<Session, Error> {
        if self.settle(new.key(), false) != Check::Unknown {
            return Err(reused_secret());
        }
        let live = self.live_of(new.user());
        let too_many = (live.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
        for (key, _) in live.iter().take(too_many) {
            self.bury(key, EndReason::Replaced);
        }
        let record = Record::new(new, self.now);
        let session = record.session(new.key().id(), &self.limits);
        self.kept.insert(new.key().clone(), Kept::Live(record));
        Ok(session)
    }

    fn end(&mut self, key: &SessionKey, reason: EndReason) -> EndOutcome {
        match self.settle(key, false) {
            Check::Active(_) => {
                self.bury(key, reason);
                EndOutcome::Ended
            }
            Check::Ended(first) => EndOutcome::AlreadyEnded(first),
            Check::Unknown => EndOutcome::Unknown,
        }
    }

    fn end_all(&mut self, user: &UserId, reason: EndReason) -> u64 {
        let mut count = 0;
        for (key, _) in self.live_of(user) {
            self.bury(&key, reason);
            count += 1;
        }
        count
    }
}

/// The one way in which creating a session is the caller's fault.
pub(crate) fn reused_secret() -> Error {
    Error::new(
        ErrorKind::Misuse,
        "a session with this secret exists: draw fresh random bytes for every login",
    )
}

impl SessionStore for MemoryStore {
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Session, Error>> {
        Box::pin(async move {
            self.sweep_if_due(limits, at);
            self.with_shelf(new.key().tag(), limits, at, |shelf| shelf.create(new))
        })
    }

    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Check, Error>> {
        Box::pin(async move { Ok(self.with_shelf(key.tag(), limits, at, |shelf| shelf.settle(key, true))) })
    }

    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<EndOutcome, Error>> {
        Box::pin(async move { Ok(self.with_shelf(key.tag(), limits, at, |shelf| shelf.end(key, reason))) })
    }

    fn end_all<'a>(
        &'a self,
        user: &'a UserId,
        reason: EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(
            async move { Ok(self.with_shelf(user.tag(), limits, at, |shelf| shelf.end_all(user, reason))) },
        )
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Session>, Error>> {
        Box::pin(async move {
            let live = self.with_shelf(user.tag(), limits, at, |shelf| shelf.live_of(user));
            Ok(live.into_iter().map(|(_, session)| session).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::login::{DeviceKind, Login};

    #[tokio::test]
    async fn what_is_forgotten_does_not_pile_up() {
        let store = MemoryStore::new();
        let limits = SessionLimits::default();
        for day in 0..5000_u64 {
            let user = UserId::new(day.to_string()).unwrap();
            let at = At::Millis(UnixMillis::new(day * 86_400_000).unwrap());
            let (new, _) = NewSession::open(user, Login::new(DeviceKind::Web, "", ""), [1; 32]);
            store.create(&new, limits, at).await.unwrap();
        }
        let left = store.inner.lock().unwrap().shelves.len();
        assert!((1..=MemoryStore::SWEEP_EVERY_MIN + 2).contains(&left), "{left}");
    }

    /// Two users of one tag, as nobody has found them yet.
    #[tokio::test]
    async fn a_user_of_the_same_tag_is_left_alone() {
        let (store, limits) = (MemoryStore::new(), SessionLimits::default());
        let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
        let open =
            |random| NewSession::open(alice.clone(), Login::new(DeviceKind::Web, "", ""), [random; 32]).0;
        let at = |millis| At::Millis(UnixMillis::new(millis).unwrap());
        let bobs = open(0);
        store.create(&bobs, limits, at(0)).await.unwrap();
        for shelf in store.inner.lock().unwrap().shelves.values_mut() {
            shelf.retain(|_, kept| {
                let Kept::Live(record) = kept else { panic!() };
                record.user = bob.clone();
                true
            });
        }
        for random in 1..=u8::try_from(SESSIONS_PER_USER_MAX).unwrap() {
            store.create(&open(random), limits, at(random.into())).await.unwrap();
        }
        assert_eq!(store.list(&alice, limits, at(200)).await.unwrap().len(), SESSIONS_PER_USER_MAX);
        store.end_all(&alice, EndReason::Revoked, limits, at(200)).await.unwrap();
        let left = store.check(bobs.key(), limits, at(200)).await.unwrap();
        assert!(matches!(left, Check::Active(session) if session.user == bob));
    }
}
