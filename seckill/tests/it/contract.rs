//! The contract of every store: to any history it gives the answers of the memory store, which is the
//! rule under a lock. Histories are drawn at random, with explicit times.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use seckill::{Audit, Error, Outcome, ReservationState, Reserve, SaleConfig, SaleStore, Swept};
use tokio::runtime::Runtime;

use crate::history::{
    Command, History, any_crowded_history, any_full_history, any_history, any_sharded_history, reservation,
};
use crate::stage::{at, memory, quantity};

/// An answer as text: values in full, errors by kind and words.
fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

async fn answer(store: &dyn SaleStore, terms: &SaleConfig, now: u64, command: &Command) -> String {
    let (sale, now) = (terms.id(), at(now));
    let terms_of = |same| {
        let other = quantity(terms.buyer_limit().units() + 1);
        if same { terms.clone() } else { terms.clone().limit_per_buyer(other) }
    };
    match command {
        Command::Wait(_) | Command::Back(_) => String::new(),
        Command::Draft { same } => told(store.draft_sale(&terms_of(*same)).await),
        Command::Open { same } => told(store.open_sale(&terms_of(*same)).await),
        Command::Steer(step) => told(store.steer(sale, *step, now).await),
        Command::Restock(change) => told(store.restock(sale, &change.restock(terms), now).await),
        Command::Reserve(ask) => told(store.reserve(sale, &ask.reserve(terms), now).await),
        Command::Batch(asks) => {
            let requests: Vec<Reserve> = asks.iter().map(|ask| ask.reserve(terms)).collect();
            let answers = store.reserve_batch(sale, &requests, now).await;
            answers.into_iter().map(told).collect::<Vec<_>>().join("; ")
        }
        Command::Confirm(who, id) => told(store.confirm(&reservation(terms, *who, *id), now).await),
        Command::Release(who, id) => told(store.release(&reservation(terms, *who, *id)).await),
        Command::Sweep(max) => told(store.sweep(sale, *max, now).await),
        Command::State => told(store.state(sale, now).await),
        Command::Audit => told(store.audit(sale).await),
    }
}

/// The time after a command at `now`.
pub(crate) fn clock(now: u64, command: &Command) -> u64 {
    match command {
        Command::Wait(millis) => now + millis,
        Command::Back(millis) => now.saturating_sub(*millis),
        _ => now,
    }
}

/// Runs one history in both stores and compares every answer, and the books at the end. The books of the
/// rule balance after every command.
pub(crate) async fn agree(
    rule: &dyn SaleStore,
    store: &dyn SaleStore,
    history: &History,
) -> Result<(), TestCaseError> {
    let terms = history.terms();
    let mut now = history.start;
    let commands = [Command::State].iter().chain(&history.commands).chain(&[Command::State, Command::Audit]);
    for command in commands {
        now = clock(now, command);
        let expected = answer(rule, &terms, now, command).await;
        let given = answer(store, &terms, now, command).await;
        prop_assert_eq!(given, expected, "at {} {:?}", now, command);
        if let Ok(audit) = rule.audit(terms.id()).await {
            sound(&audit)?;
        }
    }
    sound(&store.audit(terms.id()).await.unwrap())
}

/// The same for a sale that the store keeps in shards: which holds that are over have been returned differs
/// by shard until all are, and so does the number of steps. Nothing else does. In the rule all of them are,
/// at any time.
pub(crate) async fn agree_sharded(
    rule: &dyn SaleStore,
    store: &dyn SaleStore,
    shards: u16,
    history: &History,
) -> Result<(), TestCaseError> {
    let terms = history.terms().shards(shards).unwrap();
    let mut now = history.start;
    let commands = history.commands.iter().flat_map(one_by_one);
    for command in commands.chain([Command::State, Command::Audit]) {
        now = clock(now, &command);
        sweep_all(rule, &terms, now).await;
        let expected = whole(rule, &terms, now, &command).await;
        let given = whole(store, &terms, now, &command).await;
        prop_assert_eq!(given, expected, "at {} {:?}", now, command);
    }
    let (expected, given) = (rule.audit(terms.id()).await.unwrap(), store.audit(terms.id()).await.unwrap());
    sound(&expected)?;
    sound(&given)?;
    prop_assert_eq!(summed(&given), summed(&expected));
    Ok(())
}

fn one_by_one(command: &Command) -> Vec<Command> {
    match command {
        Command::Batch(asks) => asks.iter().cloned().map(Command::Reserve).collect(),
        other => vec![other.clone()],
    }
}

/// The answer of a sale as a whole, in whatever shards it is kept.
async fn whole(store: &dyn SaleStore, terms: &SaleConfig, now: u64, command: &Command) -> String {
    let sale = terms.id();
    match command {
        Command::Reserve(ask) => {
            let answer = store.reserve(sale, &ask.reserve(terms), at(now)).await;
            return told(answer.map(|outcome| as_if_swept(outcome, now)));
        }
        Command::Confirm(..) | Command::Wait(_) | Command::Back(_) => {
            return answer(store, terms, now, command).await;
        }
        _ => sweep_all(store, terms, now).await,
    }
    match command {
        Command::Sweep(_) | Command::State => {
            let state = store.state(sale, at(now)).await;
            told(state.map(|state| (state.phase, state.skus)))
        }
        Command::Audit => told(store.audit(sale).await.map(|audit| summed(&audit))),
        other => answer(store, terms, now, other).await,
    }
}

