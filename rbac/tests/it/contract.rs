//! The contract of every store: the same answers as the memory store to the same random changes.

use std::sync::Arc;

use proptest::prelude::*;
use rbac::{
    AT_MILLIS_MAX, Applied, Change, ErrorKind, MemoryStore, PolicyRows, PolicyStore, PolicyVersion, Snapshot,
    admin,
};

use crate::world::{add_user, cases, changes, name};

/// Runs a future to its end on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Plays changes against a store and against the bare rule, and compares all there is to see.
async fn keeps_the_rule(store: &dyn PolicyStore, changes: &[Change]) {
    let actor = name("tester");
    let mut rows = PolicyRows::default();
    let mut made = Vec::new();
    for (change, at_millis) in changes.iter().zip(1_000..) {
        let expected = match admin::apply(&mut rows, change) {
            Ok(()) => {
                made.push((change.to_string(), at_millis));
                Applied::Done(PolicyVersion::new(u64::try_from(made.len()).unwrap()))
            }
            Err(refusal) => Applied::Refused(refusal),
        };
        assert_eq!(store.apply(&actor, change, at_millis).await.unwrap(), expected, "{change}");
    }
    let version = PolicyVersion::new(u64::try_from(made.len()).unwrap());
    assert_eq!(store.version().await.unwrap(), version);
    assert_eq!(store.load().await.unwrap(), Snapshot::new(version, rows));

    let history = store.history(1_000).await.unwrap();
    let recorded: Vec<_> =
        history.iter().rev().map(|entry| (entry.change.clone(), entry.at_millis)).collect();
    assert_eq!(recorded, made);
    assert!(history.iter().all(|entry| entry.actor == actor));
    assert!(history.is_sorted_by(|newer, older| newer.version > older.version));
    assert_eq!(store.history(3).await.unwrap(), history[..history.len().min(3)]);
}

/// A time that not every store could keep is refused before anything happens.
async fn refuses_absurd_times(store: &dyn PolicyStore) {
    let (actor, change) = (name("tester"), add_user("late"));
    for at_millis in [AT_MILLIS_MAX + 1, u64::MAX] {
        let error = store.apply(&actor, &change, at_millis).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.is_transient());
    }
    assert_eq!(store.version().await.unwrap(), PolicyVersion::START);
    let applied = store.apply(&actor, &change, AT_MILLIS_MAX).await.unwrap();
    assert_eq!(applied, Applied::Done(PolicyVersion::new(1)));
    assert_eq!(store.history(1).await.unwrap()[0].at_millis, AT_MILLIS_MAX);
}

/// A future that is dropped before it is polled has done nothing.
async fn does_nothing_unless_awaited(store: &dyn PolicyStore) {
    drop(store.apply(&name("tester"), &add_user("alice"), 0));
    assert_eq!(store.load().await.unwrap(), Snapshot::default());
}

#[test]
fn memory_refuses_absurd_times() {
    run(refuses_absurd_times(&MemoryStore::default()));
}

#[test]
fn memory_does_nothing_unless_awaited() {
    run(does_nothing_unless_awaited(&MemoryStore::default()));
}

#[test]
fn memory_starts_with_given_rows() {
    let rows = crate::world::built([add_user("alice")]);
    let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::new(rows.clone()));
    assert_eq!(run(store.load()).unwrap(), Snapshot::new(PolicyVersion::START, rows));
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_refuses_absurd_times() {
    run(async { refuses_absurd_times(&crate::sqlite::Database::create().await.store).await });
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_does_nothing_unless_awaited() {
    run(async { does_nothing_unless_awaited(&crate::sqlite::Database::create().await.store).await });
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn memory_keeps_the_rule(changes in changes()) {
        run(keeps_the_rule(&MemoryStore::default(), &changes));
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn sqlite_keeps_the_rule(changes in changes()) {
        run(async { keeps_the_rule(&crate::sqlite::Database::create().await.store, &changes).await });
    }
}
