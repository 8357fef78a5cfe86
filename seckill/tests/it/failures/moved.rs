//! A cluster that changes under load: slots move key by key, masters hand over or are killed.

use std::sync::Arc;

use seckill::{Durability, SaleConfig, SaleStore};
use testkit::RedisCluster;

use super::crowd::{Crowd, buy_out};
use super::history::History;
use super::records::{Records, key};
use super::{SHORT, SOON, attach, eventually, terms};
use crate::stage::connect_cluster;

const SHARDS: u16 = 4;
const STOCK: u64 = 8_000;
/// So much that a crowd does not buy it all while servers take over from each other.
const LARGE_STOCK: u64 = 24_000;

fn slot_of(terms: &SaleConfig, shard: u16) -> u16 {
    RedisCluster::key_slot(key(terms, shard, "numbers"))
}

/// Every shard moves to another master while a crowd buys. Each caller gets an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_key_by_key_under_load() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let terms = terms(STOCK).shards(SHARDS).unwrap();
    let store = connect_cluster(&cluster.urls()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let history = Arc::new(History::new(&terms));
    let crowd = Crowd::start(&history, std::slice::from_ref(&sale), 48, "m");
    crowd.wins(300).await;
    for shard in 0..SHARDS {
        let slot = slot_of(&terms, shard);
        let from = cluster.slot_owner(slot).unwrap();
        let moving = cluster.begin_move(slot, from, (from + 1) % 3).unwrap();
        crowd.more_calls(100).await;
        // The sale of this shard is divided between two servers until the last key has moved.
        while !moving.migrate_some(1).unwrap() {}
        crowd.more_calls(100).await;
        moving.finish().unwrap();
        crowd.more_calls(100).await;
    }
    crowd.stop().await;
    assert_eq!(history.open(), []);
    history.replay(&sale).await;
    buy_out(&history, &sale, "end").await;
    let records = Records::of_cluster(&cluster, &terms);
    assert_eq!(history.check_all(&records, &sale.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), STOCK);
}

/// One master hands over to its replica, another is killed. No win that anybody was told of is lost, since each is
/// on a replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masters_are_replaced_by_their_replicas_under_load() {
    if testkit::skipped("redis") {
        return;
    }
    let mut cluster = RedisCluster::start_with_replicas().unwrap();
    let terms = terms(LARGE_STOCK).shards(SHARDS).unwrap();
    let store = connect_cluster(&cluster.urls()).await;
    store.open_sale(&terms).await.unwrap();
    let store = store.durability(Durability::replicated(1)).deadline(SHORT);
    let sale = attach(store, &terms);
    let history = Arc::new(History::new(&terms));
    let crowd = Crowd::start(&history, std::slice::from_ref(&sale), 48, "f");
    crowd.wins(200).await;

    let slot = slot_of(&terms, 0);
    let first = cluster.slot_owner(slot).unwrap();
    let handed_over = || cluster.slot_owner(slot).is_ok_and(|owner| owner == first + 3);
    // The servers give a hand-over up that takes five seconds, so it may have to be asked for again.
    let hand_over = || {
        let asked = cluster.replicas()[first].cli(&["CLUSTER", "FAILOVER"]);
        let done = testkit::until(SOON / 6, "the replica to take over", handed_over);
        assert!(asked.is_ok() || done.is_ok(), "{asked:?}");
        done.is_ok()
    };
    assert!((0..6).any(|_| hand_over()), "waited in vain for the replica to take over");
    crowd.wins(history.wins() + 200).await;

    let victim = (0..3).find(|node| *node != first).unwrap();
    cluster.nodes_mut()[victim].kill().unwrap();
    let lost_slot = [2_000, 8_000, 14_000][victim];
    let promoted = || cluster.slot_owner(lost_slot).is_ok_and(|owner| owner == victim + 3);
    testkit::until(SOON, "the promotion of a replica", promoted).unwrap();
    crowd.stop().await;

    // The promoted server has no replica, so the open questions go to a process that needs none.
    let relaxed = attach(connect_cluster(&cluster.urls()).await, &terms);
    eventually("a cluster that answers", async || relaxed.state().await.ok()).await;
    assert_eq!(history.check(&Records::of_cluster(&cluster, &terms)), 0);
    history.resolve(&relaxed).await;
    history.replay(&relaxed).await;
    buy_out(&history, &relaxed, "end").await;
    let records = Records::of_cluster(&cluster, &terms);
    assert_eq!(history.check_all(&records, &relaxed.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), LARGE_STOCK);
}
