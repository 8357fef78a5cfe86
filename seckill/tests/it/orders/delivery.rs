//! Who is told what: groups, consumers of a group, shards, positions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use seckill::orders::{EventKind, OrderHandler};
use seckill::{Direction, Phase};

use super::{Desk, Running, Streams, until};
use crate::stage::tell;

#[tokio::test]
async fn every_group_is_told_everything_and_its_consumers_share() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(2);
    for entry in 0..20 {
        let shard = u16::try_from(entry % 2).unwrap();
        streams.win(shard, [2 * entry, 2 * entry + 1]).await;
        streams.pay(shard, 2 * entry).await;
    }
    // No consumer seems dead to another in this test, so nothing comes twice.
    let patient = |group, name| {
        let consumer =
            streams.consumer(group, name).claim_after(std::time::Duration::from_secs(600)).unwrap();
        consumer.entries_max(1).unwrap()
    };
    let (billing, one, other) = (Desk::new(), Desk::new(), Desk::new());
    let running = [
        Running::start(patient("billing", "a"), billing.clone()),
        Running::start(patient("mail", "a"), one.clone()),
        Running::start(patient("mail", "b"), other.clone()),
    ];
    until("all events", async || billing.count() == 60 && one.count() + other.count() == 60).await;
    until("all to be acknowledged", async || {
        let mut pending = 0;
        for shard in 0..2 {
            pending += streams.pending(shard, "billing").await + streams.pending(shard, "mail").await;
        }
        pending == 0
    })
    .await;
    for consumer in running {
        consumer.stop().await;
    }
    let mut shared = [one.buyers(), other.buyers()].concat();
    shared.sort();
    assert_eq!(shared, billing.buyers());
    assert_eq!(billing.paid.load(Ordering::SeqCst), 20);
    assert_eq!(one.paid.load(Ordering::SeqCst) + other.paid.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn events_tell_the_whole_entry() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(2);
    streams.entry(1, "wins", ["w", "1000 2000 *"], "an~20n request-1 2 b request-2 1+3*2").await;
    let body =
        "S 2 add 7 change-1\nF P\nM 0 out 0 5 1\nG b request-2 1+3*2 2000\nX an~20n request-1 2 2000 H";
    streams.entry(1, "changes", ["c", "1500"], body).await;
    let desk = Desk::new();
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("all events", async || desk.count() == 7).await;
    running.stop().await;

    let mut told = desk.told.lock().unwrap().clone();
    told.sort_by_key(|event| event.sequence);
    assert!(told.iter().all(|event| event.shard == 1 && event.sale == streams.sale));
    let times: Vec<_> = told.iter().map(|event| (event.sequence, event.at.millis())).collect();
    assert_eq!(times, [[(1, 1000); 2].as_slice(), &[(2, 1500); 5]].concat());
    let orders = told.iter().filter_map(|event| event.order());
    let orders: Vec<_> = orders
        .map(|order| (order.reservation.buyer().as_str(), order.lines.to_string(), order.pay_until.millis()))
        .collect();
    let (ann, ben) = (("an n", "2".to_owned(), 2000), ("b", "1+3*2".to_owned(), 2000));
    assert_eq!(orders, [ann.clone(), ben.clone(), ben, ann]);
    let kinds: Vec<_> = told.iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds[2], EventKind::Stock { sku: 2, direction: Direction::Add, units: 7, .. }));
    assert!(matches!(kinds[3], EventKind::Stage(Phase::Paused)));
    let is_move = |kind: &EventKind| {
        matches!(kind, EventKind::Moved { direction: Direction::Withdraw, other: 0, units: 5, number: 1, .. })
    };
    assert!(is_move(kinds[4]), "{:?}", kinds[4]);
}

#[tokio::test]
async fn group_that_is_set_back_is_told_again_and_nothing_happens_twice() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    streams.win(0, 0..5).await;
    for buyer in 0..5 {
        streams.pay(0, buyer).await;
    }
    let desk = Desk::new();
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("all events", async || desk.count() == 10).await;
    for part in ["wins", "changes"] {
        let _: String =
            tell(&streams.server, &["XGROUP", "SETID", &streams.key(0, part), "billing", "0"]).await;
    }
    streams.win(0, [9]).await;
    until("all events again", async || desk.count() == 21).await;
    running.stop().await;
    assert_eq!(desk.paid.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn ledger_is_a_handler_and_stops_at_contradictions() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let ledger = Arc::new(seckill::ledger::MemoryLedger::new());
    streams.win(0, [1, 2]).await;
    streams.pay(0, 1).await;
    // No sale writes this: the order is paid.
    streams.entry(0, "changes", ["c", "1600"], "E b1 request-1 1 2000").await;
    streams.pay(0, 2).await;
    let handler: Arc<dyn OrderHandler> = ledger.clone();
    let running = Running::start(streams.consumer("billing", "a").attempts_max(2).unwrap(), handler);
    until("the dead letter", async || streams.kept(0, "dead").await.len() == 1).await;
    until("the rest", async || streams.pending(0, "billing").await == 0).await;
    running.stop().await;
    let letter = streams.orders().dead_letters(9).await.unwrap().remove(0);
    assert!(letter.reason.contains("is paid in the ledger, and step 3"), "{}", letter.reason);
    let paid = crate::ledger::all(&*ledger, &streams.sale).await;
    assert!(paid.len() == 2 && paid.iter().all(|order| order.state == seckill::ReservationState::Paid));
}

#[tokio::test]
async fn shards_of_a_cluster_are_read_where_they_are() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let sale = crate::stage::fresh();
    let urls = cluster.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let orders = seckill::orders::Orders::cluster(&urls, sale.clone(), 6).unwrap();
    for shard in 0..6 {
        let key = |part: &str| format!("{{gh:sale:{sale}:{shard}}}:{part}");
        let owner = cluster.slot_owner(testkit::RedisCluster::key_slot(key("wins"))).unwrap();
        let node = cluster.server(owner).unwrap();
        node.cli(&["XADD", &key("wins"), "1-0", "w", "1 2 1", "b", &format!("b{shard} request-1")]).unwrap();
        node.cli(&["XADD", &key("changes"), "2-0", "c", "1", "b", &format!("P b{shard} request-1 1 2")])
            .unwrap();
        node.cli(&["HSET", &key("numbers"), "seq", "2"]).unwrap();
    }
    let desk = Desk::new();
    let name = seckill::orders::ConsumerName::new("a").unwrap();
    let consumer = super::hasty(orders.group(super::group_name("billing")).consumer(name));
    let running = Running::start(consumer, desk.clone());
    until("all events", async || desk.count() == 12).await;
    running.stop().await;
    assert_eq!(desk.paid.load(Ordering::SeqCst), 6);
    let trimmed = orders.trim(&seckill::orders::TrimOptions::default()).await.unwrap();
    assert_eq!(trimmed.len(), 6);
    assert!(
        trimmed.iter().all(|one| matches!(one, seckill::orders::Trimmed::Done { entries: 2, .. })),
        "{trimmed:?}"
    );
}
