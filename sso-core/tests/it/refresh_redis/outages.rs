//! A crash and a lost reply: the client asks again with the same token.

use sso_core::{ErrorKind, Grant, RedisRefreshStore, RefreshOutcome};

use super::{SLOW_MACHINE, app, connect, over, user};
use crate::failures::quiet;

/// A client whose request met a dead server asks again with the same token.
#[tokio::test]
async fn a_refresh_survives_a_crash_of_redis() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::options().aof(testkit::AppendFsync::Always).start().unwrap();
    let refresher = over(connect(&server).await);
    let (first, _) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    server.kill().unwrap();
    let lost = refresher.refresh(&first, &app(), None).await.unwrap_err();
    assert_eq!((lost.kind(), lost.is_transient()), (ErrorKind::Unavailable, true), "{lost}");
    server.restart().unwrap();
    let again = async {
        loop {
            match refresher.refresh(&first, &app(), None).await {
                Ok(outcome) => return outcome,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(SLOW_MACHINE, again).await.unwrap();
    assert!(matches!(outcome, RefreshOutcome::Refreshed { .. }), "{outcome:?}");
}

/// The reply to an exchange is lost on the way: the client repeats it and gets the child that was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_is_given_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let proxy = testkit::Proxy::start(server.addr()).unwrap();
    let store = RedisRefreshStore::connect(&proxy.url()).await.unwrap();
    let refresher = over(store.deadline(SLOW_MACHINE));
    let (first, family) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    // Known to the server, so that the next reply is that of the exchange.
    let (other, _) = refresher.issue(&user("bob"), Grant::new(app())).await.unwrap().issued().unwrap();
    let _ = refresher.refresh(&other, &app(), None).await.unwrap();
    quiet(async || drop(refresher.families(&user("bob")).await.unwrap())).await;
    proxy.cut_replies(1);
    let lost = refresher.refresh(&first, &app(), None).await.unwrap_err();
    assert!(lost.is_transient(), "{lost}");
    assert_eq!(proxy.cuts(), 1);
    let again = async {
        loop {
            match refresher.refresh(&first, &app(), None).await {
                Ok(outcome) => return outcome,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(SLOW_MACHINE, again).await.unwrap();
    let RefreshOutcome::Refreshed { family: after, is_replay, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((after.id, after.rotations, is_replay), (family.id, 1, true));
}
