//! What only a real Redis shows: lost keys, foreign values, wrong settings, forgotten scripts, no server.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use seckill::{
    At, Confirm, Error, ErrorKind, FlashSale, Opened, Outcome, RedisStore, Refusal, Release, ReservationId,
    ReservationState, Restocked, SaleConfig, SaleId, SaleStore, Steered, Step,
};
use seckill::{KeptOrder, Restock};
use testkit::Redis;

use crate::failures::eventually;
use crate::stage::{ask, buyer, connect, open_terms, redis, request, tell, won};

/// The deadline of a store whose server is about to fail, longer than a slow machine is likely to pause.
const FAILING: Duration = Duration::from_secs(5);

const PARTS: [&str; 5] = ["numbers", "buyers", "wins", "changes", "restocks"];

fn key(sale: &SaleId, part: &str) -> String {
    format!("{{gh:sale:{sale}}}:{part}")
}

/// The field of a buyer in the records, and the buyer in the stream: a space is escaped.
fn written(who: u64) -> String {
    buyer(who).as_str().replace(' ', "~20")
}

fn id(terms: &SaleConfig, who: u64, number: u64) -> ReservationId {
    ReservationId::new(terms.id(), &buyer(who), &request(number))
}

/// Everything that the server holds of a sale.
async fn dump(server: &Redis, sale: &SaleId) -> Vec<Option<Vec<u8>>> {
    let mut values = Vec::new();
    for part in PARTS {
        values.push(tell(server, &["DUMP", &key(sale, part)]).await);
    }
    values
}

/// Every call that is about a sale.
async fn errors_of_all(store: &dyn SaleStore, terms: &SaleConfig) -> Vec<Error> {
    let (sale, first) = (terms.id(), id(terms, 1, 1));
    vec![
        store.reserve(sale, &ask(2, 1, 2), At::Server).await.unwrap_err(),
        store.confirm(&first, At::Server).await.unwrap_err(),
        store.release(&first).await.unwrap_err(),
        store.restock(sale, &Restock::add(request(9), 1), At::Server).await.unwrap_err(),
        store.sweep(sale, 1, At::Server).await.unwrap_err(),
        store.steer(sale, Step::Pause, At::Server).await.unwrap_err(),
        store.state(sale, At::Server).await.unwrap_err(),
        store.audit(sale).await.unwrap_err(),
    ]
}

/// A sale of which the first buyer holds one unit.
async fn open(store: &Arc<dyn SaleStore>, stock: u64, limit: u32) -> SaleConfig {
    let terms = open_terms(stock, limit);
    store.open_sale(&terms).await.unwrap();
    won(store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await.unwrap());
    terms
}

#[tokio::test]
async fn lost_stock_is_neither_sold_out_nor_seeded_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open(&store, 5, 1).await;
    let numbers = key(terms.id(), "numbers");
    let _: i64 = tell(&server, &["HDEL", &numbers, "l0"]).await;
    let asked = [
        store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap_err(),
        store.release(&id(&terms, 1, 1)).await.unwrap_err(),
        store.restock(terms.id(), &Restock::add(request(9), 1), At::Server).await.unwrap_err(),
        store.state(terms.id(), At::Server).await.unwrap_err(),
        store.audit(terms.id()).await.unwrap_err(),
        store.open_sale(&terms).await.unwrap_err(),
    ];
    assert!(asked.iter().all(|error| error.kind() == ErrorKind::NotLoaded), "{asked:?}");

    let _: i64 = tell(&server, &["DEL", &numbers]).await;
    for store in [&store, &redis(&server).await] {
        let errors = errors_of_all(&**store, &terms).await;
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::NotLoaded), "{errors:?}");
        let error = store.open_sale(&terms).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    let kept: i64 = tell(&server, &["EXISTS", &numbers]).await;
    assert_eq!(kept, 0);
}

