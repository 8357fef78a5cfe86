//! The contract of every store: to any history it gives the answers of the memory store, which is the
//! rule under a lock. Histories are drawn at random, with explicit times.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use seckill::{Audit, Error, ReservationId, Reserve, SaleConfig, SaleId, SaleStore};

use crate::stage::{CLOSES, OPENS, PAY, ask, at, memory, quantity, request, terms};

/// How many units requests may ask for, the limit among them.
const FEW: &[u32] = &[1, 2, 3];
const MANY: &[u32] = &[1, 3, 257, 520];

/// Commands in a sale, from a time on.
#[derive(Debug, Clone)]
struct History {
    start: u64,
    stock: u64,
    limit: u32,
    commands: Vec<Command>,
}

/// One step of a history. Few buyers and ids, so that they collide.
#[derive(Debug, Clone)]
enum Command {
    Wait(u64),
    Open { same: bool },
    Reserve(u64, u32, u64),
    Batch(Vec<(u64, u32, u64)>),
    Confirm(u64),
    Release(u64),
    Sweep(u32),
    State,
    Audit,
}

fn any_request(units: &'static [u32]) -> impl Strategy<Value = (u64, u32, u64)> {
    (0u64..4, proptest::sample::select(units), 0u64..14)
}

fn any_command(units: &'static [u32]) -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => (0u64..PAY).prop_map(Command::Wait),
        // Steps that meet openings, closings and deadlines to the millisecond.
        3 => (1u64..=4).prop_map(|quarters| Command::Wait(quarters * PAY / 4)),
        1 => any::<bool>().prop_map(|same| Command::Open { same }),
        6 => any_request(units).prop_map(|(who, units, id)| Command::Reserve(who, units, id)),
        3 => proptest::collection::vec(any_request(units), 0..6).prop_map(Command::Batch),
        4 => (0u64..14).prop_map(Command::Confirm),
        3 => (0u64..14).prop_map(Command::Release),
        2 => (0u32..4).prop_map(Command::Sweep),
        1 => Just(Command::State),
        1 => Just(Command::Audit),
    ]
}

/// Starts shortly before the opening, at it, or shortly before the closing.
fn any_history() -> impl Strategy<Value = History> {
    let start = prop_oneof![4 => Just(OPENS - PAY / 2), 4 => Just(OPENS), 2 => Just(CLOSES - PAY)];
    let commands = proptest::collection::vec(any_command(FEW), 1..40);
    (start, commands).prop_map(|(start, commands)| History { start, stock: 7, limit: 3, commands })
}

/// More holds than one sweep returns, and few units beside them.
fn any_crowded_history() -> impl Strategy<Value = History> {
    let before = proptest::collection::vec(any_command(MANY), 0..4);
    let after = proptest::collection::vec(any_command(MANY), 1..20);
    (257u64..800, 0u64..600, before, after).prop_map(|(crowd, beside, before, after)| {
        let holds: Vec<_> = (1_000..1_000 + crowd).map(|number| (number, 1, number)).collect();
        let crowd_comes = holds.chunks(Reserve::BATCH_MAX).map(|chunk| Command::Batch(chunk.to_vec()));
        let crowd_is_late = Command::Wait(PAY * 3 / 4);
        let commands = before.into_iter().chain(crowd_comes).chain([crowd_is_late]).chain(after).collect();
        History { start: OPENS, stock: crowd + beside, limit: 520, commands }
    })
}

/// An answer as text: values in full, errors by kind and words.
fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

