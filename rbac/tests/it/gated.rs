//! A store for tests of concurrent loads: its calls stop where a test says, and go on when it says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rbac::{
    Applied, AuditEntry, BoxFuture, Change, Error, Inheritance, MemoryStore, PolicyRows, PolicyStore,
    PolicyVersion, Snapshot, UserId,
};
use tokio::sync::Semaphore;

use crate::world::name;

/// Where a call on the store can be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// Before a load reads the rows.
    LoadBegins,
    /// After a load has read the rows, before it hands them over.
    LoadEnds,
    /// After a change is made, before the answer.
    ApplyEnds,
}

/// Stops one call until it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

/// A memory store whose calls stop at gates, which can be restored from a backup, and which can be told to give
/// rows with a circle.
#[derive(Debug)]
pub(crate) struct Gated {
    inner: Mutex<Arc<MemoryStore>>,
    pub(crate) circular: AtomicBool,
    gates: Mutex<BTreeMap<Point, Arc<Gate>>>,
}

impl Gated {
    pub(crate) fn new(rows: PolicyRows) -> Arc<Self> {
        let inner = Mutex::new(Arc::new(MemoryStore::new(rows)));
        Arc::new(Self { inner, circular: AtomicBool::new(false), gates: Mutex::default() })
    }

    fn inner(&self) -> Arc<MemoryStore> {
        self.inner.lock().unwrap().clone()
    }

    /// Puts these rows in the place of all others, with the version of a new store.
    pub(crate) fn restore(&self, rows: PolicyRows) {
        *self.inner.lock().unwrap() = Arc::new(MemoryStore::new(rows));
    }

    /// Stops the next call that comes to this point.
    pub(crate) fn gate(&self, point: Point) -> Arc<Gate> {
        let gate = Arc::new(Gate { reached: Semaphore::new(0), open: Semaphore::new(0) });
        assert!(self.gates.lock().unwrap().insert(point, gate.clone()).is_none(), "two gates at {point:?}");
        gate
    }

    async fn pass(&self, point: Point) {
        let gate = self.gates.lock().unwrap().remove(&point);
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }

    async fn load_gated(&self) -> Result<Snapshot, Error> {
        self.pass(Point::LoadBegins).await;
        let mut snapshot = self.inner().load().await?;
        self.pass(Point::LoadEnds).await;
        if self.circular.load(Ordering::SeqCst) {
            tie(&mut snapshot.rows);
        }
        Ok(snapshot)
    }

    /// A change by another process.
    pub(crate) async fn changed_elsewhere(&self, change: Change) {
        let applied = self.inner().apply(&name("other"), &change, 0).await.unwrap();
        assert!(matches!(applied, Applied::Done(_)), "{change}: {applied:?}");
    }
}

fn tie(rows: &mut PolicyRows) {
    rows.inheritance.insert(Inheritance::new(name("a"), name("b")));
    rows.inheritance.insert(Inheritance::new(name("b"), name("a")));
}

impl PolicyStore for Gated {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(self.load_gated())
    }

    fn apply<'a>(
        &'a self,
        actor: &'a UserId,
        change: &'a Change,
        at_millis: u64,
    ) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(async move {
            let applied = self.inner().apply(actor, change, at_millis).await;
            self.pass(Point::ApplyEnds).await;
            applied
        })
    }

    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>> {
        Box::pin(async move { self.inner().version().await })
    }

    fn history(&self, entries: u16) -> BoxFuture<'_, Result<Vec<AuditEntry>, Error>> {
        Box::pin(async move { self.inner().history(entries).await })
    }
}
