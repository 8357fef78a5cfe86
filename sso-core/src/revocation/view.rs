//! What one process knows of the log of revocations, and the tasks that keep it up to date.

mod known;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::known::Known;
use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::revocation::memory::MemoryRevocations;
use crate::revocation::rule::Epoch;
use crate::revocation::{LogPoint, ReadFrom, RevocationStore, RevocationView};
use crate::store::At;
use crate::time::UnixMillis;

/// How long a view waits at most before it reads a log again that could not be read.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// What becomes of tokens while the log cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnStale {
    /// All are refused: no revoked token is ever accepted after the bound, and nobody gets in while the log is away.
    Refuse,
    /// Those that are not known to be revoked are accepted: revocations may be missed for as long as the log is
    /// away.
    Serve,
}

/// How a [`Revocations`] follows its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationsConfig {
    stale_after: Duration,
    on_stale: OnStale,
    entries_max: usize,
}

impl RevocationsConfig {
    /// The shortest bound of staleness.
    pub const STALE_AFTER_MIN: Duration = Duration::from_millis(100);
    /// The longest bound of staleness.
    pub const STALE_AFTER_MAX: Duration = Duration::from_secs(3600);

    /// A view that is stale when it has not read its log for so long. It reads four times in this time, and
    /// whenever it is told that there is something new.
    ///
    /// # Errors
    /// `InvalidInput` unless `stale_after` is 100 ms to an hour.
    pub fn new(stale_after: Duration, on_stale: OnStale) -> Result<Self, Error> {
        if !(Self::STALE_AFTER_MIN..=Self::STALE_AFTER_MAX).contains(&stale_after) {
            return Err(Error::new(ErrorKind::InvalidInput, "a view is stale after 100 ms to an hour"));
        }
        Ok(Self { stale_after, on_stale, ..Self::default() })
    }

    /// How many revocations the view holds. When there are more, it is stale until some have ended.
    #[must_use]
    pub fn entries_max(mut self, entries_max: usize) -> Self {
        self.entries_max = entries_max;
        self
    }
}

impl Default for RevocationsConfig {
    /// Stale after a second, tokens are refused then, at most two million entries.
    fn default() -> Self {
        Self {
            stale_after: Duration::from_secs(1),
            on_stale: OnStale::Refuse,
            entries_max: 2 * MemoryRevocations::ENTRIES_MAX_DEFAULT,
        }
    }
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum RevocationCheck {
    /// It has not been revoked, as far as this view is to know.
    Clear,
    /// It has been called back itself.
    TokenRevoked,
    /// All tokens of its user that were issued before this have been called back: let the user sign in again.
    UserRevoked(Epoch),
    /// Nobody knows: the log could not be read for `silent_for`, or has never been read. Answer 503 and try again.
    Stale {
        /// How long ago the view last knew all.
        silent_for: Option<Duration>,
    },
}

/// A view of the log, kept up to date by two tasks that end when it is dropped.
///
/// The bound: a revocation that the log acknowledged more than `stale_after` ago is never answered with
/// [`RevocationCheck::Clear`], whatever happens to the log, its network or this process ([`OnStale::Refuse`]).
/// Mostly the view knows it within milliseconds. What the view knows it keeps until the last token that it matters
/// for has ended, even if the log loses it.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Claims, Lifetime, MemoryRevocations, OnStale, RevocationCheck, Revocations, RevocationsConfig,
///     Revoker, TokenId, UnixMillis, UserId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let log = Arc::new(MemoryRevocations::new()); // RedisRevocations for many servers
/// let config = RevocationsConfig::new(Duration::from_secs(10), OnStale::Refuse)?;
/// let view = Revocations::follow(log.clone(), config);
/// let revoker = Revoker::new(log, Duration::from_secs(3600));
///
/// let life = Lifetime::starting(UnixMillis::now(), Duration::from_secs(300))?;
/// let claims = Claims::new(UserId::new("alice")?, "shop-web", "shop-api", TokenId::random()?, life)?;
/// let _ = revoker.revoke_token(&claims).await?;
/// view.caught_up().await;
/// assert_eq!(view.check(&claims), RevocationCheck::TokenRevoked);
/// # Ok(())
/// # }
/// ```
pub struct Revocations {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    config: RevocationsConfig,
    known: RwLock<Known>,
    /// When the last reading began that read all there was.
    read_at: watch::Sender<Option<Instant>>,
    wake: Notify,
    failure: Mutex<Option<Arc<Error>>>,
}

impl Revocations {
    /// Begins to follow a log. Until it has been read for the first time, the view is stale.
    ///
    /// # Panics
    /// Outside of a Tokio runtime with time, as [`tokio::spawn`] does.
    #[must_use]
    pub fn follow(store: Arc<dyn RevocationStore>, config: RevocationsConfig) -> Self {
        let shared = Arc::new(Shared {
            config,
            known: RwLock::new(Known::new(config.entries_max)),
            read_at: watch::Sender::new(None),
            wake: Notify::new(),
            failure: Mutex::default(),
        });
        let (reading, listening) = (Arc::clone(&shared), Arc::clone(&shared));
        let log = Arc::clone(&store);
        let tasks = [
            tokio::spawn(async move { reading.keep_reading(&*log).await }),
            tokio::spawn(async move { store.listen(&|| listening.wake.notify_one()).await }),
        ];
        Self { shared, tasks }
    }

