//! One suite for every store of attempts, with the memory store as the specification; then a real Redis.

use proptest::prelude::*;
use sso_core::social::{
    BrowserDigest, BrowserSecret, MemoryPendingStore, Pending, PendingKey, PendingStore, ReturnTo,
    SocialRefused, SocialSignIn, State, Take,
};
use sso_core::{At, Error, ErrorKind, UnixMillis};

/// A verb, and whom and what it is about.
#[derive(Clone, Debug)]
enum Command {
    Begin { state: u8, browser: u8 },
    Take { state: u8, browser: u8 },
    Finish { state: u8, result: u8 },
    Release { state: u8 },
    Pass { millis: u64 },
}

#[derive(Debug, PartialEq)]
enum Answer {
    Begun(Result<(), ErrorKind>),
    Taken(Take),
    Finished(Option<SocialSignIn>),
    Released,
    Passed,
}

/// Times at which an answer changes, and those before and after them.
const EDGES: [u64; 12] = [0, 1, 2, 9_999, 10_000, 10_001, 19_999, 20_000, 29_999, 30_000, 599_999, 600_000];

/// What random commands meet seldom: every edge, exactly.
fn edges() -> Vec<Command> {
    let (take, begin) = (Command::Take { state: 0, browser: 0 }, Command::Begin { state: 0, browser: 0 });
    let pass = |millis| Command::Pass { millis };
    let finish = Command::Finish { state: 0, result: 0 };
    let rows = [
        vec![take.clone(), pass(9_999), take.clone(), pass(1), take.clone(), pass(19_999), take.clone()],
        vec![pass(599_999), take.clone(), pass(29_999), finish.clone(), take.clone(), pass(1), take.clone()],
        vec![take.clone(), pass(30_000), finish.clone()],
        vec![take.clone(), pass(30_000), take.clone()],
        vec![pass(600_000), take],
        vec![pass(599_999), begin.clone(), pass(1)],
        vec![finish],
    ];
    let ended = [pass(600_000)];
    rows.into_iter().flat_map(|row| [vec![begin.clone()], row, ended.to_vec()].concat()).collect()
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let command = prop_oneof![
        2 => (0..3_u8, 0..2_u8).prop_map(|(state, browser)| Command::Begin { state, browser }),
        4 => (0..3_u8, 0..2_u8).prop_map(|(state, browser)| Command::Take { state, browser }),
        2 => (0..3_u8, 0..2_u8).prop_map(|(state, result)| Command::Finish { state, result }),
        1 => (0..3_u8).prop_map(|state| Command::Release { state }),
        3 => proptest::sample::select(&EDGES[..]).prop_map(|millis| Command::Pass { millis }),
    ];
    proptest::collection::vec(command, 1..40)
}

/// Keys of one run, so that runs on one server do not meet.
fn key(run: u64, state: u8) -> PendingKey {
    State::new([state; 32]).key(&format!("run{run}"))
}

fn browser(browser: u8) -> BrowserDigest {
    BrowserSecret::new([browser; 32]).digest()
}

fn result(result: u8) -> SocialSignIn {
    let refused = [SocialRefused::Denied, SocialRefused::UntrustedIdToken { why: "\"%s\" 名".to_owned() }];
    SocialSignIn::Refused(refused[usize::from(result)].clone())
}

async fn run(store: &dyn PendingStore, run: u64, commands: &[Command]) -> Result<Vec<Answer>, Error> {
    let mut now = 1_700_000_000_000;
    let mut answers = Vec::new();
    for command in commands {
        let at = At::Millis(UnixMillis::new(now).unwrap());
        answers.push(match *command {
            Command::Begin { state, browser: who } => {
                let pending = Pending { browser: browser(who), return_to: ReturnTo::new("/a?b=c").unwrap() };
                let begun = store.begin(&key(run, state), &pending, at).await;
                Answer::Begun(begun.map_err(|error| error.kind()))
            }
            Command::Take { state, browser: who } => {
                Answer::Taken(store.take(&key(run, state), &browser(who), at).await?)
            }
            Command::Finish { state, result: what } => {
                Answer::Finished(store.finish(&key(run, state), &result(what), at).await?)
            }
            Command::Release { state } => {
                store.release(&key(run, state), at).await?;
                Answer::Released
            }
            Command::Pass { millis } => {
                now += millis;
                Answer::Passed
            }
        });
    }
    Ok(answers)
}

