//! A load sees one moment: what another writer commits while it goes on is not in it.

use std::time::Duration;

use rbac::{PolicyStore, PolicyVersion};
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

/// How long a load may take to reach the table that is locked.
const PATIENCE: Duration = Duration::from_secs(60);

/// The load has read the version and waits for the users.
async fn sees_nothing_new<S: PolicyStore + 'static>(
    store: S,
    waits: impl AsyncFnOnce(),
    commit: impl AsyncFnOnce(),
) {
    let loading = tokio::spawn(async move { store.load().await.unwrap() });
    tokio::time::timeout(PATIENCE, waits()).await.unwrap();
    commit().await;
    let snapshot = loading.await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows.users.len()), (PolicyVersion::START, 0));
}

pub(super) async fn postgres(url: &str, store: impl PolicyStore + 'static) {
    let mut writer = PgConnection::connect(url).await.unwrap();
    let mut watcher = PgConnection::connect(url).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'rbac_user'::regclass";
    for statement in [
        "BEGIN",
        "LOCK TABLE rbac_user IN ACCESS EXCLUSIVE MODE",
        "INSERT INTO rbac_user (id) VALUES ('late')",
        "UPDATE rbac_version SET version = 1",
    ] {
        writer.execute(statement).await.unwrap();
    }
    let waits = async move || {
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watcher).await.unwrap() == 0 {}
    };
    let commit = async move || {
        writer.execute("COMMIT").await.unwrap();
    };
    sees_nothing_new(store, waits, commit).await;
}

pub(super) async fn mariadb(url: &str, store: impl PolicyStore + 'static) {
    let mut holder = MySqlConnection::connect(url).await.unwrap();
    let mut writer = MySqlConnection::connect(url).await.unwrap();
    let waiting =
        "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%lock'";
    holder.execute("LOCK TABLES rbac_user WRITE").await.unwrap();
    let commit = async move || {
        holder.execute("INSERT INTO rbac_user (id) VALUES ('late')").await.unwrap();
        writer.execute("UPDATE rbac_version SET version = 1").await.unwrap();
        holder.execute("UNLOCK TABLES").await.unwrap();
    };
    let mut watcher = MySqlConnection::connect(url).await.unwrap();
    let waits = async move || {
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watcher).await.unwrap() == 0 {}
    };
    sees_nothing_new(store, waits, commit).await;
}
