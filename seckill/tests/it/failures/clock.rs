//! The server's clock jumps while buyers reserve and pay: holds end early or late, and no unit is in two hands.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seckill::{At, Confirm, FlashSale, Outcome, Refusal, Release, ReservationId, SaleStore};
use testkit::Redis;
use tokio::task::JoinSet;

use super::cut::Dice;
use super::history::{agrees, ask};
use super::records::{Name, Records, name};
use super::{attach, connect, terms, wins};
use crate::stage::won;

const STOCK: u64 = 150;
const BUYERS: u64 = 900;
const PAY: Duration = Duration::from_secs(60);

/// What became of reservations, as their buyers were told last.
type Ends = Arc<Mutex<BTreeMap<Name, &'static str>>>;

/// One unit of the only buyer goes back when its time is over, also when the clock goes back after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_was_over_is_not_held_again_by_an_older_clock() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let terms = terms(1).time_to_pay(PAY).unwrap();
    let store = connect(&server.url()).await;
    store.open_sale(&terms).await.unwrap();
    let sale = attach(store.clone(), &terms);
    let first = won(sale.reserve(&ask("b0", "request-0")).await.unwrap());
    // Backwards: it is held for longer, and for nobody else.
    server.set_clock_offset_ms(-3_600_000).unwrap();
    assert_eq!(sale.sweep().await.unwrap().returned, 0);
    let no = store.reserve(terms.id(), &ask("b1", "request-0"), At::Server).await.unwrap();
    assert_eq!(no, Outcome::Refused(Refusal::SoldOut));
    // Forwards: it is over, and won by the next.
    server.set_clock_offset_ms(61_000).unwrap();
    let second = won(store.reserve(terms.id(), &ask("b1", "request-0"), At::Server).await.unwrap());
    // Back again: the first is still over, and the second has the unit.
    server.set_clock_offset_ms(0).unwrap();
    assert_eq!(sale.confirm(&first.id).await.unwrap(), Confirm::Gone);
    assert_eq!(sale.confirm(&second.id).await.unwrap(), Confirm::Confirmed);
    let audit = sale.audit().await.unwrap();
    assert_eq!((audit.left(), audit.held(), audit.paid(), audit.gone()), (0, 0, 1, 1));
    assert!(audit.conserved(), "{audit:?}");
}

/// Buyers, payers and a sweeper, while the clock jumps by more and by less than the time to pay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_sells_nothing_twice() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let terms = terms(STOCK).time_to_pay(PAY).unwrap();
    let stores = [connect(&server.url()).await, connect(&server.url()).await];
    stores[0].open_sale(&terms).await.unwrap();
    let sales = stores.map(|store| attach(store, &terms));
    let (dice, ends, over) = (Arc::new(Dice::new(11)), Ends::default(), Arc::new(AtomicBool::new(false)));
    let server = Arc::new(server);
    let mut buyers = JoinSet::new();
    for caller in 0..30 {
        let (sale, dice, ends) = (sales[caller % 2].clone(), Arc::clone(&dice), Arc::clone(&ends));
        // The first of them moves the clock between its purchases.
        let clock = (caller == 0).then(|| Arc::clone(&server));
        buyers.spawn(async move {
            for number in 0..BUYERS / 30 {
                buy_and_pay(&sale, &format!("b{caller}-{number}"), &dice, &ends).await;
                if let Some(server) = &clock {
                    let offset = i64::try_from(dice.below(200_000)).unwrap() - 100_000;
                    server.set_clock_offset_ms(offset).unwrap();
                }
            }
        });
    }
    let sweeping = tokio::spawn({
        let (sale, over) = (sales[1].clone(), Arc::clone(&over));
        async move {
            while !over.load(Ordering::Acquire) {
                sale.sweep().await.unwrap();
            }
        }
    });
    buyers.join_all().await;
    over.store(true, Ordering::Release);
    sweeping.await.unwrap();
    // So late that nothing is held any more, and nobody who still looks at the sale finds anything to return.
    server.set_clock_offset_ms(1_000_000).unwrap();
    while sales[0].sweep().await.unwrap().more {}
    let records = Records::of(&server, &terms);
    assert_eq!(records.units("H"), 0);
    assert!(records.units("P") <= STOCK);
    agrees(&sales[0].audit().await.unwrap(), &records);
    as_told(&records, &ends.lock().unwrap());
}

/// One buyer: reserves if there is any, and then pays, lets go, or forgets.
async fn buy_and_pay(sale: &FlashSale, buyer: &str, dice: &Dice, ends: &Ends) {
    let request = ask(buyer, "request-0");
    let Outcome::Reserved(won) = sale.reserve(&request).await.unwrap() else { return };
    let end = match dice.below(4) {
        0 => "",
        1 => released(sale, &won.id).await,
        _ => paid(sale, &won.id).await,
    };
    ends.lock().unwrap().insert(name(&won.id), end);
}

async fn paid(sale: &FlashSale, id: &ReservationId) -> &'static str {
    match sale.confirm(id).await.unwrap() {
        Confirm::Confirmed | Confirm::Retaken => "P",
        Confirm::Gone => "G",
        other => panic!("{id}: {other:?}"),
    }
}

async fn released(sale: &FlashSale, id: &ReservationId) -> &'static str {
    match sale.release(id).await.unwrap() {
        Release::Released | Release::AlreadyReturned => "R",
        other => panic!("{id}: {other:?}"),
    }
}

/// Each record is in the state that its buyer was told; who did nothing holds it or has lost it.
pub(super) fn as_told(records: &Records, ends: &BTreeMap<Name, &'static str>) {
    assert_eq!(records.all.len(), ends.len());
    for (name, record) in &records.all {
        let told = ends[name];
        let fits =
            if told.is_empty() { matches!(record.state, 'H' | 'R') } else { told.starts_with(record.state) };
        assert!(fits, "{name:?} was told `{told}` and is {}", record.state);
    }
}

/// A sold-out sale opens again in every process once the clock has passed the time to pay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_that_are_over_go_to_those_who_wait() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::options().movable_clock().start().unwrap();
    let terms = terms(20).time_to_pay(PAY).unwrap();
    let stores = [connect(&server.url()).await, connect(&server.url()).await];
    stores[0].open_sale(&terms).await.unwrap();
    let sales = stores.map(|store| attach(store, &terms));
    for number in 0..20 {
        won(sales[0].reserve(&ask(&format!("b{number}"), "request-0")).await.unwrap());
    }
    for sale in &sales {
        let no = sale.reserve(&ask("late", "request-0")).await.unwrap();
        assert_eq!(no, Outcome::Refused(Refusal::SoldOut));
    }
    server.set_clock_offset_ms(61_000).unwrap();
    for (sale, buyer) in sales.iter().zip(["late", "later"]) {
        wins(sale, &ask(buyer, "request-0")).await;
    }
    let audit = sales[0].audit().await.unwrap();
    assert!(audit.conserved() && audit.held() + audit.left() == 20, "{audit:?}");
}
