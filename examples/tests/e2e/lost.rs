//! A Redis that forgets while an instance sells: the next start brings everything back, and the other one goes on.

use serde_json::Value;
use testkit::Redis;

use super::api::{buy, get, refusal, reserve};
use super::demo::{Demo, client, sign_in};
use super::sales::Office;

/// What a sale of two seats, three added and one withdrawn, comes to when one is bought and one is held.
const COUNTS: [(&str, u64); 6] =
    [("initial", 2), ("added", 3), ("withdrawn", 1), ("left", 2), ("held", 1), ("paid", 1)];

fn counts(sale: &Value) -> [(&'static str, u64); 6] {
    COUNTS.map(|(name, _)| (name, sale[name].as_u64().unwrap()))
}

/// Sells out of `security` through a running instance.
async fn sell(base: &str) {
    let (http, office) = (client(), Office::open(base).await);
    office.changed("security", "more-seats-0001", "add", 3).await;
    office.changed("security", "fewer-seats-001", "withdraw", 1).await;
    let (han, li) = (sign_in(&http, base, "hanmeimei").await, sign_in(&http, base, "lilei").await);
    buy(&http, base, &han, "security", "bought-before-01").await;
    assert_eq!(reserve(&http, base, &li, "security", "held-before-01").await.status(), 201);
    assert_eq!(counts(&office.look("/security").await), COUNTS);
}

/// Looks at the sale through an instance, whoever sold and lost it.
async fn is_whole(base: &str) {
    let office = Office::open(base).await;
    let sale = office.look("/security").await;
    assert_eq!((counts(&sale), sale["phase"].as_str()), (COUNTS, Some("open")), "{sale}");
    let audit = office.look("/security/audit").await;
    assert!(audit["conserved"] == true && audit["over_limit"] == 0, "{audit}");
}

#[tokio::test]
async fn a_flushed_redis_comes_back_while_an_instance_runs() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = ["--redis-url", &redis.url()];
    let first = Demo::start_in(folder.path(), &args);
    sell(first.url()).await;
    let office = Office::open(first.url()).await;
    office.stepped("sql", "pause").await;
    office.stepped("rust", "close").await;
    redis.cli(&["FLUSHALL"]).unwrap();
    let http = client();
    let li = sign_in(&http, first.url(), "lilei").await;
    let lost = reserve(&http, first.url(), &li, "security", "from-a-lost-sale").await;
    assert_eq!(refusal(lost).await, (reqwest::StatusCode::SERVICE_UNAVAILABLE, "sale_not_loaded".into()));

    let second = Demo::start_in(folder.path(), &args);
    // The instance that has seen more steps than the new sale has taken goes on with it as well.
    for base in [second.url(), first.url()] {
        is_whole(base).await;
        let office = Office::open(base).await;
        for (slug, phase) in [("sql", "paused"), ("rust", "closed"), ("shell", "open")] {
            assert_eq!(office.look(&format!("/{slug}")).await["phase"], phase);
        }
    }
    // Who held a seat still holds it and no other.
    assert_eq!(reserve(&http, first.url(), &li, "security", "held-before-01").await.status(), 201);
    let more = reserve(&http, first.url(), &li, "security", "one-seat-more-01").await;
    assert_eq!(refusal(more).await.1, "limit_reached");
    is_whole(first.url()).await;
}

#[tokio::test]
async fn a_redis_that_went_back_in_time_comes_back_while_an_instance_runs() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = ["--redis-url", &redis.url()];
    let first = Demo::start_in(folder.path(), &args);
    let keys = || -> Vec<String> {
        let keys = redis.cli(&["KEYS", "{gh:sale:security}*"]).unwrap();
        keys.lines().map(str::to_owned).collect()
    };
    let before = keys();
    for key in &before {
        assert_eq!(redis.cli(&["COPY", key, &format!("before {key}")]).unwrap(), "1");
    }
    sell(first.url()).await;
    for key in keys() {
        redis.cli(&["DEL", &key]).unwrap();
    }
    for key in &before {
        assert_eq!(redis.cli(&["RENAME", &format!("before {key}"), key]).unwrap(), "OK");
    }
    let http = client();
    let li = sign_in(&http, first.url(), "lilei").await;
    let frozen = reserve(&http, first.url(), &li, "security", "from-a-frozen-sale").await;
    assert_eq!(refusal(frozen).await, (reqwest::StatusCode::SERVICE_UNAVAILABLE, "sale_frozen".into()));
    assert_eq!(get(&http, format!("{}/courses/shell", first.url()), &li).await.status(), 200);

    let second = Demo::start_in(folder.path(), &args);
    is_whole(second.url()).await;
    is_whole(first.url()).await;
}

#[tokio::test]
async fn a_sale_that_cannot_come_back_keeps_no_other_closed() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = ["--redis-url", &redis.url()];
    drop(Demo::start_in(folder.path(), &args));
    // Its card names terms and its records are of another sale.
    let keys = redis.cli(&["KEYS", "{gh:sale:security}*"]).unwrap();
    assert!(!keys.is_empty());
    for key in keys.lines().filter(|key| !key.ends_with("card")) {
        redis.cli(&["DEL", key]).unwrap();
    }
    redis.cli(&["HSET", "{gh:sale:security}:buyers", "somebody", "something"]).unwrap();
    let demo = Demo::start_in(folder.path(), &args);
    let office = Office::open(demo.url()).await;
    assert_eq!(office.look("/shell").await["phase"], "open");
    let (http, li) = (client(), sign_in(&client(), demo.url(), "lilei").await);
    let refused = reserve(&http, demo.url(), &li, "security", "from-a-broken-one").await;
    assert!(refused.status().is_server_error());
}
