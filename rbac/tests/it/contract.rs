//! The contract of every store: the same answers as the bare rule to the same drafts, also when many write at once.
//!
//! A store's own tests hand it over, empty, to [`walk`] (with random drafts), [`run`] (everything else that one store
//! has to do) and [`races`] (several handles on the same tables).

mod history;
mod races;
mod walk;

use std::sync::Arc;

use proptest::prelude::*;
use rbac::{MemoryStore, PolicyRows, PolicyStore, PolicyVersion};

pub(crate) use self::races::races;
pub(crate) use self::walk::{steps, walk};
use crate::edit::{add_user, built};
use crate::world::cases;

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What each empty store has to do once: refuse by version, page through its history, do nothing unless awaited.
pub(crate) async fn run(store: &dyn PolicyStore) {
    let empty = store.load().await.unwrap();
    assert_eq!((empty.version, empty.rows), (PolicyVersion::START, PolicyRows::default()));
    history::nothing_happens_unless_awaited(store).await;
    history::each_draft_draws_a_mark(store).await;
    history::an_expected_version_is_kept(store).await;
    history::pages_meet(store).await;
    history::an_entry_tells_everything(store).await;
}

#[test]
fn memory_starts_with_given_rows() {
    let rows = built([add_user("alice")]);
    let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::new(rows.clone()));
    let start = block_on(store.load()).unwrap();
    assert_eq!((start.version, start.rows), (PolicyVersion::START, rows.clone()));
    let other = block_on(MemoryStore::new(rows).revision()).unwrap();
    assert!(other.version == start.version && other.mark != start.mark, "it is another history");
}

#[test]
fn memory_does_what_each_store_does() {
    block_on(run(&MemoryStore::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_rules_when_many_write() {
    let store: Arc<dyn PolicyStore> = Arc::new(MemoryStore::default());
    races(&[Arc::clone(&store), store]).await;
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn memory_answers_as_the_rule_does(steps in steps()) {
        block_on(walk(&MemoryStore::default(), &steps));
    }
}
