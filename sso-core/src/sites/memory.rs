//! Grants, sites and notices in this process: the rule under a lock, and the specification of every store.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::claims::TokenId;
use crate::error::{Error, ErrorKind};
use crate::session::SessionId;
use crate::sites::grant::{GrantKey, NewGrant};
use crate::sites::once::{OnceKey, OnceStore};
use crate::sites::rule::{self, GRANTS_PER_SESSION_MAX, GrantFate, GrantRecord, Notice, SessionRecord};
use crate::sites::{GrantKept, NoticeFate, PendingNotice, PresentedGrant, Redeemed, SiteStore, Standing};
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;

/// A store for one process and for tests. It forgets everything when the process ends.
///
/// What is over is swept when something new is kept, so it grows with what lives only.
///
/// ```
/// use sso_core::{At, MemorySiteStore, OnceKey, OnceStore, UnixMillis};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let store = MemorySiteStore::new();
/// let key = OnceKey::new("https://sso.example", "a token's name");
/// assert!(store.first(key, UnixMillis::MAX, At::Server).await?);
/// assert!(!store.first(key, UnixMillis::MAX, At::Server).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct MemorySiteStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    grants: BTreeMap<GrantKey, GrantRecord>,
    sessions: BTreeMap<SessionId, SessionRecord>,
    /// When something of a session that has ended is due next.
    queue: BTreeMap<SessionId, UnixMillis>,
    seen: BTreeMap<OnceKey, UnixMillis>,
    /// How many entries there may be before the next sweep.
    sweep_at: usize,
}

impl MemorySiteStore {
    /// The most names that may be seen once.
    pub const ONCE_MAX: usize = 100_000;
    const SWEEP_MIN: usize = 1024;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic of another thread cannot leave the maps half changed in a way that matters.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemorySiteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySiteStore").finish_non_exhaustive()
    }
}