/// Everything is gone in the middle of a sale that is sold out: nobody is told sold out any more, nothing is seeded,
/// and the ledger brings it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_server_has_no_sale_until_it_is_rebuilt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = connect(&server.url()).await;
    let terms = open_terms(3, 1);
    let sale = FlashSale::open(Arc::new(store.clone()), &terms).await.unwrap();
    let mut ledger = Vec::new();
    for (who, paid) in [(1, false), (2, true), (3, false)] {
        let won = won(sale.reserve(&ask(who, 1, 1)).await.unwrap());
        if paid {
            assert_eq!(sale.confirm(&won.id).await.unwrap(), Confirm::Confirmed);
        }
        let state = if paid { ReservationState::Paid } else { ReservationState::Held };
        ledger.push(KeptOrder::new(won.id, won.lines, won.pay_until, state));
    }
    assert_eq!(sale.reserve(&ask(4, 1, 1)).await.unwrap(), Outcome::Refused(Refusal::SoldOut));
    let _: String = tell(&server, &["FLUSHALL"]).await;
    eventually("a process that knows", async || match sale.reserve(&ask(4, 1, 1)).await {
        Ok(Outcome::Refused(Refusal::SoldOut)) => None,
        Err(error) if error.kind() == ErrorKind::NotLoaded => Some(()),
        other => panic!("{other:?}"),
    })
    .await;
    let attached = FlashSale::attach(redis(&server).await, terms.id().clone());
    assert_eq!(attached.reserve(&ask(4, 1, 1)).await.unwrap_err().kind(), ErrorKind::NotLoaded);
    let keys: i64 = tell(&server, &["DBSIZE"]).await;
    assert_eq!(keys, 0);

    for added in [3, 0] {
        let recovered = store.rebuild(&terms, &ledger, &[]).await.unwrap();
        assert_eq!((recovered.added, recovered.changed, recovered.short), (added, 0, vec![]));
    }
    eventually("a sale that is paused", async || match sale.reserve(&ask(4, 1, 1)).await.unwrap() {
        // What the process knows may be from before the loss, and is soon too old.
        Outcome::Refused(Refusal::SoldOut) => None,
        Outcome::Refused(Refusal::Paused) => Some(()),
        other => panic!("{other:?}"),
    })
    .await;
    assert_eq!(sale.steer(Step::Resume).await.unwrap(), Steered::Done);
    let states = [ReservationState::Held, ReservationState::Paid, ReservationState::Held];
    for (order, (who, state)) in ledger.iter().zip((1..).zip(states)) {
        let again = won(sale.reserve(&ask(who, 1, 1)).await.unwrap());
        assert_eq!((again.replayed, again.state, again.pay_until), (true, state, order.pay_until));
    }
    let audit = attached.audit().await.unwrap();
    assert_eq!((audit.left(), audit.held(), audit.paid(), audit.conserved()), (0, 2, 1, true));
    assert_eq!(sale.release(&ledger[0].id).await.unwrap(), Release::Released);
    let more = sale.restock(&Restock::add(request(9), 1)).await.unwrap();
    assert_eq!(more, Restocked::Done { units: 1 });
}

#[tokio::test]
async fn foreign_values_are_corrupt_and_change_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    for (part, field, value) in [
        ("numbers", "l0", "-1"),
        ("numbers", "l0", "1.5"),
        ("numbers", "seq", "x"),
        ("numbers", "rules", "R"),
        ("buyers", written(2).as_str(), "many"),
        ("buyers", written(2).as_str(), "Z12:1:request-1"),
    ] {
        let terms = open(&store, 5, 1).await;
        let _: i64 = tell(&server, &["HSET", &key(terms.id(), part), field, value]).await;
        let before = dump(&server, terms.id()).await;
        let error = store.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{part} {field} {value}: {error}");
        assert_eq!(dump(&server, terms.id()).await, before, "{part} {field} {value}");
    }
}