/// What must hold whatever the commands are, told from the answers alone.
fn check(commands: &[Command], answers: &[Answer]) {
    let mut results: std::collections::BTreeMap<u8, SocialSignIn> = Default::default();
    for (command, answer) in commands.iter().zip(answers) {
        match (command, answer) {
            (Command::Begin { state, .. }, Answer::Begun(Ok(()))) => drop(results.remove(state)),
            (Command::Take { state, .. }, Answer::Taken(Take::First { .. } | Take::Running)) => {
                assert!(!results.contains_key(state), "a finished attempt was handed out again");
            }
            (Command::Take { state, .. }, Answer::Taken(Take::Finished(result))) => {
                assert_eq!(results.get(state), Some(result.as_ref()));
            }
            (Command::Finish { state, .. }, Answer::Finished(Some(result))) => {
                assert_eq!(results.entry(*state).or_insert_with(|| result.clone()), result);
            }
            _ => (),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn an_attempt_has_one_result(commands in commands()) {
        let answers = runtime().block_on(run(&MemoryPendingStore::new(), 0, &commands)).unwrap();
        check(&commands, &answers);
    }
}

#[tokio::test]
async fn memory_is_bounded_and_forgets_the_oldest() {
    let store = MemoryPendingStore::new();
    let at = At::Millis(UnixMillis::new(1).unwrap());
    let pending = Pending { browser: browser(1), return_to: ReturnTo::new("/").unwrap() };
    let nth = |nth: usize| State::new([7; 32]).key(&nth.to_string());
    for place in 0..=MemoryPendingStore::ATTEMPTS_MAX {
        store.begin(&nth(place), &pending, at).await.unwrap();
    }
    assert_eq!(store.take(&nth(0), &browser(1), at).await.unwrap(), Take::Unknown);
    assert!(matches!(store.take(&nth(1), &browser(1), at).await.unwrap(), Take::First { .. }));
}

#[cfg(feature = "redis")]
mod real_redis {
    use std::sync::Arc;

    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use redis::AsyncCommands as _;
    use sso_core::social::{ProviderKind, RedisPendingStore};

    use super::*;
    use crate::redis_store::{SLOW_MACHINE, raw};
    use crate::social::{SIM, World, double, identity};

    async fn store(server: &testkit::Redis) -> RedisPendingStore {
        RedisPendingStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
    }

    /// Attempts lie on all masters, and the second callback finds the first one's result.
    #[tokio::test]
    async fn a_cluster_and_sentinels_keep_attempts_too() {
        if testkit::skipped("redis") {
            return;
        }
        let cluster = testkit::RedisCluster::start().unwrap();
        let seed = &cluster.urls()[..1];
        let store = Arc::new(RedisPendingStore::connect_cluster(seed).await.unwrap().deadline(SLOW_MACHINE));
        for _ in 0..8 {
            double::one_after_the_other(store.clone()).await;
        }
        let servers = testkit::RedisSentinel::start().unwrap();
        let store = RedisPendingStore::connect_sentinel(&servers.urls(), servers.service()).await.unwrap();
        double::one_after_the_other(Arc::new(store.deadline(SLOW_MACHINE))).await;
    }

    #[tokio::test]
    async fn redis_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let (redis, mut runner) = (store(&server).await, TestRunner::default());
        for nth in 0..100 {
            let random = commands().new_tree(&mut runner).unwrap().current();
            let commands = if nth == 0 { edges() } else { random };
            let expected = run(&MemoryPendingStore::new(), nth, &commands).await.unwrap();
            let answers = run(&redis, nth, &commands).await.unwrap();
            assert_eq!(answers, expected, "{commands:#?}");
        }
    }

    #[tokio::test]
    async fn two_servers_share_a_double_callback() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        double::at_once(Arc::new(store(&server).await)).await;
        double::one_after_the_other(Arc::new(store(&server).await.key_prefix("other").unwrap())).await;
    }

    #[tokio::test]
    async fn every_key_has_a_time_to_live_and_none_a_secret() {
        if testkit::skipped("redis") {
            return;
        }
        let server = testkit::Redis::start().unwrap();
        let sim = Arc::new(sso_core::provider_sim::ProviderSim::new(SIM).unwrap());
        let world = World::over(sim.clone(), Arc::new(store(&server).await), sim, |_, provider| provider);
        let (open, done) = (world.begin(ProviderKind::Oidc).await, world.begin(ProviderKind::Github).await);
        let query = world.sim.consent(&done.location, "alice").unwrap();
        identity(world.callback(&done, &query).await.unwrap());

        let mut redis = raw(&server).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        assert_eq!(keys.len(), 2, "{keys:?}");
        let secret_of = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
        let mut secrets = vec![secret_of(&open.cookie), secret_of(&done.cookie)];
        for (text, name) in [(&open.location, "state"), (&done.location, "state"), (&query, "code")] {
            secrets.push(crate::social::attacks::of(text.rsplit('?').next().unwrap(), name));
        }
        let mut lives = Vec::new();
        for key in &keys {
            lives.push(redis.pttl::<_, i64>(key).await.unwrap());
            let kept: std::collections::BTreeMap<String, String> = redis.hgetall(key).await.unwrap();
            let all = format!("{key} {kept:?}");
            assert!(all.contains("/account"));
            assert!(secrets.iter().all(|secret| secret.len() > 20 && !all.contains(secret)), "{all}");
        }
        lives.sort_unstable();
        assert!((1..=30_000).contains(&lives[0]) && (30_001..=600_000).contains(&lives[1]), "{lives:?}");
    }

    #[tokio::test]
    async fn what_others_wrote_is_corrupt_and_what_is_gone_is_unavailable() {
        if testkit::skipped("redis") {
            return;
        }
        let mut server = testkit::Redis::start().unwrap();
        let store = store(&server).await;
        let mut redis = raw(&server).await;
        let name = |state| format!("{{gh:{}}}:o", key(0, state).digest_text());
        let _: () = redis.set(name(0), "text").await.unwrap();
        let _: () = redis.hset(name(1), "x", "y").await.unwrap();
        let _: () = redis.hset(name(2), "b", browser(1).digest_text()).await.unwrap();
        let digest = browser(1).digest_text();
        let far = "99999999999999";
        let fields = [("b", digest.as_str()), ("r", "//evil"), ("c", far)];
        let _: () = redis.hset_multiple(name(3), &fields).await.unwrap();
        let fields = [("b", digest.as_str()), ("r", "/"), ("c", far), ("t", far), ("l", far), ("o", "{")];
        let _: () = redis.hset_multiple(name(4), &fields).await.unwrap();
        for state in 0..5 {
            let corrupt = store.take(&key(0, state), &browser(1), At::Server).await.unwrap_err();
            assert_eq!(
                (corrupt.kind(), corrupt.is_transient()),
                (ErrorKind::Corrupt, false),
                "{state} {corrupt}"
            );
        }
        server.kill().unwrap();
        let gone = store.take(&key(0, 9), &browser(1), At::Server).await.unwrap_err();
        assert_eq!((gone.kind(), gone.is_transient()), (ErrorKind::Unavailable, true), "{gone}");
        assert!(store.key_prefix("{a}").is_err());
    }
}
