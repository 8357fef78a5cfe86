//! The policy in use: ids that last, loads that overtake each other, stores that fail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rbac::{Applied, Change, Effect, Live, MemoryStore, PolicyRows, PolicyVersion};
use tokio::task::JoinHandle;

use crate::contract::run;
use crate::gated::{Gated, Point};
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

fn two_roles() -> PolicyRows {
    built([add_role("a"), add_role("b")])
}

/// A refresh on its own task; it gives the version that it says is in use.
fn refreshing(live: &Arc<Live>) -> JoinHandle<PolicyVersion> {
    let live = live.clone();
    tokio::spawn(async move { live.refresh().await.unwrap().version() })
}

#[test]
fn a_slow_load_does_not_bring_back_an_older_policy() {
    run(async {
        let store = Gated::new(two_roles());
        let live = Arc::new(Live::load(store.clone()).await.unwrap());
        store.changed_elsewhere(add_user("alice")).await;
        let gate = store.gate(Point::LoadEnds);
        let slow = refreshing(&live);
        gate.reached().await;

        make(&live, add_user("bob")).await;
        assert!(live.snapshot().subject(&name("bob")).is_some());
        gate.open();
        assert_eq!(slow.await.unwrap(), PolicyVersion::new(2));
        assert!(live.snapshot().subject(&name("bob")).is_some());
    });
}

/// The newest policy is published by the refresh that began first, and so the change finds nothing left to do. A
/// load between the two has the older rows in its hands.
#[test]
fn a_revoked_right_does_not_return_with_a_load_that_began_later() {
    run(async {
        let rows = built([
            add_permission("m"),
            add_user("alice"),
            add_role("editor"),
            grant("editor", "m", Effect::Allow),
            assign("alice", "editor"),
        ]);
        let store = Gated::new(rows);
        let live = Arc::new(Live::load(store.clone()).await.unwrap());
        let alice_can = || {
            let policy = live.snapshot();
            policy.subject(&name("alice")).unwrap().can(policy.permission(&name("m")).unwrap())
        };
        store.changed_elsewhere(add_user("bob")).await;

        let first_gate = store.gate(Point::LoadBegins);
        let first = refreshing(&live);
        first_gate.reached().await;
        let second_gate = store.gate(Point::LoadEnds);
        let second = refreshing(&live);
        second_gate.reached().await;
        assert!(alice_can());

        let change_gate = store.gate(Point::ApplyEnds);
        let change = tokio::spawn({
            let live = live.clone();
            async move {
                let change = Change::Unassign { user: name("alice"), role: name("editor") };
                live.apply(&name("tester"), &change, 0).await.unwrap()
            }
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
        let store = Gated::new(two_roles());
        let live = Arc::new(Live::load(store.clone()).await.unwrap());
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
        assert_eq!(live.refresh().await.unwrap().version(), PolicyVersion::new(5));
    });
}

#[test]
fn a_restored_backup_comes_through_with_its_lower_version() {
    run(async {
        let store = Gated::new(two_roles());
        let live = Live::load(store.clone()).await.unwrap();
        make(&live, add_user("alice")).await;
        store.restore(two_roles());
        let policy = live.refresh().await.unwrap();
        assert_eq!(policy.version(), PolicyVersion::START);
        assert!(live.snapshot().subject(&name("alice")).is_none());
    });
}

#[test]
fn a_policy_that_cannot_be_compiled_leaves_the_old_one_in_use() {
    run(async {
        let store = Gated::new(two_roles());
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
