//! Sales of several things by example: all lines or none, one limit over all, counters for each.

use seckill::{Confirm, ErrorKind, Refusal, Release, SaleConfig};

use crate::stage::{CLOSES, OPENS, PAY, Shop, ask, ask_lines, at, in_all, refused, terms, wide_terms, won};

/// Left, held and paid units of each thing.
async fn counts(shop: &Shop) -> Vec<(u64, u64, u64)> {
    let total = shop.audit().await.total();
    total.iter().map(|count| (count.left, count.held, count.paid)).collect()
}

#[tokio::test]
async fn lines_are_won_together_or_not_at_all() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[5, 1, 2], 10)).await;
        let before = shop.state(OPENS).await;
        assert_eq!(shop.ask(&ask_lines(1, &[(0, 1), (1, 2)], 1), OPENS).await, refused(Refusal::SoldOut));
        assert_eq!(shop.ask(&ask_lines(1, &[(1, 1), (2, 3)], 1), OPENS).await, refused(Refusal::SoldOut));
        assert_eq!(shop.state(OPENS).await, before);
        let all = shop.win(&ask_lines(1, &[(2, 2), (0, 4)], 1), OPENS).await;
        assert_eq!(counts(&shop).await, [(1, 4, 0), (1, 0, 0), (0, 2, 0)]);
        // What is sold out in one line does not matter to the others.
        shop.win(&ask_lines(2, &[(0, 1), (1, 1)], 1), OPENS).await;
        assert_eq!(shop.pay(&all, OPENS).await, Confirm::Confirmed);
        assert_eq!(counts(&shop).await, [(0, 1, 4), (0, 1, 0), (0, 0, 2)]);
        assert_eq!(store.release(&shop.id(2, 1)).await.unwrap(), Release::Released);
        assert_eq!(counts(&shop).await, [(1, 0, 4), (1, 0, 0), (0, 0, 2)]);
    })
    .await;
}

#[tokio::test]
async fn limit_is_over_all_things() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[5, 5], 3)).await;
        let over = |held| refused(Refusal::LimitReached { limit: 3, held });
        assert_eq!(shop.ask(&ask_lines(1, &[(0, 2), (1, 2)], 1), OPENS).await, over(0));
        shop.win(&ask_lines(1, &[(0, 1), (1, 1)], 1), OPENS).await;
        assert_eq!(shop.ask(&ask_lines(1, &[(1, 2)], 2), OPENS).await, over(2));
        shop.win(&ask_lines(1, &[(1, 1)], 2), OPENS).await;
        assert_eq!(shop.ask(&ask_lines(1, &[(0, 1)], 3), OPENS).await, over(3));
        assert_eq!(shop.audit().await.over_limit(), 0);
    })
    .await;
}

