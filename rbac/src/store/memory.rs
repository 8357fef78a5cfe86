//! The store in memory, and the specification of all others: the rule under a lock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Applied, AuditEntry, BoxFuture, HISTORY_ENTRIES_MAX, HistoryQuery, Mark, PolicyStore, PolicyVersion,
    Revision, Snapshot,
};
use crate::admin;
use crate::draft::Draft;
use crate::error::Error;
use crate::rows::PolicyRows;
use crate::time::UnixMillis;

/// The most entries of the audit trail that a [`MemoryStore`] keeps; then the oldest go.
pub const MEMORY_ENTRIES_MAX: usize = 10_000;

/// Rows in this process, gone when it ends: for tests, demonstrations, and policies built at the start.
///
/// Of the audit trail it keeps the latest [`MEMORY_ENTRIES_MAX`] entries.
///
/// # Examples
///
/// ```
/// use rbac::{Actor, Applied, Change, Draft, MemoryStore, PolicyStore, PolicyVersion, UnixMillis};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rbac::Error> {
/// let store = MemoryStore::default();
/// let draft = Draft::new(Actor::System("setup".parse()?))
///     .change(Change::AddUser { user: "alice".parse()?, label: "Alice".parse()? });
/// let applied = store.commit(&draft, UnixMillis::new(1_767_225_600_000)?).await?;
/// assert_eq!(applied, Applied::Done(PolicyVersion::new(1)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    snapshot: Snapshot,
    audit: VecDeque<AuditEntry>,
}

impl MemoryStore {
    /// A store with these rows, at [`PolicyVersion::START`].
    #[must_use]
    pub fn new(rows: PolicyRows) -> Self {
        let snapshot = Snapshot::new(Revision::new(PolicyVersion::START, Mark::random()), rows);
        Self { state: Mutex::new(State { snapshot, audit: VecDeque::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave a draft half made: nothing is edited before the whole outcome is there.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    /// A store without rows.
    fn default() -> Self {
        Self::new(PolicyRows::default())
    }
}

impl State {
    fn commit(&mut self, draft: &Draft, at: UnixMillis) -> Applied {
        let amended = match admin::check(&self.snapshot.rows, self.snapshot.version, draft, at) {
            Ok(amended) => amended,
            Err(refused) => return Applied::Refused(refused),
        };
        let version = self.snapshot.version.next();
        let entry = AuditEntry {
            version,
            actor: draft.actor().clone(),
            at,
            reason: draft.why().clone(),
            changes: draft.changes().iter().map(ToString::to_string).collect(),
            before: amended.before,
            after: amended.after,
        };
        self.snapshot = Snapshot::new(Revision::new(version, Mark::random()), amended.rows);
        self.audit.truncate(MEMORY_ENTRIES_MAX - 1);
        self.audit.push_front(entry);
        Applied::Done(version)
    }

    fn history(&self, query: &HistoryQuery) -> Vec<AuditEntry> {
        let below = |entry: &&AuditEntry| query.below.is_none_or(|version| entry.version < version);
        let by = |entry: &&AuditEntry| query.actor.as_ref().is_none_or(|actor| entry.is_by(actor));
        let entries_max = usize::from(query.entries_max.min(HISTORY_ENTRIES_MAX));
        self.audit.iter().filter(below).filter(by).take(entries_max).cloned().collect()
    }
}

impl PolicyStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(async { Ok(self.lock().snapshot.clone()) })
    }

    fn commit<'a>(&'a self, draft: &'a Draft, at: UnixMillis) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(async move { Ok(self.lock().commit(draft, at)) })
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(async { Ok(self.lock().snapshot.revision()) })
    }

    fn history<'a>(&'a self, query: &'a HistoryQuery) -> BoxFuture<'a, Result<Vec<AuditEntry>, Error>> {
        Box::pin(async move { Ok(self.lock().history(query)) })
    }
}
