//! What only a real Redis shows: lost keys, foreign values, wrong settings, forgotten scripts, no server.

use std::error::Error as _;
use std::time::Duration;

use seckill::{At, ErrorKind, FlashSale, Opened, RedisStore, ReservationId, SaleId, SaleStore};

use crate::stage::{ask, buyer, open_terms, patient, quantity, redis, request, tell, won};

const PARTS: [&str; 5] = ["numbers", "buyers", "reservations", "deadlines", "events"];

fn key(sale: &SaleId, part: &str) -> String {
    format!("{{gh:sale:{sale}}}:{part}")
}

/// Everything that the server holds of a sale.
async fn dump(server: &testkit::Redis, sale: &SaleId) -> Vec<Option<Vec<u8>>> {
    let mut values = Vec::new();
    for part in PARTS {
        values.push(tell(server, &["DUMP", &key(sale, part)]).await);
    }
    values
}

#[tokio::test]
async fn lost_stock_is_neither_sold_out_nor_seeded_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    let id = won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap()).id;

    let numbers = key(terms.id(), "numbers");
    let _: i64 = tell(&server, &["HDEL", &numbers, "left"]).await;
    let asked = store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await;
    let errors = [
        asked.unwrap_err(),
        store.confirm(&id, At::Server).await.unwrap_err(),
        store.release(&id).await.unwrap_err(),
        store.sweep(terms.id(), 1, At::Server).await.unwrap_err(),
        store.state(terms.id()).await.unwrap_err(),
        store.audit(terms.id()).await.unwrap_err(),
        store.open_sale(&terms).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::NotLoaded), "{errors:?}");

    let _: i64 = tell(&server, &["DEL", &numbers]).await;
    let error = store.open_sale(&terms).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let kept: i64 = tell(&server, &["EXISTS", &numbers]).await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn foreign_values_are_corrupt_and_change_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    for (part, field, value) in [
        ("numbers", "left", "-1"),
        ("numbers", "left", "1.5"),
        ("numbers", "limit", "nan"),
        ("buyers", buyer(2).as_str(), "many"),
        ("reservations", request(2).as_str(), "what"),
    ] {
        let terms = open_terms(5, 1);
        store.open_sale(&terms).await.unwrap();
        won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());
        let _: i64 = tell(&server, &["HSET", &key(terms.id(), part), field, value]).await;
        let before: Vec<String> = tell(&server, &["HGETALL", &key(terms.id(), "numbers")]).await;
        let error = store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{part} {field} {value}: {error}");
        let after: Vec<String> = tell(&server, &["HGETALL", &key(terms.id(), "numbers")]).await;
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn key_of_another_type_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    for part in PARTS {
        let terms = open_terms(5, 2);
        store.open_sale(&terms).await.unwrap();
        let id = won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap()).id;
        let _: String = tell(&server, &["SET", &key(terms.id(), part), "x"]).await;
        let before = dump(&server, terms.id()).await;
        let errors = [
            store.reserve(terms.id(), &ask(1, 1, 2), At::Server).await.unwrap_err(),
            store.confirm(&id, At::Server).await.unwrap_err(),
            store.release(&id).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{part}: {error}");
            assert!(error.source().is_some());
        }
        assert_eq!(dump(&server, terms.id()).await, before, "{part}");
    }
}

#[tokio::test]
async fn server_without_memory_changes_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    assert!(error.source().unwrap().to_string().contains("OOM"));
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory", "0"]).await;
    assert!(!won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap()).replayed);
    assert!(store.audit(terms.id()).await.unwrap().conserved());
}

#[tokio::test]
async fn audit_sees_what_does_not_add_up() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());
    assert!(store.audit(terms.id()).await.unwrap().conserved());

    let buyers = key(terms.id(), "buyers");
    let _: i64 = tell(&server, &["HSET", &buyers, buyer(1).as_str(), "2"]).await;
    let audit = store.audit(terms.id()).await.unwrap();
    assert_eq!((audit.over_limit, audit.records.unwrap().miscounted, audit.conserved()), (1, 1, false));

    let _: i64 = tell(&server, &["HSET", &buyers, buyer(1).as_str(), "1"]).await;
    let _: i64 = tell(&server, &["HINCRBY", &key(terms.id(), "numbers"), "left", "1"]).await;
    assert!(!store.audit(terms.id()).await.unwrap().conserved());
}

