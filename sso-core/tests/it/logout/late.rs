//! A site that redeems its grant when the session has been queued or has ended: it is refused.

use std::time::Duration;

use sso_core::{
    At, ClientId, GrantBinding, GrantKept, GrantKind, GrantSecret, MemorySiteStore, NewGrant, PresentedGrant,
    Redeemed, SingleLogout, SiteStore, UserId,
};

use crate::ticket_contract::session;

/// A site redeems its grant after the session was queued and taken, and before its record says that it has ended.
#[cfg(feature = "redis")]
#[tokio::test]
async fn a_site_that_comes_between_queue_and_end_is_refused() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = sso_core::RedisSiteStore::connect(&server.url()).await.unwrap();
    let store = store.deadline(Duration::from_secs(30));
    let queue = async || {
        server.cli(&["ZADD", "{gh:logout}:q", "1", session(1).as_str()]).unwrap();
    };
    comes_between(&store, queue).await;
    assert_eq!(server.cli(&["EXISTS", "{gh:logout}:q"]).unwrap(), "0");
}

/// In memory a session is queued and ended in one step.
#[tokio::test]
async fn a_site_that_comes_after_the_end_is_refused() {
    let store = MemorySiteStore::new();
    comes_between(&store, async || assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 0)).await;
}

async fn comes_between(store: &dyn SiteStore, queue: impl AsyncFnOnce()) {
    let (client, user) = (ClientId::new("shop").unwrap(), UserId::new("alice").unwrap());
    let key = GrantSecret::new(session(1), [1; 32]).key();
    let binding = GrantBinding::new(GrantKind::Ticket, "", None);
    let life = Duration::from_secs(30);
    let new = NewGrant::new(key.clone(), client.clone(), binding, user, String::new(), life).unwrap();
    assert_eq!(store.keep(&new, At::Server).await.unwrap(), GrantKept::Kept);
    queue().await;
    assert!(store.due(16, SingleLogout::LEASE, At::Server).await.unwrap().is_empty());
    let presented = PresentedGrant { client: &client, binding, gives: None };
    assert_eq!(store.redeem(&key, presented, At::Server).await.unwrap(), Redeemed::SessionEnded);
    assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 0);
    assert!(store.due(16, SingleLogout::LEASE, At::Server).await.unwrap().is_empty());
}
