//! Sessions in memory: the rule under a lock. It is the specification of every other store.

pub(crate) mod shelf;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::secret::SessionKey;
use crate::session::amend::{Amended, Amendment};
use crate::session::end::{EndOutcome, EndReason, Which};
use crate::session::event::Answer;
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::online::{Cursor, OnlinePage, PageSize};
use crate::session::policy::{Admission, LoginPolicy};
use crate::session::rule::{Decision, Kept, decide};
use crate::session::{Check, Session, SessionId};
use crate::store::memory::shelf::{Inner, Step};
use crate::store::{At, BoxFuture, SessionStore};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// Sessions of one process, lost when it ends: for tests, demonstrations and single servers.
///
/// Its clock is the system's. What has been forgotten is swept out as the store grows.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

impl MemoryStore {
    /// How many logins and renewals there are at least between two sweeps.
    const SWEEP_EVERY_MIN: usize = 1024;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One step: everything that happens in it happens under one lock, at one time.
    fn step<T>(&self, limits: SessionLimits, at: At, verb: impl FnOnce(&mut Step<'_>) -> T) -> Answer<T> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match at {
            At::Server => UnixMillis::now(),
            At::Millis(now) => now,
        };
        let mut step = Step { inner: &mut inner, limits, now, events: Vec::new() };
        let value = verb(&mut step);
        Answer { value, events: step.events }
    }
}