#[tokio::test]
async fn key_of_another_type_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    for part in PARTS {
        let terms = open(&store, 5, 2).await;
        let (sale, first) = (terms.id(), id(&terms, 1, 1));
        let _: String = tell(&server, &["SET", &key(sale, part), "x"]).await;
        let before = dump(&server, sale).await;
        let mut errors = match part {
            "wins" | "numbers" | "buyers" => {
                vec![store.reserve(sale, &ask(2, 1, 2), At::Server).await.map(|_| ()).unwrap_err()]
            }
            "restocks" => {
                let change = Restock::add(request(9), 1);
                vec![store.restock(sale, &change, At::Server).await.map(|_| ()).unwrap_err()]
            }
            _ => vec![store.steer(sale, Step::Pause, At::Server).await.map(|_| ()).unwrap_err()],
        };
        if matches!(part, "numbers" | "buyers" | "changes") {
            errors.push(store.confirm(&first, At::Server).await.unwrap_err());
            errors.push(store.release(&first).await.unwrap_err());
        }
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{part}: {error}");
            assert!(error.source().is_some());
        }
        assert_eq!(dump(&server, sale).await, before, "{part}");
    }
}

#[tokio::test]
async fn server_without_memory_changes_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    let failing = connect(&server.url()).await.deadline(FAILING);
    let terms = open(&store, 5, 2).await;
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let before = dump(&server, terms.id()).await;
    let error = failing.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    assert!(error.source().unwrap().to_string().contains("OOM"));
    assert_eq!(dump(&server, terms.id()).await, before);
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory", "0"]).await;
    assert!(!won(failing.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap()).replayed);
    assert!(store.audit(terms.id()).await.unwrap().conserved());
}

#[tokio::test]
async fn audit_sees_what_does_not_add_up() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open(&store, 5, 1).await;
    assert!(store.audit(terms.id()).await.unwrap().conserved());

    let (buyers, field) = (key(terms.id(), "buyers"), written(1));
    let record: String = tell(&server, &["HGET", &buyers, &field]).await;
    let twice = format!("{record};{}", record.replace("request-1", "request-2"));
    let _: i64 = tell(&server, &["HSET", &buyers, &field, &twice]).await;
    let audit = store.audit(terms.id()).await.unwrap();
    assert_eq!((audit.over_limit(), audit.held(), audit.conserved()), (1, 2, false));

    let _: i64 = tell(&server, &["HSET", &buyers, &field, &record]).await;
    assert!(store.audit(terms.id()).await.unwrap().conserved());
    let _: i64 = tell(&server, &["HINCRBY", &key(terms.id(), "numbers"), "l0", "1"]).await;
    assert!(!store.audit(terms.id()).await.unwrap().conserved());
}

#[tokio::test]
async fn server_that_evicts_is_refused() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    for error in [store.open_sale(&terms).await.unwrap_err(), store.draft_sale(&terms).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Misuse);
        assert!(error.to_string().contains("allkeys-lru"), "{error}");
    }
    let _: String = tell(&server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    assert_eq!(store.open_sale(&terms).await.unwrap(), Opened::Created);
}

#[tokio::test]
async fn policy_that_may_not_be_asked_is_an_error_with_the_remedy() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let rules = ["ACL", "SETUSER", "shop", "on", ">pass", "~*", "+@all", "-info"];
    let _: String = tell(&server, &rules).await;
    let url = server.url().replace("redis://", "redis://shop:pass@");
    // `CONFIG GET` alone is enough.
    let store = connect(&url).await;
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
    let server = Redis::start().unwrap();
    let sale = FlashSale::open(redis(&server).await, &open_terms(5, 5)).await.unwrap();
    for number in 0..2 {
        let _: String = tell(&server, &["SCRIPT", "FLUSH"]).await;
        let id = won(sale.reserve(&ask(1, 1, number)).await.unwrap()).id;
        let _: String = tell(&server, &["SCRIPT", "FLUSH"]).await;
        assert_eq!(sale.confirm(&id).await.unwrap(), Confirm::Confirmed);
    }
    assert_eq!(sale.state().await.unwrap().paid(), 2);
}

