//! A backup that was restored and changed up to the version that an instance has in force: it is noticed all the same.

use std::sync::Arc;

use rbac::{Live, PolicyVersion};

use super::{Bench, NOW};
use crate::edit::add_user;

pub(super) async fn another_history(bench: &Bench) {
    bench.wipe().await;
    bench.make([add_user("alice")]).await;
    bench.by_hand(&["CREATE TABLE kept AS SELECT * FROM rbac_version"]).await;
    bench.make([add_user("bob")]).await;
    let live = Live::builder(Arc::clone(&bench.stores[1])).load(NOW).await.unwrap();
    let knows = |user: &str| live.snapshot().at(NOW).subject_str(user).is_some();
    assert!(knows("bob"));
    bench
        .by_hand(&[
            "DELETE FROM rbac_user WHERE id = 'bob'",
            "DELETE FROM rbac_audit WHERE version = 2",
            "UPDATE rbac_version SET version = (SELECT version FROM kept), mark = (SELECT mark FROM kept)",
            "DROP TABLE kept",
        ])
        .await;
    assert_eq!(bench.make([add_user("carol")]).await, PolicyVersion::new(2));
    assert_eq!(live.snapshot().version(), PolicyVersion::new(2));
    live.refresh(NOW).await.unwrap();
    assert!(knows("alice") && knows("carol") && !knows("bob"));
    assert_eq!(live.counts().restored, 1);
}
