//! The master is lost and a replica promoted, one that lagged or one that did not.

use std::sync::Arc;
use std::time::Duration;

use seckill::{Durability, ErrorKind, FlashSale, Outcome, RedisStore, SaleConfig, SaleStore};
use testkit::{Redis, RedisSentinel};

use super::crowd::{Crowd, buy_out};
use super::history::{History, ask};
use super::records::{Records, key};
use super::{SHORT, SOON, attach, eventually, terms};
use crate::stage::{connect_sentinel as connect, raw, won};

const STOCK: u64 = 400;

/// How many buyers a server knows.
fn buyers(server: &Redis, terms: &SaleConfig) -> u64 {
    server.cli(&["HLEN", &key(terms, 0, "buyers")]).unwrap().parse().unwrap()
}

/// Makes the replica miss everything from now on, until it is promoted.
fn cut_off(servers: &RedisSentinel) {
    servers.replica().stop_signal().unwrap();
    servers.master().cli(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
}

fn promote(servers: &mut RedisSentinel) {
    let old = servers.master().addr();
    servers.master_mut().kill().unwrap();
    servers.replica().cont_signal().unwrap();
    servers.wait_promoted(old).unwrap();
}

/// Lets `count` buyers win one unit each.
async fn sell(history: &History, sale: &FlashSale, first: u64, count: u64) {
    for number in first..first + count {
        let request = ask(&format!("b{number}"), &format!("request-{number}"));
        won(history.reserve(sale, &request).await.unwrap());
    }
}

/// Half of the wins never reached the replica. Whoever was told of them stops the sale; the ledger brings it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_that_lagged_is_found_out_frozen_and_recovered() {
    if testkit::skipped("redis") {
        return;
    }
    let mut servers = RedisSentinel::start().unwrap();
    let terms = terms(STOCK);
    let store = connect(&servers).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store.clone(), &terms);
    let history = Arc::new(History::new(&terms));
    sell(&history, &sale, 0, 100).await;
    testkit::until(SOON, "a replica that has it all", || buyers(servers.replica(), &terms) == 100).unwrap();
    cut_off(&servers);
    sell(&history, &sale, 100, 100).await;
    promote(&mut servers);

    let replica = servers.replica();
    assert_eq!(history.check(&Records::of(replica, &terms)), 100);
    // A process that has seen none of it cannot know, and sells on.
    let fresh = attach(connect(&servers).await, &terms);
    sell(&history, &fresh, 300, 20).await;
    // The one that has seen it stops the sale, for all.
    for sale in [&sale, &fresh] {
        let stopped = sale.reserve(&ask("late", "request-late")).await.unwrap_err();
        assert_eq!((stopped.kind(), stopped.is_transient()), (ErrorKind::Frozen, false), "{stopped}");
    }
    let stopped = sale.sweep().await.unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Frozen, "{stopped}");
    // What was won stays to be read.
    assert_eq!(history.check(&Records::of(replica, &terms)), 100);

    for added in [100, 0] {
        let recovered = store.recover(terms.id(), &history.ledger(), &[]).await.unwrap();
        assert_eq!((recovered.added, recovered.changed, recovered.short), (added, 0, vec![]));
    }
    history.replay(&sale).await;
    history.replay(&fresh).await;
    buy_out(&history, &sale, "end").await;
    let records = Records::of(replica, &terms);
    let found = history.check_all(&records, &sale.audit().await.unwrap());
    assert_eq!(found, 0);
    assert_eq!(records.units("HP"), STOCK);
}

/// The lost units were sold again before anybody who knew could say so: recovering names whom to refund.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sold_again_after_a_rollback_is_named_and_not_oversold() {
    if testkit::skipped("redis") {
        return;
    }
    let mut servers = RedisSentinel::start().unwrap();
    let terms = terms(12);
    let store = connect(&servers).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store.clone(), &terms);
    let history = Arc::new(History::new(&terms));
    sell(&history, &sale, 0, 2).await;
    testkit::until(SOON, "a replica that has it all", || buyers(servers.replica(), &terms) == 2).unwrap();
    cut_off(&servers);
    sell(&history, &sale, 2, 10).await;
    promote(&mut servers);

    // Three of the ten units are sold to others.
    let fresh = attach(connect(&servers).await, &terms);
    sell(&history, &fresh, 20, 3).await;
    assert_eq!(sale.reserve(&ask("late", "request-late")).await.unwrap_err().kind(), ErrorKind::Frozen);
    let recovered = store.recover(terms.id(), &history.ledger(), &[]).await.unwrap();
    assert_eq!((recovered.added, recovered.changed, recovered.short.len()), (7, 0, 3));
    let records = Records::of(servers.replica(), &terms);
    for id in &recovered.short {
        assert!(!records.all.contains_key(&super::records::name(id)), "{id} is named and has its unit");
    }
    assert_eq!(history.check(&records), 3);
    super::history::agrees(&sale.audit().await.unwrap(), &records);
    assert_eq!(records.units("H"), 12);
}