#[tokio::test]
async fn server_that_evicts_is_refused() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let error = store.open_sale(&terms).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("allkeys-lru"), "{error}");
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    assert_eq!(store.open_sale(&terms).await.unwrap(), Opened::Created);
}

#[tokio::test]
async fn policy_that_may_not_be_asked_is_an_error_with_the_remedy() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let rules = ["ACL", "SETUSER", "shop", "on", ">pass", "~*", "+@all", "-info"];
    let _: String = tell(&server, &rules).await;
    let url = server.url().replace("redis://", "redis://shop:pass@");
    // `CONFIG GET` alone is enough.
    let store = patient(RedisStore::connect(&url).await.unwrap());
    store.open_sale(&open_terms(5, 1)).await.unwrap();

    let _: String = tell(&server, &["ACL", "SETUSER", "shop", "-config"]).await;
    let error = store.open_sale(&open_terms(5, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("permit `INFO` or `CONFIG GET`"), "{error}");
    assert!(error.source().is_some());

    let wrong = RedisStore::connect(&url.replace("pass", "word")).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Misuse, "{wrong}");
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sale = FlashSale::open(redis(&server).await, &open_terms(5, 5)).await.unwrap();
    for number in 0..2 {
        let _: String = tell(&server, &["SCRIPT", "FLUSH"]).await;
        won(sale.reserve(buyer(1), quantity(1), request(number)).await.unwrap());
    }
    assert_eq!(sale.state().await.unwrap().held, 2);
}

#[tokio::test]
async fn every_change_is_one_event() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    let requests = [ask(1, 1, 1), ask(2, 1, 2), ask(2, 1, 3)];
    assert_eq!(store.reserve_batch(terms.id(), &requests, At::Server).await.len(), 3);
    store.confirm(&ReservationId::new(terms.id(), &request(1)), At::Server).await.unwrap();
    store.release(&ReservationId::new(terms.id(), &request(2))).await.unwrap();
    store.release(&ReservationId::new(terms.id(), &request(2))).await.unwrap();
    let events: i64 = tell(&server, &["XLEN", &key(terms.id(), "events")]).await;
    assert_eq!(events, 3);
    assert_eq!(store.state(terms.id()).await.unwrap().sequence, 3);
}

#[tokio::test]
async fn server_down_is_unavailable_and_the_same_id_resolves_it() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::options().aof(testkit::AppendFsync::Always).start().unwrap();
    let url = server.url();
    let sale = FlashSale::open(redis(&server).await, &open_terms(5, 2)).await.unwrap();
    let first = won(sale.reserve(buyer(1), quantity(1), request(1)).await.unwrap());
    server.kill().unwrap();
    let errors = [
        sale.state().await.unwrap_err(),
        sale.reserve(buyer(1), quantity(1), request(1)).await.unwrap_err(),
        sale.reserve(buyer(1), quantity(1), request(2)).await.unwrap_err(),
        RedisStore::connect(&url).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.is_transient());
    }

    server.restart().unwrap();
    let sale = FlashSale::attach(redis(&server).await, sale.id().clone());
    let again = won(sale.reserve(buyer(1), quantity(1), request(1)).await.unwrap());
    assert_eq!((again.replayed, again.id, again.pay_until), (true, first.id, first.pay_until));
    assert!(!won(sale.reserve(buyer(1), quantity(1), request(2)).await.unwrap()).replayed);
    assert_eq!(sale.state().await.unwrap().held, 2);
}

#[tokio::test]
async fn deadline_is_unavailable_and_the_same_id_resolves_it() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    // The server knows the script now, so the call below is all it takes to change something.
    won(store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap());
    // The server holds every command back until it is told otherwise, then runs it.
    let hasty = RedisStore::connect(&server.url()).await.unwrap().deadline(Duration::from_millis(200));
    let _: String = tell(&server, &["CLIENT", "PAUSE", "60000", "WRITE"]).await;
    let error = hasty.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    let _: String = tell(&server, &["CLIENT", "UNPAUSE"]).await;
    let first = won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());
    assert_eq!(first.id, ReservationId::new(terms.id(), &request(1)));
    assert!(first.replayed, "the call that met its deadline took effect when the server ran it");
    assert_eq!(store.state(terms.id()).await.unwrap().held, 2);
}
