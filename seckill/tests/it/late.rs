//! Payments, releases and sweeps by example: what happens around and after the time to pay.

use std::sync::Arc;

use seckill::{
    At, Confirm, ErrorKind, FlashSale, Phase, Release, ReservationState, Reserve, SaleConfig, SaleStore,
    Steered, Step, Swept,
};

use crate::stage::{CLOSES, OPENS, PAY, Shop, ask, at, in_all, open_terms, terms, won};

#[tokio::test]
async fn payment_in_time_sells_once() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(2, 1)).await;
        let id = shop.win(&ask(1, 1, 1), OPENS).await;
        assert_eq!(shop.pay(&id, OPENS + PAY - 1).await, Confirm::Confirmed);
        let sequence = shop.state(OPENS).await.sequence;
        assert_eq!(shop.pay(&id, OPENS + PAY).await, Confirm::AlreadyPaid);
        assert_eq!(store.release(&id).await.unwrap(), Release::AlreadyPaid);
        assert_eq!(shop.state(OPENS).await.sequence, sequence);
        assert_eq!(shop.units().await, (1, 0, 1));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_retaken_while_units_are_left() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(2, 1)).await;
        let first = shop.win(&ask(1, 1, 1), OPENS).await;
        let second = shop.win(&ask(2, 1, 2), OPENS).await;
        // Late, but nobody has swept.
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Retaken);
        // Late, and swept: the paid one is looked at too.
        let swept = store.sweep(shop.terms.id(), 9, at(OPENS + PAY)).await.unwrap();
        assert_eq!((swept.returned, swept.units, swept.more), (1, 1, false));
        assert_eq!(shop.pay(&second, CLOSES + 1).await, Confirm::Retaken);
        assert_eq!(shop.pay(&second, CLOSES + 2).await, Confirm::AlreadyPaid);
        assert_eq!(store.release(&second).await.unwrap(), Release::AlreadyPaid);
        assert_eq!(shop.units().await, (0, 0, 2));
    })
    .await;
}

#[tokio::test]
async fn late_payment_without_units_is_gone_for_good() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(1, 1)).await;
        let first = shop.win(&ask(1, 1, 1), OPENS).await;
        let second = shop.win(&ask(2, 1, 2), OPENS + PAY).await;
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Gone);
        // The unit comes back, and the gateway tells again: the refund must not turn into a sale.
        assert_eq!(store.release(&second).await.unwrap(), Release::Released);
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Gone);
        assert_eq!(store.release(&first).await.unwrap(), Release::AlreadyReturned);
        assert_eq!(won(shop.ask(&ask(1, 1, 1), OPENS + PAY).await).state, ReservationState::Gone);
        assert_eq!((shop.units().await, shop.audit().await.gone()), ((1, 0, 0), 1));
    })
    .await;
}

#[tokio::test]
async fn late_payment_over_the_limit_is_gone() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 2)).await;
        let first = shop.win(&ask(1, 2, 1), OPENS).await;
        store.release(&first).await.unwrap();
        shop.win(&ask(1, 1, 2), OPENS).await;
        assert_eq!(shop.pay(&first, OPENS).await, Confirm::Gone);
        // What is gone leaves room for others of the same buyer.
        shop.win(&ask(1, 1, 3), OPENS).await;
        assert_eq!(shop.units().await, (3, 2, 0));
    })
    .await;
}

#[tokio::test]
async fn own_holds_that_are_over_do_not_make_a_payment_gone() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 2)).await;
        let first = shop.win(&ask(1, 2, 1), OPENS).await;
        store.release(&first).await.unwrap();
        shop.win(&ask(1, 1, 2), OPENS).await;
        let still = shop.win(&ask(1, 1, 3), OPENS + 1).await;
        let one = shop.win(&ask(2, 1, 1), OPENS).await;
        // One of the two is over, the other not: two units more would be too many by one.
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Gone);
        let other = won(shop.ask(&ask(1, 1, 2), OPENS + PAY).await);
        assert_eq!(other.state, ReservationState::Returned, "the look at the limit returned it");
        // All of this buyer's other holds are over.
        assert_eq!(store.release(&one).await.unwrap(), Release::Released);
        shop.win(&ask(2, 2, 2), OPENS).await;
        assert_eq!(shop.pay(&one, OPENS + PAY).await, Confirm::Retaken);
        assert_eq!(shop.pay(&still, OPENS + PAY).await, Confirm::Confirmed);
        assert_eq!(shop.units().await, (3, 0, 2));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_not_gone_while_enough_holds_are_over() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(512, 300)).await;
        let first = shop.win(&ask(1, 300, 1), OPENS).await;
        store.release(&first).await.unwrap();
        shop.crowd(1_000, 512, OPENS).await;
        // Two looks at 256 wins, the first of which is the returned one itself.
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Retaken);
        assert_eq!(shop.units().await, (211, 1, 300));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_gone_when_all_holds_that_are_over_are_too_few() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(812, 300)).await;
        let first = shop.win(&ask(1, 300, 1), OPENS).await;
        store.release(&first).await.unwrap();
        shop.crowd(1_000, 272, OPENS).await;
        for (who, number) in [(2, 2), (3, 3)] {
            shop.win(&ask(who, 270, number), OPENS + PAY).await;
        }
        assert_eq!(shop.pay(&first, OPENS + PAY).await, Confirm::Gone);
        assert_eq!(shop.units().await, (272, 540, 0));
    })
    .await;
}