impl Step<'_> {
    /// Drops what every verb would call forgotten, so seldom that it costs each login and each renewal a constant.
    fn sweep_if_due(&mut self) {
        let (limits, now) = (self.limits, self.now);
        let inner = &mut *self.inner;
        if let Some(fewer) = inner.growths_until_sweep.checked_sub(1) {
            inner.growths_until_sweep = fewer;
            return;
        }
        for shelf in inner.shelves.values_mut() {
            shelf.retain(|_, kept| decide(kept, &limits, now) != Decision::Forgotten);
        }
        inner.shelves.retain(|_, shelf| !shelf.is_empty());
        let shelves = &inner.shelves;
        let lives = |shelf: &BTreeMap<_, Kept>| shelf.values().any(|kept| matches!(kept, Kept::Live(_)));
        inner.online.retain(|(tag, _), _| shelves.get(tag).is_some_and(lives));
        let online = &inner.online;
        inner.by_end.retain(|_, places| {
            places.retain(|place| online.contains_key(place));
            !places.is_empty()
        });
        let left: usize = inner.shelves.values().map(BTreeMap::len).sum();
        inner.growths_until_sweep = left.max(MemoryStore::SWEEP_EVERY_MIN);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// The answer of a step that may have refused to do anything.
fn transposed<T>(answer: Answer<Result<T, Error>>) -> Result<Answer<T>, Error> {
    let Answer { value, events } = answer;
    value.map(|value| Answer { value, events })
}

impl SessionStore for MemoryStore {
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        policy: LoginPolicy,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Admission>, Error>> {
        Box::pin(async move {
            transposed(self.step(limits, at, |step| {
                step.sweep_if_due();
                step.create(new, &policy)
            }))
        })
    }

    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Check>, Error>> {
        Box::pin(async move { Ok(self.step(limits, at, |step| step.check(key))) })
    }

    fn amend<'a>(
        &'a self,
        key: &'a SessionKey,
        amendment: &'a Amendment,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Amended>, Error>> {
        Box::pin(async move {
            transposed(self.step(limits, at, |step| {
                if amendment.next().is_some() {
                    step.sweep_if_due();
                }
                step.amend(key, amendment)
            }))
        })
    }

    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<EndOutcome>, Error>> {
        Box::pin(async move { Ok(self.step(limits, at, |step| step.end(key, reason))) })
    }

    fn end_some<'a>(
        &'a self,
        user: &'a UserId,
        which: &'a Which,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<SessionId>>, Error>> {
        Box::pin(async move { Ok(self.step(limits, at, |step| step.end_some(user, which, reason))) })
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<Session>>, Error>> {
        Box::pin(async move { Ok(self.step(limits, at, |step| step.list(user))) })
    }

    fn online<'a>(
        &'a self,
        after: Option<&'a Cursor>,
        size: PageSize,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<OnlinePage>, Error>> {
        Box::pin(async move { Ok(self.step(limits, at, |step| step.online(after, size))) })
    }

    fn online_count<'a>(&'a self, at: At) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move { Ok(self.step(SessionLimits::default(), at, |step| step.online_count()).value) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::login::{DeviceKind, Login};
    use crate::session::rule::SESSIONS_PER_USER_MAX;

    const ANY: LoginPolicy = LoginPolicy::unlimited();

    #[tokio::test]
    async fn what_is_forgotten_does_not_pile_up() {
        let store = MemoryStore::new();
        let limits = SessionLimits::default();
        for day in 0..5000_u64 {
            let user = UserId::new(day.to_string()).unwrap();
            let at = At::Millis(UnixMillis::new(day * 86_400_000).unwrap());
            let (new, _) = NewSession::open(user, Login::new(DeviceKind::Web, "", ""), [1; 32]);
            assert!(store.create(&new, ANY, limits, at).await.unwrap().value.admitted().is_some());
        }
        let inner = store.inner.lock().unwrap();
        let left = 1..=MemoryStore::SWEEP_EVERY_MIN + 2;
        assert!(left.contains(&inner.shelves.len()), "{}", inner.shelves.len());
        assert!(left.contains(&inner.online.len()), "{}", inner.online.len());
        let by_end: usize = inner.by_end.values().map(std::collections::BTreeSet::len).sum();
        assert_eq!(by_end, inner.online.len());
    }

    #[tokio::test]
    async fn keys_that_a_session_has_left_do_not_pile_up() {
        let (store, limits) = (MemoryStore::new(), SessionLimits::default());
        let at = |minute: u64| At::Millis(UnixMillis::new(minute * 60_000).unwrap());
        let login = Login::new(DeviceKind::Web, "", "").remember(SessionLimits::ABSOLUTE_MAX);
        let (new, mut secret) = NewSession::open(UserId::new("alice").unwrap(), login, [0xff; 32]);
        assert!(store.create(&new, ANY, limits, at(0)).await.unwrap().value.admitted().is_some());
        for minute in 0..5000_u64 {
            let mut random = [0; 32];
            random[..8].copy_from_slice(&minute.to_be_bytes());
            let next = secret.rotate(random);
            let renewal = Amendment::renewal(next.key());
            let renewed = store.amend(&secret.key(), &renewal, limits, at(minute)).await.unwrap().value;
            assert!(renewed.done().is_some());
            secret = next;
        }
        let inner = store.inner.lock().unwrap();
        let left: usize = inner.shelves.values().map(BTreeMap::len).sum();
        assert!((1..=MemoryStore::SWEEP_EVERY_MIN + 13).contains(&left), "{left}");
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
        assert!(store.create(&bobs, ANY, limits, at(0)).await.unwrap().value.admitted().is_some());
        for shelf in store.inner.lock().unwrap().shelves.values_mut() {
            shelf.retain(|_, kept| {
                let Kept::Live(record) = kept else { panic!() };
                record.user = bob.clone();
                true
            });
        }
        for random in 1..=SESSIONS_PER_USER_MAX {
            let new = open(random);
            let answer = store.create(&new, ANY, limits, at(random.into())).await.unwrap();
            assert!(answer.value.admitted().is_some());
        }
        let listed = store.list(&alice, limits, at(200)).await.unwrap().value;
        assert_eq!(listed.len(), usize::from(SESSIONS_PER_USER_MAX));
        let ended = store.end_some(&alice, &Which::All, &EndReason::Revoked, limits, at(200)).await.unwrap();
        assert_eq!(ended.value.len(), usize::from(SESSIONS_PER_USER_MAX));
        let left = store.check(bobs.key(), limits, at(200)).await.unwrap().value;
        assert!(matches!(left, Check::Active(session) if session.user == bob));
    }
}