/// A hold that is over, as it will be when somebody has looked at it.
fn as_if_swept(outcome: Outcome, now: u64) -> Outcome {
    match outcome {
        Outcome::Reserved(mut won)
            if won.state == ReservationState::Held && won.pay_until.millis() <= now =>
        {
            won.state = ReservationState::Returned;
            Outcome::Reserved(won)
        }
        other => other,
    }
}

async fn sweep_all(store: &dyn SaleStore, terms: &SaleConfig, now: u64) {
    let mut more = true;
    while more {
        let swept = store.sweep(terms.id(), Swept::SWEEP_MAX, at(now)).await;
        more = swept.is_ok_and(|swept| swept.more);
    }
}

fn summed(audit: &Audit) -> impl std::fmt::Debug + PartialEq + use<> {
    (audit.total(), audit.held(), audit.paid(), audit.gone(), audit.over_limit(), audit.moving())
}

fn sound(audit: &Audit) -> Result<(), TestCaseError> {
    prop_assert!(audit.conserved(), "{:?}", audit);
    prop_assert_eq!(audit.over_limit(), 0);
    Ok(())
}

/// Holds a store to the contract, for sales of one thing and of several.
pub(crate) fn check(store: &dyn SaleStore, runtime: &Runtime, cases: u32) {
    let rule = memory();
    let agree = |history: History| runtime.block_on(agree(&*rule, store, &history));
    for skus in [1, 3] {
        check_each(cases, any_history(skus), agree);
        check_each(cases.div_ceil(10), any_crowded_history(skus), agree);
    }
    check_each(cases.div_ceil(10), any_full_history(), agree);
}

/// Holds a store to the contract for sales in four shards.
pub(crate) fn check_sharded(store: &dyn SaleStore, runtime: &Runtime, cases: u32) {
    let rule = memory();
    let agree = |history: History| runtime.block_on(agree_sharded(&*rule, store, 4, &history));
    for skus in [1, 3] {
        check_each(cases, any_sharded_history(skus), agree);
    }
}

pub(crate) fn check_each(
    cases: u32,
    histories: impl Strategy<Value = History>,
    agree: impl Fn(History) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&histories, agree).unwrap_or_else(|failure| panic!("{failure}"));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The same histories in a second memory store: the suite itself is sound, and the books balance.
#[test]
fn memory_store_keeps_the_contract() {
    check(&*memory(), &runtime(), 128);
}

#[test]
fn memory_store_keeps_the_contract_of_shards() {
    check_sharded(&*memory(), &runtime(), 128);
}

#[cfg(feature = "redis")]
mod over_redis {
    use super::{check, check_sharded, runtime};
    use crate::stage::{SLOW_MACHINE, connect_cluster, patient, raw, redis};
    use seckill::RedisStore;

    #[test]
    fn redis_store_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let store = runtime.block_on(redis(&server));
        check(&*store, &runtime, 128);
    }

    #[test]
    fn redis_store_keeps_the_contract_of_shards() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let store = runtime.block_on(redis(&server));
        check_sharded(&*store, &runtime, 96);
    }

    #[test]
    fn redis_store_over_one_connection_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let connection = runtime.block_on(raw(&server));
        check(&patient(RedisStore::from_multiplexed(connection)), &runtime, 24);
    }

    #[test]
    fn redis_store_over_a_manager_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let client = ::redis::Client::open(server.url()).unwrap();
        let config = ::redis::aio::ConnectionManagerConfig::new()
            .set_connection_timeout(Some(SLOW_MACHINE))
            .set_response_timeout(Some(SLOW_MACHINE));
        let manager = runtime.block_on(client.get_connection_manager_with_config(config)).unwrap();
        check(&patient(RedisStore::from_manager(manager)), &runtime, 24);
    }

    /// Every shard of a sale on whatever master its slot is.
    #[test]
    fn redis_store_over_a_cluster_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (cluster, runtime) = (testkit::RedisCluster::start().unwrap(), runtime());
        let store = runtime.block_on(connect_cluster(&cluster.urls()));
        check(&store, &runtime, 8);
        check_sharded(&store, &runtime, 24);
    }

    #[cfg(feature = "deadpool")]
    #[test]
    fn redis_store_over_a_pool_keeps_the_contract() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
        let config = crate::stage::patient_config();
        let manager = deadpool_redis::Manager::new_with_config(server.url(), config).unwrap();
        let pool = deadpool_redis::Pool::builder(manager);
        let pool = pool.runtime(deadpool_redis::Runtime::Tokio1).build().unwrap();
        check(&patient(RedisStore::from_pool(pool)), &runtime, 24);
    }
}
