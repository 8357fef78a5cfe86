//! Sessions that wait to be ended in Redis: a crash and what strangers wrote hold up nobody.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{At, NoticeFate, SingleLogout, SiteStore as _, ToldOutcome};

use super::{ISSUER, Sites, clients, keys, now, take_part};
use crate::ticket_contract::session;

#[tokio::test]
async fn another_server_finishes_what_a_crashed_one_began() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let slow = Duration::from_secs(30);
    let connect = async || sso_core::RedisSiteStore::connect(&server.url()).await.unwrap().deadline(slow);
    let (sites, keys) = (Arc::new(Sites::default()), keys());
    sites.answer("shop.example", &[200]);
    {
        let crashed = connect().await;
        take_part(&crashed, &session(1), &["shop"]).await;
        // It queued the session, and died before it could end it.
        let key = format!("{{gh:{}}}:s", session(1).as_str());
        server.cli(&["ZADD", "{gh:logout}:q", "1", session(1).as_str()]).unwrap();
        assert_eq!(server.cli(&["HEXISTS", &key, "e"]).unwrap(), "0");
    }
    let logout =
        SingleLogout::new(ISSUER, &keys, clients(), Arc::new(connect().await), sites.clone()).unwrap();
    let told = logout.deliver(now()).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].outcome, ToldOutcome::Done);
    assert_eq!(server.cli(&["EXISTS", "{gh:logout}:q"]).unwrap(), "0");
    assert!(logout.deliver(now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_holds_up_no_other_session() {
    use sso_core::ErrorKind::Corrupt;

    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = sso_core::RedisSiteStore::connect(&server.url()).await.unwrap();
    let store = store.deadline(Duration::from_secs(30));
    take_part(&store, &session(1), &["shop"]).await;
    assert_eq!(store.end(&session(1), At::Server).await.unwrap(), 1);
    // One name that is none, and one record that is none; both come first.
    let foreign = format!("{{gh:{}}}:s", session(2).as_str());
    server.cli(&["SET", &foreign, "x"]).unwrap();
    server.cli(&["ZADD", "{gh:logout}:q", "1", "not a session", "2", session(2).as_str()]).unwrap();
    let due = store.due(16, SingleLogout::LEASE, At::Server).await.unwrap();
    assert_eq!((due.len(), due[0].client.as_str()), (1, "shop"));
    store.settle(&due[0], NoticeFate::Closed, At::Server).await.unwrap();
    // They are reported when nothing else is due, each once.
    for (leases, left) in [(2, "1"), (4, "0")] {
        let later = At::Millis(now().saturating_add(SingleLogout::LEASE * leases));
        assert_eq!(store.due(16, SingleLogout::LEASE, later).await.unwrap_err().kind(), Corrupt);
        assert_eq!(server.cli(&["ZCARD", "{gh:logout}:q"]).unwrap(), left);
    }
}
