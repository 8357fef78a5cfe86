//! Replies are cut on the way: what was asked is done, and nobody hears of it. Asking again finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use seckill::{FlashSale, RedisStore, SaleStore};
use testkit::{Proxy, Redis, RedisCluster};
use tokio::task::JoinSet;

use super::crowd::buy_out;
use super::history::{History, ask};
use super::records::Records;
use super::{attach, connect, eventually, terms};
use crate::stage::{connect_cluster, patient, won};

const CALLS: u64 = 1_500;
const CALLERS: u64 = 16;

/// Random numbers that are the same in each run.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number below `below` (SplitMix64).
    pub(super) fn below(&self, below: u64) -> u64 {
        let seed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// Buys through proxies that cut a reply before three calls of ten. Every caller gets an answer.
async fn buy_with_cuts(history: &Arc<History>, sale: &FlashSale, proxies: &Arc<Vec<Proxy>>) {
    let dice = Arc::new(Dice::new(7));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (history, sale, proxies) = (Arc::clone(history), sale.clone(), Arc::clone(proxies));
        let dice = Arc::clone(&dice);
        callers.spawn(async move {
            for number in 0..CALLS / CALLERS {
                if dice.below(10) < 3 {
                    proxies[usize::try_from(dice.below(3)).unwrap() % proxies.len()].cut_replies(1);
                }
                let request =
                    ask(&format!("b{caller}-{}", number / 3), &format!("request-{caller}-{number}"));
                history.reserve(&sale, &request).await.unwrap();
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert!(proxies.iter().map(Proxy::cuts).sum::<usize>() > 50, "too few cuts to show anything");
    proxies.iter().for_each(|proxy| proxy.heal().unwrap());
}

/// How often the server ran a script.
fn runs(server: &Redis) -> u64 {
    let stats = server.info("commandstats").unwrap();
    let calls = |text: &String| text.strip_prefix("calls=")?.split(',').next()?.parse::<u64>().ok();
    stats.get("cmdstat_evalsha").and_then(calls).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_done_several_times_counts_once() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let terms = terms(30);
    let sale = attach(connect(&proxy.url()).await, &terms);
    connect(&server.url()).await.open_sale(&terms).await.unwrap();
    won(sale.reserve(&ask("b0", "request-0")).await.unwrap());

    for number in 1..=20 {
        let before = runs(&server);
        proxy.hold_replies();
        let asking = tokio::spawn({
            let (sale, request) = (sale.clone(), ask(&format!("b{number}"), "request-0"));
            async move { sale.reserve(&request).await }
        });
        eventually("a script that has run", async || (runs(&server) > before).then_some(())).await;
        // Its reply is lost, so the store asks again, over a new connection.
        proxy.cut_all().unwrap();
        proxy.heal().unwrap();
        let mine = won(asking.await.unwrap().unwrap());
        assert!(mine.replayed && runs(&server) >= before + 2);
        let audit = sale.audit().await.unwrap();
        assert_eq!((audit.held(), audit.left(), audit.conserved()), (number + 1, 29 - number, true));
    }
}

/// Everybody buys through one proxy that cuts, and the whole stock is sold.
async fn sell_with_cuts(store: RedisStore, server: &Redis, proxies: Vec<Proxy>) {
    let terms = terms(800);
    connect(&server.url()).await.open_sale(&terms).await.unwrap();
    let (sale, proxies) = (attach(patient(store), &terms), Arc::new(proxies));
    // An audit is asked for once, and so beside the proxies and over a connection that waits.
    let auditor = attach(connect(&server.url()).await, &terms);
    let history = Arc::new(History::new(&terms));
    buy_with_cuts(&history, &sale, &proxies).await;
    history.replay(&sale).await;
    buy_out(&history, &sale, "end").await;
    let records = Records::of(server, &terms);
    assert_eq!(history.check_all(&records, &auditor.audit().await.unwrap()), 0);
    assert_eq!((history.open(), records.units("H")), (vec![], 800));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_caller_gets_an_answer_while_replies_are_cut() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let store = connect(&proxy.url()).await;
    sell_with_cuts(store, &server, vec![proxy]).await;
}

/// The same over a connection of the application's, which opens itself again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_caller_of_a_manager_gets_an_answer_while_replies_are_cut() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let client = ::redis::Client::open(proxy.url()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    sell_with_cuts(RedisStore::from_manager(manager), &server, vec![proxy]).await;
}

/// A proxy before each master, which the nodes announce instead of themselves.
pub(super) fn proxied(cluster: &RedisCluster) -> Vec<Proxy> {
    let proxies: Vec<Proxy> = cluster.nodes().iter().map(|node| Proxy::start(node.addr()).unwrap()).collect();
    let ports: Vec<String> = proxies.iter().map(|proxy| proxy.addr().port().to_string()).collect();
    for (node, port) in cluster.nodes().iter().zip(&ports) {
        node.cli(&["CONFIG", "SET", "cluster-announce-port", port]).unwrap();
    }
    testkit::until(super::SOON, "nodes that know the proxies", || {
        cluster.nodes().iter().all(|node| {
            let view = node.cli(&["CLUSTER", "SLOTS"]).unwrap();
            ports.iter().all(|port| view.lines().any(|line| line == port))
        })
    })
    .unwrap();
    proxies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_caller_of_a_cluster_gets_an_answer_while_replies_are_cut() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let proxies = Arc::new(proxied(&cluster));
    let urls: Vec<String> = proxies.iter().map(Proxy::url).collect();
    let terms = terms(800).shards(4).unwrap();
    let store = connect_cluster(&urls).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let history = Arc::new(History::new(&terms));
    buy_with_cuts(&history, &sale, &proxies).await;
    history.replay(&sale).await;
    buy_out(&history, &sale, "end").await;
    let records = Records::of_cluster(&cluster, &terms);
    assert_eq!(history.check_all(&records, &sale.audit().await.unwrap()), 0);
    assert_eq!((history.open(), records.units("H")), (vec![], 800));
}
