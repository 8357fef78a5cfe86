//! What goes wrong with a database, and the words for it.

use std::time::Duration;

use rbac::{Change, ErrorKind, PolicyStore, PostgresStore};
use sqlx::postgres::PgPoolOptions;

use super::{NOW, by_system};
use crate::world::name;

/// Tables that are not there are for `migrate` to make.
pub(super) async fn missing_tables(store: &dyn PolicyStore) {
    let error = store.load().await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Misuse, false), "{error}");
    assert!(error.to_string().contains("call `migrate`"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

/// A server that went away is worth another try.
pub(super) async fn server_gone(url: &str, stop: impl FnOnce()) {
    // Time enough for a slow machine to connect, and what each question waits for when nobody is there.
    let patience = PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
    let store = PostgresStore::new(patience.connect(url).await.unwrap());
    store.version().await.unwrap();
    stop();
    let draft = by_system([Change::AddUser { user: name("late"), label: name("") }]);
    for error in [
        store.load().await.unwrap_err(),
        store.version().await.unwrap_err(),
        store.commit(&draft, NOW).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    }
}
