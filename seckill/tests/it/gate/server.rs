//! What only a real Redis shows: the contract over the wire, the cluster, expiry, foreign values, loss.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use seckill::gate::{
    Admit, Joined, Limit, Pace, PathStore, RateKey, RateLimiter, Rated, RedisStore, RoomState, RoomStore,
    RoomTerms, Spend,
};
use seckill::{At, ErrorKind, UnixMillis};
use testkit::{Redis, RedisCluster};
use tokio::task::JoinSet;

use super::contract::{keeps, runtime};
use super::stage::{at, buyer, fresh, ms, path, terms};
use crate::stage::SLOW_MACHINE;

/// A store on a server that is there. Connecting has a short deadline of its own, so it may take several attempts.
async fn patient(server: &Redis) -> RedisStore {
    let started = Instant::now();
    loop {
        match RedisStore::connect(&server.url()).await {
            Err(error) if error.is_transient() && started.elapsed() < SLOW_MACHINE => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            connected => return connected.unwrap().deadline(SLOW_MACHINE),
        }
    }
}

async fn over_cluster(cluster: &RedisCluster) -> RedisStore {
    let builder = ::redis::cluster::ClusterClientBuilder::new(cluster.urls()).retries(0);
    let client = builder.connection_timeout(SLOW_MACHINE).response_timeout(SLOW_MACHINE).build().unwrap();
    RedisStore::from_cluster(client.get_async_connection().await.unwrap()).deadline(SLOW_MACHINE)
}

#[test]
fn redis_store_keeps_the_contract() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (Redis::start().unwrap(), runtime());
    let store = runtime.block_on(patient(&server));
    keeps(&store, &runtime, 128);
}

#[test]
fn redis_store_over_a_cluster_keeps_the_contract() {
    if testkit::skipped("redis") {
        return;
    }
    let (cluster, runtime) = (RedisCluster::start().unwrap(), runtime());
    let store = runtime.block_on(over_cluster(&cluster));
    keeps(&store, &runtime, 24);
    // Sales spread over the masters; the keys of one sale do not.
    let keys = cluster.nodes().iter().map(|node| node.cli(&["DBSIZE"]).unwrap());
    assert!(keys.into_iter().all(|size| size != "0"));
}

#[tokio::test]
async fn of_many_who_show_one_path_one_passes() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let (store, pass) = (Arc::new(patient(&server).await), path(&fresh(), 1, 1, 1_000, 60_000));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (store, pass) = (Arc::clone(&store), pass.clone());
        callers.spawn(async move { store.spend(&pass, at(2_000)).await.unwrap() });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Spend::Fresh).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Spend::Spent).count(), 49);
}

