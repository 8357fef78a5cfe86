//! A server that does not answer in time, or a way to it that swallows everything: the outcome is unknown, the same
//! request tells it, and the same store goes on by itself.

use std::sync::Arc;

use seckill::{Error, ErrorKind, FlashSale, Outcome, Refusal, SaleConfig, SaleStore};
use testkit::{Proxy, Redis, RedisCluster};
use tokio::task::JoinSet;

use super::crowd::{Crowd, buy_out};
use super::history::{History, ask};
use super::records::Records;
use super::{SHORT, attach, connect, insist, terms};
use crate::stage::{connect_cluster, won};

const STOCK: u64 = 3_000;

/// A sale as two stores see it: one whose server is about to fail, and one for what must not fail.
async fn two_ways(failing: &str, sound: &str, terms: &SaleConfig) -> [FlashSale; 2] {
    let patient = connect(sound).await;
    patient.open_sale(terms).await.unwrap();
    [attach(connect(failing).await.deadline(SHORT), terms), attach(patient, terms)]
}

/// Asks for several buyers at once while nothing answers.
async fn ask_in_vain(history: &Arc<History>, sale: &FlashSale, tag: &str) {
    let mut callers = JoinSet::new();
    for number in 0..20 {
        let (history, sale) = (Arc::clone(history), sale.clone());
        let buyer = format!("vain-{tag}-{number}");
        callers.spawn(async move { one_in_vain(&history, &sale, &buyer).await });
    }
    while let Some(error) = callers.join_next().await {
        let error = error.unwrap();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    }
    assert_eq!(history.open().len(), 20);
}

/// Asks until a request was sent. One that waited for its turn until the deadline is told so, and is never sent.
async fn one_in_vain(history: &History, sale: &FlashSale, buyer: &str) -> Error {
    let mut attempt = 0;
    loop {
        let request = ask(buyer, &format!("request-in-vain-{attempt}"));
        match history.reserve(sale, &request).await {
            Err(error) => return error,
            Ok(Outcome::Refused(Refusal::Busy { .. })) => attempt += 1,
            Ok(answer) => panic!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_leaves_open_what_the_same_store_resolves() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(STOCK);
    let [sale, patient] = two_ways(&server.url(), &server.url(), &terms).await;
    let history = Arc::new(History::new(&terms));
    for tag in ["one", "two"] {
        won(insist(async || history.reserve(&sale, &ask("b0", "request-0")).await).await.unwrap());
        server.stop_signal().unwrap();
        ask_in_vain(&history, &sale, tag).await;
        server.cont_signal().unwrap();
        history.resolve(&sale).await;
        history.replay(&patient).await;
    }
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &patient.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), 41);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_swallows_everything_is_left_for_a_new_one() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.addr()).unwrap();
    let terms = terms(STOCK);
    let [sale, patient] = two_ways(&proxy.url(), &server.url(), &terms).await;
    let history = Arc::new(History::new(&terms));
    won(insist(async || history.reserve(&sale, &ask("b0", "request-0")).await).await.unwrap());
    proxy.drop_requests();
    ask_in_vain(&history, &sale, "one").await;
    assert_eq!(history.check(&Records::of(&server, &terms)), 0);
    proxy.pass_requests();
    history.resolve(&sale).await;
    history.replay(&patient).await;
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &patient.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), 21);
}

/// The first address is that of a machine that is gone without a word; the others know where everything is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_swallows_everything_does_not_hide_the_others() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let gone = Proxy::start(cluster.nodes()[0].addr()).unwrap();
    let urls = [gone.url(), cluster.nodes()[1].url(), cluster.nodes()[2].url()];
    let store = connect_cluster(&urls).await;
    let terms = terms(4).shards(4).unwrap();
    store.open_sale(&terms).await.unwrap();
    gone.drop_requests();
    let sale = attach(connect_cluster(&urls).await, &terms);
    for number in 0..4 {
        won(sale.reserve(&ask(&format!("b{number}"), "request-0")).await.unwrap());
    }
    assert!(sale.audit().await.unwrap().conserved());
}

/// A crowd while the server stops again and again for longer than anybody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_outlives_a_server_that_stops_again_and_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = terms(STOCK);
    let [sale, patient] = two_ways(&server.url(), &server.url(), &terms).await;
    let history = Arc::new(History::new(&terms));
    let crowd = Crowd::start(&history, std::slice::from_ref(&sale), 48, "s");
    for wins in [200, 800] {
        crowd.wins(wins).await;
        server.stop_signal().unwrap();
        // Each of the callers is in a call; so many new ones come only when those have failed.
        crowd.more_calls(60).await;
        server.cont_signal().unwrap();
    }
    crowd.stop().await;
    history.resolve(&sale).await;
    history.replay(&patient).await;
    buy_out(&history, &sale, "end").await;
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &patient.audit().await.unwrap()), 0);
    assert_eq!(records.units("H"), STOCK);
}
