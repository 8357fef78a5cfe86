//! What only a file has: a lock that another process holds, tables of another program, bytes that are no text.

use std::time::Duration;

use rbac::{Applied, Change, ErrorKind, PolicyStore, PolicyVersion, SqliteStore};
use sqlx::SqlitePool;

use super::{NOW, by_system, faults, options, runtime, sqlite};
use crate::world::name;

#[test]
fn a_locked_file_is_busy_and_worth_another_try() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let bench = sqlite(&folder).await;
        let holder = SqlitePool::connect_with(options(&folder)).await.unwrap();
        let lock = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let impatient = options(&folder).busy_timeout(Duration::ZERO);
        let store = SqliteStore::new(SqlitePool::connect_with(impatient).await.unwrap());
        let draft = by_system([Change::AddUser { user: name("alice"), label: name("") }]);
        let error = store.commit(&draft, NOW).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
        // Readers need no turn.
        assert_eq!(store.load().await.unwrap().version, PolicyVersion::START);
        lock.rollback().await.unwrap();
        assert_eq!(store.commit(&draft, NOW).await.unwrap(), Applied::Done(PolicyVersion::new(1)));
        assert_eq!(bench.stores[0].version().await.unwrap(), PolicyVersion::new(1));
    });
}

#[test]
fn missing_tables_and_a_closed_pool_are_misuse_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let pool = SqlitePool::connect_with(options(&folder)).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        faults::missing_tables(&store).await;
        pool.close().await;
        let error = store.version().await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Misuse, false));
        assert!(error.to_string().contains("pool is closed"), "{error}");
    });
}

#[test]
fn a_lost_version_and_tables_of_another_program_are_named() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let bench = sqlite(&folder).await;
        let draft = by_system([Change::AddUser { user: name("alice"), label: name("") }]);
        bench.by_hand(&["UPDATE rbac_version SET version = 9223372036854775807"]).await;
        let error = bench.stores[0].commit(&draft, NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "no version comes after the last one");

        // The trail is ahead of the version: somebody restored one table and not the other.
        bench.by_hand(&["UPDATE rbac_version SET version = 0"]).await;
        bench.make([Change::AddUser { user: name("bob"), label: name("") }]).await;
        bench.by_hand(&["UPDATE rbac_version SET version = 0"]).await;
        let error = bench.stores[0].commit(&draft, NOW).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Corrupt, false), "{error}");
        assert!(error.to_string().starts_with("could not record a change"), "{error}");
        assert!(
            !bench.stores[0].load().await.unwrap().rows.users.contains_key("alice"),
            "nothing is half done"
        );

        bench.by_hand(&["DELETE FROM rbac_version"]).await;
        let error = bench.stores[1].version().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("`rbac_version`"), "{error}");

        bench.by_hand(&["UPDATE rbac_migration SET checksum = x'00'"]).await;
        let store = SqliteStore::new(SqlitePool::connect_with(options(&folder)).await.unwrap());
        assert_eq!(store.migrate().await.unwrap_err().kind(), ErrorKind::Misuse);
    });
}

/// Tables of the version before: they are brought up to date, and nothing in them changes.
#[test]
fn older_tables_get_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let bench = sqlite(&folder).await;
        bench.make([Change::AddUser { user: name("alice"), label: name("") }]).await;
        let before = bench.stores[0].load().await.unwrap();
        bench
            .by_hand(&[
                "ALTER TABLE rbac_version DROP COLUMN mark",
                "DELETE FROM rbac_migration WHERE version = 2",
            ])
            .await;
        let store = SqliteStore::new(SqlitePool::connect_with(options(&folder)).await.unwrap());
        let error = store.revision().await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Misuse, false));
        assert!(error.to_string().contains("call `migrate`"), "{error}");
        store.migrate().await.unwrap();
        let after = store.load().await.unwrap();
        assert_eq!((after.version, after.rows), (before.version, before.rows));
        assert!(after.mark != before.mark && after.mark != rbac::Mark::default());
        let draft = by_system([Change::AddUser { user: name("bob"), label: name("") }]);
        assert_eq!(store.commit(&draft, NOW).await.unwrap(), Applied::Done(PolicyVersion::new(2)));
    });
}

/// A column of texts holds any bytes; they spoil their own row and none beside it.
#[test]
fn bytes_that_are_no_text_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let bench = sqlite(&folder).await;
        bench.make([Change::AddUser { user: name("alice"), label: name("") }]).await;
        bench
            .by_hand(&[
                "INSERT INTO rbac_user (id) VALUES (CAST(x'61ff' AS TEXT))",
                "INSERT INTO rbac_user (id) VALUES (CAST(x'61e4' AS TEXT))",
                "INSERT INTO rbac_user (id) VALUES (CAST(x'6100225d2c5b22' AS TEXT))",
                "INSERT INTO rbac_user (id) VALUES ('\",\"b')",
                "INSERT INTO rbac_user (id, active) VALUES ('odd', 2)",
            ])
            .await;
        let rows = bench.stores[1].load().await.unwrap().rows;
        let users: Vec<_> = rows.users.keys().map(ToString::to_string).collect();
        assert_eq!(users, ["\",\"b", "alice"], "a quote and a comma may well stand in an id");
        // Two of them look the same once their bytes are replaced.
        assert_eq!(rows.unreadable.len(), 3, "{:#?}", rows.unreadable);
        assert!(
            rows.unreadable.iter().any(|row| row.fault.contains("column `active` holds `2`; use 0 or 1"))
        );
    });
}
