//! Revocations on a real Redis: the same answers as in memory, and views that miss nothing while it is cut off, killed,
//! emptied and replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::AsyncCommands as _;
use sso_core::{
    Claims, ErrorKind, MemoryRevocations, OnStale, RedisRevocations, RevocationCheck, RevocationView as _,
    Revocations, RevocationsConfig, RevokeOutcome, Revoker, TokenId, UnixMillis,
};

use crate::revocation::{
    a_clock_that_is_behind_spares_nothing, a_full_log_says_so, a_long_log_is_read_page_by_page, answers,
    block_on, claims, id, steps, tokens_do_not_crowd_out_users, user,
};

const SLOW_MACHINE: Duration = Duration::from_secs(60);
/// A view that never looks by itself while a test runs.
const NEVER: Duration = RevocationsConfig::STALE_AFTER_MAX;

async fn raw(url: String) -> redis::aio::MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

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

#[test]
fn redis_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let log = runtime.block_on(connect(&server.url()));
    compare(&runtime, 128, |prefix| log.clone().key_prefix(prefix).unwrap());
}

#[test]
fn a_cluster_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let log = runtime.block_on(RedisRevocations::connect_cluster(&cluster.urls())).unwrap();
    let log = log.deadline(SLOW_MACHINE);
    compare(&runtime, 32, |prefix| log.clone().key_prefix(prefix).unwrap());
    runtime.block_on(async {
        let view = follow(log.clone(), NEVER, OnStale::Refuse);
        view.caught_up().await;
        let _ = revoker(log).revoke_token(&token(1)).await.unwrap();
        until("the revocation", || view.check(&token(1)) == RevocationCheck::TokenRevoked).await;
    });
}

fn compare(runtime: &tokio::runtime::Runtime, cases: u32, log: impl Fn(&str) -> RedisRevocations) {
    let prefix = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(cases))
        .run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let redis = runtime.block_on(answers(&log(&format!("case{}", prefix.get())), &steps));
            let memory = runtime.block_on(answers(&MemoryRevocations::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn redis_has_the_same_bounds() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    block_on(async {
        let log = connect(&server.url()).await;
        a_clock_that_is_behind_spares_nothing(&log.clone().key_prefix("behind").unwrap()).await;
        tokens_do_not_crowd_out_users(&log.clone().key_prefix("crowd").unwrap().entries_max(10)).await;
        a_full_log_says_so(&log.clone().key_prefix("full").unwrap().entries_max(2)).await;
        a_long_log_is_read_page_by_page(&log.key_prefix("long").unwrap()).await;
    });
}

#[tokio::test]
async fn redis_holds_no_user_and_every_key_ends() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let revoker = revoker(connect(&server.url()).await);
    revoker.revoke_user(&user(0)).await.unwrap();
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let mut redis = raw(server.url()).await;
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in keys {
        let left: i64 = redis.pttl(&key).await.unwrap();
        assert!((3_600_000..=3_904_000).contains(&left), "{key} {left}");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        assert!(!key.contains("alice") && !String::from_utf8_lossy(&dump).contains("alice"));
    }
}

#[tokio::test]
async fn a_revocation_reaches_every_server_at_once() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let mut views = Vec::new();
    for _ in 0..3 {
        views.push(follow(connect(&server.url()).await, NEVER, OnStale::Refuse));
    }
    let (one, two) = (token(1), claims(&user(1), id(2), UnixMillis::now()));
    for view in &views {
        view.caught_up().await;
        assert_eq!(view.check(&one), RevocationCheck::Clear);
    }
    let revoker = revoker(connect(&server.url()).await);
    let _ = revoker.revoke_token(&one).await.unwrap();
    let epoch = revoker.revoke_user(&user(1)).await.unwrap();
    for view in &views {
        until("the token's revocation", || view.check(&one) == RevocationCheck::TokenRevoked).await;
        until("the user's revocation", || view.check(&two) == RevocationCheck::UserRevoked(epoch)).await;
        assert!(view.is_revoked(&one) && !view.is_revoked(&token(3)));
    }
}

#[tokio::test]
async fn without_a_subscription_the_log_is_read_again_and_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(server.url()).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), Duration::from_millis(200), OnStale::Serve);
    view.caught_up().await;
    let _ = revoker(log).revoke_token(&token(1)).await.unwrap();
    until("the revocation", || view.check(&token(1)) == RevocationCheck::TokenRevoked).await;
}

#[tokio::test]
async fn a_view_that_has_caught_up_knows_what_was_revoked_before() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(server.url()).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let revoker = revoker(log.clone());
    for number in 0..20 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
        view.caught_up().await;
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked);
    }
    // So does one that starts cold.
    let cold = follow(log, NEVER, OnStale::Refuse);
    assert_eq!(cold.check(&token(30)), RevocationCheck::Stale { silent_for: None });
    cold.caught_up().await;
    assert_eq!((cold.entries(), cold.check(&token(30))), (20, RevocationCheck::Clear));
}

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

/// A log that has lost its end and gone on has numbers again that the view has read. It reads all of it then.
#[tokio::test]
async fn a_log_that_lost_its_end_is_read_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(server.url()).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let revoker = revoker(log);
    let mut redis = raw(server.url()).await;
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    let mut dumps: Vec<Vec<u8>> = Vec::new();
    for key in &keys {
        dumps.push(redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap());
    }
    let _ = revoker.revoke_token(&token(2)).await.unwrap();
    view.caught_up().await;
    for (key, dump) in keys.iter().zip(&dumps) {
        let mut restore = redis::cmd("RESTORE");
        restore.arg(key).arg(3_600_000).arg(dump).arg("REPLACE");
        restore.exec_async(&mut redis).await.unwrap();
    }
    for number in 3..5 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
    }
    view.caught_up().await;
    for number in 1..5 {
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{number}");
    }
}

