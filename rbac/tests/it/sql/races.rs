//! Readers beside many writers: a load never shows a piece of a draft.

use std::sync::Arc;

use rbac::{Applied, PolicyVersion};
use tokio::task::JoinSet;

use super::{Bench, NOW, by_system};
use crate::edit::add_user;

/// How many drafts there are, all at once.
const WRITERS: u64 = 64;

/// Each draft adds two users, so each version has twice as many users as its number.
pub(super) async fn loads_are_whole(bench: &Bench) {
    bench.wipe().await;
    let reader = Arc::clone(&bench.stores[1]);
    let reading = tokio::spawn(async move {
        loop {
            let snapshot = reader.load().await.unwrap();
            let users = u64::try_from(snapshot.rows.users.len()).unwrap();
            assert_eq!((users, snapshot.rows.unreadable.len()), (2 * snapshot.version.number(), 0));
            if snapshot.version == PolicyVersion::new(WRITERS) {
                return;
            }
        }
    });
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let store = Arc::clone(&bench.stores[usize::try_from(number % 2).unwrap()]);
        let draft = by_system([add_user(&format!("a{number}")), add_user(&format!("b{number}"))]);
        writers.spawn(async move { store.commit(&draft, NOW).await.unwrap() });
    }
    for applied in writers.join_all().await {
        assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    }
    reading.await.unwrap();
}
