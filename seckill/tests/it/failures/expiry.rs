//! The end of the time to pay, while everybody pays, sweeps and buys at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seckill::{
    At, Confirm, FlashSale, Outcome, RedisStore, Refusal, ReservationId, Reserve, SaleConfig, SaleStore,
};
use testkit::Redis;
use tokio::task::JoinSet;

use super::clock::as_told;
use super::history::{agrees, ask};
use super::records::{Name, Records, name};
use super::{attach, connect, eventually, terms, wins};
use crate::stage::won;

const HOLDS: u64 = 4_000;
/// Holds that nobody pays, more than the later buyers take.
const FORGOTTEN: usize = 200;
const BUYERS: u64 = 8;
const EACH: u64 = 10;
const MASS: u64 = 100_000;

fn holds(first: u64, count: u64) -> Vec<Reserve> {
    (first..first + count).map(|number| ask(&format!("b{number}"), "request-0")).collect()
}

async fn win_all(store: &RedisStore, terms: &SaleConfig, holds: &[Reserve]) -> Vec<ReservationId> {
    let mut ids = Vec::with_capacity(holds.len());
    for chunk in holds.chunks(Reserve::BATCH_MAX) {
        let answers = store.reserve_batch(terms.id(), chunk, At::Server).await;
        ids.extend(answers.into_iter().map(|answer| won(answer.unwrap()).id));
    }
    ids
}

/// Sweeps until it is told to stop.
fn sweeper(sale: &FlashSale, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let (sale, stop) = (sale.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        while !stop.load(Ordering::Acquire) {
            sale.sweep().await.unwrap();
        }
    })
}

/// Everybody pays at the moment when the time to pay ends, from both ends of the queue, while two processes sweep
/// and others buy what comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_at_the_deadline_is_sold_or_refunded_never_both() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let terms = terms(HOLDS).time_to_pay(Duration::from_secs(600)).unwrap();
    let stores = [connect(&server.url()).await, connect(&server.url()).await];
    stores[0].open_sale(&terms).await.unwrap();
    let ids = win_all(&stores[0], &terms, &holds(0, HOLDS)).await;
    let sales = stores.map(|store| attach(store, &terms));
    let stop = Arc::new(AtomicBool::new(false));
    let sweepers = [sweeper(&sales[0], &stop), sweeper(&sales[1], &stop)];

    let (paying, forgotten) = ids.split_at(ids.len() - FORGOTTEN);
    let (older, younger) = paying.split_at(paying.len() / 2);
    let mut payers = JoinSet::new();
    for (number, half) in [older.to_vec(), younger.iter().rev().cloned().collect()].into_iter().enumerate() {
        for part in half.chunks(half.len() / 8) {
            let (sale, part) = (sales[number].clone(), part.to_vec());
            payers.spawn(async move { pay_all(&sale, part).await });
        }
    }
    let mut buyers = JoinSet::new();
    for caller in 0..BUYERS {
        let sale = sales[usize::try_from(caller % 2).unwrap()].clone();
        buyers.spawn(async move { buy_some(&sale, &format!("new{caller}")).await });
    }
    // Some have paid; for the others the time is over now.
    let some = async || (sales[0].state().await.unwrap().paid() > HOLDS / 8).then_some(());
    eventually("some of the payments", some).await;
    server.set_clock_offset_ms(601_000).unwrap();

    let mut ends: BTreeMap<Name, &str> = forgotten.iter().map(|id| (name(id), "")).collect();
    for part in payers.join_all().await {
        ends.extend(part);
    }
    for bought in buyers.join_all().await {
        ends.extend(bought);
    }
    let all_back = async || (sales[0].state().await.unwrap().held() == BUYERS * EACH).then_some(());
    eventually("all other holds to be returned", all_back).await;
    stop.store(true, Ordering::Release);
    for sweeper in sweepers {
        sweeper.await.unwrap();
    }
    let records = Records::of(&server, &terms);
    as_told(&records, &ends);
    let audit = sales[0].audit().await.unwrap();
    agrees(&audit, &records);
    assert_eq!(audit.left() + audit.held() + audit.paid(), HOLDS);
    let gone = ends.values().filter(|end| **end == "G").count();
    assert_eq!(u64::try_from(gone).unwrap(), audit.gone());
}

async fn pay_all(sale: &FlashSale, ids: Vec<ReservationId>) -> Vec<(Name, &'static str)> {
    let mut ends = Vec::with_capacity(ids.len());
    for id in ids {
        let end = match sale.confirm(&id).await.unwrap() {
            Confirm::Confirmed | Confirm::Retaken => "P",
            Confirm::Gone => "G",
            other => panic!("{id}: {other:?}"),
        };
        ends.push((name(&id), end));
    }
    ends
}

/// Wins and keeps what comes back.
async fn buy_some(sale: &FlashSale, tag: &str) -> Vec<(Name, &'static str)> {
    let mut ends = Vec::new();
    for number in 0..EACH {
        let request = ask(&format!("{tag}-{number}"), "request-0");
        ends.push((name(&wins(sale, &request).await.id), ""));
    }
    ends
}

/// A hundred thousand holds are over at once. New buyers come through two processes that say sold out until then, and
/// every one of them gets a unit, while sweepers return the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_holds_end_at_once_while_buyers_come() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let terms = terms(MASS).time_to_pay(Duration::from_secs(600)).unwrap();
    let stores = [connect(&server.url()).await, connect(&server.url()).await];
    stores[0].open_sale(&terms).await.unwrap();
    win_all(&stores[0], &terms, &holds(0, MASS)).await;
    let sales = stores.map(|store| attach(store, &terms));
    for sale in &sales {
        let no = sale.reserve(&ask("early", "request-0")).await.unwrap();
        assert_eq!(no, Outcome::Refused(Refusal::SoldOut));
    }
    server.set_clock_offset_ms(601_000).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let sweepers = [sweeper(&sales[0], &stop), sweeper(&sales[1], &stop)];
    let mut buyers = JoinSet::new();
    for caller in 0..200 {
        let sale = sales[caller % 2].clone();
        buyers.spawn(async move {
            wins(&sale, &ask(&format!("new{caller}"), "request-0")).await;
        });
    }
    buyers.join_all().await;
    let all_back = async || (sales[0].state().await.unwrap().held() == 200).then_some(());
    eventually("all holds to be returned", all_back).await;
    stop.store(true, Ordering::Release);
    for sweeper in sweepers {
        sweeper.await.unwrap();
    }
    let records = Records::of(&server, &terms);
    agrees(&sales[1].audit().await.unwrap(), &records);
    assert_eq!((records.units("H"), records.units("R"), records.units("PG")), (200, MASS, 0));
}
