//! What cannot be handled: retried, buried, listed, put back, dropped.

use std::sync::atomic::Ordering;

use seckill::orders::DeadLetter;

use super::{Desk, Running, Streams, until};
use crate::stage::{raw, tell};

async fn letters(streams: &Streams) -> Vec<DeadLetter> {
    streams.orders().dead_letters(100).await.unwrap()
}

#[tokio::test]
async fn poison_is_buried_alone_and_comes_back_when_it_is_put_back() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(2);
    for buyer in 0..6 {
        streams.win(1, [buyer]).await;
    }
    let desk = Desk::poisoned(&["b2"]);
    let running = Running::start(streams.consumer("billing", "a").attempts_max(3).unwrap(), desk.clone());
    until("the dead letter", async || letters(&streams).await.len() == 1).await;
    until("the others", async || streams.pending(1, "billing").await == 0).await;
    assert_eq!(desk.buyers(), ["b0", "b1", "b3", "b4", "b5"]);
    let letter = letters(&streams).await.remove(0);
    assert_eq!((letter.shard, &*letter.group, &*letter.entry, letter.attempts), (1, "billing", "3-0", 3));
    assert_eq!(letter.reason, "no shelf for b2");
    assert_eq!(letter.events[0].order().unwrap().reservation.buyer().as_str(), "b2");

    // Put back too early it is buried again, whole.
    assert!(streams.orders().redrive(&letter).await.unwrap());
    assert!(!streams.orders().redrive(&letter).await.unwrap(), "it is there once");
    until("the dead letter again", async || letters(&streams).await.len() == 1).await;
    let again = letters(&streams).await.remove(0);
    assert_ne!(again.id, letter.id);
    let whole = |letter: &DeadLetter| {
        (letter.shard, letter.entry.clone(), letter.attempts, letter.reason.clone(), letter.events.clone())
    };
    assert_eq!(whole(&again), whole(&letter));

    desk.cure();
    assert!(streams.orders().redrive(&again).await.unwrap());
    until("the last", async || desk.buyers().len() == 6).await;
    until("its acknowledgement", async || streams.pending(1, "billing").await == 0).await;
    running.stop().await;
    assert_eq!((letters(&streams).await, desk.count()), (vec![], 6));
}

#[tokio::test]
async fn letter_that_is_put_back_is_for_its_group_only() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    streams.win(0, [1]).await;
    let (billing, mail) = (Desk::poisoned(&["b1"]), Desk::new());
    let running = [
        Running::start(streams.consumer("billing", "a").attempts_max(2).unwrap(), billing.clone()),
        Running::start(streams.consumer("mail", "a"), mail.clone()),
    ];
    until("the dead letter", async || letters(&streams).await.len() == 1).await;
    billing.cure();
    assert!(streams.orders().redrive(&letters(&streams).await[0]).await.unwrap());
    until("it to come back", async || billing.count() == 1).await;
    until("both groups to be done", async || {
        let words = ["XINFO", "GROUPS", &streams.key(0, "again")];
        let groups: Vec<std::collections::HashMap<String, redis::Value>> =
            tell(&streams.server, &words).await;
        let is_done = |group: &std::collections::HashMap<String, redis::Value>| {
            group["last-delivered-id"] != redis::Value::BulkString(b"0-0".to_vec())
                && group["pending"] == redis::Value::Int(0)
        };
        groups.len() == 2 && groups.iter().all(is_done)
    })
    .await;
    for consumer in running {
        consumer.stop().await;
    }
    assert_eq!(mail.count(), 1);
}

#[tokio::test]
async fn entries_that_no_sale_writes_are_buried_at_once() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    streams.win(0, [1]).await;
    streams.entry(0, "wins", ["w", "1000 2000 1"], "b2 short").await;
    streams.entry(0, "changes", ["c", "1500"], "Q b1 request-1 1 2000").await;
    let add = async |id: &str, words: &[&[u8]]| {
        let mut connection = raw(&streams.server).await;
        let mut cmd = redis::cmd("XADD");
        let _: String =
            cmd.arg(streams.key(0, "changes")).arg(id).arg(words).query_async(&mut connection).await.unwrap();
    };
    add("4-0", &[b"\xff", b"\xff"]).await;
    add("5-1", &[b"c", b"1", b"b", b"F P"]).await;
    add("6-0", &[b"c", b"\xff", b"b", b"F P"]).await;
    let desk = Desk::new();
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("five dead letters", async || letters(&streams).await.len() == 5).await;
    *streams.step.lock().unwrap() = 7;
    streams.pay(0, 1).await;
    until("the rest", async || desk.count() == 2 && streams.pending(0, "billing").await == 0).await;
    running.stop().await;
    let letters = letters(&streams).await;
    let mut ids: Vec<_> = letters.iter().map(|letter| letter.entry.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["2-0", "3-0", "4-0", "5-1", "6-0"]);
    assert!(letters.iter().all(|letter| letter.reason.contains("is not what a sale writes")));
    assert!(letters.iter().all(|letter| letter.events.is_empty() && letter.attempts == 1));
    for letter in &letters {
        assert!(streams.orders().discard(letter).await.unwrap());
    }
    assert_eq!(self::letters(&streams).await, []);
}

#[tokio::test]
async fn entry_that_kills_its_consumers_is_buried() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    streams.win(0, [1]).await;
    let hanging = Desk::with_gate();
    let consumer = |name: &str| streams.consumer("billing", name).attempts_max(2).unwrap();
    for (deaths, name) in ["a", "b"].into_iter().enumerate() {
        let running = Running::start(consumer(name), hanging.clone());
        until("the handler to begin", async || hanging.batches.load(Ordering::SeqCst) == deaths + 1).await;
        running.crash().await;
    }
    let healthy = Desk::new();
    let running = Running::start(consumer("c"), healthy.clone());
    until("the dead letter", async || letters(&streams).await.len() == 1).await;
    running.stop().await;
    assert_eq!(letters(&streams).await[0].reason, "delivered 2 times and never acknowledged");
    assert_eq!((healthy.count(), streams.pending(0, "billing").await), (0, 0));
}
