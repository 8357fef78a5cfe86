//! The contract of every ledger: to any events it gives the answers of the memory ledger, which is the rule
//! under a lock; and what only a database shows: many writers, a hook in the transaction, missing tables.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use seckill::ledger::{Effect, Ledger, MemoryLedger, Order, Pages, recovery};
use seckill::orders::{Change, EventKind, OrderChange, OrderEvent, OrderLines};
use seckill::{
    BuyerId, ErrorKind, RequestId, ReservationId, ReservationState, SaleConfig, SaleId, UnixMillis,
};

use crate::stage::fresh;

#[cfg(any(feature = "ledger-sqlite", feature = "ledger-postgres", feature = "ledger-mysql"))]
mod databases;
#[cfg(any(feature = "ledger-sqlite", feature = "ledger-postgres", feature = "ledger-mysql"))]
mod same;
#[cfg(any(feature = "ledger-sqlite", feature = "ledger-postgres", feature = "ledger-mysql"))]
mod writers;

const SHARDS: u16 = 2;

pub(crate) fn millis(millis: u64) -> UnixMillis {
    UnixMillis::new(millis).unwrap()
}

fn reservation(sale: &SaleId, buyer: &str) -> ReservationId {
    ReservationId::new(sale, &BuyerId::new(buyer).unwrap(), &RequestId::new("request-1").unwrap())
}

/// A change of the reservation with this number; a number always has the same shard and the same deadline.
pub(crate) fn event(sale: &SaleId, number: u64, change: Change, sequence: u64) -> OrderEvent {
    let reservation = reservation(sale, &format!("买家 {number}"));
    let lines = OrderLines::parse(if number.is_multiple_of(2) { "1" } else { "2+3*1" }).unwrap();
    let order = OrderChange::new(change, reservation, lines, millis(1_000 + number % 3));
    let shard = u16::try_from(number % u64::from(SHARDS)).unwrap();
    OrderEvent::new(sale.clone(), shard, sequence, millis(sequence), EventKind::Order(order))
}

/// Every order, by pages.
pub(crate) async fn all(ledger: &dyn Ledger, sale: &SaleId) -> Vec<Order> {
    let (mut pages, mut orders) = (Pages::new(ledger, sale), Vec::new());
    while let Some(page) = pages.next().await.unwrap() {
        orders.extend(page);
    }
    orders
}

