//! Two processes over one database: what one of them commits is in force in the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rbac::{
    Applied, AtLeast, Clock, Live, PolicyStore, PolicyVersion, SqliteStore, SystemClock, WatchOptions,
};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;
use testkit::until;

use crate::edit::{add_user, system};

const SOON: Duration = Duration::from_secs(30);

/// A pool as one process has it.
async fn pool(folder: &TempDir) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("policy.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(Duration::from_secs(60));
    SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
}

async fn process(folder: &TempDir) -> Live {
    let store = SqliteStore::new(pool(folder).await);
    store.migrate().await.unwrap();
    let store: Arc<dyn PolicyStore> = Arc::new(store);
    Live::builder(store).max_staleness(SOON).load(SystemClock.now().unwrap()).await.unwrap()
}

async fn add(live: &Live, user: &str) -> PolicyVersion {
    match live.tx(system()).change(add_user(user)).commit(SystemClock.now().unwrap()).await.unwrap() {
        Applied::Done(version) => version,
        Applied::Refused(refused) => panic!("{refused:?}"),
    }
}

fn knows(live: &Live, user: &str) -> bool {
    let now = SystemClock.now().unwrap();
    live.policy(now).unwrap().at(now).subject_str(user).is_some()
}

fn often() -> WatchOptions {
    WatchOptions::default().poll_every(Duration::from_millis(20))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_commits_is_in_force_in_the_other() {
    let folder = TempDir::new().unwrap();
    let (here, there) = (process(&folder).await, process(&folder).await);
    let version = add(&there, "alice").await;
    assert!(knows(&there, "alice") && !knows(&here, "alice"));
    let promised = here.snapshot_at_least(version, SystemClock.now().unwrap()).await.unwrap();
    assert!(matches!(promised, AtLeast::Reached(_)) && knows(&here, "alice"));

    let watcher = here.watch(often()).unwrap();
    add(&there, "bob").await;
    until(SOON, "a poll", || knows(&here, "bob")).unwrap();
    assert!(watcher.is_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_followed_back() {
    let folder = TempDir::new().unwrap();
    let (here, there) = (process(&folder).await, process(&folder).await);
    let _watcher = here.watch(often()).unwrap();
    add(&there, "alice").await;
    let version = add(&there, "bob").await;
    until(SOON, "a poll", || here.snapshot().version() == version).unwrap();
    let hand = pool(&folder).await;
    for sql in ["DELETE FROM rbac_user WHERE id = 'bob'", "UPDATE rbac_version SET version = 1"] {
        sqlx::query(sql).execute(&hand).await.unwrap();
    }
    until(SOON, "the way back", || here.snapshot().version() == PolicyVersion::new(1)).unwrap();
    assert!(knows(&here, "alice"));
    until(SOON, "the restored rows", || !knows(&here, "bob")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_in_two_processes_end_at_the_same_policy() {
    const WRITERS: u64 = 4;
    const CHANGES: u64 = 8;
    let folder = TempDir::new().unwrap();
    let lives = [process(&folder).await, process(&folder).await];
    let watchers = [lives[0].watch(often()).unwrap(), lives[1].watch(often()).unwrap()];
    let over = Arc::new(AtomicBool::new(false));
    let readers = lives.clone().map(|live| {
        let over = over.clone();
        tokio::spawn(async move {
            let mut seen = PolicyVersion::START;
            while !over.load(Ordering::SeqCst) {
                let now = live.snapshot().version();
                assert!(seen <= now, "{seen}, then {now}");
                seen = now;
                tokio::task::yield_now().await;
            }
        })
    });
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let live = lives[usize::try_from(writer).unwrap() % 2].clone();
        writers.spawn(async move {
            for number in 0..CHANGES {
                let user = format!("u{writer}.{number}");
                let version = add(&live, &user).await;
                assert!(live.snapshot().version() >= version && knows(&live, &user));
            }
        });
    }
    writers.join_all().await;
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    let last = PolicyVersion::new(WRITERS * CHANGES);
    for (live, watcher) in lives.iter().zip(&watchers) {
        until(SOON, "the last version", || live.snapshot().version() == last).unwrap();
        assert!(watcher.is_running());
        assert_eq!(live.counts().looks_failed, 0);
    }
    let users = lives.each_ref().map(|live| live.snapshot().users().cloned().collect::<Vec<_>>());
    assert_eq!(users[0], users[1]);
    assert_eq!(u64::try_from(users[0].len()).unwrap(), WRITERS * CHANGES);
}