async fn answer(store: &dyn SaleStore, terms: &SaleConfig, now: u64, command: &Command) -> String {
    let sale: &SaleId = terms.id();
    let named = |id: u64| ReservationId::new(sale, &request(id));
    match command {
        Command::Wait(_) => String::new(),
        Command::Open { same: true } => told(store.open_sale(terms).await),
        Command::Open { same: false } => {
            let other = quantity(terms.buyer_limit().units() + 1);
            told(store.open_sale(&terms.clone().limit_per_buyer(other)).await)
        }
        Command::Reserve(who, units, id) => told(store.reserve(sale, &ask(*who, *units, *id), at(now)).await),
        Command::Batch(requests) => {
            let requests: Vec<Reserve> =
                requests.iter().map(|(who, units, id)| ask(*who, *units, *id)).collect();
            let answers = store.reserve_batch(sale, &requests, at(now)).await;
            answers.into_iter().map(told).collect::<Vec<_>>().join("; ")
        }
        Command::Confirm(id) => told(store.confirm(&named(*id), at(now)).await),
        Command::Release(id) => told(store.release(&named(*id)).await),
        Command::Sweep(max) => told(store.sweep(sale, *max, at(now)).await),
        Command::State => told(store.state(sale).await),
        Command::Audit => told(store.audit(sale).await),
    }
}

/// Runs one history in both stores and compares every answer, and the books at the end.
async fn agree(rule: &dyn SaleStore, store: &dyn SaleStore, history: &History) -> Result<(), TestCaseError> {
    let terms = terms(history.stock, history.limit);
    let mut now = history.start;
    prop_assert_eq!(
        answer(rule, &terms, now, &Command::State).await,
        answer(store, &terms, now, &Command::State).await
    );
    for command in [Command::Open { same: true }].iter().chain(&history.commands) {
        if let Command::Wait(millis) = command {
            now += millis;
        }
        let expected = answer(rule, &terms, now, command).await;
        let given = answer(store, &terms, now, command).await;
        prop_assert_eq!(given, expected, "at {} {:?}", now, command);
    }
    prop_assert_eq!(
        answer(store, &terms, now, &Command::State).await,
        answer(rule, &terms, now, &Command::State).await
    );
    let (expected, given) = (rule.audit(terms.id()).await.unwrap(), store.audit(terms.id()).await.unwrap());
    prop_assert_eq!(given, expected);
    sound(&given)
}

fn sound(audit: &Audit) -> Result<(), TestCaseError> {
    prop_assert!(audit.conserved(), "{:?}", audit);
    prop_assert!(audit.records.is_some());
    prop_assert_eq!(audit.over_limit, 0);
    Ok(())
}

fn check(store: &dyn SaleStore, runtime: &tokio::runtime::Runtime, cases: u32) {
    check_each(store, runtime, cases, any_history());
    check_each(store, runtime, cases.div_ceil(8), any_crowded_history());
}

fn check_each(
    store: &dyn SaleStore,
    runtime: &tokio::runtime::Runtime,
    cases: u32,
    histories: impl Strategy<Value = History>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rule = memory();
    let run =
        TestRunner::new(config).run(&histories, |history| runtime.block_on(agree(&*rule, store, &history)));
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The same histories in a second memory store: the suite itself is sound, and the books balance.
#[test]
fn memory_store_keeps_the_contract() {
    check(&*memory(), &runtime(), 256);
}

#[cfg(feature = "redis")]
mod over_redis {
    use super::{check, runtime};
    use crate::stage::{patient, redis};
    use seckill::RedisStore;

    #[test]
    fn redis_store_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let store = runtime.block_on(redis(&server));
        check(&*store, &runtime, 192);
    }

    #[test]
    fn redis_store_over_one_connection_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let client = ::redis::Client::open(server.url()).unwrap();
        let config = ::redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connection =
            runtime.block_on(client.get_multiplexed_async_connection_with_config(&config)).unwrap();
        check(&patient(RedisStore::from_multiplexed(connection)), &runtime, 32);
    }

    #[cfg(feature = "deadpool")]
    #[test]
    fn redis_store_over_a_pool_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let pool = deadpool_redis::Config::from_url(server.url())
            .create_pool(Some(deadpool_redis::Runtime::Tokio1))
            .unwrap();
        check(&patient(RedisStore::from_pool(pool)), &runtime, 32);
    }
}
