//! The contract of every store of the gate: to any history it gives the answers of the memory store, which
//! is the rules under locks. Histories are drawn at random, with explicit times.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use seckill::gate::{
    DrawSeed, Limit, MemoryStore, Order, PathStore, RateKey, RateLimiter, RoomStore, RoomTerms,
};
use seckill::{SaleId, UnixMillis};
use tokio::runtime::Runtime;

use super::stage::{at, buyer, fresh, ms, path, terms, told};

/// The last millisecond that rate limits count.
const LAST: u64 = (1 << 52) / 1_000;

/// Limits that divide and that do not, and the largest numbers there are.
fn limits() -> Vec<Limit> {
    [
        (1, 1, ms(10)),
        (3, 7, ms(10)),
        (5, 3, ms(1_000)),
        (4, 1_000_003, ms(30)),
        (2, 1, Duration::from_micros(250)),
        (1, 1, Duration::from_micros(1 << 52)),
        (u32::MAX, 999_983, Duration::from_micros(1 << 20)),
        (u32::MAX, u32::MAX, Duration::from_micros(1)),
    ]
    .into_iter()
    .map(|(burst, count, per)| Limit::new(burst, count, per).unwrap())
    .collect()
}

/// Milliseconds to wait first, then the keys with their limits, and what it costs.
#[derive(Debug, Clone)]
struct Take {
    wait: u64,
    keys: Vec<(u64, usize)>,
    cost: u32,
}

fn any_take() -> impl Strategy<Value = Take> {
    let keys = proptest::collection::vec((0u64..4, 0usize..8), 0..4);
    let cost = prop_oneof![6 => Just(1u32), 3 => 0u32..6, 1 => Just(u32::MAX)];
    let wait = prop_oneof![4 => 0u64..4, 2 => 0u64..400, 1 => 0u64..100_000];
    (wait, keys, cost).prop_map(|(wait, keys, cost)| Take { wait, keys, cost })
}

async fn same_rates(store: &dyn RateLimiter, start: u64, takes: &[Take]) -> Result<(), TestCaseError> {
    let (rule, limits, sale, other) = (MemoryStore::new(), limits(), fresh(), fresh());
    let mut now = start;
    for take in takes {
        now += take.wait;
        // The last key is in another sale.
        let key = |n: u64| RateKey::buyer(if n == 3 { &other } else { &sale }, &buyer(n));
        let keys: Vec<_> = take.keys.iter().map(|(n, limit)| (key(*n), limits[*limit])).collect();
        let asked: Vec<_> = keys.iter().map(|(key, limit)| (key, limit)).collect();
        let expected = told(rule.take(&asked, take.cost, at(now)).await);
        let given = told(store.take(&asked, take.cost, at(now)).await);
        prop_assert_eq!(given, expected, "at {} {:?}", now, take);
    }
    Ok(())
}

/// Waits, then spends the path of a buyer with a lifetime.
fn any_spends() -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    proptest::collection::vec((0u64..40, 0u64..2, 0u8..3), 1..30)
}

async fn same_paths(store: &dyn PathStore, spends: &[(u64, u64, u8)]) -> Result<(), TestCaseError> {
    let (rule, sale, mut now) = (MemoryStore::new(), fresh(), 1_000);
    for (wait, who, nonce) in spends {
        now += wait;
        let pass = path(&sale, *who, *nonce, 1_000, 100 * (1 + u64::from(*nonce)));
        let expected = told(rule.spend(&pass, at(now)).await);
        prop_assert_eq!(told(store.spend(&pass, at(now)).await), expected, "at {}", now);
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Back(u64),
    Join(u64),
    Admit(u64),
    Left(u64),
}

#[derive(Debug, Clone)]
struct Visit {
    pace: (u32, u64),
    patience: u64,
    places_max: u32,
    seed: Option<[u8; 32]>,
    start: u64,
    steps: Vec<Step>,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![3 => 0u64..60, 2 => 0u64..900, 1 => 0u64..20_000].prop_map(Step::Wait),
        // Steps that meet openings, turns and the end of patience to the millisecond.
        3 => (1u64..=8).prop_map(|steps| Step::Wait(steps * 50)),
        1 => (0u64..300).prop_map(Step::Back),
        8 => (0u64..12).prop_map(Step::Join),
        6 => (0u64..12).prop_map(Step::Admit),
        1 => (0u64..3).prop_map(|left| Step::Left(left / 2)),
        2 => Just(Step::Left(9)),
    ]
}

fn any_visit() -> impl Strategy<Value = Visit> {
    let even = (1u32..=2, Just(100u64));
    let pace = prop_oneof![3 => even, 2 => (1u32..4, 1u64..300), 1 => (1u32..1_000_000, 1u64..3_600_000)];
    let patience = prop_oneof![2 => (1u64..=4).prop_map(|steps| steps * 50), 1 => 1u64..2_000];
    let start = prop_oneof![Just(0u64), Just(900), Just(1_000), Just(60_500)];
    let steps = proptest::collection::vec(any_step(), 1..60);
    (pace, patience, 3u32..30, any::<Option<[u8; 32]>>(), start, steps).prop_map(
        |(pace, patience, places_max, seed, start, steps)| Visit {
            pace,
            patience,
            places_max,
            seed,
            start,
            steps,
        },
    )
}