fn time(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

impl State {
    /// Drops what is over, at most once for every doubling of the entries.
    fn sweep(&mut self, now: UnixMillis) {
        let entries = |state: &Self| state.grants.len() + state.sessions.len() + state.seen.len();
        if entries(self) < self.sweep_at.max(MemorySiteStore::SWEEP_MIN) {
            return;
        }
        self.grants.retain(|_, grant| !grant.is_over(now));
        self.sessions.retain(|_, session| !session.is_over(now));
        self.seen.retain(|_, until| now < *until);
        self.sweep_at = entries(self) * 2;
    }

    /// A session's record, if it is not over.
    fn session(&mut self, id: &SessionId, now: UnixMillis) -> Option<&mut SessionRecord> {
        if self.sessions.get(id).is_some_and(|session| session.is_over(now)) {
            self.sessions.remove(id);
        }
        self.sessions.get_mut(id)
    }

    fn keep(&mut self, new: &NewGrant, now: UnixMillis) -> Result<GrantKept, Error> {
        self.sweep(now);
        let session = new.key.session();
        if self.session(session, now).is_some_and(|record| record.has_ended()) {
            return Ok(GrantKept::SessionEnded);
        }
        let (first, last) = GrantKey::all_of(session);
        let of_session = self.grants.range(first..=last).filter(|(_, grant)| !grant.is_over(now));
        let of_session: Vec<_> = of_session.map(|(key, grant)| (key, grant.waits())).collect();
        if of_session.iter().any(|(key, _)| **key == new.key) {
            return Err(reused_grant());
        }
        if of_session.iter().filter(|(_, waits)| *waits).count() >= GRANTS_PER_SESSION_MAX {
            return Ok(GrantKept::TooMany);
        }
        self.grants.insert(new.key.clone(), GrantRecord::new(new, now));
        Ok(GrantKept::Kept)
    }

    fn redeem(&mut self, key: &GrantKey, presented: &PresentedGrant<'_>, now: UnixMillis) -> Redeemed {
        if self.grants.get(key).is_some_and(|grant| grant.is_over(now)) {
            self.grants.remove(key);
        }
        let mut session =
            self.session(key.session(), now).cloned().unwrap_or_else(|| SessionRecord::new(now));
        let Some(grant) = self.grants.get_mut(key) else {
            return Redeemed::Unknown;
        };
        let (redeemed, fate) = rule::redeem(grant, &mut session, presented, now);
        if fate == GrantFate::Goes {
            self.grants.remove(key);
        }
        if !session.is_over(now) {
            self.sessions.insert(key.session().clone(), session);
        }
        redeemed
    }

    fn end(&mut self, id: &SessionId, now: UnixMillis) -> usize {
        self.sweep(now);
        let mut record = self.session(id, now).cloned().unwrap_or_else(|| SessionRecord::new(now));
        record.end(now);
        let sites = record.sites.len();
        self.sessions.insert(id.clone(), record);
        if sites == 0 {
            self.queue.remove(id);
        } else {
            self.queue.entry(id.clone()).or_insert(now);
        }
        sites
    }

    fn due(&mut self, sessions_max: usize, lease: Duration, now: UnixMillis) -> Vec<PendingNotice> {
        let mut ready: Vec<_> = self.queue.iter().filter(|(_, due)| **due <= now).collect();
        ready.sort_by_key(|(id, due)| (**due, (*id).clone()));
        let ready: Vec<_> = ready.into_iter().take(sessions_max).map(|(id, _)| id.clone()).collect();
        let again = now.saturating_add(lease);
        ready.into_iter().flat_map(|id| self.take(&id, again, now)).collect()
    }

    /// Takes what is due of one session, and says in the queue when the next of it is.
    fn take(&mut self, id: &SessionId, again: UnixMillis, now: UnixMillis) -> Vec<PendingNotice> {
        let mut taken = Vec::new();
        if let Some(record) = self.session(id, now).filter(|record| record.has_ended())
            && let Some(user) = record.user().cloned()
        {
            for (client, notice) in record.sites.iter_mut().filter(|(_, notice)| notice.due <= now) {
                *notice = Notice { attempts: notice.attempts.saturating_add(1), due: again };
                taken.push(PendingNotice {
                    session: id.clone(),
                    user: user.clone(),
                    client: client.clone(),
                    attempt: notice.attempts,
                });
            }
        }
        self.queue_next(id);
        taken
    }

    fn settle(&mut self, notice: &PendingNotice, fate: NoticeFate, now: UnixMillis) {
        if let Some(record) = self.session(&notice.session, now).filter(|record| record.has_ended()) {
            match fate {
                NoticeFate::Closed => {
                    record.sites.remove(&notice.client);
                }
                NoticeFate::Again(after) => {
                    if let Some(kept) = record.sites.get_mut(&notice.client) {
                        kept.due = now.saturating_add(after);
                    }
                }
            }
        }
        self.queue_next(&notice.session);
    }

    fn queue_next(&mut self, id: &SessionId) {
        let ended = self.sessions.get(id).filter(|record| record.has_ended());
        match ended.and_then(|record| record.sites.values().map(|notice| notice.due).min()) {
            Some(next) => self.queue.insert(id.clone(), next),
            None => self.queue.remove(id),
        };
    }

    fn first(&mut self, key: OnceKey, until: UnixMillis, now: UnixMillis) -> Result<bool, Error> {
        self.sweep(now);
        if self.seen.get(&key).is_some_and(|until| now < *until) {
            return Ok(false);
        }
        if self.seen.len() >= MemorySiteStore::ONCE_MAX {
            self.seen.retain(|_, until| now < *until);
        }
        if self.seen.len() >= MemorySiteStore::ONCE_MAX {
            return Err(Error::new(ErrorKind::Unavailable, "there is no room to remember a token's name"));
        }
        if now < until {
            self.seen.insert(key, until);
        }
        Ok(now < until)
    }
}

/// Two grants have one secret.
pub(crate) fn reused_grant() -> Error {
    Error::new(ErrorKind::Misuse, "this grant exists already: give every grant new random bytes")
}

impl OnceStore for MemorySiteStore {
    fn first<'a>(&'a self, key: OnceKey, until: UnixMillis, at: At) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move { self.state().first(key, until, time(at)) })
    }
}

impl SiteStore for MemorySiteStore {
    fn keep<'a>(&'a self, grant: &'a NewGrant, at: At) -> BoxFuture<'a, Result<GrantKept, Error>> {
        Box::pin(async move { self.state().keep(grant, time(at)) })
    }

    fn redeem<'a>(
        &'a self,
        key: &'a GrantKey,
        presented: PresentedGrant<'a>,
        at: At,
    ) -> BoxFuture<'a, Result<Redeemed, Error>> {
        Box::pin(async move { Ok(self.state().redeem(key, &presented, time(at))) })
    }

    fn standing<'a>(
        &'a self,
        session: &'a SessionId,
        token: &'a TokenId,
        at: At,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        Box::pin(async move {
            let mut state = self.state();
            let record = state.session(session, time(at));
            Ok(record.map_or(Standing::Good, |record| record.standing(token)))
        })
    }

    fn end<'a>(&'a self, session: &'a SessionId, at: At) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let sites = self.state().end(session, time(at));
            Ok(u64::try_from(sites).unwrap_or(u64::MAX))
        })
    }

    fn due(
        &self,
        sessions_max: usize,
        lease: Duration,
        at: At,
    ) -> BoxFuture<'_, Result<Vec<PendingNotice>, Error>> {
        Box::pin(async move { Ok(self.state().due(sessions_max, lease, time(at))) })
    }

    fn settle<'a>(
        &'a self,
        notice: &'a PendingNotice,
        fate: NoticeFate,
        at: At,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.state().settle(notice, fate, time(at));
            Ok(())
        })
    }
}