/// The numbers of the steps in a stream of a sale.
async fn steps(server: &Redis, sale: &SaleId, part: &str) -> Vec<u64> {
    let entries: Vec<(String, Vec<String>)> = tell(server, &["XRANGE", &key(sale, part), "-", "+"]).await;
    entries.iter().map(|(id, _)| id.strip_suffix("-0").unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn every_change_is_one_step_with_its_own_number() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    let terms = open_terms(5, 1);
    store.open_sale(&terms).await.unwrap();
    let requests = [ask(1, 1, 1), ask(2, 1, 2), ask(3, 1, 3)];
    assert_eq!(store.reserve_batch(terms.id(), &requests, At::Server).await.len(), 3);
    for _ in 0..2 {
        store.confirm(&id(&terms, 1, 1), At::Server).await.unwrap();
        store.release(&id(&terms, 2, 2)).await.unwrap();
        store.steer(terms.id(), Step::Pause, At::Server).await.unwrap();
        won(store.reserve(terms.id(), &ask(3, 1, 3), At::Server).await.unwrap());
    }
    assert_eq!(steps(&server, terms.id(), "wins").await, [2]);
    assert_eq!(steps(&server, terms.id(), "changes").await, [1, 3, 4, 5]);
    assert_eq!(store.state(terms.id(), At::Server).await.unwrap().sequence, 5);
}

#[tokio::test]
async fn server_down_is_unavailable_and_the_same_id_resolves_it() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = Redis::options().aof(testkit::AppendFsync::Always).start().unwrap();
    let url = server.url();
    let store = connect(&url).await.deadline(FAILING);
    let sale = FlashSale::open(Arc::new(store), &open_terms(5, 2)).await.unwrap();
    let first = won(sale.reserve(&ask(1, 1, 1)).await.unwrap());
    server.kill().unwrap();
    let errors = [
        sale.state().await.unwrap_err(),
        sale.reserve(&ask(1, 1, 1)).await.unwrap_err(),
        sale.reserve(&ask(1, 1, 2)).await.unwrap_err(),
        sale.confirm(&first.id).await.unwrap_err(),
        RedisStore::connect(&url).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.is_transient());
    }

    server.restart().unwrap();
    // The process that was there before, and one that comes after.
    for sale in [sale.clone(), FlashSale::attach(redis(&server).await, sale.id().clone())] {
        let again = won(sale.reserve(&ask(1, 1, 1)).await.unwrap());
        assert_eq!((again.replayed, again.id, again.pay_until), (true, first.id.clone(), first.pay_until));
    }
    assert!(!won(sale.reserve(&ask(1, 1, 2)).await.unwrap()).replayed);
    assert_eq!(sale.state().await.unwrap().held(), 2);
}

#[tokio::test]
async fn deadline_is_unavailable_and_the_same_id_resolves_it() {
    if testkit::skipped("redis") {
        return;
    }
    let server = Redis::start().unwrap();
    let store = redis(&server).await;
    // The server knows the script now, so the call below is all it takes to change something.
    let terms = open(&store, 5, 1).await;
    // The server holds every command back until it is told otherwise, then runs it.
    let failing = connect(&server.url()).await.deadline(FAILING);
    failing.state(terms.id(), At::Server).await.unwrap();
    let _: String = tell(&server, &["CLIENT", "PAUSE", "60000", "WRITE"]).await;
    let error = failing.reserve(terms.id(), &ask(2, 1, 2), At::Server).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    let _: String = tell(&server, &["CLIENT", "UNPAUSE"]).await;
    let first = won(failing.reserve(terms.id(), &ask(2, 1, 2).again(), At::Server).await.unwrap());
    assert_eq!(first.id, id(&terms, 2, 2));
    assert_eq!(store.state(terms.id(), At::Server).await.unwrap().held(), 2);
}
