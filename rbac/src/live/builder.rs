//! What a [`Live`] is made of.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::freshness::Freshness;
use super::observer::{Journal, WatchObserver};
use super::turn::Turns;
use super::{Live, Shared};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::hint::ChangeHint;
use crate::policy::Policy;
use crate::store::PolicyStore;
use crate::time::UnixMillis;

/// Makes a [`Live`].
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use rbac::{ErrorKind, Live, MemoryStore, UnixMillis};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let now = UnixMillis::new(1_767_225_600_000)?;
/// let live = Live::builder(Arc::new(MemoryStore::default()))
///     .max_staleness(Duration::from_secs(30))
///     .load(now)
///     .await?;
/// assert!(live.policy(now.plus_millis(30_000)).is_ok());
/// let error = live.policy(now.plus_millis(30_001)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `load`"]
pub struct LiveBuilder {
    store: Arc<dyn PolicyStore>,
    catalogue: Option<&'static Catalogue>,
    hint: Option<Arc<dyn ChangeHint>>,
    observer: Option<Arc<dyn WatchObserver>>,
    max_staleness: Option<Duration>,
}

impl LiveBuilder {
    pub(super) fn new(store: Arc<dyn PolicyStore>) -> Self {
        Self { store, catalogue: None, hint: None, observer: None, max_staleness: None }
    }

    /// The permissions that the program declares with [`permissions!`](crate::permissions).
    pub const fn catalogue(mut self, catalogue: &'static Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// Wakes other processes when this one has changed the policy, and its watcher when others have.
    pub fn hint(mut self, hint: Arc<dyn ChangeHint>) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Is told what goes wrong behind the requests.
    pub fn observer(mut self, observer: Arc<dyn WatchObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// For how long a policy may be used without the store having been asked, in steps of a millisecond; for ever
    /// unless this is called. Make it a few polls long, so that one that fails does no harm.
    pub const fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.max_staleness = Some(max_staleness);
        self
    }

    /// Loads and compiles the policy of the store.
    ///
    /// # Errors
    ///
    /// The store fails, or roles inherit each other in a circle.
    pub async fn load(self, now: UnixMillis) -> Result<Live, Error> {
        let snapshot = self.store.load().await?;
        let policy = Policy::compile_at(snapshot.revision(), self.catalogue, &snapshot.rows, None)?;
        let shared = Shared {
            store: self.store,
            catalogue: self.catalogue,
            hint: self.hint,
            in_force: ArcSwap::from_pointee(policy),
            freshness: Freshness::new(self.max_staleness, now),
            turns: Turns::default(),
            journal: Journal::new(self.observer),
        };
        Ok(Live { shared: Arc::new(shared) })
    }
}
