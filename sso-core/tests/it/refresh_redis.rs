//! Refresh tokens on a real Redis and a real cluster: the same answers as in memory, races, and what is left in it.

mod answers;
mod contents;
mod outages;
mod races;

use std::sync::Arc;
use std::time::Duration;

use sso_core::{ClientId, RedisRefreshStore, RefreshLimits, RefreshStore, Refresher, UserId, UserTag};

const SLOW_MACHINE: Duration = Duration::from_secs(30);

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// The first two digits of a tag.
fn digits(tag: UserTag) -> String {
    tag.to_string().chars().take(2).collect()
}

/// The hash tag of a user's keys.
fn bucket(user: &UserId) -> String {
    format!("{{gh:{}}}", digits(user.tag()))
}

fn app() -> ClientId {
    ClientId::new("shop-app").unwrap()
}

async fn connect(server: &testkit::Redis) -> RedisRefreshStore {
    RedisRefreshStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
}

fn over(store: impl RefreshStore + 'static) -> Refresher {
    Refresher::new(Arc::new(store), RefreshLimits::default())
}
