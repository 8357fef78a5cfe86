//! Consumers that die, hang, stall and stop, and a Redis that goes away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use seckill::orders::{ConsumerName, Orders};

use super::{Desk, Running, Streams, until};
use crate::stage::tell;

#[tokio::test]
async fn death_between_effect_and_acknowledgement_is_no_second_effect() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let desk = Desk::with_gate();
    streams.win(0, 0..3).await;
    streams.pay(0, 1).await;
    let first = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("the effect", async || desk.paid.load(Ordering::SeqCst) == 1).await;
    first.crash().await;
    assert!(streams.pending(0, "billing").await > 0);

    desk.gate.as_ref().unwrap().add_permits(1_000);
    let second = Running::start(streams.consumer("billing", "b"), desk.clone());
    until("the claim of the dead consumer's entries", async || streams.pending(0, "billing").await == 0)
        .await;
    second.stop().await;
    assert!(desk.count() >= 8, "all of it came again");
    assert_eq!(desk.paid.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn restart_under_the_same_name_goes_on_where_it_died() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let desk = Desk::with_gate();
    streams.win(0, 0..3).await;
    // Nobody else takes over in this test.
    let consumer = || streams.consumer("billing", "a").claim_after(Duration::from_secs(600)).unwrap();
    let first = Running::start(consumer(), desk.clone());
    until("the effect", async || desk.count() == 3).await;
    first.crash().await;
    desk.gate.as_ref().unwrap().add_permits(1_000);
    let second = Running::start(consumer(), desk.clone());
    until("its own pending entries", async || desk.count() == 6 && streams.pending(0, "billing").await == 0)
        .await;
    second.stop().await;
}

#[tokio::test]
async fn slow_handler_keeps_its_entries() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let (slow, idle) = (Desk::with_gate(), Desk::new());
    // Long beside the pauses of a slow machine, after which the other may rightly look first.
    let consumer = |name| streams.consumer("billing", name).claim_after(Duration::from_secs(6)).unwrap();
    streams.win(0, [1]).await;
    let first = Running::start(consumer("a"), slow.clone());
    until("the slow one to begin", async || slow.count() == 1).await;
    let second = Running::start(consumer("b"), idle.clone());
    // The claim is renewed again and again, for longer than it would last: its age falls.
    let (wins, falls) = (streams.key(0, "wins"), std::cell::Cell::new((0u64, 0)));
    until("four renewals", async || {
        let words = ["XPENDING", &wins, "billing", "-", "+", "1"];
        let rows: Vec<(String, String, u64, u64)> = tell(&streams.server, &words).await;
        let (_, owner, age, deliveries) = &rows[0];
        assert_eq!((owner.as_str(), *deliveries), ("a", 1));
        let (last, count) = falls.get();
        falls.set((*age, count + u32::from(*age < last)));
        falls.get().1 >= 4
    })
    .await;
    slow.gate.as_ref().unwrap().add_permits(1);
    until("the acknowledgement", async || streams.pending(0, "billing").await == 0).await;
    first.stop().await;
    second.stop().await;
    assert_eq!((slow.count(), idle.count()), (1, 0));
}

#[tokio::test]
async fn shutdown_lets_the_handler_finish() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let desk = Desk::with_gate();
    streams.win(0, [1]).await;
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("the handler to begin", async || desk.count() == 1).await;
    let stopping = tokio::spawn(running.stop());
    desk.gate.as_ref().unwrap().add_permits(1);
    stopping.await.unwrap();
    assert_eq!(streams.pending(0, "billing").await, 0);
}

#[tokio::test]
async fn consumer_outlives_the_server() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::options().aof(testkit::AppendFsync::Always).start().unwrap();
    let mut streams = Streams::on(server, 2);
    let desk = Desk::new();
    streams.win(0, [1]).await;
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("the first", async || desk.count() == 1).await;
    streams.server.kill().unwrap();
    streams.server.restart().unwrap();
    streams.win(1, [2]).await;
    until("the second", async || desk.buyers().contains(&"b2".to_owned())).await;
    // Everything is gone, the groups too.
    let _: String = tell(&streams.server, &["FLUSHALL"]).await;
    streams.win(0, [3]).await;
    until("the third", async || desk.buyers().contains(&"b3".to_owned())).await;
    running.stop().await;
}

