//! Key rings in a real Redis: the same answers, sealed, and across failures.

use std::sync::Arc;
use std::time::Duration;

use proptest::test_runner::{Config, TestRunner};
use sso_core::{ErrorKind, KeyRing, KeyRingStore, RedisKeyRingStore, Replaced, Rotation, SealKey};

use crate::token::at;
use crate::token_ring::{DAY, commands, kept, kids, open, policy, same_answers, servers_agree};

const SLOW_MACHINE: Duration = Duration::from_secs(30);
/// The deadline of a store whose server is about to fail.
const FAILING: Duration = Duration::from_secs(5);

async fn store(server: &testkit::Redis) -> RedisKeyRingStore {
    RedisKeyRingStore::connect(&server.url(), SealKey::new([7; 32])).await.unwrap().deadline(SLOW_MACHINE)
}

#[test]
fn redis_answers_as_the_memory() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = runtime.block_on(store(&server));
    TestRunner::new(Config::with_cases(64))
        .run(&commands(), |commands| {
            server.cli(&["FLUSHALL"]).unwrap();
            runtime.block_on(same_answers(&store, &commands))
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_over_one_redis_agree() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let mut stores: Vec<Arc<dyn KeyRingStore>> = Vec::new();
    for _ in 0..8 {
        stores.push(Arc::new(store(&server).await));
    }
    servers_agree(stores).await;
}

#[tokio::test]
async fn redis_sees_no_key_and_no_change_of_it_passes() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let ring = open(Arc::new(store(&server).await), at(0)).await;
    let all = server.cli(&["HGETALL", "{gh:keys}"]).unwrap();
    assert!(!all.contains("PRIVATE") && !all.contains(&kids(&ring)[0]) && !all.contains("EdDSA"), "{all}");
    assert_eq!(server.cli(&["DBSIZE"]).unwrap(), "1");
    assert_eq!(server.cli(&["TTL", "{gh:keys}"]).unwrap(), "-1");

    // Another key does not open it, and neither does it open as another version or in another place.
    let other = RedisKeyRingStore::connect(&server.url(), SealKey::new([8; 32])).await.unwrap();
    assert_eq!(other.current().await.unwrap_err().kind(), ErrorKind::Misuse);
    server.cli(&["HSET", "{gh:keys}", "version", "9"]).unwrap();
    assert_eq!(ring.refresh(at(0)).await.unwrap_err().kind(), ErrorKind::Misuse);
    server.cli(&["HSET", "{gh:keys}", "version", "1"]).unwrap();
    assert!(ring.refresh(at(0)).await.is_ok());
    server.cli(&["COPY", "{gh:keys}", "{shop:keys}"]).unwrap();
    let moved = store(&server).await.key_prefix("shop").unwrap();
    assert_eq!(moved.current().await.unwrap_err().kind(), ErrorKind::Misuse);
    for (field, value) in [("sealed", "AAAA"), ("sealed", "*"), ("version", "x"), ("version", "0")] {
        server.cli(&["HSET", "{gh:keys}", field, value]).unwrap();
        let broken = ring.refresh(at(0)).await.unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Corrupt, "{field} {value}");
    }
    server.cli(&["SET", "{gh:keys}", "x"]).unwrap();
    assert_eq!(ring.refresh(at(0)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(store(&server).await.key_prefix("{a}").is_err());
}

#[tokio::test]
async fn a_ring_outlives_a_redis_that_forgets_everything() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::start().unwrap();
    let ring = open(Arc::new(store(&server).await.deadline(FAILING)), at(0)).await;
    assert_eq!(ring.rotate(at(600)).await.unwrap(), Rotation::Done);
    let known = kids(&ring);

    server.kill().unwrap();
    let gone = ring.refresh(at(30 * DAY)).await.unwrap_err();
    assert_eq!((gone.kind(), gone.is_transient()), (ErrorKind::Unavailable, true));
    assert_eq!(kids(&ring), known, "the keys stay while nobody answers");

    server.restart().unwrap();
    testkit_until(|| async { ring.refresh(at(600)).await.is_ok() }).await;
    let store = store(&server).await;
    assert_eq!(store.current().await.unwrap().unwrap().version(), 2);
    assert_eq!(kids(&KeyRing::open(Arc::new(store), policy(), at(600)).await.unwrap()), known);
}

#[tokio::test]
async fn a_redis_that_lost_the_last_change_gets_it_back() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = store(&server).await;
    let ring = open(Arc::new(store.clone()), at(0)).await;
    let before = store.current().await.unwrap().unwrap();
    assert_eq!(ring.rotate(at(600)).await.unwrap(), Rotation::Done);
    let known = kids(&ring);
    // As a replica that was behind would have it.
    server.cli(&["FLUSHALL"]).unwrap();
    assert_eq!(store.replace(0, &before).await.unwrap(), Replaced::Done);
    ring.refresh(at(600)).await.unwrap();
    assert_eq!(kids(&ring), known);
    assert_eq!(store.current().await.unwrap().unwrap().version(), 2);
    assert_eq!(store.replace(1, &kept(2, "late")).await.unwrap(), Replaced::Outrun);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_over_one_cluster_agree() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let mut stores: Vec<Arc<dyn KeyRingStore>> = Vec::new();
    for _ in 0..4 {
        let store = RedisKeyRingStore::connect_cluster(&cluster.urls(), SealKey::new([7; 32])).await.unwrap();
        stores.push(Arc::new(store.deadline(SLOW_MACHINE)));
    }
    servers_agree(stores).await;
}

#[tokio::test]
async fn a_ring_follows_the_sentinels_to_the_next_master() {
    if testkit::skipped("redis") {
        return;
    }
    let mut sentinel = testkit::RedisSentinel::start().unwrap();
    let seal = SealKey::new([7; 32]);
    let store =
        RedisKeyRingStore::connect_sentinel(&sentinel.urls(), sentinel.service(), seal).await.unwrap();
    let ring = open(Arc::new(store.deadline(FAILING)), at(0)).await;
    let old_master = sentinel.master_addr().unwrap();
    // Nobody can be promoted before the ring has missed its server.
    sentinel.replica().stop_signal().unwrap();
    sentinel.master_mut().kill().unwrap();
    assert!(ring.refresh(at(0)).await.unwrap_err().is_transient());
    sentinel.replica().cont_signal().unwrap();
    sentinel.wait_promoted(old_master).unwrap();
    // Whatever the replica has of the ring, the servers that know it put it back.
    testkit_until(|| async { ring.rotate(at(600)).await.is_ok() }).await;
    assert_eq!(kids(&ring).len(), 3);
}

/// Tries until it works, within half a minute.
async fn testkit_until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let deadline = std::time::Instant::now() + SLOW_MACHINE;
    while !condition().await {
        assert!(std::time::Instant::now() < deadline, "it did not work in time");
        tokio::task::yield_now().await;
    }
}
