//! The policy in use: kept in memory, replaced as a whole when the store has a newer one.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::change::Change;
use crate::error::{Error, Repr};
use crate::name::UserId;
use crate::policy::Policy;
use crate::store::{Applied, PolicyStore, Snapshot};

/// A store and the policy compiled from it.
///
/// Take one [`snapshot`](Self::snapshot) a request, so that all its checks see the same policy. Changes made
/// through [`apply`](Self::apply) are seen at once; to see those of other processes, call
/// [`refresh`](Self::refresh) from time to time: it costs one small query while nothing has changed.
///
/// If a refresh fails, the policy in use stays in use. An application that must not run on an old one looks
/// at its own clock and stops asking.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use rbac::{Applied, Change, Live, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let live = Live::load(Arc::new(MemoryStore::default())).await?;
/// let before = live.snapshot();
/// let change = Change::AddUser { user: "alice".parse()? };
/// let applied = live.apply(&"setup".parse()?, &change, 1_767_225_600_000).await?;
/// assert!(matches!(applied, Applied::Done(_)));
/// assert!(live.snapshot().subject(&"alice".parse()?).is_some());
/// assert!(before.subject(&"alice".parse()?).is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Live {
    store: Arc<dyn PolicyStore>,
    published: RwLock<Published>,
    /// Held while a policy is compiled and published, so that each policy has one heir.
    publishing: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Published {
    policy: Arc<Policy>,
    /// How many policies were published before it.
    generation: u64,
}

/// How often a refresh loads. It begins again only if another one published meanwhile, and the second such policy
/// is new enough for both: see [`Live::refresh`].
const LOADS_MAX: usize = 2;

impl Live {
    /// Loads and compiles the policy of a store.
    ///
    /// # Errors
    ///
    /// The store fails, or roles inherit each other in a circle.
    pub async fn load(store: Arc<dyn PolicyStore>) -> Result<Self, Error> {
        let policy = Arc::new(Policy::first(&store.load().await?)?);
        Ok(Self {
            store,
            published: RwLock::new(Published { policy, generation: 0 }),
            publishing: Mutex::new(()),
        })
    }

    /// The policy in use. It stays as it is for as long as it is held.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Policy> {
        self.published().policy
    }

    /// The store behind it, for the rows and the history.
    #[must_use]
    pub fn store(&self) -> &dyn PolicyStore {
        &*self.store
    }

    /// Takes over what the store holds now, and gives the policy then in use: it is at least as new as the
    /// store was when the call began.
    ///
    /// The policy is compiled on the calling task, in time that grows with the rows; readers do not wait.
    ///
    /// # Errors
    ///
    /// The store fails, or roles inherit each other in a circle. The policy in use stays.
    pub async fn refresh(&self) -> Result<Arc<Policy>, Error> {
        for _ in 0..LOADS_MAX {
            // Taken before the store is asked: what it answers from here on is newer than this policy.
            let before = self.published();
            if before.policy.version() == self.store.version().await? {
                return Ok(before.policy);
            }
            if let Some(policy) = self.publish(before.generation, &self.store.load().await?)? {
                return Ok(policy);
            }
        }
        // Each load was overtaken. The policy that overtook the first was published during this call; the one that
        // overtook the last was loaded after that, so it knows all that the store held when the call began.
        Ok(self.snapshot())
    }

    /// Makes a change in the store, then refreshes, so that the next snapshot has it.
    ///
    /// # Errors
    ///
    /// The store fails. If it failed after the change was made, the words say so: the change stands, and a
    /// later [`refresh`](Self::refresh) will bring it.
    pub async fn apply(&self, actor: &UserId, change: &Change, at_millis: u64) -> Result<Applied, Error> {
        let applied = self.store.apply(actor, change, at_millis).await?;
        if let Applied::Done(version) = &applied {
            self.refresh().await.map_err(|source| Repr::NotReloaded { version: *version, source })?;
        }
        Ok(applied)
    }

    fn published(&self) -> Published {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compiles rows and puts them in force; none if they are overtaken.
    ///
    /// INVARIANT: rows are published only if their load began after the policy in force was published. So every
    /// policy comes from a later look at the store than the one before it, and a slow load never brings back what
    /// was revoked. Versions are not compared: a restored backup has a lower one and has to come through.
    fn publish(&self, loaded_in: u64, snapshot: &Snapshot) -> Result<Option<Arc<Policy>>, Error> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let Published { policy: current, generation } = self.published();
        if generation != loaded_in {
            return Ok(None);
        }
        let policy = Arc::new(current.next(snapshot)?);
        let next = Published { policy: Arc::clone(&policy), generation: generation.wrapping_add(1) };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(Some(policy))
    }
}