    /// Says what is known of a token. It waits for nobody.
    pub fn check(&self, claims: &Claims) -> RevocationCheck {
        // Before the look into what is known: whatever had been read by then is in it.
        let read_at = *self.shared.read_at.borrow();
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner).check(claims);
        let silent_for = read_at.map(|read_at| read_at.elapsed());
        let is_stale = silent_for.is_none_or(|silent_for| silent_for > self.shared.config.stale_after);
        match known {
            RevocationCheck::Clear if is_stale && self.shared.config.on_stale == OnStale::Refuse => {
                RevocationCheck::Stale { silent_for }
            }
            known => known,
        }
    }

    /// Waits until the view knows all that the log had acknowledged before this call. While the log is away, that
    /// is as long as it is away.
    pub async fn caught_up(&self) {
        let begin = Instant::now();
        let mut read_at = self.shared.read_at.subscribe();
        self.shared.wake.notify_one();
        // The sender lives as long as `self`, so this ends only when it is true.
        let told = read_at.wait_for(|read_at| read_at.is_some_and(|read_at| read_at >= begin)).await;
        debug_assert!(told.is_ok(), "the sender is gone");
    }

    /// How many revocations the view holds.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.shared.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Why the last reading of the log failed; `None` if it did not. For health checks and logs.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<Error>> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RevocationView for Revocations {
    fn is_revoked(&self, claims: &Claims) -> bool {
        self.check(claims) != RevocationCheck::Clear
    }
}

impl Drop for Revocations {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    async fn keep_reading(&self, store: &dyn RevocationStore) {
        let pause = self.config.stale_after / 4;
        let mut point = None;
        loop {
            let begin = Instant::now();
            let read = self.read(store, point.as_ref()).await;
            let failure = match read {
                Ok(end) => {
                    point = end;
                    self.read_at.send_replace(Some(begin));
                    None
                }
                Err(error) => Some(Arc::new(error)),
            };
            let failed = failure.is_some();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
            if failed {
                // A hint is no reason to ask a log in trouble more often.
                tokio::time::sleep(pause.min(RETRY_MAX)).await;
            } else if tokio::time::timeout(pause, self.wake.notified()).await.is_err() {
                // Nobody woke it: the time has come to look by itself.
                continue;
            }
        }
    }

    /// Reads all that there is behind a point, and says where the log ended when it began.
    async fn read(
        &self,
        store: &dyn RevocationStore,
        point: Option<&LogPoint>,
    ) -> Result<Option<LogPoint>, Error> {
        let mut page = store.read(point.map_or(ReadFrom::Start, ReadFrom::Point), At::Server).await?;
        // Not the end at the last page: what a log lost and wrote anew in between would be missed.
        let end = page.end.take();
        loop {
            self.known.write().unwrap_or_else(PoisonError::into_inner).learn(&page, UnixMillis::now())?;
            let Some(next) = page.next else { return Ok(end) };
            page = store.read(ReadFrom::Page(next), At::Server).await?;
        }
    }
}