#[tokio::test]
async fn same_lines_in_any_order_are_the_same_request() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[5, 5, 5], 9)).await;
        shop.win(&ask_lines(1, &[(0, 1), (2, 3)], 1), OPENS).await;
        let again = won(shop.ask(&ask_lines(1, &[(2, 3), (0, 1)], 1), OPENS).await);
        assert!(again.replayed && again.lines.units() == 4);
        let named: Vec<_> =
            again.lines.named().iter().map(|(sku, units)| (sku.as_str(), units.units())).collect();
        assert_eq!(named, [("sku-0", 1), ("sku-2", 3)]);
        for other in [&[(0, 1)][..], &[(0, 3), (2, 1)], &[(0, 1), (1, 3)], &[(0, 1), (1, 1), (2, 3)]] {
            let error = store.reserve(shop.terms.id(), &ask_lines(1, other, 1), at(OPENS)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn lines_name_what_is_on_sale() {
    in_all(async |store| {
        let wide = Shop::open(&store, wide_terms(&[5, 5], 9)).await;
        for bad in [ask(1, 1, 1), ask_lines(1, &[(2, 1)], 1), ask_lines(1, &[(0, 1), (2, 1)], 1)] {
            let error = store.reserve(wide.terms.id(), &bad, at(OPENS)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        // In a batch each answers for itself.
        let batch = [ask_lines(1, &[(7, 1)], 1), ask_lines(1, &[(1, 1)], 2), ask(2, 1, 1)];
        let answers = store.reserve_batch(wide.terms.id(), &batch, at(OPENS)).await;
        let kinds: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().err().map(|error| error.kind())).collect();
        assert_eq!(kinds, [Some(ErrorKind::InvalidInput), None, Some(ErrorKind::InvalidInput)]);
        assert_eq!(wide.units().await, (9, 1, 0));
        // The only thing of a sale need not be named, and may be.
        let narrow = Shop::open(&store, wide_terms(&[5], 9)).await;
        narrow.win(&ask(1, 2, 1), OPENS).await;
        assert!(won(narrow.ask(&ask_lines(1, &[(0, 2)], 1), OPENS).await).replayed);
        let unnamed = Shop::open(&store, terms(5, 9)).await;
        let error = store.reserve(unnamed.terms.id(), &ask_lines(1, &[(0, 1)], 1), at(OPENS)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    })
    .await;
}

#[tokio::test]
async fn holds_that_are_over_come_back_for_one_short_line() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[2, 2], 4)).await;
        shop.win(&ask_lines(1, &[(0, 1), (1, 2)], 1), OPENS).await;
        let wanted = ask_lines(2, &[(0, 1), (1, 1)], 1);
        assert_eq!(shop.ask(&wanted, OPENS + PAY - 1).await, refused(Refusal::SoldOut));
        shop.win(&wanted, OPENS + PAY).await;
        assert_eq!(counts(&shop).await, [(1, 1, 0), (1, 1, 0)]);
        let swept = store.sweep(shop.terms.id(), 9, at(OPENS + 2 * PAY)).await.unwrap();
        assert_eq!((swept.returned, swept.units, swept.more), (1, 2, false));
        assert_eq!(counts(&shop).await, [(2, 0, 0), (2, 0, 0)]);
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_retaken_whole_or_gone() {
    in_all(async |store| {
        let shop = Shop::open(&store, wide_terms(&[2, 1], 2)).await;
        let both = ask_lines(1, &[(0, 1), (1, 1)], 1);
        let first = shop.win(&both, OPENS).await;
        store.release(&first).await.unwrap();
        let other = shop.win(&ask_lines(2, &[(1, 1)], 1), CLOSES - 1).await;
        // One line is there, the other is not.
        assert_eq!(shop.pay(&first, OPENS).await, Confirm::Gone);
        assert_eq!(counts(&shop).await, [(2, 0, 0), (0, 1, 0)]);
        store.release(&other).await.unwrap();
        let third = shop.win(&ask_lines(3, &[(0, 1), (1, 1)], 1), OPENS).await;
        store.release(&third).await.unwrap();
        assert_eq!(shop.pay(&third, CLOSES).await, Confirm::Retaken);
        assert_eq!(counts(&shop).await, [(1, 0, 1), (0, 0, 1)]);
    })
    .await;
}

#[tokio::test]
async fn sale_has_up_to_sixty_four_things_and_a_request_eight() {
    in_all(async |store| {
        let stocks: Vec<u64> = (1..=64).collect();
        let shop = Shop::open(&store, wide_terms(&stocks, 100)).await;
        let eight: Vec<(usize, u32)> = (56..64).map(|index| (index, 2)).collect();
        let id = shop.win(&ask_lines(1, &eight, 1), OPENS).await;
        shop.pay(&id, OPENS).await;
        shop.win(&ask_lines(2, &[(63, 62), (0, 1)], 1), OPENS).await;
        let counts = counts(&shop).await;
        assert_eq!(
            (counts[0], counts[55], counts[56], counts[63]),
            ((0, 1, 0), (56, 0, 0), (55, 0, 2), (0, 62, 2))
        );
        assert_eq!(SaleConfig::SKUS_MAX, stocks.len());
    })
    .await;
}