/// Keeps names of every form, and gives pages with no order left out or told twice.
pub(crate) async fn keeps_every_name(ledger: &dyn Ledger) {
    let sale = fresh();
    let names = ["\0", "~", "a b\n", "Ann", "ann", "ANN", "%_'\";--", &"🦀".repeat(32), &"\u{1}".repeat(128)];
    let lines = (0..8).map(|sku| format!("{}*10000", sku + 56)).collect::<Vec<_>>().join("+");
    let change = |name: &str| {
        let (reservation, lines) = (reservation(&sale, name), OrderLines::parse(&lines).unwrap());
        EventKind::Order(OrderChange::new(Change::Reserved, reservation, lines, UnixMillis::MAX))
    };
    let event = |name: &&str| OrderEvent::new(sale.clone(), 63, 1, UnixMillis::MAX, change(name));
    let events: Vec<_> = names.iter().map(event).collect();
    let effects = ledger.apply(&events).await.unwrap();
    assert!(effects.iter().all(|effect| *effect == Effect::Applied), "{effects:?}");
    let mut kept: Vec<_> = all(ledger, &sale).await.into_iter().map(|order| order.reservation).collect();
    kept.sort();
    let mut asked: Vec<_> = events.iter().map(|event| event.order().unwrap().reservation.clone()).collect();
    asked.sort();
    assert_eq!(kept, asked);

    let (sale, rule) = (fresh(), MemoryLedger::new());
    let many: Vec<_> =
        (0..600).map(|number| self::event(&sale, number, Change::Reserved, number + 1)).collect();
    ledger.apply(&many).await.unwrap();
    rule.apply(&many).await.unwrap();
    let orders = all(ledger, &sale).await;
    assert_eq!(orders, all(&rule, &sale).await);
    assert!(orders.len() == 600 && orders.is_sorted_by_key(|order| order.pay_until));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_ledger_keeps_every_name() {
    keeps_every_name(&MemoryLedger::new()).await;
}

/// What may happen to one reservation, in this order.
const LIVES: &[&[Change]] = &[
    &[Change::Reserved],
    &[Change::Reserved, Change::Paid],
    &[Change::Reserved, Change::Released],
    &[Change::Reserved, Change::Expired, Change::Retaken],
    &[Change::Reserved, Change::Expired, Change::Gone],
    &[Change::Reserved, Change::Released, Change::Restored(Some(ReservationState::Paid))],
];

/// A history as a sale writes it: reservation `i` lives life `lives[i]`, all at once.
pub(crate) fn history(sale: &SaleId, lives: &[usize]) -> Vec<OrderEvent> {
    let mut events = Vec::new();
    for step in 0..3 {
        for (number, life) in lives.iter().enumerate() {
            if let Some(change) = LIVES[life % LIVES.len()].get(step) {
                let sequence = u64::try_from(events.len()).unwrap() + 1;
                events.push(event(sale, u64::try_from(number).unwrap(), *change, sequence));
            }
        }
    }
    events
}

/// Where each reservation of a history stands at its end.
pub(crate) fn ends(history: &[OrderEvent]) -> Vec<(ReservationId, ReservationState, u64)> {
    let mut ends = std::collections::BTreeMap::new();
    for event in history {
        let order = event.order().unwrap();
        ends.insert(order.reservation.clone(), (order.change.state().unwrap(), event.sequence));
    }
    ends.into_iter().map(|(reservation, (state, sequence))| (reservation, state, sequence)).collect()
}

pub(crate) async fn kept_ends(
    ledger: &dyn Ledger,
    sale: &SaleId,
) -> Vec<(ReservationId, ReservationState, u64)> {
    let orders = all(ledger, sale).await.into_iter();
    let mut ends: Vec<_> = orders.map(|order| (order.reservation, order.state, order.sequence)).collect();
    ends.sort_by(|one, other| one.0.cmp(&other.0));
    ends
}

#[test]
fn the_end_is_the_same_in_any_order_and_each_payment_is_one_effect() {
    let strategy = proptest::collection::vec(0..LIVES.len(), 1..8).prop_flat_map(|lives| {
        let events = history(&SaleId::new("any").unwrap(), &lives);
        let doubled: Vec<_> = events.iter().chain(&events).cloned().collect();
        (Just(events), Just(doubled).prop_shuffle())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    let told = |(history, shuffled): (Vec<OrderEvent>, Vec<OrderEvent>)| {
        runtime.block_on(async {
            let ledger = MemoryLedger::new();
            let effects = ledger.apply(&shuffled).await.unwrap();
            prop_assert_eq!(kept_ends(&ledger, &history[0].sale).await, ends(&history));
            let is_payment =
                |event: &OrderEvent| event.order().unwrap().change.state() == Some(ReservationState::Paid);
            let payments = shuffled
                .iter()
                .zip(&effects)
                .filter(|(event, effect)| is_payment(event) && **effect == Effect::Applied);
            prop_assert_eq!(payments.count(), history.iter().filter(|event| is_payment(event)).count());
            let is_fit = |effect: &Effect| matches!(effect, Effect::Applied | Effect::Known);
            prop_assert!(effects.iter().all(is_fit), "nothing true is a contradiction: {:?}", effects);
            Ok(())
        })
    };
    runner.run(&strategy, told).unwrap();
}

#[tokio::test]
async fn what_is_paid_outlives_a_sale_that_went_back_in_time() {
    let (ledger, sale) = (MemoryLedger::new(), fresh());
    let apply =
        async |change, sequence| ledger.apply(&[event(&sale, 0, change, sequence)]).await.unwrap().remove(0);
    assert_eq!(apply(Change::Reserved, 10).await, Effect::Applied);
    assert_eq!(apply(Change::Expired, 12).await, Effect::Applied);
    // The step of the return was lost, and its number was given to a payment.
    assert_eq!(apply(Change::Paid, 11).await, Effect::Applied);
    assert_eq!(apply(Change::Paid, 11).await, Effect::Known);
    let recorded = ReservationState::Paid;
    for change in [Change::Expired, Change::Gone, Change::Reserved] {
        assert_eq!(apply(change, 20).await, Effect::Contradicted { recorded });
    }
    // The same payment, decided once more.
    assert_eq!(apply(Change::Retaken, 30).await, Effect::Known);
    let orders = all(&ledger, &sale).await;
    assert_eq!((orders[0].state, orders[0].sequence), (ReservationState::Paid, 30));
    assert_eq!(ledger.highest(&sale, 0).await.unwrap(), 30);
}

#[tokio::test]
async fn orders_come_back_under_the_terms_they_were_sold_under() {
    let (ledger, sale) = (Arc::new(MemoryLedger::new()), fresh());
    let events = [event(&sale, 0, Change::Reserved, 1), event(&sale, 1, Change::Paid, 7)];
    ledger.apply(&events).await.unwrap();
    let stocks: Vec<_> = (0..4).map(|index| (crate::stage::sku(index), 10)).collect();
    let terms = SaleConfig::of(sale, UnixMillis::MIN, millis(9), &stocks).unwrap().shards(SHARDS).unwrap();
    let kept = recovery::read(&*ledger, &terms).await.unwrap();
    assert_eq!(kept.highest, [1, 7]);
    let orders: Vec<_> = kept.orders.iter().map(|order| (order.state, order.lines.clone())).collect();
    let lines = [crate::stage::lines(&[(0, 1)]), crate::stage::lines(&[(0, 2), (3, 1)])];
    let states = [ReservationState::Held, ReservationState::Paid];
    assert_eq!(orders, states.into_iter().zip(lines).collect::<Vec<_>>());

    let narrow = SaleConfig::new(terms.id().clone(), UnixMillis::MIN, millis(9), 10).unwrap();
    let error = recovery::read(&*ledger, &narrow).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
}