/// A Redis that evicts keys drops one of the log's. The log begins anew, and views keep what they know.
#[tokio::test]
async fn a_log_that_lost_a_part_begins_anew() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let base = RedisRevocations::from(raw(server.url()).await).deadline(SLOW_MACHINE);
    let mut redis = raw(server.url()).await;
    for part in ["l", "a", "x", "m"] {
        let log = base.clone().key_prefix(&format!("without-{part}")).unwrap();
        let view = follow(log.clone(), Duration::from_millis(200), OnStale::Refuse);
        let revoker = revoker(log.clone());
        for number in 1..3 {
            let _ = revoker.revoke_token(&token(number)).await.unwrap();
        }
        view.caught_up().await;
        let gone: u64 = redis.del(format!("{{without-{part}:revoked}}:{part}")).await.unwrap();
        assert_eq!(gone, 1);
        for number in 2..4 {
            let outcome = revoker.revoke_token(&token(number)).await.unwrap();
            assert!(matches!(outcome, RevokeOutcome::Revoked(_)), "{part} {outcome:?}");
        }
        tokio::time::timeout(SLOW_MACHINE, view.caught_up()).await.unwrap();
        for number in 1..4 {
            assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{part} {number}");
        }
        let cold = follow(log, NEVER, OnStale::Refuse);
        tokio::time::timeout(SLOW_MACHINE, cold.caught_up()).await.unwrap();
        assert_eq!((cold.entries(), cold.check(&token(3))), (2, RevocationCheck::TokenRevoked), "{part}");
    }
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
    let revoker = revoker(log);
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let replica = redis.replica();
    until("the first revocation on the replica", || {
        replica.cli(&["ZCARD", "{gh:revoked}:l"]).unwrap() == "1"
    })
    .await;
    redis.replica().stop_signal().unwrap();
    redis.master().cli(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    let _ = revoker.revoke_token(&token(2)).await.unwrap();
    view.caught_up().await;
    told.caught_up().await;

    redis.master_mut().kill().unwrap();
    redis.replica().cont_signal().unwrap();
    let promoted = redis.wait_promoted(old).unwrap();
    assert_eq!(promoted.cli(&["ZCARD", "{gh:revoked}:l"]).unwrap(), "1");
    for number in 3..5 {
        while let Err(error) = revoker.revoke_token(&token(number)).await {
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
    let log = RedisRevocations::from(raw(server.url()).await).deadline(SLOW_MACHINE);
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

/// A view with less room than the log has is stale, and says why.
#[tokio::test]
async fn a_view_that_is_full_refuses() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let config = RevocationsConfig::new(Duration::from_millis(200), OnStale::Refuse).unwrap().entries_max(2);
    let view = Revocations::follow(Arc::new(log.clone()), config);
    let revoker = revoker(log);
    for number in 0..3 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
    }
    until("a failure to tell of", || view.failure().is_some()).await;
    until("a stale view", || matches!(view.check(&token(9)), RevocationCheck::Stale { .. })).await;
    assert_eq!(view.entries(), 2);
}

/// Whoever fills the memory of Redis must not stop revocations.
#[tokio::test]
async fn a_redis_without_memory_takes_revocations() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    assert!(
        server.cli(&["SET", "something", "else"]).unwrap_or_else(|error| error.to_string()).contains("OOM")
    );
    let revoker = revoker(log);
    assert!(matches!(revoker.revoke_token(&token(1)).await.unwrap(), RevokeOutcome::Revoked(_)));
    let epoch = revoker.revoke_user(&user(1)).await.unwrap();
    view.caught_up().await;
    assert_eq!(view.check(&token(1)), RevocationCheck::TokenRevoked);
    let of_user = claims(&user(1), id(2), UnixMillis::now());
    assert_eq!(view.check(&of_user), RevocationCheck::UserRevoked(epoch));
}

#[tokio::test]
async fn what_others_wrote_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let mut redis = raw(server.url()).await;
    let log = connect(&server.url()).await;
    let revoker = revoker(log.clone());
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let subject: Vec<String> = redis.hkeys("{gh:revoked}:a").await.unwrap();
    let _: () = redis.hset("{gh:revoked}:a", &subject[0], "something else").await.unwrap();
    let corrupt = revoker.revoke_token(&token(1)).await.unwrap_err();
    assert_eq!((corrupt.kind(), corrupt.is_transient()), (ErrorKind::Corrupt, false), "{corrupt}");
    let view = follow(log, Duration::from_millis(200), OnStale::Refuse);
    until("a failure to tell of", || view.failure().is_some()).await;
    assert_eq!(view.failure().unwrap().kind(), ErrorKind::Corrupt);
    assert!(view.is_revoked(&token(2)));
}

/// Tokens of other issuers have names of other shapes.
#[tokio::test]
async fn a_view_finds_tokens_by_any_name() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let drawn = claims(&user(2), TokenId::random().unwrap(), UnixMillis::now());
    let _ = revoker(log).revoke_token(&drawn).await.unwrap();
    view.caught_up().await;
    assert_eq!(view.check(&drawn), RevocationCheck::TokenRevoked);
}