/// A shard as it was at some time.
pub(super) struct Saved(Vec<(String, Option<Vec<u8>>)>);

impl Saved {
    pub(super) async fn of(server: &Redis, terms: &SaleConfig, shard: u16) -> Self {
        let mut saved = Vec::new();
        for part in ["numbers", "buyers", "wins", "changes"] {
            let key = key(terms, shard, part);
            let mut cmd = redis::cmd("DUMP");
            cmd.arg(&key);
            saved.push((key, query(server, &cmd).await));
        }
        Self(saved)
    }

    pub(super) async fn put_back(self, server: &Redis) {
        for (key, dump) in self.0 {
            server.cli(&["DEL", &key]).unwrap();
            if let Some(dump) = dump {
                let mut cmd = redis::cmd("RESTORE");
                cmd.arg(&key).arg(0).arg(dump);
                assert_eq!(query::<String>(server, &cmd).await, "OK");
            }
        }
    }
}

async fn query<T: redis::FromRedisValue>(server: &Redis, cmd: &redis::Cmd) -> T {
    cmd.query_async(&mut raw(server).await).await.unwrap()
}

/// A buyer has bought up to the limit, again after that was forgotten, and has all of it when it is found again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_bought_again_after_a_rollback_is_named() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(12);
    let store = super::connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store.clone(), &terms);
    let history = History::new(&terms);
    sell(&history, &sale, 0, 1).await;
    let saved = Saved::of(&server, &terms, 0).await;
    won(history.reserve(&sale, &ask("twice", "request-1")).await.unwrap());
    won(history.reserve(&sale, &ask("twice", "request-2")).await.unwrap());
    saved.put_back(&server).await;
    let kept = history.ledger();
    let fresh = attach(super::connect(&server.url()).await, &terms);
    won(fresh.reserve(&ask("twice", "request-3")).await.unwrap());

    for added in [2, 0] {
        let recovered = store.recover(terms.id(), &kept, &[]).await.unwrap();
        assert_eq!((recovered.added, recovered.short), (added, vec![]));
        let mut over: Vec<&str> = recovered.over_limit.iter().map(|id| id.request().as_str()).collect();
        over.sort_unstable();
        assert_eq!(over, ["request-1", "request-2"]);
    }
    let audit = sale.audit().await.unwrap();
    assert_eq!((audit.held(), audit.left(), audit.over_limit()), (4, 8, 1));
}

/// With every win on the replica before anybody hears of it, none is lost with the master.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replicated_win_survives_its_master() {
    if testkit::skipped("redis") {
        return;
    }
    let mut servers = RedisSentinel::start().unwrap();
    let terms = terms(STOCK * 100);
    let replicated = |store: RedisStore| store.durability(Durability::replicated(1)).deadline(SHORT);
    let stores = [replicated(connect(&servers).await), replicated(connect(&servers).await)];
    connect(&servers).await.open_sale(&terms).await.unwrap();
    let sales = stores.map(|store| attach(store, &terms));
    let history = Arc::new(History::new(&terms));
    let crowd = Crowd::start(&history, &sales, 64, "k");
    crowd.wins(500).await;
    // The replica lags, so that the master has much that nobody was told of.
    cut_off(&servers);
    crowd.more_calls(30).await;
    promote(&mut servers);
    crowd.stop().await;

    let replica = servers.replica();
    assert_eq!(history.check(&Records::of(replica, &terms)), 0);
    // The promoted server has no replica yet, so the open questions go to a process that needs none.
    let relaxed = attach(connect(&servers).await, &terms);
    history.resolve(&relaxed).await;
    history.replay(&relaxed).await;
    let records = Records::of(replica, &terms);
    assert_eq!(history.check_all(&records, &relaxed.audit().await.unwrap()), 0);
}

