//! Callers go away in the middle of their calls: what was asked is decided all the same, once, and in its order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use seckill::{FlashSale, Outcome, SaleStore};
use testkit::Redis;
use tokio::task::JoinSet;

use super::cut::Dice;
use super::history::{History, ask};
use super::records::Records;
use super::{attach, connect, eventually};
use crate::stage::open_terms;

const BUYERS: u64 = 60;
const EACH: u64 = 40;

/// Each buyer asks one request after the other, and goes away from most of them before the answer.
async fn come_and_go(sale: FlashSale, history: Arc<History>, buyer: u64, dice: Arc<Dice>) {
    for number in 0..EACH {
        let request = ask(&format!("b{buyer}"), &format!("request-{number:04}"));
        // The call counts as made once it was polled, which `timeout` does before it looks at the clock.
        let patience = Duration::from_micros(dice.below(400));
        match tokio::time::timeout(patience, history.reserve(&sale, &request)).await {
            Ok(answer) => assert!(matches!(answer, Ok(Outcome::Reserved(_))), "{answer:?}"),
            Err(_gone) if dice.below(2) == 0 => tokio::task::yield_now().await,
            Err(_gone) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_takes_no_decision_along() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = open_terms(BUYERS * EACH, u32::try_from(EACH).unwrap());
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let (history, dice) = (Arc::new(History::new(&terms)), Arc::new(Dice::new(3)));
    let mut buyers = JoinSet::new();
    for buyer in 0..BUYERS {
        buyers.spawn(come_and_go(sale.clone(), Arc::clone(&history), buyer, Arc::clone(&dice)));
    }
    buyers.join_all().await;
    assert!(history.open().len() > 100, "most callers waited: {} did not", history.open().len());
    let decided = async || (sale.state().await.unwrap().held() == BUYERS * EACH).then_some(());
    eventually("the decisions that nobody waits for", decided).await;

    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &sale.audit().await.unwrap()), 0);
    let mut last = BTreeMap::new();
    for (buyer, request) in &records.wins {
        let before = last.insert(buyer, request);
        assert!(before.is_none_or(|before| before < request), "{buyer}: {before:?} before {request}");
    }
    history.resolve(&sale).await;
    assert_eq!(sale.state().await.unwrap().held(), BUYERS * EACH);
}

/// The last caller goes, and so does everything that the process has of the sale: what is on its way is decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_dropped_finishes_what_was_asked() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let terms = open_terms(500, 1);
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store, &terms);
    let history = Arc::new(History::new(&terms));
    let mut callers = JoinSet::new();
    for buyer in 0..500 {
        let (sale, history) = (sale.clone(), Arc::clone(&history));
        callers.spawn(async move {
            let request = ask(&format!("b{buyer}"), "request-0");
            let answer = tokio::time::timeout(Duration::ZERO, history.reserve(&sale, &request)).await;
            assert!(answer.is_err() || matches!(answer, Ok(Ok(Outcome::Reserved(_)))), "{answer:?}");
        });
    }
    callers.join_all().await;
    drop(sale);
    let other = attach(connect(&server.url()).await, &terms);
    let decided = async || (other.state().await.unwrap().held() == 500).then_some(());
    eventually("the decisions that nobody waits for", decided).await;
    let records = Records::of(&server, &terms);
    assert_eq!(history.check_all(&records, &other.audit().await.unwrap()), 0);
}
