//! Many callers at once: exactly the stock is sold, to nobody too much, and a double click buys once. What
//! races for one reservation ends in one of the two, never in both.

use std::sync::Arc;

use seckill::{Confirm, FlashSale, Outcome, Refusal, Release, ReservationState, SaleStore, Swept};
use tokio::task::JoinSet;

use crate::stage::{OPENS, PAY, Shop, ask, at, in_all, open_terms, terms, won};

const CALLERS: u64 = 200;
const STOCK: u64 = 50;
/// Reservations that two tasks race for.
const RACES: u64 = 1_500;

/// Two hundred callers, four requests of each of 50 buyers, two units allowed, 50 units in all.
async fn rush(store: Arc<dyn SaleStore>) {
    let sale = FlashSale::open(store, &open_terms(STOCK, 2)).await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let sale = sale.clone();
        callers.spawn(async move { sale.reserve(&ask(number % 50, 1, number)).await.unwrap() });
    }
    let answers = callers.join_all().await;
    let mut sold = 0;
    for answer in &answers {
        match answer {
            Outcome::Reserved(_) => sold += 1,
            Outcome::Refused(Refusal::SoldOut | Refusal::LimitReached { limit: 2, held: 2 }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sold, STOCK);
    let audit = sale.audit().await.unwrap();
    assert_eq!((audit.left(), audit.held(), audit.over_limit()), (0, STOCK, 0));
    assert!(audit.conserved(), "{audit:?}");
}

/// The same request from several callers at once.
async fn double_click(store: Arc<dyn SaleStore>) {
    let sale = FlashSale::open(store, &open_terms(100, 50)).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let sale = sale.clone();
        callers.spawn(async move { won(sale.reserve(&ask(1, 3, 1)).await.unwrap()) });
    }
    let won = callers.join_all().await;
    assert_eq!(won.iter().filter(|reservation| !reservation.replayed).count(), 1);
    assert!(won.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].pay_until == pair[1].pay_until));
    assert_eq!(sale.state().await.unwrap().held(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowds_get_exactly_the_stock() {
    in_all(async |store| {
        rush(store.clone()).await;
        double_click(store).await;
    })
    .await;
}

/// A sale in which everything is held, by buyers with one unit each.
async fn all_held(store: &Arc<dyn SaleStore>) -> Arc<Shop> {
    let shop = Shop::open(store, terms(RACES, 1)).await;
    shop.crowd(0, RACES, OPENS).await;
    Arc::new(shop)
}

/// Pays every reservation in time, one after the other.
async fn pay_all(shop: Arc<Shop>) -> Vec<Confirm> {
    let mut answers = Vec::new();
    for number in 0..RACES {
        answers.push(shop.pay(&shop.id(number, number), OPENS + PAY - 1).await);
    }
    answers
}

fn count<T: PartialEq + Copy>(answers: &[T], of: T) -> u64 {
    u64::try_from(answers.iter().filter(|answer| **answer == of).count()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_and_release_are_never_both() {
    in_all(async |store| {
        let shop = all_held(&store).await;
        let (paying, releasing) = (tokio::spawn(pay_all(shop.clone())), shop.clone());
        let releasing = tokio::spawn(async move {
            let mut answers = Vec::new();
            // From the other end, and then again, so that the two meet.
            for number in (0..RACES).rev().chain(0..RACES) {
                answers.push(releasing.store.release(&releasing.id(number, number)).await.unwrap());
            }
            answers
        });
        let (paid, released) = (paying.await.unwrap(), releasing.await.unwrap());
        // A payment that lost took its unit again, since all that were released are left.
        let (first, late) = (count(&paid, Confirm::Confirmed), count(&paid, Confirm::Retaken));
        assert_eq!((first + late, count(&released, Release::Released)), (RACES, late));
        assert_eq!(shop.units().await, (0, 0, RACES));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_and_sweep_are_never_both() {
    in_all(async |store| {
        let shop = all_held(&store).await;
        let (paying, sweeping) = (tokio::spawn(pay_all(shop.clone())), shop.clone());
        let sweeping = tokio::spawn(async move {
            let (mut all, mut more) = (Swept::default(), true);
            while more {
                let swept = sweeping.store.sweep(sweeping.terms.id(), 7, at(OPENS + PAY)).await.unwrap();
                (all.returned, all.units) = (all.returned + swept.returned, all.units + swept.units);
                more = swept.more;
                tokio::task::yield_now().await;
            }
            all
        });
        let (paid, swept) = (paying.await.unwrap(), sweeping.await.unwrap());
        let (first, late) = (count(&paid, Confirm::Confirmed), count(&paid, Confirm::Retaken));
        assert_eq!((first + late, swept.units, u64::from(swept.returned)), (RACES, late, late));
        assert_eq!(shop.units().await, (0, 0, RACES));
    })
    .await;
}

/// What is returned is wanted by others, so a payment may find its unit gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_is_returned_is_sold_to_one() {
    in_all(async |store| {
        let shop = all_held(&store).await;
        let (paying, taking) = (tokio::spawn(pay_all(shop.clone())), shop.clone());
        let taking = tokio::spawn(async move {
            let mut wins = 0;
            for number in (0..RACES).rev() {
                let released = taking.store.release(&taking.id(number, number)).await.unwrap();
                let taken = taking.ask(&ask(RACES + number, 1, number), OPENS).await;
                wins += u64::from(matches!(taken, Outcome::Reserved(_)));
                assert!(released == Release::Released || taken == Outcome::Refused(Refusal::SoldOut));
            }
            wins
        });
        let (paid, wins) = (paying.await.unwrap(), taking.await.unwrap());
        let gone = count(&paid, Confirm::Gone);
        assert_eq!((gone, shop.audit().await.gone()), (wins, wins));
        assert_eq!(shop.units().await, (0, wins, RACES - wins));
        for (number, answer) in (0..RACES).zip(paid) {
            let state = won(shop.ask(&ask(number, 1, number), OPENS).await).state;
            let sold = answer != Confirm::Gone;
            assert_eq!(state, if sold { ReservationState::Paid } else { ReservationState::Gone });
        }
    })
    .await;
}
