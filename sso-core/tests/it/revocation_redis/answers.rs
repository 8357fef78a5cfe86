//! The same answers and the same bounds as in memory, from one server and from a cluster.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sso_core::{MemoryRevocations, OnStale, RedisRevocations, RevocationCheck};

use super::{NEVER, SLOW_MACHINE, connect, follow, revoker, token, until};
use crate::revocation::{
    a_clock_that_is_behind_spares_nothing, a_full_log_says_so, a_long_log_is_read_page_by_page, answers,
    block_on, steps, tokens_do_not_crowd_out_users,
};

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
