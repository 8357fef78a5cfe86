//! The policy in use: ids that last, looks that overtake each other, stores that fail, versions that were promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rbac::{
    Applied, AtLeast, Change, ErrorKind, HistoryQuery, Live, MemoryStore, PolicyRows, PolicyStore,
    PolicyVersion, Refusal, UnixMillis,
};
use tokio::task::JoinHandle;

use crate::edit::{add_permission, add_role, add_user, allow, assign, system};
use crate::gated::{Gated, Point, commit};
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
fn a_slow_load_does_not_bring_back_an_older_policy() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = live_over(store.clone()).await;
        store.changed_elsewhere(add_user("alice")).await;
        let gate = store.gate(Point::LoadEnds);
        let slow = refreshing(&live);
        gate.reached().await;

        make(&live, add_user("bob")).await;
        assert!(knows(&live, "bob"));
        gate.open();
        assert_eq!(slow.await.unwrap(), PolicyVersion::new(2));
        assert!(knows(&live, "bob"));
    });
}

/// The newest policy is published by the refresh that began first, and so the change finds nothing left to do. A
/// load between the two has the older rows in its hands.
#[test]
fn a_revoked_right_does_not_return_with_a_load_that_began_later() {
    run(async {
        let store = Gated::new(alice_edits().await);
        let live = live_over(store.clone()).await;
        let alice_can = || {
            let policy = live.snapshot();
            policy.at(NOW).subject_str("alice").unwrap().can(policy.permission(&name("m")).unwrap())
        };
        store.changed_elsewhere(add_user("bob")).await;

        let first_gate = store.gate(Point::LoadBegins);
        let first = refreshing(&live);
        first_gate.reached().await;
        let second_gate = store.gate(Point::LoadEnds);
        let second = refreshing(&live);
        second_gate.reached().await;
        assert!(alice_can());

        let change_gate = store.gate(Point::CommitEnds);
        let change = tokio::spawn({
            let live = live.clone();
            async move { live.tx(system()).unassign(name("alice"), name("editor")).commit(NOW).await.unwrap() }
        });
        change_gate.reached().await;
        first_gate.open();
        assert_eq!(first.await.unwrap(), PolicyVersion::new(2));
        change_gate.open();
        assert_eq!(change.await.unwrap(), Applied::Done(PolicyVersion::new(2)));
        assert!(!alice_can());

        second_gate.open();
        assert_eq!(second.await.unwrap(), PolicyVersion::new(2));
        assert!(!alice_can(), "revoked, and the change was answered");
    });
}

#[test]
fn a_refresh_that_is_overtaken_twice_takes_the_policy_of_the_others() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = live_over(store.clone()).await;
        store.changed_elsewhere(add_user("u1")).await;
        let gate = store.gate(Point::LoadEnds);
        let slow = refreshing(&live);
        gate.reached().await;
        make(&live, add_user("u2")).await;
        store.changed_elsewhere(add_user("u3")).await;

        let again = store.gate(Point::LoadEnds);
        gate.open();
        again.reached().await;
        make(&live, add_user("u4")).await;
        store.changed_elsewhere(add_user("u5")).await;
        again.open();
        assert_eq!(slow.await.unwrap(), PolicyVersion::new(4));
        assert_eq!(live.snapshot().version(), PolicyVersion::new(4));
        assert_eq!(live.refresh(NOW).await.unwrap().version(), PolicyVersion::new(5));
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

        // Restored and changed up to the same version, it looks the same; then only a reload brings it.
        make(&live, add_user("alice")).await;
        store.restore(two_roles().await);
        store.changed_elsewhere(add_user("bob")).await;
        live.refresh(NOW).await.unwrap();
        assert!(knows(&live, "alice"));
        live.reload(NOW).await.unwrap();
        assert!(knows(&live, "bob") && !knows(&live, "alice"));
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

/// A look that hangs keeps the time at which it began out of the books, and nobody else waits for it.
#[test]
fn a_hanging_look_confirms_nothing_and_blocks_nobody() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = Live::builder(store.clone()).max_staleness(Duration::ZERO).load(at(1)).await.unwrap();
        store.changed_elsewhere(add_user("alice")).await;
        let gate = store.gate(Point::LoadEnds);
        let hung = refreshing(&live);
        gate.reached().await;
        store.changed_elsewhere(add_user("bob")).await;
        assert!(live.policy(at(2)).is_err());
        live.refresh(at(2)).await.unwrap();
        assert!(live.policy(at(2)).is_ok() && knows(&live, "bob"));

        // Given up, its place is free: two more can hang and be given up.
        hung.abort();
        assert!(hung.await.unwrap_err().is_cancelled());
        store.hanging.store(true, Ordering::SeqCst);
        let hung: Vec<_> = (0..3).map(|_| refreshing(&live)).collect();
        while store.versions.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        for look in hung {
            look.abort();
            assert!(look.await.unwrap_err().is_cancelled());
        }
        store.hanging.store(false, Ordering::SeqCst);
        live.refresh(at(3)).await.unwrap();
        assert!(live.policy(at(3)).is_ok());
    });
}

#[test]
fn a_crowd_costs_the_store_a_few_looks() {
    run(async {
        let store = Gated::new(two_roles().await);
        let live = live_over(store.clone()).await;
        store.changed_elsewhere(add_user("alice")).await;
        // Both places are taken, so all the others have to wait.
        let gates = [Point::LoadBegins, Point::LoadEnds].map(|point| store.gate(point));
        let holders = [refreshing(&live), refreshing(&live)];
        for gate in &gates {
            gate.reached().await;
        }
        let crowd: Vec<_> = (0..100).map(|_| refreshing(&live)).collect();
        tokio::task::yield_now().await;
        for gate in &gates {
            gate.open();
        }
        for call in crowd.into_iter().chain(holders) {
            assert_eq!(call.await.unwrap(), PolicyVersion::new(1));
        }
        let (versions, loads) = (store.versions.load(Ordering::SeqCst), store.loads.load(Ordering::SeqCst));
        assert!(versions <= 6 && loads <= 3, "{versions} questions and {loads} loads for a hundred");
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

/// Writers and readers on all threads: whoever looks again sees the same version or a later one, and whoever made a
/// change sees it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_the_version_never_goes_back() {
    const WRITERS: u64 = 4;
    const CHANGES: u64 = 25;
    let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
    let lives = [live_over(store.clone()).await, live_over(store.clone()).await];
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = lives
        .iter()
        .flat_map(|live| [live, live])
        .map(|live| {
            let (live, over) = (live.clone(), over.clone());
            tokio::spawn(async move {
                let mut seen = PolicyVersion::START;
                while !over.load(Ordering::SeqCst) {
                    let now = live.refresh(NOW).await.unwrap().version();
                    let later = live.snapshot().version();
                    assert!(seen <= now && now <= later, "{seen}, then {now}, then {later}");
                    seen = later;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let live = lives[usize::try_from(writer).unwrap() % lives.len()].clone();
        writers.push(tokio::spawn(async move {
            for number in 0..CHANGES {
                let user = format!("u{writer}.{number}");
                let version = make(&live, add_user(&user)).await;
                assert!(live.snapshot().version() >= version && knows(&live, &user));
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    for live in &lives {
        assert_eq!(live.refresh(NOW).await.unwrap().version(), PolicyVersion::new(WRITERS * CHANGES));
    }
}
