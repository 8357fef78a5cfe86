//! Revocations on a real Redis: the same answers as in memory, and views that miss nothing while it is cut off, killed,
//! emptied and replaced.

mod answers;
mod contents;
mod outages;
mod views;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sso_core::{Claims, OnStale, RedisRevocations, Revocations, RevocationsConfig, Revoker, UnixMillis};

use crate::revocation::{claims, id, user};

const SLOW_MACHINE: Duration = Duration::from_secs(60);
/// A view that never looks by itself while a test runs.
const NEVER: Duration = RevocationsConfig::STALE_AFTER_MAX;

async fn connect(url: &str) -> RedisRevocations {
    RedisRevocations::connect(url).await.unwrap().deadline(SLOW_MACHINE)
}

fn follow(log: RedisRevocations, stale_after: Duration, on_stale: OnStale) -> Revocations {
    Revocations::follow(Arc::new(log), RevocationsConfig::new(stale_after, on_stale).unwrap())
}

fn revoker(log: RedisRevocations) -> Revoker {
    Revoker::new(Arc::new(log), Duration::from_secs(3600))
}

/// A token of its own for each number.
fn token(number: u8) -> Claims {
    claims(&user(0), id(number), UnixMillis::now())
}

/// Waits for a condition without blocking the tasks of the view.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < SLOW_MACHINE, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