#[tokio::test]
async fn outage_of_what_the_handler_needs_buries_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let desk = Desk::new();
    desk.outage.store(true, Ordering::SeqCst);
    streams.win(0, [1]).await;
    streams.pay(0, 1).await;
    let running = Running::start(streams.consumer("billing", "a").attempts_max(2).unwrap(), desk.clone());
    until("many attempts", async || desk.batches.load(Ordering::SeqCst) >= 12).await;
    desk.outage.store(false, Ordering::SeqCst);
    until("both entries", async || desk.count() == 2 && streams.pending(0, "billing").await == 0).await;
    running.stop().await;
    assert_eq!(streams.orders().dead_letters(9).await.unwrap(), []);
}

#[tokio::test]
async fn outage_keeps_an_entry_far_from_its_last_attempt() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let desk = Desk::new();
    desk.outage.store(true, Ordering::SeqCst);
    streams.win(0, [1]).await;
    let running = Running::start(streams.consumer("billing", "a").attempts_max(8).unwrap(), desk.clone());
    until("the first attempt", async || desk.batches.load(Ordering::SeqCst) > 0).await;
    let (wins, most) = (streams.key(0, "wins"), std::cell::Cell::new(0u32));
    until("many attempts", async || {
        let words = ["XPENDING", &wins, "billing", "-", "+", "1"];
        let rows: Vec<(String, String, u64, u32)> = tell(&streams.server, &words).await;
        most.set(rows.iter().map(|row| row.3).fold(most.get(), u32::max));
        desk.batches.load(Ordering::SeqCst) >= 20
    })
    .await;
    // Half of them are kept for those who are killed while they count.
    assert!((4..=5).contains(&most.get()), "{}", most.get());
    desk.outage.store(false, Ordering::SeqCst);
    until("the entry", async || desk.count() == 1 && streams.pending(0, "billing").await == 0).await;
    running.stop().await;
    assert_eq!(streams.orders().dead_letters(9).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn consumer_follows_the_master_that_sentinels_name() {
    if testkit::skipped("redis") {
        return;
    }
    let mut sentinels = testkit::RedisSentinel::start().unwrap();
    let sale = crate::stage::fresh();
    let urls = sentinels.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let orders = Orders::sentinels(&urls, sentinels.service(), sale.clone(), 1).unwrap();
    let consumer = orders.group(super::group_name("billing")).consumer(ConsumerName::new("a").unwrap());
    let win = |master: &testkit::Redis, step: &str, buyer: &str| {
        let (key, body) = (format!("{{gh:sale:{sale}}}:wins"), format!("{buyer} request-1"));
        master.cli(&["XADD", &key, step, "w", "1 2 1", "b", &body]).unwrap();
    };
    let desk = Desk::new();
    let running = Running::start(super::hasty(consumer), desk.clone());
    win(sentinels.master(), "1-0", "b1");
    until("the first", async || desk.buyers().contains(&"b1".to_owned())).await;
    let old = sentinels.master().addr();
    sentinels.master_mut().kill().unwrap();
    win(sentinels.wait_promoted(old).unwrap(), "9-0", "b9");
    until("the first of the new master", async || desk.buyers().contains(&"b9".to_owned())).await;
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_get_better_ends_the_run() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(2);
    let _: String = tell(&streams.server, &["SET", &streams.key(1, "wins"), "mine"]).await;
    let running = Running::start(streams.consumer("billing", "a"), Desk::new());
    let error = running.ended().await.unwrap_err();
    assert_eq!(error.kind(), seckill::ErrorKind::Corrupt, "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

/// A handler that breaks its promise not to panic.
struct Broken;

impl seckill::orders::OrderHandler for Broken {
    fn handle<'a>(
        &'a self,
        _batch: &'a [seckill::orders::OrderEvent],
    ) -> seckill::BoxFuture<'a, Result<(), seckill::orders::HandlerError>> {
        panic!("the handler broke")
    }
}

#[tokio::test]
async fn panic_of_the_handler_is_not_swallowed() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    streams.win(0, [1]).await;
    let consumer = streams.consumer("billing", "a");
    let run = async move { consumer.run(std::sync::Arc::new(Broken), std::future::pending()).await };
    let ended = tokio::time::timeout(Duration::from_secs(30), tokio::spawn(run)).await.unwrap();
    let panic = ended.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the handler broke"));
    assert_eq!(streams.pending(0, "billing").await, 1);
}
