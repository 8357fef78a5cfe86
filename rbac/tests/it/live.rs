//! The policy in use: ids that last, backups, stores that fail, versions that were promised.

mod looks;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rbac::{
    Applied, AtLeast, Change, ErrorKind, HistoryQuery, Live, MemoryStore, PolicyRows, PolicyStore,
    PolicyVersion, Refusal, UnixMillis,
};
use tokio::task::JoinHandle;

use crate::edit::{add_permission, add_role, add_user, allow, assign, system};
use crate::gated::{Gated, commit};
use crate::world::{at, name};

const NOW: UnixMillis = UnixMillis::EPOCH;

/// Runs a future to its end on this thread.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn live_over(store: Arc<dyn PolicyStore>) -> Live {
    Live::builder(store).load(NOW).await.unwrap()
}

async fn make(live: &Live, change: Change) -> PolicyVersion {
    match live.tx(system()).change(change).commit(NOW).await.unwrap() {
        Applied::Done(version) => version,
        Applied::Refused(refused) => panic!("{refused:?}"),
    }
}

fn knows(live: &Live, user: &str) -> bool {
    live.snapshot().at(NOW).subject_str(user).is_some()
}

/// The rows that these changes make.
async fn rows_of(changes: impl IntoIterator<Item = Change>) -> PolicyRows {
    let store = MemoryStore::default();
    for change in changes {
        commit(&store, change).await;
    }
    store.load().await.unwrap().rows
}

async fn two_roles() -> PolicyRows {
    rows_of([add_role("a"), add_role("b")]).await
}

async fn alice_edits() -> PolicyRows {
    rows_of([
        add_permission("m"),
        add_user("alice"),
        add_role("editor"),
        allow("editor", "m"),
        assign("alice", "editor"),
    ])
    .await
}

/// A refresh on its own task; it gives the version that it says is in force.
fn refreshing(live: &Live) -> JoinHandle<PolicyVersion> {
    let live = live.clone();
    tokio::spawn(async move { live.refresh(NOW).await.unwrap().version() })
}

#[test]
fn a_permission_id_keeps_its_meaning_when_others_come() {
    run(async {
        let live = live_over(Arc::new(MemoryStore::new(alice_edits().await))).await;
        let id = live.snapshot().permission(&name("m")).unwrap();
        // One before it and one after it in order of name; the new ones are not granted.
        make(&live, add_permission("a")).await;
        make(&live, add_permission("z")).await;
        let policy = live.snapshot();
        let view = policy.at(NOW);
        let alice = view.subject(&name("alice")).unwrap();
        assert_eq!(policy.permission(&name("m")), Some(id));
        assert!(alice.can(id));
        assert!(!alice.can(policy.permission(&name("a")).unwrap()));
        assert_eq!(view.what_can(&name("alice")), [name("m")]);
        assert_eq!(view.who_can(id), [name("alice")]);
    });
}

#[test]
fn changes_of_others_are_seen_after_a_refresh() {
    run(async {
        let store = Arc::new(MemoryStore::default());
        let (here, there) = (live_over(store.clone()).await, live_over(store).await);
        make(&there, add_user("alice")).await;
        assert!(!knows(&here, "alice"));
        let policy = here.refresh(NOW).await.unwrap();
        assert!(policy.at(NOW).subject_str("alice").is_some());
        assert_eq!(policy.version(), PolicyVersion::new(1));
        assert!(Arc::ptr_eq(&policy, &here.refresh(NOW).await.unwrap()), "nothing new, nothing compiled");
        assert_eq!(here.store().history(&HistoryQuery::latest(5)).await.unwrap().len(), 1);
        assert_eq!((here.counts().looks, here.counts().policies), (2, 1));
    });
}

#[test]
fn a_refused_change_leaves_the_policy_alone() {
    run(async {
        let live = live_over(Arc::new(MemoryStore::default())).await;
        let before = live.snapshot();
        let applied = live.tx(system()).change(assign("alice", "editor")).commit(NOW).await.unwrap();
        let Applied::Refused(refused) = applied else { panic!("{applied:?}") };
        assert_eq!((refused.at, refused.why), (Some(0), Refusal::UnknownUser(name("alice"))));
        assert!(Arc::ptr_eq(&before, &live.snapshot()));
    });
}

