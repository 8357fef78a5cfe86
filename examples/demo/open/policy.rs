//! The policy: loaded from the database and kept new by a watcher, whose troubles go to the log.

use std::sync::Arc;
use std::time::Duration;

use rbac::{Live, PolicyVersion, SqliteStore, WatchObserver, WatchOptions, WatchStep, Watcher};

use crate::clock;
use crate::perm;
use crate::start_error::StartError;

/// How old a policy may be that still decides; the database is asked more often than that. After that requests are refused, for nobody knows what was revoked.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// The policy in use and what keeps it new.
pub(super) async fn open(store: SqliteStore, poll_every: Duration) -> Result<(Live, Watcher), StartError> {
    let failed = StartError::part("permission store");
    let now = clock::now().map_err(StartError::part("clock"))?;
    let live = Live::builder(Arc::new(store))
        .catalogue(perm::CATALOGUE)
        .max_staleness(STALE_AFTER)
        .observer(Arc::new(Log))
        .load(now)
        .await
        .map_err(failed)?;
    let watcher = live.watch(WatchOptions::default().poll_every(poll_every));
    let watcher = watcher.map_err(StartError::part("permission store"))?;
    Ok((live, watcher))
}

/// What no request is told.
#[derive(Debug)]
struct Log;

impl WatchObserver for Log {
    fn replaced(&self, before: PolicyVersion, after: PolicyVersion) {
        tracing::info!(before = before.number(), after = after.number(), "another policy is in force");
    }

    fn restored(&self, before: PolicyVersion, after: PolicyVersion) {
        let (before, after) = (before.number(), after.number());
        tracing::warn!(before, after, "the policy in force is that of a restored backup");
    }

    fn failed(&self, step: WatchStep, error: &rbac::Error) {
        tracing::warn!(?step, %error, "the policy could not be looked at; it will be tried again");
    }
}
