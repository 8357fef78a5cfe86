//! The policy in use: ids that last, loads that overtake each other, stores that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rbac::{
    Applied, AuditEntry, BoxFuture, Change, Effect, Error, Inheritance, Live, MemoryStore, PolicyRows,
    PolicyStore, PolicyVersion, Snapshot, UserId,
};
use tokio::sync::Semaphore;

use crate::contract::run;
use crate::world::{add_permission, add_role, add_user, assign, built, grant, name};

async fn make(live: &Live, change: Change) {
    let applied = live.apply(&name("tester"), &change, 0).await.unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{change}: {applied:?}");
}

#[test]
fn a_permission_id_keeps_its_meaning_when_others_come() {
    run(async {
        let live = Live::load(Arc::new(MemoryStore::default())).await.unwrap();
        for change in [
            add_permission("m"),
            add_user("alice"),
            add_role("editor"),
            grant("editor", "m", Effect::Allow),
            assign("alice", "editor"),
        ] {
            make(&live, change).await;
        }
        let id = live.snapshot().permission(&name("m")).unwrap();
        // One before it and one after it in order of name; the new ones are not granted.
        make(&live, add_permission("a")).await;
        make(&live, add_permission("z")).await;
        let policy = live.snapshot();
        let alice = policy.subject(&name("alice")).unwrap();
        assert_eq!(policy.permission(&name("m")), Some(id));
        assert!(alice.can(id));
        assert!(!alice.can(policy.permission(&name("a")).unwrap()));
        assert_eq!(policy.what_can(&name("alice")), [name("m")]);
        assert_eq!(policy.who_can(id), [name("alice")]);
    });
}

#[test]
fn changes_of_others_are_seen_after_a_refresh() {
    run(async {
        let store = Arc::new(MemoryStore::default());
        let (here, there) = (Live::load(store.clone()).await.unwrap(), Live::load(store).await.unwrap());
        make(&there, add_user("alice")).await;
        assert!(here.snapshot().subject(&name("alice")).is_none());
        let policy = here.refresh().await.unwrap();
        assert!(policy.subject(&name("alice")).is_some());
        assert_eq!(policy.version(), PolicyVersion::new(1));
        assert!(Arc::ptr_eq(&policy, &here.refresh().await.unwrap()), "nothing new, nothing compiled");
        assert_eq!(here.store().history(5).await.unwrap().len(), 1);
    });
}

#[test]
fn a_refused_change_leaves_the_policy_alone() {
    run(async {
        let live = Live::load(Arc::new(MemoryStore::default())).await.unwrap();
        let before = live.snapshot();
        let applied = live.apply(&name("tester"), &assign("alice", "editor"), 0).await.unwrap();
        assert!(matches!(applied, Applied::Refused(_)));
        assert!(Arc::ptr_eq(&before, &live.snapshot()));
    });
}

/// A memory store whose loads take the rows at once but hand them over only when they are let through,
/// and which can be told to give rows with a circle.
#[derive(Debug)]
struct Slow {
    inner: MemoryStore,
    slow: AtomicBool,
    circular: AtomicBool,
    loaded: Semaphore,
    let_through: Semaphore,
}

impl Slow {
    fn new() -> Arc<Self> {
        let rows = built([add_role("a"), add_role("b")]);
        let (slow, circular) = (AtomicBool::new(false), AtomicBool::new(false));
        let (loaded, let_through) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self { inner: MemoryStore::new(rows), slow, circular, loaded, let_through })
    }

    async fn load_slowly(&self) -> Result<Snapshot, Error> {
        let slow = self.slow.swap(false, Ordering::SeqCst);
        let mut snapshot = self.inner.load().await?;
        if slow {
            self.loaded.add_permits(1);
            self.let_through.acquire().await.unwrap().forget();
        }
        if self.circular.load(Ordering::SeqCst) {
            tie(&mut snapshot.rows);
        }
        Ok(snapshot)
    }
}

fn tie(rows: &mut PolicyRows) {
    rows.inheritance.insert(Inheritance::new(name("a"), name("b")));
    rows.inheritance.insert(Inheritance::new(name("b"), name("a")));
}

impl PolicyStore for Slow {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        Box::pin(self.load_slowly())
    }

    fn apply<'a>(
        &'a self,
        actor: &'a UserId,
        change: &'a Change,
        at_millis: u64,
    ) -> BoxFuture<'a, Result<Applied, Error>> {
        self.inner.apply(actor, change, at_millis)
    }

    fn version(&self) -> BoxFuture<'_, Result<PolicyVersion, Error>> {
        self.inner.version()
    }

    fn history(&self, entries: u16) -> BoxFuture<'_, Result<Vec<AuditEntry>, Error>> {
        self.inner.history(entries)
    }
}

#[test]
fn a_slow_load_does_not_bring_back_an_older_policy() {
    run(async {
        let store = Slow::new();
        let live = Arc::new(Live::load(store.clone()).await.unwrap());
        let _done = store.apply(&name("tester"), &add_user("alice"), 0).await.unwrap();
        store.slow.store(true, Ordering::SeqCst);
        let slow = tokio::spawn({
            let live = live.clone();
            async move { live.refresh().await.unwrap().version() }
        });
        store.loaded.acquire().await.unwrap().forget();

        make(&live, add_user("bob")).await;
        assert!(live.snapshot().subject(&name("bob")).is_some());
        store.let_through.add_permits(1);
        assert_eq!(slow.await.unwrap(), PolicyVersion::new(2));
        assert!(live.snapshot().subject(&name("bob")).is_some());
    });
}

#[test]
fn a_policy_that_cannot_be_compiled_leaves_the_old_one_in_use() {
    run(async {
        let store = Slow::new();
        let live = Live::load(store.clone()).await.unwrap();
        store.circular.store(true, Ordering::SeqCst);
        let error = live.apply(&name("tester"), &add_user("alice"), 0).await.unwrap_err();
        assert!(error.to_string().contains("stored as version `1`"), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("`a` → `b` → `a`"), "{source}");
        assert_eq!(live.snapshot().version(), PolicyVersion::START);

        store.circular.store(false, Ordering::SeqCst);
        assert_eq!(live.refresh().await.unwrap().version(), PolicyVersion::new(1));
    });
}