/// With the clock of the server, a whole visit; and every key that it leaves behind expires.
#[tokio::test]
async fn by_the_clock_of_the_server_every_key_expires() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let (store, sale) = (patient(&server).await, fresh());
    let now = UnixMillis::try_from(SystemTime::now()).unwrap();
    let limit = Limit::new(5, 1, Duration::from_secs(3_600)).unwrap();
    let key = RateKey::buyer(&sale, &buyer(1));
    for remaining in (0..5).rev() {
        let rated = store.take(&[(&key, &limit)], 1, At::Server).await.unwrap();
        assert_eq!(rated, Rated::Passed { remaining });
    }
    let rated = store.take(&[(&key, &limit)], 1, At::Server).await.unwrap();
    let Rated::Limited { retry_after, which: 0 } = rated else { panic!("{rated:?}") };
    assert!(retry_after <= Duration::from_secs(3_600));

    let pass = path(&sale, 1, 1, now.millis(), 3_600_000);
    assert_eq!(store.spend(&pass, At::Server).await.unwrap(), Spend::Fresh);
    assert_eq!(store.spend(&pass, At::Server).await.unwrap(), Spend::Spent);
    let old = path(&sale, 1, 1, 1_000, 1_000);
    assert_eq!(store.spend(&old, At::Server).await.unwrap(), Spend::Expired);

    let opens = UnixMillis::new(now.millis() - 60_000).unwrap();
    let pace = Pace::new(1, ms(1)).unwrap();
    let room = RoomTerms::new(sale, opens, opens.plus(Duration::from_secs(7_200)), pace).unwrap();
    let joined = store.join(&room, &buyer(1), At::Server).await.unwrap();
    assert!(matches!(joined, Joined::Waiting(place) if place.number == 1), "{joined:?}");
    assert!(matches!(store.admit(&room, &buyer(1), At::Server).await.unwrap(), Admit::Admitted { .. }));
    assert_eq!(store.left_hint(&room, 0, At::Server).await.unwrap(), RoomState::Closed);

    let keys = server.cli(&["KEYS", "*"]).unwrap();
    assert_eq!(keys.lines().count(), 4, "{keys}");
    for key in keys.lines() {
        let left: i64 = server.cli(&["PTTL", key]).unwrap().parse().unwrap();
        assert!(left > 0, "{key} {left}");
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_taught_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let (store, terms) = (patient(&server).await, terms(1, 1_000));
    for _ in 0..2 {
        let joined = store.join(&terms, &buyer(1), at(0)).await.unwrap();
        assert!(matches!(joined, Joined::Waiting(place) if place.number == 1));
        server.cli(&["SCRIPT", "FLUSH"]).unwrap();
    }
}

#[tokio::test]
async fn foreign_values_are_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let (store, room) = (patient(&server).await, terms(1, 1_000));
    let (sale, limit) = (room.sale().clone(), Limit::new(1, 1, ms(1)).unwrap());
    let (key, pass) = (RateKey::new(&sale, "device", "d").unwrap(), path(&sale, 1, 1, 0, 1_000));
    let named = |part: &str| format!("{{gh:gate:{}}}:{part}", sale.as_str());
    let place = buyer(1);

    for (write, value) in [("SET", vec!["1:1:1"]), ("LPUSH", vec!["1"]), ("SET", vec!["what"])] {
        let rate_key = named("rate:device:d");
        server.cli(&["DEL", &rate_key]).unwrap();
        server.cli(&[&[write, rate_key.as_str()][..], &value].concat()).unwrap();
        let error = store.take(&[(&key, &limit)], 1, at(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{write} {value:?}: {error}");
    }
    store.join(&room, &place, at(0)).await.unwrap();
    for (part, field) in [("room", "turn"), ("places", place.as_str())] {
        let before = server.cli(&["HGET", &named(part), field]).unwrap();
        server.cli(&["HSET", &named(part), field, "-1"]).unwrap();
        let error = store.join(&room, &place, at(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{part}: {error}");
        let error = store.admit(&room, &place, at(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{part}: {error}");
        server.cli(&["HSET", &named(part), field, &before]).unwrap();
    }
    server.cli(&["DEL", &named("places")]).unwrap();
    server.cli(&["SET", &named("places"), "x"]).unwrap();
    let error = store.join(&room, &place, at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(store.spend(&pass, at(0)).await.unwrap(), Spend::Fresh);
}

#[tokio::test]
async fn a_silent_server_and_no_server_are_unavailable() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::start().unwrap();
    let store = patient(&server).await;
    let pass = path(&fresh(), 1, 1, 0, 1_000);
    server.stop_signal().unwrap();
    let hasty = store.clone().deadline(Duration::from_millis(50));
    let late = hasty.spend(&pass, at(0)).await.unwrap_err();
    assert!(late.is_transient(), "{late}");
    server.cont_signal().unwrap();
    server.kill().unwrap();
    let gone = store.spend(&pass, at(0)).await.unwrap_err();
    assert!(gone.is_transient(), "{gone}");
    let nobody = RedisStore::connect(&server.url()).await.unwrap_err();
    assert!(nobody.is_transient(), "{nobody}");
    let wrong = RedisStore::connect("http://127.0.0.1/").await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Misuse);
}
