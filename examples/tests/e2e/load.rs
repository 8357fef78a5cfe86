//! The load tool, run as a person would run it: in memory, in Redis, in a cluster, and with settings that make no sense.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::{Redis, RedisCluster};

use super::instances::free_addr;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flash_sale")).args(args).output().unwrap()
}

/// Runs a small sale and checks what must hold in every store.
fn story(args: &[&str]) -> Value {
    let output = run(&[&["--json", "--callers", "64"], args].concat());
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {words}");
    assert_eq!(words, "", "a progress line where nobody looks");
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |name: &str| story[name].as_u64().unwrap_or_else(|| panic!("no {name} in {story}"));
    assert!(story["conserved"] == true && story["settled"] == true, "{story}");
    assert_eq!(story["faults"], serde_json::json!([]), "{story}");
    assert_eq!(
        number("left_units") + number("held_units") + number("paid_units"),
        number("stock"),
        "{story}"
    );
    let asked = ["won", "replayed", "sold_out", "limit", "refused"].map(number).iter().sum::<u64>();
    assert_eq!(asked, number("decisions"), "{story}");
    assert!(number("p50_micros") <= number("p99_micros"), "{story}");
    assert_eq!((number("undecided"), story["errors"].clone()), (0, serde_json::json!({})), "{story}");
    story
}

/// Everybody pays at once, so that the numbers are known beforehand.
fn everybody_pays(store: &[&str]) {
    let habits = ["--pay", "100%", "--release", "0", "--double-click", "100%", "--greedy", "100%"];
    let story = story(&[&["--buyers", "1000", "--stock", "40"], &habits[..], store].concat());
    let told =
        ["won", "replayed", "sold_out", "limit", "paid_units"].map(|name| story[name].as_u64().unwrap());
    // The second purchase of a winner is over the limit.
    assert_eq!(told, [40, 40, 1920, 40, 40], "{story}");
}

/// Winners pay, let go or stay away, of several units each.
fn habits_differ(store: &[&str]) {
    let sale = ["--buyers", "1500", "--stock", "300", "--quantity", "2", "--limit", "4", "--greedy", "50%"];
    let story = story(&[&sale[..], store].concat());
    for name in ["released", "let_go", "replayed", "limit"] {
        let count = story[name].as_u64().unwrap();
        assert!(count > 0 || name == "limit", "nobody was {name}: {story}");
    }
    let paid = story["paid_units"].as_u64().unwrap();
    assert!(paid > 0 && paid <= 300 && paid.is_multiple_of(2), "{story}");
}

#[test]
fn a_sale_in_memory_sells_its_stock_and_no_more() {
    everybody_pays(&[]);
    habits_differ(&["--seed", "2"]);
}

#[test]
fn a_sale_in_redis_sells_its_stock_and_no_more() {
    if testkit::skipped("redis") {
        return;
    }
    let master = Redis::start().unwrap();
    let _replica = Redis::replica_of(&master).unwrap();
    let url = master.url();
    everybody_pays(&["--store", &url]);
    everybody_pays(&["--store", &url, "--replicated", "1"]);
    habits_differ(&["--store", &url, "--seed", "3"]);
    habits_differ(&["--store", &url, "--shards", "4"]);
}

#[test]
fn a_sale_in_a_cluster_sells_its_stock_and_no_more() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let place = format!("cluster:{}", cluster.urls().join(","));
    everybody_pays(&["--store", &place, "--shards", "6"]);
    habits_differ(&["--store", &place, "--shards", "6"]);
}

/// The end of a run whose books somebody else wrote into, unless it was over before.
fn meddled_with() -> Option<Output> {
    let redis = Redis::start().unwrap();
    // Nobody pays, so the run lasts until the last time to pay is over.
    let args = ["--buyers", "50", "--stock", "10", "--pay", "0", "--release", "0", "--store", &redis.url()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_flash_sale"));
    let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut key = String::new();
    testkit::until(Duration::from_secs(60), "the first reservation", || {
        key = redis.cli(&["KEYS", "{gh:sale:load-*}:buyers"]).unwrap();
        !key.is_empty() || child.try_wait().unwrap().is_some()
    })
    .unwrap();
    redis.cli(&["HSET", &key, "stranger", "P1800000000000:1:never-counted"]).unwrap();
    let was_running = child.try_wait().unwrap().is_none();
    let output = child.wait_with_output().unwrap();
    was_running.then_some(output)
}

#[test]
fn books_that_do_not_balance_are_told_and_fail_the_run() {
    if testkit::skipped("redis") {
        return;
    }
    // A machine that stalls may be too late for a run.
    let output = (0..10).find_map(|_| meddled_with()).expect("one run in ten lasts long enough");
    let (told, fault) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{told} {fault}");
    assert!(told.contains("NOT CONSERVED") && fault.contains("the books do not balance"), "{told} {fault}");
}

#[test]
fn a_person_gets_a_summary() {
    let output = run(&["--buyers", "500", "--stock", "20"]);
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}");
    for part in ["500 buyers for 20 units", "won ", "p99 ", "a second", "conserved: "] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_with_the_remedy() {
    let cases: [(&[&str], &str); 7] = [
        (&["--stock", "0"], "give a whole number from 1"),
        (&["--double-click", "120%"], "from 0% to 100%"),
        (&["--pay", "60%", "--release", "60%"], "at most 100% together"),
        (&["--store", "cluster:redis://127.0.0.1/"], "at least two nodes"),
        (&["--replicated", "1"], "leave --replicated out"),
        (&["--quantity", "2"], "raise --limit to 2"),
        (&["2000", "40"], "--help"),
    ];
    for (args, remedy) in cases {
        let output = run(args);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {words}");
        assert!(words.contains(remedy), "{args:?}: {words}");
    }
}

#[test]
fn a_store_that_is_not_there_names_the_remedy_and_no_password() {
    let closed = free_addr();
    let output = run(&["--store", &format!("redis://user:topsecret@{closed}/")]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("start it, or correct the address"), "{words}");
    assert!(!words.contains("topsecret"), "{words}");
}
