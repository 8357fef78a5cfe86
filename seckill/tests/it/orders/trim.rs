//! Trimming never drops what somebody needs: a group, a sweep, a group that is still to come.

use seckill::ErrorKind;
use seckill::orders::{TrimOptions, Trimmed};

use super::{Desk, Running, Streams, group_name, until};
use crate::stage::tell;

async fn trim(streams: &Streams, options: &TrimOptions) -> Trimmed {
    streams.orders().trim(options).await.unwrap().remove(0)
}

fn done(entries: u64) -> Trimmed {
    Trimmed::Done { shard: 0, entries }
}

fn waits(group: Option<&str>) -> Trimmed {
    Trimmed::Waits { shard: 0, group: group.map(str::to_owned) }
}

async fn field(streams: &Streams, name: &str) -> Option<String> {
    tell(&streams.server, &["HGET", &streams.key(0, "numbers"), name]).await
}

/// Reads one entry for a group and does not acknowledge it.
async fn read_one(streams: &Streams, group: &str, part: &str) {
    let key = streams.key(0, part);
    let words = ["XREADGROUP", "GROUP", group, "by-hand", "COUNT", "1", "STREAMS", &key, ">"];
    let read: redis::Value = tell(&streams.server, &words).await;
    assert_ne!(read, redis::Value::Nil);
}

async fn acknowledge(streams: &Streams, group: &str, part: &str, id: &str) {
    let acknowledged: u64 = tell(&streams.server, &["XACK", &streams.key(0, part), group, id]).await;
    assert_eq!(acknowledged, 1);
}

#[tokio::test]
async fn nothing_is_dropped_that_a_group_may_ask_for() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    for buyer in 0..4 {
        streams.win(0, [buyer]).await;
    }
    let named = TrimOptions::groups([group_name("mail"), group_name("billing")]);
    assert_eq!(trim(&streams, &TrimOptions::default()).await, waits(None));
    streams.orders().group(group_name("billing")).create().await.unwrap();
    assert_eq!(trim(&streams, &named).await, waits(Some("mail")));
    streams.orders().group(group_name("mail")).create().await.unwrap();

    // Nobody has read anything.
    assert_eq!(trim(&streams, &named).await, done(0));
    // One has read all and acknowledged the second; the other nothing yet.
    for _ in 0..4 {
        read_one(&streams, "billing", "wins").await;
    }
    acknowledge(&streams, "billing", "wins", "2-0").await;
    assert_eq!(trim(&streams, &named).await, done(0));
    read_one(&streams, "mail", "wins").await;
    acknowledge(&streams, "mail", "wins", "1-0").await;
    // The first is pending at one of them still.
    assert_eq!(trim(&streams, &named).await, done(0));
    acknowledge(&streams, "billing", "wins", "1-0").await;
    assert_eq!(
        (trim(&streams, &named).await, field(&streams, "trim").await),
        (done(1), Some("2".to_owned()))
    );
    assert_eq!(streams.kept(0, "wins").await, ["2-0", "3-0", "4-0"]);
    // What is read and not acknowledged stays, whoever else is done with it.
    for _ in 0..3 {
        read_one(&streams, "mail", "wins").await;
    }
    for id in ["2-0", "3-0", "4-0"] {
        acknowledge(&streams, "mail", "wins", id).await;
    }
    assert_eq!(trim(&streams, &TrimOptions::default()).await, done(1));
    assert_eq!(streams.kept(0, "wins").await, ["3-0", "4-0"]);
    acknowledge(&streams, "billing", "wins", "3-0").await;
    acknowledge(&streams, "billing", "wins", "4-0").await;
    assert_eq!(
        (trim(&streams, &named).await, field(&streams, "trim").await),
        (done(2), Some("5".to_owned()))
    );
    // A consumer that comes now is told of what comes now.
    streams.win(0, [9]).await;
    let desk = Desk::new();
    let running = Running::start(streams.consumer("billing", "a"), desk.clone());
    until("the new entry", async || desk.count() == 1 && streams.pending(0, "billing").await == 0).await;
    running.stop().await;
    assert_eq!(desk.buyers(), ["b9"]);
}

#[tokio::test]
async fn nothing_is_dropped_that_the_sweep_has_not_passed() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    for buyer in 0..4 {
        streams.win(0, [buyer]).await;
    }
    streams.pay(0, 1).await;
    let front = async |cur: &str| {
        let _: u64 = tell(&streams.server, &["HSET", &streams.key(0, "numbers"), "cur", cur]).await;
    };
    let nobody_reads = TrimOptions::without_groups();
    front("1 0 2000").await;
    // The entry of the other stream is nobody's.
    assert_eq!((trim(&streams, &nobody_reads).await, field(&streams, "trim").await), (done(1), None));
    front("3 1 2000").await;
    assert_eq!(
        (trim(&streams, &nobody_reads).await, field(&streams, "trim").await),
        (done(2), Some("3".to_owned()))
    );
    assert_eq!(streams.kept(0, "wins").await, ["3-0", "4-0"]);
    // Without a front all were passed.
    let _: u64 = tell(&streams.server, &["HDEL", &streams.key(0, "numbers"), "cur"]).await;
    assert_eq!(
        (trim(&streams, &nobody_reads).await, field(&streams, "trim").await),
        (done(2), Some("5".to_owned()))
    );
}

#[tokio::test]
async fn sale_that_is_lost_or_frozen_is_left_alone() {
    if testkit::skipped("redis") {
        return;
    }
    let streams = Streams::start(1);
    let nobody_reads = TrimOptions::without_groups();
    let error = streams.orders().trim(&nobody_reads).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotLoaded, "{error}");
    streams.win(0, [1]).await;
    let _: u64 = tell(&streams.server, &["HSET", &streams.key(0, "numbers"), "frozen", "9"]).await;
    let error = streams.orders().trim(&nobody_reads).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Frozen, "{error}");
    assert_eq!(streams.kept(0, "wins").await, ["1-0"]);
}
