//! The whole way: a sale in Redis, its streams, a ledger, the loss of everything, and the sale from the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use seckill::ledger::{Ledger, MemoryLedger, recovery};
use seckill::orders::{ConsumerName, OrderGroup, Orders, TrimOptions, Trimmed};
use seckill::{Confirm, Release, ReservationState, Restock, SaleStore, Step};

use super::{Running, group_name, hasty, until};
use crate::stage::{OPENS, PAY, Shop, ask_lines, connect, request, sku, tell, wide_terms};

const BUYERS: u64 = 24;

/// How many orders of the ledger stand where.
async fn states(ledger: &dyn Ledger, shop: &Shop) -> BTreeMap<&'static str, usize> {
    let mut states = BTreeMap::new();
    for order in crate::ledger::all(ledger, shop.terms.id()).await {
        let word = match order.state {
            ReservationState::Held => "held",
            ReservationState::Paid => "paid",
            ReservationState::Returned => "returned",
            ReservationState::Gone => "gone",
            _ => "unheard of",
        };
        *states.entry(word).or_default() += 1;
    }
    states
}

async fn trade(shop: &Shop) {
    let set = [(0, 1), (1, 2)];
    let mut ids = Vec::new();
    for who in 0..BUYERS {
        ids.push(shop.win(&ask_lines(who, &set, 1), OPENS).await);
    }
    for four in ids.chunks(4) {
        assert_eq!(shop.pay(&four[0], OPENS + 1).await, Confirm::Confirmed);
        assert_eq!(shop.store.release(&four[1]).await.unwrap(), Release::Released);
    }
    while shop.store.sweep(shop.terms.id(), 256, crate::stage::at(OPENS + PAY)).await.unwrap().more {}
    for four in ids.chunks(4) {
        assert_eq!(shop.pay(&four[2], OPENS + PAY).await, Confirm::Retaken);
    }
    for who in BUYERS..BUYERS + 4 {
        shop.win(&ask_lines(who, &set, 1), OPENS + PAY).await;
    }
}

#[tokio::test]
async fn ledger_follows_the_sale_and_the_sale_comes_back_from_it() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = Arc::new(connect(&server.url()).await);
    let terms = wide_terms(&[100, 200], 9).shards(2).unwrap();
    let shared: Arc<dyn SaleStore> = store.clone();
    let shop = Shop::open(&shared, terms).await;
    let ledger = Arc::new(MemoryLedger::new());
    let orders = Orders::new(&server.url(), shop.terms.id().clone(), shop.terms.shard_count()).unwrap();
    let group: OrderGroup = orders.group(group_name("ledger"));
    let consumer = || hasty(group.consumer(ConsumerName::new("a").unwrap()));
    let running = Running::start(consumer(), ledger.clone());

    trade(&shop).await;
    shop.restock(&Restock::add(request(77), 5).of(sku(1)), OPENS + PAY).await;
    let expected = BTreeMap::from([("held", 4), ("paid", 12), ("returned", 12)]);
    let sale = shop.terms.id().clone();
    let level = async |steps: u64| {
        let (first, second) = (ledger.highest(&sale, 0), ledger.highest(&sale, 1));
        first.await.unwrap() + second.await.unwrap() == steps
    };
    let steps = shop.state(OPENS).await.sequence;
    until("the ledger to be level with the sale", async || level(steps).await).await;
    running.stop().await;
    assert_eq!(states(&*ledger, &shop).await, expected);
    let before = shop.audit().await;

    // All is acknowledged; only the wins that the sweep has to pass are kept.
    let trimmed = orders.trim(&TrimOptions::groups([group_name("ledger")])).await.unwrap();
    assert!(trimmed.iter().all(|shard| matches!(shard, Trimmed::Done { entries: 1.., .. })), "{trimmed:?}");
    assert_eq!(shop.audit().await.held(), before.held());

    let _: String = tell(&server, &["FLUSHALL"]).await;
    let store = Arc::new(connect(&server.url()).await);
    let kept = recovery::read(&*ledger, &shop.terms).await.unwrap();
    let recovered = store.rebuild(&shop.terms, &kept.orders, &kept.highest).await.unwrap();
    assert_eq!((recovered.added, recovered.short.len()), (28, 0), "{recovered:?}");
    let shared: Arc<dyn SaleStore> = store;
    let shop = Shop { store: shared, ..shop };
    let after = shop.audit().await;
    assert_eq!((after.held(), after.paid(), after.left()), (before.held(), before.paid(), before.left() - 5));

    // The entries of the recovery tell the ledger nothing new; what comes after them does.
    let running = Running::start(consumer(), ledger.clone());
    shop.restock(&Restock::add(request(77), 5).of(sku(1)), OPENS + PAY).await;
    shop.steer(Step::Resume, OPENS + PAY).await;
    shop.win(&ask_lines(99, &[(1, 1)], 1), OPENS + PAY).await;
    let expected = BTreeMap::from([("held", 5), ("paid", 12), ("returned", 12)]);
    until("the new order", async || states(&*ledger, &shop).await == expected).await;
    let steps = shop.state(OPENS).await.sequence;
    until("the ledger to be level again", async || level(steps).await).await;
    running.stop().await;
    assert_eq!(orders.dead_letters(9).await.unwrap(), []);
    // What was held before the loss runs out after it.
    while shop.store.sweep(shop.terms.id(), 256, crate::stage::at(OPENS + 3 * PAY)).await.unwrap().more {}
    assert_eq!(shop.audit().await.held(), 0);
}
