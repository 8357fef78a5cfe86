//! The policy in use: kept in memory, replaced as a whole when the store has another one.

mod builder;
#[cfg(feature = "tokio")]
mod clock;
mod freshness;
mod observer;
mod renew;
mod transaction;
mod turn;
mod verbs;
#[cfg(feature = "tokio")]
mod watch;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use self::builder::LiveBuilder;
#[cfg(feature = "tokio")]
pub use self::clock::{Clock, SystemClock};
use self::freshness::Freshness;
use self::observer::Journal;
pub use self::observer::{LiveCounts, WatchObserver, WatchStep};
use self::renew::{Compiling, Loading};
pub use self::transaction::Transaction;
use self::turn::{Turn, Turns};
#[cfg(feature = "tokio")]
pub use self::watch::{WatchOptions, Watcher};
use crate::catalogue::Catalogue;
use crate::draft::{Actor, Draft};
use crate::error::Error;
use crate::hint::ChangeHint;
use crate::policy::Policy;
use crate::session::Session;
use crate::store::{PolicyStore, PolicyVersion};
use crate::time::UnixMillis;

/// A store and the policy compiled from it. Clones are the same one.
///
/// Take one [`policy`](Self::policy) a request, so that all its checks see the same rules. Changes made through
/// [`tx`](Self::tx) are in force here when the commit returns. Those of other processes come with
/// [`refresh`](Self::refresh), or by themselves with a watcher (feature `tokio`), at most one poll later. A refresh
/// costs one small query while nothing has changed.
///
/// If the store fails, the policy in force stays in force for as long as
/// [`max_staleness`](LiveBuilder::max_staleness) allows; then [`policy`](Self::policy) fails.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use rbac::{Actor, Applied, Live, MemoryStore, UnixMillis};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let now = UnixMillis::new(1_767_225_600_000)?;
/// let live = Live::builder(Arc::new(MemoryStore::default())).load(now).await?;
/// let before = live.policy(now)?;
///
/// let setup = Actor::System("setup".parse()?);
/// let applied = live.tx(setup).add_user("alice".parse()?, "Alice".parse()?).commit(now).await?;
/// assert!(matches!(applied, Applied::Done(_)));
/// assert!(live.policy(now)?.at(now).subject_str("alice").is_some());
/// assert!(before.at(now).subject_str("alice").is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn PolicyStore>,
    catalogue: Option<&'static Catalogue>,
    hint: Option<Arc<dyn ChangeHint>>,
    in_force: ArcSwap<Policy>,
    freshness: Freshness,
    turns: Turns,
    journal: Journal,
}

/// What [`Live::snapshot_at_least`] found. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug)]
#[must_use]
pub enum AtLeast {
    /// A policy of this version or a later one.
    Reached(Arc<Policy>),
    /// The store was asked and is not there: it never was, or it was restored from a backup. This is the newest
    /// policy; forget the version.
    Missing(Arc<Policy>),
}

impl AtLeast {
    /// The policy, whichever it is: good enough where a version is only a wish.
    #[must_use]
    pub fn into_policy(self) -> Arc<Policy> {
        match self {
            Self::Reached(policy) | Self::Missing(policy) => policy,
        }
    }
}

impl Live {
    /// Begins with a store.
    pub fn builder(store: Arc<dyn PolicyStore>) -> LiveBuilder {
        LiveBuilder::new(store)
    }

    /// The policy in force, if it is fresh enough to rely on. It stays as it is for as long as it is held.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), and transient, if the store was last reached longer
    /// than [`max_staleness`](LiveBuilder::max_staleness) before or after `now`. Then answer "try again later", and
    /// never "allowed". The words say since when.
    #[inline]
    pub fn policy(&self, now: UnixMillis) -> Result<Arc<Policy>, Error> {
        // INVARIANT: the time is read before the policy, and written after it. So the policy read here is at least as
        // new as the one that was confirmed at that time.
        self.shared.freshness.check(now)?;
        Ok(self.snapshot())
    }

    /// The policy in force, however old: for pages that only show it.
    #[must_use]
    #[inline]
    pub fn snapshot(&self) -> Arc<Policy> {
        self.shared.in_force.load_full()
    }

    /// When the policy in force was last known to hold all that the store held.
    #[must_use]
    pub fn confirmed_at(&self) -> UnixMillis {
        self.shared.freshness.confirmed_at()
    }

    /// The store behind it, for the rows and the history.
    #[must_use]
    pub fn store(&self) -> &dyn PolicyStore {
        &*self.shared.store
    }

    /// The permissions that the program declares, if it does.
    #[must_use]
    pub fn catalogue(&self) -> Option<&'static Catalogue> {
        self.shared.catalogue
    }

    /// What was done so far, in numbers.
    #[must_use]
    pub fn counts(&self) -> LiveCounts {
        self.shared.journal.counts()
    }

    /// Begins a change of the policy by this actor.
    pub fn tx(&self, actor: Actor) -> Transaction<'_> {
        Transaction::new(self, Draft::new(actor))
    }

    /// Begins a change of the policy by the user of a session, with the roles of the session alone:
    /// [`Draft::in_session`].
    pub fn tx_in(&self, session: Session) -> Transaction<'_> {
        Transaction::new(self, Draft::in_session(session))
    }

    /// Takes over what the store holds now, and gives the policy then in force: it is at least as new as the store
    /// was when the call began.
    ///
    /// Many calls at once cost the store no more than a few. A policy is compiled on the calling task, in time that
    /// grows with the rows; readers do not wait. There is no time limit but that of the store: where it may hang, put
    /// one around the call.
    ///
    /// # Errors
    ///
    /// The store fails, or roles inherit each other in a circle. The policy in force stays.
    pub async fn refresh(&self, now: UnixMillis) -> Result<Arc<Policy>, Error> {
        match self.shared.turns.turn().await {
            Turn::Served => Ok(self.snapshot()),
            Turn::Look(look) => self.look(look, now, Compiling::Here, Loading::IfChanged).await,
        }
    }

    /// Loads and compiles even if the version is the same: after tables were edited by hand.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh).
    pub async fn reload(&self, now: UnixMillis) -> Result<Arc<Policy>, Error> {
        self.look(self.shared.turns.look(), now, Compiling::Here, Loading::Always).await
    }

    /// A policy of this version or a later one, so that whoever made a change sees it, on whichever instance.
    ///
    /// The store is asked only if the policy in force is older, or not fresh enough; and once, because what it holds
    /// then is all there is.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh).
    pub async fn snapshot_at_least(&self, version: PolicyVersion, now: UnixMillis) -> Result<AtLeast, Error> {
        let fresh = self.policy(now).ok().filter(|policy| policy.version() >= version);
        let policy = match fresh {
            Some(policy) => policy,
            None => self.refresh(now).await?,
        };
        let reached = policy.version() >= version;
        Ok(if reached { AtLeast::Reached(policy) } else { AtLeast::Missing(policy) })
    }
}
