//! SQLite as a real file: many writers, rows written by hand, tables that are missing.

use std::collections::BTreeSet;

use rbac::{
    Applied, Change, Decision, Effect, ErrorKind, Policy, PolicyStore, PolicyVersion, Problem, Refusal,
    SqliteStore,
};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;

use crate::contract::run;
use crate::world::{add_permission, add_role, add_user, assign, grant, name};

/// A database file that goes when it is dropped.
pub(crate) struct Database {
    pub(crate) store: SqliteStore,
    folder: TempDir,
}

impl Database {
    /// An empty policy in a new file.
    pub(crate) async fn create() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::new(open(&folder, 1).await);
        store.migrate().await.unwrap();
        Self { store, folder }
    }

    /// Another pool on the same file, as another process would have it.
    async fn open_again(&self, connections: u32) -> SqlitePool {
        open(&self.folder, connections).await
    }

    async fn apply_all(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            let applied = self.store.apply(&name("setup"), &change, 0).await.unwrap();
            assert!(matches!(applied, Applied::Done(_)), "{change}: {applied:?}");
        }
    }
}

async fn open(folder: &TempDir, connections: u32) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("policy.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(std::time::Duration::from_secs(60))
        .synchronous(SqliteSynchronous::Off);
    SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.unwrap()
}

