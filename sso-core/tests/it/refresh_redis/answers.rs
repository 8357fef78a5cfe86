//! The same answers and the same bounds as in memory, from one server and from a cluster.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::AsyncCommands as _;
use sso_core::{MemoryRefreshStore, RedisRefreshStore};

use super::{SLOW_MACHINE, connect};
use crate::redis_store::raw;
use crate::refresh::{answers, block_on, grace_ends_on_time, steps, the_oldest_family_makes_room};

#[test]
fn redis_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(connect(&server));
    let prefix = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(128))
        .run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryRefreshStore::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
    // Whatever was done, every key ends by itself.
    runtime.block_on(async {
        let mut redis = raw(&server).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        assert!(keys.len() > 10);
        for key in keys {
            let left: i64 = redis.pttl(&key).await.unwrap();
            // A key that has ended since answers -2, one that would stay for ever -1.
            assert!(left == -2 || left >= 0, "{key} {left}");
        }
    });
}

#[test]
fn a_cluster_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(RedisRefreshStore::connect_cluster(&cluster.urls())).unwrap();
    let store = store.deadline(SLOW_MACHINE);
    let prefix = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(64))
        .run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryRefreshStore::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
    // Users are spread over the nodes.
    for node in cluster.nodes() {
        assert_ne!(node.cli(&["DBSIZE"]).unwrap(), "0");
    }
}

#[test]
fn redis_has_the_same_bounds() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    block_on(async {
        the_oldest_family_makes_room(&connect(&server).await).await;
        grace_ends_on_time(&connect(&server).await.key_prefix("grace").unwrap()).await;
    });
}
