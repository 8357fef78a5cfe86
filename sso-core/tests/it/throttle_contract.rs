//! What every store of failures answers: random commands at explicit times, the one in memory as the specification.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sso_core::{
    At, CounterKey, Guess, MayGuess, MemoryThrottleStore, Pace, Throttle, ThrottlePolicy, ThrottleStore,
    ThrottledBy, Wait,
};

use crate::throttle::{ALICE, EVIL, HOME, from_device, guess, policy, secs, time};

/// However many guesses run at the same time, no more are admitted than one after the other: the free ones, and
/// the one after which the wait begins.
async fn parallel_guesses_count_exactly(store: Arc<dyn ThrottleStore>) {
    let mut policy = policy();
    policy.account = Pace::new(39, secs(3600), secs(3600), secs(3600)).unwrap();
    policy.address = Pace::new(1000, secs(3600), secs(3600), secs(3600)).unwrap();
    let throttle = Throttle::new(store, policy);
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move { throttle.admit(&guess(ALICE, HOME)).await.unwrap() })
        })
        .collect();
    let mut admitted = Vec::new();
    for task in tasks {
        if let MayGuess::Now(attempt) = task.await.unwrap() {
            admitted.push(attempt);
        }
    }
    assert_eq!(admitted.len(), 40);
    throttle.succeeded(admitted.pop().unwrap()).await.unwrap();
    assert!(matches!(throttle.admit(&guess(ALICE, HOME)).await.unwrap(), MayGuess::Now(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_guesses_in_memory_count_exactly() {
    parallel_guesses_count_exactly(Arc::new(MemoryThrottleStore::new())).await;
}

const ACCOUNTS: [&str; 3] = [ALICE, "a:{b}*\n", "张三"];
const ADDRESSES: [&str; 3] = [HOME, EVIL, "2001:db8::7"];

#[derive(Clone, Copy, Debug)]
enum Command {
    Admit(Who),
    Succeed(Who),
    ForgiveAccount(usize),
    ForgiveAddress(usize),
}

/// An account, an address, and perhaps a device of the account.
type Who = (usize, usize, Option<u8>);

#[derive(Clone, Copy, Debug)]
struct Step {
    command: Command,
    policy: ThrottlePolicy,
    /// How far the clock moves before the command, in steps of 50 seconds; sometimes backwards.
    steps: i64,
}

fn made((account, address, device): Who) -> Guess {
    match device {
        Some(device) => from_device(ACCOUNTS[account], device),
        None => guess(ACCOUNTS[account], ADDRESSES[address]),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || {
        (0..ACCOUNTS.len(), 0..ADDRESSES.len(), prop_oneof![4 => Just(None), 1 => (1..3_u8).prop_map(Some)])
    };
    let command = prop_oneof![
        8 => who().prop_map(Command::Admit),
        2 => who().prop_map(Command::Succeed),
        1 => (0..ACCOUNTS.len()).prop_map(Command::ForgiveAccount),
        1 => (0..ADDRESSES.len()).prop_map(Command::ForgiveAddress),
    ];
    let pace = |free, first, max, forget| Pace::new(free, secs(first), secs(max), secs(forget)).unwrap();
    let mut strict = ThrottlePolicy::default();
    strict.account = pace(0, 50, 400, 400);
    strict.device = pace(0, 100, 200, 300);
    strict.address = pace(1, 50, 1000, 1000);
    let mut loose = strict;
    loose.account = pace(2, 100, 250, 2000);
    loose.address = pace(3, 7, 333, 500);
    let policy = select(vec![strict, strict, loose]);
    let moves = prop_oneof![5 => Just(0), 5 => 1..4_i64, 1 => 5..30_i64, 1 => -14..0_i64];
    vec((command, policy, moves), 1..60).prop_map(|steps| {
        steps.into_iter().map(|(command, policy, steps)| Step { command, policy, steps }).collect()
    })
}

/// What every command answers; `None` where there is nothing to answer.
async fn answers(store: &dyn ThrottleStore, steps: &[Step]) -> Vec<Option<Wait>> {
    let (mut now, mut answers) = (100_000_i64, Vec::new());
    for step in steps {
        now += step.steps * 50;
        let at = At::Millis(time(u64::try_from(now).unwrap()));
        let cleared = |key| async move { store.forgive(&key).await.unwrap() };
        answers.push(match step.command {
            Command::Admit(who) => store.admit(&made(who), &step.policy, at).await.unwrap(),
            Command::Succeed(who) => {
                store.succeed(&made(who), &step.policy, at).await.unwrap();
                None
            }
            Command::ForgiveAccount(place) => {
                cleared(CounterKey::account(ACCOUNTS[place])).await;
                None
            }
            Command::ForgiveAddress(place) => {
                let address: IpAddr = ADDRESSES[place].parse().unwrap();
                cleared(CounterKey::address(address)).await;
                None
            }
        });
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The bound that protects users: whatever others do, and however the clock jumps, nobody is told to wait
    /// longer than the longest wait, and whoever waits that long gets his guess.
    #[test]
    fn nobody_waits_longer_than_the_cap(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = MemoryThrottleStore::new();
        for (step, answer) in steps.iter().zip(runtime.block_on(answers(&store, &steps))) {
            let Some(wait) = answer else { continue };
            let longest = match wait.by {
                ThrottledBy::Account => step.policy.account.delay(u32::MAX),
                ThrottledBy::Address => step.policy.address.delay(u32::MAX),
                _ => step.policy.device.delay(u32::MAX),
            };
            prop_assert!(wait.left > Duration::ZERO && wait.left <= longest, "{:?} at {:?}", wait, step);
        }
    }
}

#[cfg(feature = "redis")]
mod on_redis {
    use proptest::test_runner::{Config, TestRunner};
    use redis::AsyncCommands as _;
    use sso_core::{ErrorKind, RedisThrottleStore};

    use super::*;
    use crate::redis_store::{SLOW_MACHINE, raw};
    use crate::throttle::Gate;

    async fn store(server: &testkit::Redis) -> RedisThrottleStore {
        RedisThrottleStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
    }

    fn answers_as_memory_does(runtime: &tokio::runtime::Runtime, store: &RedisThrottleStore, cases: u32) {
        let mut run = TestRunner::new(Config::with_cases(cases));
        let prefix = std::cell::Cell::new(0);
        run.run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryThrottleStore::new(), &steps));
            for (place, (redis, memory)) in redis.iter().zip(&memory).enumerate() {
                prop_assert_eq!(redis, memory, "at {} of {:?}", place, steps);
            }
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn redis_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(store(&server));
        answers_as_memory_does(&runtime, &store, 128);
    }

    #[test]
    fn a_cluster_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let cluster = testkit::RedisCluster::start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(RedisThrottleStore::connect_cluster(&cluster.urls())).unwrap();
        answers_as_memory_does(&runtime, &store.deadline(SLOW_MACHINE), 32);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn parallel_guesses_in_redis_count_exactly() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        parallel_guesses_count_exactly(Arc::new(store(&server).await)).await;
    }

    #[tokio::test]
    async fn every_key_has_a_time_to_live_and_no_name_in_it() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let throttle = Throttle::new(Arc::new(store(&server).await), policy());
        for who in [
            guess(ALICE, HOME),
            guess("a:{b}*\n", EVIL),
            from_device(ALICE, 1),
            guess(&"x".repeat(10_000), HOME),
        ] {
            assert!(matches!(throttle.admit(&who).await.unwrap(), MayGuess::Now(_)));
        }
        let mut redis = raw(&server).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        assert_eq!(keys.len(), 6, "{keys:?}");
        for key in keys {
            let left: i64 = redis.pttl(&key).await.unwrap();
            assert!((1..=400_000).contains(&left), "{key} {left}");
            assert!(key.starts_with("{gh:throttle}:") && key.len() == 14 + 24, "{key}");
        }
    }

    #[tokio::test]
    async fn a_redis_that_is_gone_admits_nobody() {
        if testkit::skipped("redis") {
            return;
        }
        let mut server = testkit::Redis::start().unwrap();
        let throttle = Throttle::new(Arc::new(store(&server).await), policy());
        server.kill().unwrap();
        let gone = throttle.admit(&guess(ALICE, HOME)).await.unwrap_err();
        assert_eq!((gone.kind(), gone.is_transient()), (ErrorKind::Unavailable, true), "{gone}");
        server.restart().unwrap();
        let deadline = std::time::Instant::now() + SLOW_MACHINE;
        // The first calls may find the connection broken.
        while throttle.admit(&guess(ALICE, HOME)).await.is_err() {
            assert!(std::time::Instant::now() < deadline, "the connection did not come back");
        }
    }

    #[tokio::test]
    async fn what_others_wrote_is_corrupt_and_charges_nothing() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let store = store(&server).await;
        let mut redis = raw(&server).await;
        let address = format!("{{gh:throttle}}:{}", CounterKey::address(HOME.parse().unwrap()));
        for bad in ["", "x", "1", "1:", ":1", "-1:5", "1:5x", "1.5:5", "1:99999999999999999999"] {
            let _: () = redis.set(&address, bad).await.unwrap();
            let answer = store.admit(&guess(ALICE, HOME), &policy(), At::Millis(time(0))).await;
            if bad.len() < 10 {
                assert_eq!(answer.unwrap_err().kind(), ErrorKind::Corrupt, "{bad}");
            } else {
                // A time in the far future is seen as now.
                assert_eq!(answer.unwrap(), None);
            }
        }
        let _: () = redis.set(&address, "x").await.unwrap();
        let refused = store.succeed(&guess(ALICE, HOME), &policy(), At::Millis(time(0))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt);
        let charged: Vec<String> = redis.keys("*:a:*").await.unwrap();
        assert_eq!(charged.len(), 1, "the charge of the one guess that was admitted");
        let value: String = redis.get(&charged[0]).await.unwrap();
        assert!(value.starts_with("1:"), "{value}");
    }

    #[cfg(feature = "deadpool")]
    #[tokio::test]
    async fn a_pool_and_a_bare_connection_count_together() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let pool = crate::redis_store::pool(&server);
        let pooled = RedisThrottleStore::from(pool).deadline(SLOW_MACHINE);
        let bare = RedisThrottleStore::from(raw(&server).await).deadline(SLOW_MACHINE);
        for store in [&pooled, &bare, &pooled] {
            assert_eq!(Gate(store).fail(&guess(ALICE, HOME), 0).await, None);
        }
        assert_eq!(Gate(&bare).fail(&guess(ALICE, EVIL), 0).await, Some((10, ThrottledBy::Account)));
    }
}