/// Statements by hand, past all checks, foreign keys off.
async fn by_hand(pool: &SqlitePool, statements: &[&'static str]) {
    let mut connection = pool.acquire().await.unwrap();
    for sql in ["PRAGMA foreign_keys = OFF"].iter().chain(statements).chain(&["PRAGMA foreign_keys = ON"]) {
        sqlx::query(*sql).execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_get_distinct_versions() {
    const WRITERS: usize = 4;
    const CHANGES: usize = 10;
    let database = Database::create().await;
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let store = SqliteStore::new(database.open_again(2).await);
        tasks.push(tokio::spawn(async move {
            let mut versions = Vec::new();
            for number in 0..CHANGES {
                let change = add_user(&format!("u{writer}.{number}"));
                match store.apply(&name("tester"), &change, 7).await.unwrap() {
                    Applied::Done(version) => versions.push(version),
                    Applied::Refused(refusal) => panic!("{refusal}"),
                }
            }
            versions
        }));
    }
    let mut versions = BTreeSet::new();
    for task in tasks {
        versions.extend(task.await.unwrap());
    }
    let last = u64::try_from(WRITERS * CHANGES).unwrap();
    assert_eq!(versions, (1..=last).map(PolicyVersion::new).collect());
    let snapshot = database.store.load().await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows.users.len()), (PolicyVersion::new(last), WRITERS * CHANGES));
    assert_eq!(database.store.history(1_000).await.unwrap().len(), WRITERS * CHANGES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_cannot_remove_each_other_at_once() {
    for _ in 0..8 {
        let database = Database::create().await;
        database
            .apply_all([
                add_role("root"),
                grant("root", "*", Effect::Allow),
                add_user("alice"),
                add_user("bob"),
                assign("alice", "root"),
                assign("bob", "root"),
            ])
            .await;
        let mut tasks = Vec::new();
        for (actor, victim) in [("alice", "bob"), ("bob", "alice")] {
            let store = SqliteStore::new(database.open_again(1).await);
            let change = Change::RemoveUser { user: name(victim) };
            tasks.push(tokio::spawn(async move { store.apply(&name(actor), &change, 0).await.unwrap() }));
        }
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        assert!(outcomes.contains(&Applied::Done(PolicyVersion::new(7))), "{outcomes:?}");
        assert!(outcomes.contains(&Applied::Refused(Refusal::LastAdministrator)), "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_may_migrate_at_once() {
    let folder = TempDir::new().unwrap();
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let store = SqliteStore::new(open(&folder, 1).await);
        tasks.push(tokio::spawn(async move { store.migrate().await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let pool = open(&folder, 1).await;
    let applied: i64 =
        sqlx::query_scalar("SELECT count(*) FROM rbac_migration").fetch_one(&pool).await.unwrap();
    assert_eq!(applied, 1);
    assert_eq!(SqliteStore::new(pool).version().await.unwrap(), PolicyVersion::START);
}

#[test]
fn rows_written_by_hand_are_reported_and_break_nothing() {
    run(async {
        let database = Database::create().await;
        database
            .apply_all([
                add_permission("a"),
                add_user("alice"),
                add_role("editor"),
                grant("editor", "a", Effect::Allow),
                assign("alice", "editor"),
            ])
            .await;
        by_hand(
            &database.open_again(1).await,
            &[
                "INSERT INTO rbac_user VALUES ('two words', 1)",
                "INSERT INTO rbac_role VALUES ('Upper', '', 1)",
                "UPDATE rbac_role SET label = 'two' || char(10) || 'lines' WHERE name = 'editor'",
                "INSERT INTO rbac_permission VALUES ('a:*', '')",
                "INSERT INTO rbac_user_role VALUES ('alice', 'gone')",
                "INSERT INTO rbac_user_role VALUES ('two words', 'editor')",
                "INSERT INTO rbac_role_permission VALUES ('editor', 'a*', 'allow')",
                "INSERT INTO rbac_role_inheritance VALUES ('editor', '')",
            ],
        )
        .await;
        let snapshot = database.store.load().await.unwrap();
        let policy = Policy::compile(&snapshot.rows).unwrap();
        assert_eq!(policy.decide(&name("alice"), &name("a")).unwrap(), Decision::Permit);
        let unreadable = policy.problems().iter().filter(|it| matches!(it, Problem::Unreadable(_))).count();
        assert_eq!((unreadable, policy.problems().len()), (7, 8), "{:?}", policy.problems());

        // A row that names nothing can be taken away, and a new user does not inherit leftovers.
        let dangling = Change::Unassign { user: name("alice"), role: name("gone") };
        database.apply_all([dangling]).await;
        by_hand(&database.open_again(1).await, &["INSERT INTO rbac_user_role VALUES ('bob', 'editor')"])
            .await;
        database.apply_all([add_user("bob")]).await;
        let rows = database.store.load().await.unwrap().rows;
        assert!(rows.assignments.iter().all(|row| row.user == name("alice")));
    });
}

#[test]
fn missing_tables_and_a_closed_pool_are_misuse_with_the_remedy() {
    run(async {
        let folder = TempDir::new().unwrap();
        let pool = open(&folder, 1).await;
        let store = SqliteStore::new(pool.clone());
        let error = store.load().await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Misuse, false));
        assert!(error.to_string().contains("call `migrate`"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        pool.close().await;
        assert_eq!(store.version().await.unwrap_err().kind(), ErrorKind::Misuse);
    });
}

#[test]
fn a_lost_version_and_foreign_tables_are_named() {
    run(async {
        let database = Database::create().await;
        let pool = database.open_again(1).await;
        by_hand(&pool, &["DELETE FROM rbac_version"]).await;
        let error = database.store.version().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("`rbac_version`"), "{error}");

        by_hand(&pool, &["UPDATE rbac_migration SET checksum = x'00'"]).await;
        let error = database.store.migrate().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse);
    });
}

#[test]
fn a_locked_database_is_busy_and_worth_another_try() {
    run(async {
        let database = Database::create().await;
        let holder = database.open_again(1).await;
        let lock = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let options = SqliteConnectOptions::new()
            .filename(database.folder.path().join("policy.db"))
            .busy_timeout(std::time::Duration::ZERO);
        let store = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
        let error = store.apply(&name("tester"), &add_user("alice"), 0).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
        assert_eq!(store.version().await.unwrap(), PolicyVersion::START);
        lock.rollback().await.unwrap();
        let applied = store.apply(&name("tester"), &add_user("alice"), 0).await.unwrap();
        assert_eq!(applied, Applied::Done(PolicyVersion::new(1)));
    });
}