fn room_of(visit: &Visit) -> RoomTerms {
    let terms = terms(visit.pace.0, visit.pace.1).patience(ms(visit.patience)).unwrap();
    let terms = terms.places_max(visit.places_max).unwrap();
    match &visit.seed {
        Some(seed) => terms.order(Order::Draw(DrawSeed::new(seed))),
        None => terms,
    }
}

async fn answer(store: &dyn RoomStore, terms: &RoomTerms, step: &Step, now: u64) -> String {
    match step {
        Step::Wait(_) | Step::Back(_) => String::new(),
        Step::Join(who) => told(store.join(terms, &buyer(*who), at(now)).await),
        Step::Admit(who) => told(store.admit(terms, &buyer(*who), at(now)).await),
        Step::Left(left) => told(store.left_hint(terms, *left, at(now)).await),
    }
}

async fn same_rooms(store: &dyn RoomStore, visit: &Visit) -> Result<(), TestCaseError> {
    let (rule, terms, mut now) = (MemoryStore::new(), room_of(visit), visit.start);
    for step in &visit.steps {
        match step {
            Step::Wait(millis) => now += millis,
            Step::Back(millis) => now = now.saturating_sub(*millis),
            _ => {}
        }
        let expected = answer(&rule, &terms, step, now).await;
        prop_assert_eq!(answer(store, &terms, step, now).await, expected, "at {} {:?}", now, step);
    }
    Ok(())
}

/// Many who join before the opening, so that the draw is over a large field.
async fn same_large_draw(store: &dyn RoomStore, seed: &[u8; 32], crowd: u64) -> Result<(), TestCaseError> {
    let (rule, terms) = (MemoryStore::new(), terms(1, 1).order(Order::Draw(DrawSeed::new(seed))));
    for now in [0, 1_000] {
        for who in 0..crowd {
            let step = Step::Join(who);
            let expected = answer(&rule, &terms, &step, now).await;
            prop_assert_eq!(answer(store, &terms, &step, now).await, expected);
        }
    }
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs every suite against one store.
pub(super) fn keeps<S: RateLimiter + PathStore + RoomStore>(store: &S, runtime: &Runtime, cases: u32) {
    let starts = prop_oneof![2 => Just(1_700_000_000_000u64), 1 => Just(0), 1 => Just(LAST - 500)];
    let takes = (starts, proptest::collection::vec(any_take(), 1..50));
    let rates =
        runner(cases).run(&takes, |(start, takes)| runtime.block_on(same_rates(store, start, &takes)));
    rates.unwrap_or_else(|failure| panic!("{failure}"));
    let paths = runner(cases / 2).run(&any_spends(), |spends| runtime.block_on(same_paths(store, &spends)));
    paths.unwrap_or_else(|failure| panic!("{failure}"));
    let rooms = runner(cases).run(&any_visit(), |visit| runtime.block_on(same_rooms(store, &visit)));
    rooms.unwrap_or_else(|failure| panic!("{failure}"));
    let draws = (any::<[u8; 32]>(), 1u64..70);
    let drawn =
        runner(cases / 8).run(&draws, |(seed, crowd)| runtime.block_on(same_large_draw(store, &seed, crowd)));
    drawn.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The same histories in a second memory store: the suite itself is sound.
#[test]
fn memory_store_keeps_the_contract() {
    keeps(&MemoryStore::new(), &runtime(), 64);
}

/// All or nothing, and the limit that takes longest is named.
#[tokio::test]
async fn a_call_is_charged_under_all_limits_or_none() {
    let (store, sale): (_, SaleId) = (MemoryStore::new(), fresh());
    let (tight, wide) = (Limit::new(1, 1, ms(1_000)).unwrap(), Limit::new(9, 1, ms(1_000)).unwrap());
    let (one, two) = (RateKey::buyer(&sale, &buyer(1)), RateKey::new(&sale, "device", "d").unwrap());
    let both = [(&two, &wide), (&one, &tight)];
    let rated = |cost| {
        let store = &store;
        async move { told(store.take(&both, cost, at(0)).await) }
    };
    assert_eq!(rated(1).await, "Passed { remaining: 0 }");
    for _ in 0..20 {
        assert_eq!(rated(1).await, "Limited { retry_after: 1s, which: 1 }");
    }
    let alone = store.take(&[(&two, &wide)], 8, at(0)).await;
    assert_eq!(told(alone), "Passed { remaining: 0 }");
    assert!(rated(2).await.starts_with("InvalidInput: cost 2 is out of range"));
    assert!(told(store.take(&[], 1, at(0)).await).starts_with("InvalidInput"));
    let beyond = UnixMillis::new(LAST + 1).unwrap();
    let late = store.take(&both, 1, seckill::At::Millis(beyond)).await;
    assert!(told(late).starts_with("InvalidInput: time of the rate limit"));
}
