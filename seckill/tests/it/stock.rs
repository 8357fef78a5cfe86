//! Changes of the stock by example: once by its id, never below zero, never what somebody holds.

use seckill::{Confirm, ErrorKind, Phase, Refusal, Restock, Restocked, SaleConfig, Step};

use crate::stage::{CLOSES, OPENS, PAY, Shop, ask, at, in_all, refused, request, sku, terms, wide_terms};

fn add(number: u64, units: u64) -> Restock {
    Restock::add(request(number), units)
}

fn withdraw(number: u64, units: u64) -> Restock {
    Restock::withdraw(request(number), units)
}

fn done(units: u64) -> Restocked {
    Restocked::Done { units }
}

#[tokio::test]
async fn added_units_are_on_sale_at_once_and_count_once() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(1, 1)).await;
        shop.win(&ask(1, 1, 1), OPENS).await;
        assert_eq!(shop.ask(&ask(2, 1, 1), OPENS).await, refused(Refusal::SoldOut));
        assert_eq!(shop.restock(&add(1, 2), OPENS).await, done(2));
        let state = shop.state(OPENS).await;
        // The same id again, whatever else it says.
        for again in [add(1, 2), add(1, 9), withdraw(1, 1)] {
            assert_eq!(shop.restock(&again, OPENS).await, done(2));
        }
        assert_eq!(shop.state(OPENS).await, state);
        shop.win(&ask(2, 1, 1), OPENS).await;
        shop.win(&ask(3, 1, 1), OPENS).await;
        assert_eq!(shop.ask(&ask(4, 1, 1), OPENS).await, refused(Refusal::SoldOut));
        let (_, count) = shop.state(OPENS).await.skus[0].clone();
        assert_eq!((count.initial, count.added, count.withdrawn, count.held), (1, 2, 0, 3));
        assert_eq!(shop.audit().await.total(), [count]);
    })
    .await;
}

#[tokio::test]
async fn withdrawal_takes_unsold_units_only() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(10, 4)).await;
        shop.win(&ask(1, 3, 1), OPENS).await;
        let paid = shop.win(&ask(2, 2, 1), OPENS).await;
        shop.pay(&paid, OPENS).await;
        assert_eq!(shop.restock(&withdraw(1, 2), OPENS).await, done(2));
        // Fewer are left than asked for; a hold that is over is still held.
        assert_eq!(shop.restock(&withdraw(2, 100), OPENS + PAY).await, done(3));
        assert_eq!(shop.restock(&withdraw(3, 1), OPENS + PAY).await, done(0));
        assert_eq!(shop.units().await, (0, 3, 2));
        // Whatever comes back later: the answers stand.
        store.sweep(shop.terms.id(), 9, at(OPENS + PAY)).await.unwrap();
        assert_eq!(shop.restock(&withdraw(3, 1), OPENS + PAY).await, done(0));
        assert_eq!(shop.restock(&withdraw(2, 100), OPENS + PAY).await, done(3));
        assert_eq!(shop.units().await, (3, 0, 2));
        let (_, count) = shop.state(OPENS).await.skus[0].clone();
        assert_eq!((count.withdrawn, count.total()), (5, 5));
    })
    .await;
}

#[tokio::test]
async fn only_a_sale_that_is_loaded_and_not_over_takes_changes() {
    in_all(async |store| {
        let draft = Shop::draft(&store, terms(5, 1)).await;
        assert_eq!(draft.restock(&add(1, 1), OPENS).await, Restocked::Refused { phase: Phase::Draft });
        let shop = Shop::open(&store, terms(5, 1)).await;
        assert_eq!(shop.restock(&add(1, 1), OPENS - 1).await, done(1));
        shop.steer(Step::Pause, OPENS).await;
        assert_eq!(shop.restock(&add(2, 1), OPENS).await, done(1));
        assert_eq!(shop.restock(&withdraw(3, 1), CLOSES - 1).await, done(1));
        let closed = Restocked::Refused { phase: Phase::Closed };
        assert_eq!(shop.restock(&add(4, 1), CLOSES).await, closed);
        // A refusal is not remembered, an answer is, whatever becomes of the sale.
        assert_eq!(shop.restock(&add(4, 1), OPENS).await, done(1));
        shop.steer(Step::Close, OPENS).await;
        assert_eq!(shop.restock(&add(5, 1), OPENS).await, closed);
        assert_eq!(shop.restock(&add(4, 1), CLOSES).await, done(1));
        shop.steer(Step::Settle, OPENS).await;
        assert_eq!(shop.restock(&withdraw(5, 1), OPENS).await, Restocked::Refused { phase: Phase::Settled });
        assert_eq!(shop.restock(&add(1, 1), OPENS).await, done(1));
        assert_eq!(shop.units().await, (7, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn changes_are_about_one_thing_on_sale() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[5, 5], 2)).await;
        assert_eq!(shop.restock(&add(1, 3).of(sku(1)), OPENS).await, done(3));
        assert_eq!(shop.restock(&withdraw(2, 9).of(sku(0)), OPENS).await, done(5));
        let left: Vec<_> = shop.state(OPENS).await.skus.iter().map(|(_, count)| count.left).collect();
        assert_eq!(left, [0, 8]);
        let bad = [
            add(3, 1),
            add(3, 1).of(sku(2)),
            add(3, 0).of(sku(0)),
            add(3, SaleConfig::STOCK_MAX + 1).of(sku(0)),
        ];
        for change in bad {
            let error = store.restock(shop.terms.id(), &change, at(OPENS)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(shop.restock(&add(3, SaleConfig::STOCK_MAX).of(sku(0)), OPENS).await, done(1_000_000_000));
    })
    .await;
}

#[tokio::test]
async fn changes_decide_what_becomes_of_a_late_payment() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(2, 1)).await;
        let (one, two) = (shop.win(&ask(1, 1, 1), OPENS).await, shop.win(&ask(2, 1, 1), OPENS).await);
        store.sweep(shop.terms.id(), 9, at(OPENS + PAY)).await.unwrap();
        assert_eq!(shop.restock(&withdraw(1, 2), OPENS + PAY).await, done(2));
        assert_eq!(shop.pay(&one, OPENS + PAY).await, Confirm::Gone);
        assert_eq!(shop.restock(&add(2, 2), OPENS + PAY).await, done(2));
        assert_eq!(shop.pay(&two, OPENS + PAY).await, Confirm::Retaken);
        assert_eq!(shop.pay(&one, OPENS + PAY).await, Confirm::Gone);
        assert_eq!(shop.units().await, (1, 0, 1));
    })
    .await;
}
