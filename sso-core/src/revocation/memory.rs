//! The log of revocations in memory: the rule under a lock. It is the specification of every other log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::claims::Claims;
use crate::edge;
use crate::error::Error;
use crate::jws;
use crate::revocation::rule::{Judgement, Revocation, Subject, TokenTag, full, judge, room, too_far_ahead};
use crate::revocation::{LogPage, LogPoint, ReadFrom, RevocationStore, RevocationView, RevokeOutcome};
use crate::store::{At, BoxFuture};
use crate::time::UnixMillis;

/// Revocations of one process, lost when it ends: for tests, demonstrations and single servers.
///
/// It is its own view: what is revoked is refused from that moment on.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Claims, Lifetime, MemoryRevocations, RevocationView as _, Revoker, TokenId, UnixMillis, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let revocations = Arc::new(MemoryRevocations::new());
/// let revoker = Revoker::new(revocations.clone(), Duration::from_secs(3600));
///
/// let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?;
/// assert!(!revocations.is_revoked(&claims));
/// revoker.revoke_user(claims.subject()).await?;
/// assert!(revocations.is_revoked(&claims));
/// # Ok(())
/// # }
/// ```
pub struct MemoryRevocations {
    log: Mutex<Log>,
    entries_max: usize,
}

#[derive(Default)]
struct Log {
    numbers: HashMap<Subject, u64>,
    entries: BTreeMap<u64, Revocation>,
    ends: BTreeSet<(UnixMillis, u64)>,
    points: BTreeMap<u64, String>,
}

impl MemoryRevocations {
    /// How many entries a log holds unless it is told otherwise.
    pub const ENTRIES_MAX_DEFAULT: usize = 1_000_000;

    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { log: Mutex::default(), entries_max: Self::ENTRIES_MAX_DEFAULT }
    }

    /// Lets it hold at most so many entries, the last tenth for users only.
    #[must_use]
    pub fn entries_max(mut self, entries_max: usize) -> Self {
        self.entries_max = entries_max;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRevocations {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocations").field("entries_max", &self.entries_max).finish_non_exhaustive()
    }
}

impl Log {
    fn find(&self, subject: &Subject) -> Option<&Revocation> {
        self.entries.get(self.numbers.get(subject)?)
    }

    /// Drops what no longer matters.
    fn sweep(&mut self, now: UnixMillis) {
        while let Some((until, number)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            self.ends.remove(&(until, number));
            if let Some(entry) = self.entries.remove(&number) {
                self.numbers.remove(&entry.subject);
            }
        }
    }

    fn append(&mut self, entry: Revocation, mark: String) {
        let number = self.points.last_key_value().map_or(1, |(last, _)| last + 1);
        if let Some(former) = self.numbers.insert(entry.subject, number)
            && let Some(entry) = self.entries.remove(&former)
        {
            self.ends.remove(&(entry.until, former));
        }
        self.entries.insert(number, entry);
        self.ends.insert((entry.until, number));
        self.points.insert(number, mark);
        while self.points.len() > LogPage::POINTS_MAX {
            self.points.pop_first();
        }
    }

    fn page(&self, from: ReadFrom<'_>, now: UnixMillis) -> LogPage {
        let behind = match from {
            ReadFrom::Start => 0,
            ReadFrom::Page(number) => number,
            ReadFrom::Point(point) if self.points.get(&point.number) == Some(&point.mark) => point.number,
            ReadFrom::Point(_) => 0,
        };
        let page = self.entries.range(behind.saturating_add(1)..).take(LogPage::ENTRIES_MAX);
        let page: Vec<(u64, Revocation)> = page.map(|(number, entry)| (*number, *entry)).collect();
        let is_full = page.len() == LogPage::ENTRIES_MAX;
        let end = self.points.last_key_value();
        LogPage {
            end: end.map(|(number, mark)| LogPoint { number: *number, mark: mark.clone() }),
            next: page.last().filter(|_| is_full).map(|(number, _)| *number),
            revocations: page.into_iter().map(|(_, entry)| entry).filter(|entry| entry.until > now).collect(),
        }
    }
}

fn resolve(at: At) -> UnixMillis {
    match at {
        At::Server => UnixMillis::now(),
        At::Millis(now) => now,
    }
}

impl RevocationStore for MemoryRevocations {
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeOutcome, Error>> {
        Box::pin(async move {
            let (now, mark) = (resolve(at), jws::encode(edge::random::<12>()?));
            let mut log = self.lock();
            match judge(log.find(&revocation.subject), revocation, now) {
                Judgement::Expired => Ok(RevokeOutcome::Expired),
                Judgement::Already(kept) => Ok(RevokeOutcome::Already(kept)),
                Judgement::TooFarAhead => Err(too_far_ahead()),
                Judgement::Keep(entry) => {
                    log.sweep(now);
                    let room = room(&entry.subject, self.entries_max);
                    if log.find(&entry.subject).is_none() && log.entries.len() >= room {
                        return Err(full(room));
                    }
                    log.append(entry, mark);
                    Ok(RevokeOutcome::Revoked(entry))
                }
            }
        })
    }

    fn read<'a>(&'a self, from: ReadFrom<'a>, at: At) -> BoxFuture<'a, Result<LogPage, Error>> {
        Box::pin(async move { Ok(self.lock().page(from, resolve(at))) })
    }
}

impl RevocationView for MemoryRevocations {
    fn is_revoked(&self, claims: &Claims) -> bool {
        let log = self.lock();
        let token = Subject::Token(TokenTag::of(claims.id()));
        let user = Subject::User(claims.subject().tag());
        [token, user].iter().filter_map(|subject| log.find(subject)).any(|entry| entry.refuses(claims))
    }
}