/// No answer comes before the replica has it: not the first, and not that to the same request again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_wait_for_the_replica_also_when_they_are_repeated() {
    if testkit::skipped("redis") {
        return;
    }
    let master = Redis::start().unwrap();
    let replica = Redis::replica_of(&master).unwrap();
    let terms = terms(10);
    let one = |millis| Durability::Replicated { replicas: 1, timeout: Duration::from_millis(millis) };
    let store = super::connect(&master.url()).await.durability(one(20_000));
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    won(sale.reserve(&ask("b0", "request-0")).await.unwrap());
    // Other processes, which know the sale too: one with less patience, and one that only the replica fails.
    let hasty = attach(super::connect(&master.url()).await.durability(one(100)).deadline(SHORT), &terms);
    let firm = attach(super::connect(&master.url()).await.durability(one(100)), &terms);
    for sale in [&hasty, &firm] {
        let state = eventually("an answer in time", async || sale.state().await.ok()).await;
        assert_eq!(state.held(), 1);
    }

    replica.stop_signal().unwrap();
    let asking = tokio::spawn({
        let sale = sale.clone();
        async move { sale.reserve(&ask("b1", "request-1")).await }
    });
    eventually("a win on the master", async || (buyers(&master, &terms) == 2).then_some(())).await;
    // It asks for wins old and new, and for a payment.
    for (buyer, request) in [("b0", "request-0"), ("b1", "request-1")] {
        let error = hasty.reserve(&ask(buyer, request).again()).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    }
    let id = seckill::ReservationId::new(
        terms.id(),
        &ask("b0", "request-0").buyer,
        &ask("b0", "request-0").request,
    );
    for _ in 0..2 {
        let error = firm.confirm(&id).await.unwrap_err();
        assert!(error.to_string().contains("0 of 1 replicas"), "{error}");
    }
    assert!(!asking.is_finished());
    // A process that does not wait is told at once.
    let relaxed = attach(super::connect(&master.url()).await, &terms);
    assert!(won(relaxed.reserve(&ask("b1", "request-1")).await.unwrap()).replayed);

    replica.cont_signal().unwrap();
    let first = won(asking.await.unwrap().unwrap());
    let again = won(sale.reserve(&ask("b1", "request-1").again()).await.unwrap());
    assert_eq!((again.replayed, again.pay_until), (true, first.pay_until));
    assert_eq!(sale.confirm(&id).await.unwrap(), seckill::Confirm::AlreadyPaid);
    assert!(matches!(sale.reserve(&ask("b2", "request-2")).await, Ok(Outcome::Reserved(_))));
    testkit::until(SOON, "the replica to have it too", || buyers(&replica, &terms) == 3).unwrap();
    assert!(sale.audit().await.unwrap().conserved());
}

/// A master is told to follow somebody else while answers wait for replicas, and then to be a master again. Whoever
/// waits is asked for again, and told in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_steps_down_while_answers_wait_fails_nobody() {
    if testkit::skipped("redis") {
        return;
    }
    let master = Redis::start().unwrap();
    let replica = Redis::replica_of(&master).unwrap();
    let terms = terms(10);
    let one = Durability::Replicated { replicas: 1, timeout: Duration::from_secs(20) };
    let store = super::connect(&master.url()).await.durability(one);
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    won(sale.reserve(&ask("b0", "request-0")).await.unwrap());
    replica.stop_signal().unwrap();
    let asking = tokio::spawn({
        let sale = sale.clone();
        async move { sale.reserve(&ask("b1", "request-1")).await }
    });
    eventually("a win on the master", async || (buyers(&master, &terms) == 2).then_some(())).await;
    // Nobody listens there, so it keeps what it has.
    master.cli(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    let refused = || master.info("errorstats").is_ok_and(|errors| errors.contains_key("errorstat_READONLY"));
    testkit::until(SOON, "a call that is sent again", refused).unwrap();
    master.cli(&["REPLICAOF", "NO", "ONE"]).unwrap();
    replica.cont_signal().unwrap();
    assert!(won(asking.await.unwrap().unwrap()).replayed);
    assert_eq!(sale.state().await.unwrap().held(), 2);
}