#[test]
fn a_restored_backup_comes_through_with_its_lower_version() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = live_over(store.clone()).await;
        make(&live, add_user("alice")).await;
        store.restore(two_roles().await);
        let policy = live.refresh(NOW).await.unwrap();
        assert_eq!(policy.version(), PolicyVersion::START);
        assert!(!knows(&live, "alice"));

        assert_eq!((live.counts().policies, live.counts().restored), (2, 1));

        // Restored and changed up to the same version, it has another mark.
        make(&live, add_user("alice")).await;
        store.restore(two_roles().await);
        store.changed_elsewhere(add_user("bob")).await;
        live.refresh(NOW).await.unwrap();
        assert!(knows(&live, "bob") && !knows(&live, "alice"));
        assert_eq!((live.counts().policies, live.counts().restored), (4, 2));
        live.reload(NOW).await.unwrap();
        assert_eq!((live.counts().policies, live.counts().restored), (5, 2), "the same history");
    });
}

#[test]
fn a_policy_that_cannot_be_compiled_leaves_the_old_one_in_force() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = live_over(store.clone()).await;
        store.circular.store(true, Ordering::SeqCst);
        let error = live.tx(system()).change(add_user("alice")).commit(NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("stored as version `1`"), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("`a` → `b` → `a`"), "{source}");
        assert_eq!(live.snapshot().version(), PolicyVersion::START);

        store.circular.store(false, Ordering::SeqCst);
        assert_eq!(live.refresh(NOW).await.unwrap().version(), PolicyVersion::new(1));
    });
}

#[test]
fn a_store_that_fails_lets_the_policy_grow_stale_and_then_closes() {
    run(async {
        let store = Gated::new(two_roles().await);
        let limit = Duration::from_secs(30);
        let live = Live::builder(store.clone()).max_staleness(limit).load(at(1_000)).await.unwrap();
        store.failing.store(true, Ordering::SeqCst);
        let error = live.refresh(at(20_000)).await.unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "unplugged");
        assert_eq!((live.confirmed_at(), live.counts().looks_failed), (at(1_000), 1));
        assert!(live.policy(at(31_000)).is_ok());
        let error = live.policy(at(31_001)).unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true));
        assert!(error.to_string().contains("last confirmed at `1000`"), "{error}");
        assert_eq!(live.snapshot().version(), PolicyVersion::START, "pages may still show it");

        store.failing.store(false, Ordering::SeqCst);
        live.refresh(at(31_001)).await.unwrap();
        assert!(live.policy(at(61_001)).is_ok());
    });
}

#[test]
fn a_promised_version_is_reached_on_any_instance() {
    run(async {
        let store = Gated::new(two_roles().await);
        let (here, there) = (live_over(store.clone()).await, live_over(store.clone()).await);
        let version = make(&there, add_user("alice")).await;
        let AtLeast::Reached(policy) = here.snapshot_at_least(version, NOW).await.unwrap() else {
            panic!("the store has it")
        };
        assert!(policy.version() >= version && policy.at(NOW).subject_str("alice").is_some());

        let asked = store.versions.load(Ordering::SeqCst);
        assert!(matches!(here.snapshot_at_least(version, NOW).await.unwrap(), AtLeast::Reached(_)));
        assert_eq!(store.versions.load(Ordering::SeqCst), asked, "it is here already");

        let AtLeast::Missing(policy) = here.snapshot_at_least(version.next(), NOW).await.unwrap() else {
            panic!("nobody made it")
        };
        assert_eq!(policy.version(), version);
        store.failing.store(true, Ordering::SeqCst);
        let error = here.snapshot_at_least(version.next(), NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    });
}

#[test]
fn a_promised_version_that_is_here_but_stale_is_asked_for_again() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = Live::builder(store.clone()).max_staleness(Duration::ZERO).load(at(1)).await.unwrap();
        store.changed_elsewhere(add_user("alice")).await;
        let policy = live.snapshot_at_least(PolicyVersion::START, at(2)).await.unwrap().into_policy();
        assert_eq!(policy.version(), PolicyVersion::new(1));
        store.failing.store(true, Ordering::SeqCst);
        assert!(live.snapshot_at_least(PolicyVersion::START, at(2)).await.is_ok());
        assert!(live.snapshot_at_least(PolicyVersion::START, at(3)).await.is_err());
    });
}
