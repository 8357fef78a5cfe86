//! The store in memory, and the specification of all others: the rule under a lock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Applied, AuditEntry, BoxFuture, HISTORY_ENTRIES_MAX, PolicyStore, PolicyVersion, Snapshot, check_time,
};
use crate::admin;
use crate::change::Change;
use crate::error::Error;
use crate::name::UserId;
use crate::rows::PolicyRows;

/// Rows in this process, gone when it ends: for tests, demonstrations, and policies built at the start.
///
/// Of the audit trail it keeps the latest [`HISTORY_ENTRIES_MAX`] entries.
///
/// # Examples
///
/// ```
/// use rbac::{Applied, Change, MemoryStore, PolicyStore, PolicyVersion};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let store = MemoryStore::default();
/// let change = Change::AddUser { user: "alice".parse()? };
/// let applied = store.apply(&"setup".parse()?, &change, 1_767_225_600_000).await?;
/// assert_eq!(applied, Applied::Done(PolicyVersion::new(1)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    snapshot: Snapshot,
    audit: VecDeque<AuditEntry>,
}

impl MemoryStore {
    /// A store with these rows, at [`PolicyVersion::START`].
    #[must_use]
    pub fn new(rows: PolicyRows) -> Self {
        let snapshot = Snapshot::new(PolicyVersion::START, rows);
        Self { state: Mutex::new(State { snapshot, audit: VecDeque::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave a change half made: the last check stands before the first edit.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply_now(&self, actor: &UserId, change: &Change, at_millis: u64) -> Result<Applied, Error> {
        check_time(at_millis)?;
        let mut state = self.lock();
        if let Err(refusal) = admin::apply(&mut state.snapshot.rows, change) {
            return Ok(Applied::Refused(refusal));
        }
        let version = state.snapshot.version.next();
        state.snapshot.version = version;
        if state.audit.len() >= usize::from(HISTORY_ENTRIES_MAX) {
            state.audit.pop_back();
        }
        state.audit.push_front(AuditEntry::new(version, actor.clone(), at_millis, change.to_string()));
        Ok(Applied::Done(version))
    }
}

impl PolicyStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(async { Ok(self.lock().snapshot.clone()) })
    }

    fn apply<'a>(
        &'a self,
        actor: &'a UserId,
        change: &'a Change,
        at_millis: u64,
    ) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(async move { self.apply_now(actor, change, at_millis) })
    }

    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>> {
        Box::pin(async { Ok(self.lock().snapshot.version) })
    }

    fn history(&self, entries: u16) -> BoxFuture<'_, Result<Vec<AuditEntry>, Error>> {
        let entries = usize::from(entries.min(HISTORY_ENTRIES_MAX));
        Box::pin(async move { Ok(self.lock().audit.iter().take(entries).cloned().collect()) })
    }
}
