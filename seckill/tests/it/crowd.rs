//! Many callers at once: exactly the stock is sold, to nobody too much, and a double click buys once.

use std::sync::Arc;

use seckill::{Confirm, FlashSale, Outcome, Refusal, SaleStore};
use tokio::task::JoinSet;

use crate::stage::{buyer, in_all, open_terms, quantity, request, won};

const CALLERS: u64 = 200;
const STOCK: u64 = 50;

/// Two hundred callers, four requests of each of 50 buyers, two units allowed, 50 units in all.
async fn rush(store: Arc<dyn SaleStore>) {
    let sale = FlashSale::open(store, &open_terms(STOCK, 2)).await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let sale = sale.clone();
        callers.spawn(async move {
            sale.reserve(buyer(number % 50), quantity(1), request(number)).await.unwrap()
        });
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
    assert_eq!((audit.left, audit.held, audit.over_limit), (0, STOCK, 0));
    assert!(audit.conserved(), "{audit:?}");
}

/// The same request from several callers at once.
async fn double_click(store: Arc<dyn SaleStore>) {
    let sale = FlashSale::open(store, &open_terms(100, 50)).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let sale = sale.clone();
        callers.spawn(async move { won(sale.reserve(buyer(1), quantity(3), request(1)).await.unwrap()) });
    }
    let won = callers.join_all().await;
    assert_eq!(won.iter().filter(|reservation| !reservation.replayed).count(), 1);
    assert!(won.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].pay_until == pair[1].pay_until));
    assert_eq!(sale.state().await.unwrap().held, 3);
}

/// Payment and release race for the same reservations: each ends in one of the two, never in both.
async fn race(store: Arc<dyn SaleStore>) {
    let sale = FlashSale::open(store, &open_terms(100, 1)).await.unwrap();
    let mut racers = JoinSet::new();
    for number in 0..100 {
        let id = won(sale.reserve(buyer(number), quantity(1), request(number)).await.unwrap()).id;
        let (paying, releasing, other) = (sale.clone(), sale.clone(), id.clone());
        racers.spawn(async move { matches!(paying.confirm(&id).await.unwrap(), Confirm::Confirmed) });
        racers.spawn(async move {
            releasing.release(&other).await.unwrap();
            false
        });
    }
    racers.join_all().await;
    let audit = sale.audit().await.unwrap();
    assert!(audit.conserved(), "{audit:?}");
    // A payment that lost the race took its unit again, since all were left.
    assert_eq!((audit.held, audit.paid, audit.left), (0, 100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowds_get_exactly_the_stock() {
    in_all(async |store| {
        rush(store.clone()).await;
        double_click(store.clone()).await;
        race(store).await;
    })
    .await;
}
