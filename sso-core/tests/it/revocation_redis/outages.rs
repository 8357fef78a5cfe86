//! Views while Redis is cut off, frozen, killed and replaced: stale in time, and none of them forgets.

use std::time::{Duration, Instant};

use sso_core::{ErrorKind, OnStale, RedisRevocations, RevocationCheck};

use super::{NEVER, SLOW_MACHINE, connect, follow, revoker, token, until};
use crate::redis_store::raw;

/// The bound, to the letter: once a revocation has been acknowledged for longer than the bound, no check that begins
/// says that all is well, while the view sees nothing of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_is_cut_off_refuses_when_its_time_is_up() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let proxy = testkit::Proxy::start(server.addr()).unwrap();
    let bound = Duration::from_millis(500);
    let log = RedisRevocations::connect(&proxy.url()).await.unwrap().deadline(bound / 4);
    let view = follow(log.clone(), bound, OnStale::Refuse);
    let lenient = follow(log, bound, OnStale::Serve);
    let known = token(1);
    let revoker = revoker(connect(&server.url()).await);
    let _ = revoker.revoke_token(&known).await.unwrap();
    view.caught_up().await;
    lenient.caught_up().await;

    proxy.hold_replies();
    let missed = token(2);
    let _ = revoker.revoke_token(&missed).await.unwrap();
    let acknowledged = Instant::now();
    let mut is_over = false;
    while !is_over {
        is_over = acknowledged.elapsed() > bound;
        let check = view.check(&missed);
        if is_over {
            assert!(matches!(check, RevocationCheck::Stale { silent_for: Some(silent) } if silent > bound));
        }
        tokio::task::yield_now().await;
    }
    // What it knows it tells all the same; who serves on serves what is not known.
    assert_eq!(view.check(&known), RevocationCheck::TokenRevoked);
    assert_eq!(lenient.check(&known), RevocationCheck::TokenRevoked);
    assert_eq!(lenient.check(&missed), RevocationCheck::Clear);
    until("a failure to tell of", || view.failure().is_some()).await;
    assert_eq!(view.failure().unwrap().kind(), ErrorKind::Unavailable);

    proxy.heal().unwrap();
    for view in [&view, &lenient] {
        until("the missed revocation", || view.check(&missed) == RevocationCheck::TokenRevoked).await;
    }
    until("a view that is up to date", || view.check(&token(3)) == RevocationCheck::Clear).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_makes_a_view_stale_until_it_goes_on() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let bound = Duration::from_millis(800);
    let log = RedisRevocations::connect(&server.url()).await.unwrap().deadline(bound / 4);
    let view = follow(log.clone(), bound, OnStale::Refuse);
    view.caught_up().await;
    server.stop_signal().unwrap();
    until("a stale view", || matches!(view.check(&token(1)), RevocationCheck::Stale { .. })).await;
    server.cont_signal().unwrap();
    until("a view that is up to date", || view.check(&token(1)) == RevocationCheck::Clear).await;
}

/// Redis without a file is empty after a crash: the view keeps what it knows and learns what is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_killed_takes_nothing_from_the_view() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::start().unwrap();
    let bound = Duration::from_secs(2);
    let view = follow(RedisRevocations::connect(&server.url()).await.unwrap(), bound, OnStale::Refuse);
    let first = revoker(connect(&server.url()).await);
    for number in 0..3 {
        let _ = first.revoke_token(&token(number)).await.unwrap();
    }
    view.caught_up().await;
    server.kill().unwrap();
    until("a stale view", || matches!(view.check(&token(9)), RevocationCheck::Stale { .. })).await;
    server.restart().unwrap();
    let second = revoker(connect(&server.url()).await);
    // As many as before, so that the new log is as long as the old one was.
    for number in 3..6 {
        let _ = second.revoke_token(&token(number)).await.unwrap();
    }
    view.caught_up().await;
    for number in 0..6 {
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{number}");
    }
    // And it is told at once again, not only when it looks.
    let told = follow(connect(&server.url()).await, NEVER, OnStale::Refuse);
    told.caught_up().await;
    let _ = second.revoke_token(&token(7)).await.unwrap();
    until("the revocation", || told.check(&token(7)) == RevocationCheck::TokenRevoked).await;
}

/// A replica is promoted that has missed the last revocation, and the log goes on there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_over_takes_nothing_from_the_view() {
    if testkit::skipped("redis") {
        return;
    }
    let mut redis = testkit::RedisSentinel::start().unwrap();
    let old = redis.master().addr();
    let log = RedisRevocations::connect_sentinel(&redis.urls(), redis.service()).await.unwrap();
    let view = follow(log.clone(), Duration::from_secs(2), OnStale::Refuse);
    // Another server, which hears of revocations and never looks for them.
    let told = follow(log.clone().deadline(SLOW_MACHINE), NEVER, OnStale::Refuse);
    // Nobody knows whether a call that gave up has run, so only those that are made again may give up soon.
    let (patient, quick) = (revoker(log.clone().deadline(SLOW_MACHINE)), revoker(log));
    let _ = patient.revoke_token(&token(1)).await.unwrap();
    let replica = redis.replica();
    until("the first revocation on the replica", || {
        replica.cli(&["ZCARD", "{gh:revoked}:l"]).unwrap() == "1"
    })
    .await;
    redis.replica().stop_signal().unwrap();
    redis.master().cli(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    let _ = patient.revoke_token(&token(2)).await.unwrap();
    view.caught_up().await;
    told.caught_up().await;

    redis.master_mut().kill().unwrap();
    redis.replica().cont_signal().unwrap();
    let promoted = redis.wait_promoted(old).unwrap();
    assert_eq!(promoted.cli(&["ZCARD", "{gh:revoked}:l"]).unwrap(), "1");
    for number in 3..5 {
        while let Err(error) = quick.revoke_token(&token(number)).await {
            assert!(error.is_transient(), "{error}");
        }
    }
    tokio::time::timeout(SLOW_MACHINE, view.caught_up()).await.unwrap();
    for number in 1..5 {
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{number}");
    }
    until("a view that is up to date", || view.check(&token(9)) == RevocationCheck::Clear).await;
    for number in 1..5 {
        let is_told = || told.check(&token(number)) == RevocationCheck::TokenRevoked;
        until("a subscription to the new master", is_told).await;
    }
}

/// A subscription that was cut comes back, and what was said in between is not missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_was_cut_comes_back() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let proxy = testkit::Proxy::start(server.addr()).unwrap();
    // The log is read over a connection that holds, so that only the subscription is cut.
    let log = RedisRevocations::from(raw(&server).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone().wake_from(&proxy.url()).unwrap(), NEVER, OnStale::Refuse);
    view.caught_up().await;
    let subscribers = || server.cli(&["PUBSUB", "NUMSUB", "{gh:revoked}:c"]).unwrap();
    until("a subscriber", || subscribers().ends_with('1')).await;
    proxy.cut_all().unwrap();
    until("no subscriber", || subscribers().ends_with('0')).await;
    let revoker = revoker(log);
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    proxy.heal().unwrap();
    until("the missed revocation", || view.check(&token(1)) == RevocationCheck::TokenRevoked).await;
    let _ = revoker.revoke_token(&token(2)).await.unwrap();
    until("the next revocation", || view.check(&token(2)) == RevocationCheck::TokenRevoked).await;
    // Both tasks end with the view.
    drop(view);
    until("no subscriber", || subscribers().ends_with('0')).await;
}
