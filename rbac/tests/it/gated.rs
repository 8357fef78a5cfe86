//! A store for tests of concurrent looks: its calls stop where a test says, fail when it says, hang when it says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rbac::{
    Actor, Applied, AuditEntry, BoxFuture, Change, Draft, Error, HistoryQuery, Inheritance, MemoryStore,
    PolicyRows, PolicyStore, PolicyVersion, Revision, Snapshot, UnixMillis,
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
    /// After a draft is carried out, before the answer.
    CommitEnds,
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

/// A memory store whose calls stop at gates, which can be restored from a backup, which can be told to give rows
/// with a circle, to fail and to hang, and which counts.
#[derive(Debug)]
pub(crate) struct Gated {
    inner: Mutex<Arc<MemoryStore>>,
    pub(crate) circular: AtomicBool,
    pub(crate) failing: AtomicBool,
    pub(crate) hanging: AtomicBool,
    pub(crate) versions: AtomicUsize,
    pub(crate) loads: AtomicUsize,
    gates: Mutex<BTreeMap<Point, Arc<Gate>>>,
}

impl Gated {
    pub(crate) fn new(rows: PolicyRows) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Arc::new(MemoryStore::new(rows))),
            circular: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            hanging: AtomicBool::new(false),
            versions: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            gates: Mutex::default(),
        })
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

    async fn answer(&self) -> Result<(), Error> {
        if self.hanging.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.failing.load(Ordering::SeqCst) { Err(Error::unavailable("unplugged")) } else { Ok(()) }
    }

    async fn load_gated(&self) -> Result<Snapshot, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.answer().await?;
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
        commit(&*self.inner(), change).await;
    }
}

/// Makes one change past everything that watches.
pub(crate) async fn commit(store: &dyn PolicyStore, change: Change) -> PolicyVersion {
    let draft = Draft::new(Actor::System(name("other"))).change(change);
    match store.commit(&draft, UnixMillis::EPOCH).await.unwrap() {
        Applied::Done(version) => version,
        Applied::Refused(refused) => panic!("{draft:?}: {refused:?}"),
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

    fn commit<'a>(&'a self, draft: &'a Draft, at: UnixMillis) -> BoxFuture<'a, Result<Applied, Error>> {
        Box::pin(async move {
            self.answer().await?;
            let applied = self.inner().commit(draft, at).await;
            self.pass(Point::CommitEnds).await;
            applied
        })
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(async move {
            self.versions.fetch_add(1, Ordering::SeqCst);
            self.answer().await?;
            self.inner().revision().await
        })
    }

    fn history<'a>(&'a self, query: &'a HistoryQuery) -> BoxFuture<'a, Result<Vec<AuditEntry>, Error>> {
        Box::pin(async move { self.inner().history(query).await })
    }
}
