//! Many looks at once: slow ones, hanging ones, crowds; nobody goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rbac::{Applied, Live, MemoryStore, PolicyStore, PolicyVersion};

use super::{NOW, alice_edits, knows, live_over, make, refreshing, run, two_roles};
use crate::edit::{add_user, system};
use crate::gated::{Gated, Point};
use crate::world::{at, name};

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
