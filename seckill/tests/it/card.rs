//! One name is one sale, in one form, made once: what the card of a sale in Redis is for.

use std::sync::Arc;

use seckill::orders::{GroupName, Orders};
use seckill::{
    At, Confirm, ErrorKind, KeptOrder, Opened, RedisStore, ReservationState, SaleConfig, SaleStore, Step,
};

use crate::stage::{ask, connect, open_terms, tell, won};

async fn store(server: &testkit::Redis) -> RedisStore {
    connect(&server.url()).await
}

fn in_shards(terms: &SaleConfig, shards: u16) -> SaleConfig {
    terms.clone().shards(shards).unwrap()
}

#[tokio::test]
async fn sale_is_not_opened_again_in_other_shards() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    for (first, second) in [(1, 4), (4, 1), (2, 4)] {
        let terms = open_terms(100, 1);
        assert_eq!(store(&server).await.open_sale(&in_shards(&terms, first)).await.unwrap(), Opened::Created);
        let error = store(&server).await.open_sale(&in_shards(&terms, second)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse, "{first} and {second}: {error}");
        let state = store(&server).await.state(terms.id(), At::Server).await.unwrap();
        assert_eq!(state.left(), 100);
    }
}

#[tokio::test]
async fn lost_shard_is_not_loaded_by_opening_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let terms = in_shards(&open_terms(100, 1), 4);
    store(&server).await.open_sale(&terms).await.unwrap();
    for part in ["numbers", "buyers", "wins", "changes", "restocks"] {
        let _: i64 = tell(&server, &["DEL", &format!("{{gh:sale:{}:2}}:{part}", terms.id())]).await;
    }
    let error = store(&server).await.open_sale(&terms).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotLoaded, "{error}");
    let kept: i64 = tell(&server, &["EXISTS", &format!("{{gh:sale:{}:2}}:numbers", terms.id())]).await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn half_made_sale_is_finished_by_opening_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let terms = in_shards(&open_terms(100, 1), 4);
    store(&server).await.open_sale(&terms).await.unwrap();
    // As if its maker had died before the third shard.
    let card = format!("{{gh:sale:{}}}:card", terms.id());
    let _: i64 = tell(&server, &["HDEL", &card, "made"]).await;
    for part in ["numbers", "changes"] {
        let _: i64 = tell(&server, &["DEL", &format!("{{gh:sale:{}:2}}:{part}", terms.id())]).await;
    }
    assert_eq!(store(&server).await.open_sale(&terms).await.unwrap(), Opened::Created);
    assert_eq!(store(&server).await.open_sale(&terms).await.unwrap(), Opened::Already);
    let audit = store(&server).await.audit(terms.id()).await.unwrap();
    assert_eq!((audit.left(), audit.conserved()), (100, true));
}

#[tokio::test]
async fn groups_may_wait_for_a_sale_and_for_its_return() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let terms = open_terms(5, 1);
    let group = Orders::new(&server.url(), terms.id().clone(), 1).unwrap();
    let group = group.group(GroupName::new("billing").unwrap());
    group.create().await.unwrap();
    let store = Arc::new(store(&server).await);
    assert_eq!(store.open_sale(&terms).await.unwrap(), Opened::Created);
    let won = won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());

    let _: String = tell(&server, &["FLUSHALL", "SYNC"]).await;
    group.create().await.unwrap();
    let kept = KeptOrder::new(won.id, won.lines, won.pay_until, ReservationState::Paid);
    let recovered = store.rebuild(&terms, &[kept], &[2]).await.unwrap();
    assert_eq!((recovered.added, recovered.short.len()), (1, 0));
    store.steer(terms.id(), Step::Resume, At::Server).await.unwrap();
    let state = store.state(terms.id(), At::Server).await.unwrap();
    assert_eq!((state.left(), state.paid()), (4, 1));
}

#[tokio::test]
async fn what_was_refunded_stays_gone_after_a_recovery() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (store, terms) = (store(&server).await, open_terms(5, 1));
    store.open_sale(&terms).await.unwrap();
    let held = won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());
    let returned = won(store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap());
    store.release(&returned.id).await.unwrap();
    // The store has forgotten what the ledger knows: both were paid too late and refunded.
    let gone = |won: &seckill::Reservation| {
        KeptOrder::new(won.id.clone(), won.lines.clone(), won.pay_until, ReservationState::Gone)
    };
    let recovered = store.recover(terms.id(), &[gone(&held), gone(&returned)], &[9]).await.unwrap();
    assert_eq!((recovered.added, recovered.changed), (0, 2));
    for id in [&held.id, &returned.id] {
        assert_eq!(store.confirm(id, At::Server).await.unwrap(), Confirm::Gone);
    }
    let audit = store.audit(terms.id()).await.unwrap();
    assert_eq!((audit.left(), audit.gone(), audit.conserved()), (5, 2, true));
}