#[tokio::test]
async fn payment_after_the_books_are_closed_is_gone() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 1)).await;
        let paid = shop.win(&ask(1, 1, 1), OPENS).await;
        shop.pay(&paid, OPENS).await;
        let freed = shop.win(&ask(2, 1, 2), OPENS).await;
        store.release(&freed).await.unwrap();
        assert_eq!(shop.steer(Step::Settle, CLOSES).await, Steered::Done);
        // Units are left, but nobody sells them any more.
        assert_eq!(shop.pay(&freed, CLOSES).await, Confirm::Gone);
        assert_eq!(shop.pay(&freed, CLOSES).await, Confirm::Gone);
        assert_eq!(shop.pay(&paid, CLOSES).await, Confirm::AlreadyPaid);
        assert_eq!((shop.units().await, shop.audit().await.gone()), ((4, 0, 1), 1));
        assert_eq!(shop.state(CLOSES).await.phase, Phase::Settled);
    })
    .await;
}

#[tokio::test]
async fn sweep_follows_the_order_of_winning_and_stops_at_the_first_that_is_not_over() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(9, 9)).await;
        let sweep = async |max, now| {
            let swept = store.sweep(shop.terms.id(), max, at(now)).await.unwrap();
            (swept.returned, swept.units, swept.more)
        };
        shop.win(&ask(1, 2, 1), OPENS).await;
        let second = shop.win(&ask(2, 1, 1), OPENS).await;
        shop.win(&ask(3, 3, 1), OPENS).await;
        shop.win(&ask(1, 1, 2), OPENS + 1).await;
        assert_eq!(sweep(9, OPENS + PAY - 1).await, (0, 0, false));
        assert_eq!(sweep(0, OPENS + PAY).await, (0, 0, true));
        assert_eq!(sweep(1, OPENS + PAY).await, (1, 2, true));
        // A paid one is looked at, and returns nothing.
        shop.pay(&second, OPENS).await;
        assert_eq!(sweep(1, OPENS + PAY).await, (0, 0, true));
        assert_eq!(sweep(9, OPENS + PAY).await, (1, 3, false));
        assert_eq!(sweep(9, OPENS + PAY + 1).await, (1, 1, false));
        let sequence = shop.state(OPENS).await.sequence;
        assert_eq!(sweep(9, CLOSES).await, (0, 0, false));
        assert_eq!(shop.state(OPENS).await.sequence, sequence);
        assert_eq!(shop.units().await, (8, 0, 1));
    })
    .await;
}

/// A hundred thousand holds are over in the same millisecond, a hundred of them paid.
#[tokio::test]
async fn mass_expiry_goes_in_chunks() {
    in_all(async |store| {
        const CROWD: u64 = 100_000;
        let shop = Shop::open(&store, terms(CROWD, 1)).await;
        shop.crowd(0, CROWD, OPENS).await;
        for who in 0..100 {
            assert_eq!(shop.pay(&shop.id(who * 999, who * 999), OPENS).await, Confirm::Confirmed);
        }
        // A request that would be refused returns one chunk, and no more.
        let late = OPENS + PAY;
        shop.win(&ask(CROWD, 1, CROWD), late).await;
        let chunk = u64::from(Swept::SWEEP_MAX);
        assert_eq!(shop.state(late).await.held(), CROWD - 100 - (chunk - 1) + 1);
        let (mut calls, mut returned) = (1, chunk - 1);
        loop {
            let swept = store.sweep(shop.terms.id(), u32::MAX, at(late)).await.unwrap();
            assert!(u64::from(swept.returned) == swept.units && swept.units <= chunk, "{swept:?}");
            (calls, returned) = (calls + 1, returned + swept.units);
            if !swept.more {
                break;
            }
        }
        assert_eq!((calls, returned), (CROWD.div_ceil(chunk), CROWD - 100));
        assert_eq!(shop.units().await, (CROWD - 101, 1, 100));
    })
    .await;
}

#[tokio::test]
async fn unknown_names_are_errors() {
    in_all(async |store| {
        let shop = Shop { store: store.clone(), terms: open_terms(1, 1) };
        not_loaded(&store, &shop.terms, &shop).await;
        let sale = FlashSale::open(store, &shop.terms).await.unwrap();
        let id = shop.id(1, 1);
        assert_eq!(sale.confirm(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(sale.release(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        // A buyer who won something else, and somebody else's request id.
        won(sale.reserve(&ask(1, 1, 2)).await.unwrap());
        assert_eq!(sale.confirm(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(sale.confirm(&shop.id(2, 2)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let other = Shop { store: shop.store.clone(), terms: open_terms(1, 1) };
        assert_eq!(sale.confirm(&other.id(1, 2)).await.unwrap_err().kind(), ErrorKind::Misuse);
        assert_eq!(sale.release(&other.id(1, 2)).await.unwrap_err().kind(), ErrorKind::Misuse);
    })
    .await;
}

async fn not_loaded(store: &Arc<dyn SaleStore>, terms: &SaleConfig, shop: &Shop) {
    let (sale, id) = (terms.id(), shop.id(1, 1));
    let batch: [Reserve; 2] = [ask(1, 1, 1), ask(2, 1, 1)];
    let answers = store.reserve_batch(sale, &batch, At::Server).await;
    let errors = answers.into_iter().map(Result::unwrap_err).chain([
        store.reserve(sale, &ask(1, 1, 1), At::Server).await.unwrap_err(),
        store.confirm(&id, At::Server).await.unwrap_err(),
        store.release(&id).await.unwrap_err(),
        store.sweep(sale, 1, At::Server).await.unwrap_err(),
        store.steer(sale, Step::Warm, At::Server).await.unwrap_err(),
        store.state(sale, At::Server).await.unwrap_err(),
        store.audit(sale).await.unwrap_err(),
    ]);
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotLoaded, "{error}");
    }
}
