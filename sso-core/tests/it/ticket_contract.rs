//! What every store of sites answers: random commands at explicit times, the memory store as the specification.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sso_core::{
    At, ClientId, DeviceKind, ErrorKind, GrantBinding, GrantKept, GrantKey, GrantKind, GrantSecret, Login,
    MemorySiteStore, NewGrant, NewSession, NoticeFate, OnceKey, PendingNotice, PresentedGrant, Redeemed,
    SessionId, SiteStore, Standing, TokenId, UnixMillis, UserId,
};

/// All times are multiples of this, so that no key of Redis expires by itself while a test runs.
const STEP_SECS: u64 = 10;
const LIFE: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
enum Command {
    Keep(Name),
    Redeem(Name, u8, bool, Option<u8>),
    Standing(u8, u8),
    End(u8),
    Due(usize),
    /// Settles one of the notices that were taken.
    Settle(usize, Option<u64>),
    First(u8, u64),
}

/// A grant by its session, its random bytes and its client.
#[derive(Clone, Copy, Debug)]
struct Name {
    session: u8,
    random: u8,
    client: u8,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Kept(Result<GrantKept, ErrorKind>),
    Redeemed(Redeemed),
    Standing(Standing),
    Ended(u64),
    Due(Vec<PendingNotice>),
    Settled,
    First(bool),
}

pub(crate) fn session(number: u8) -> SessionId {
    let user = UserId::new("alice").unwrap();
    let (new, _) = NewSession::open(user, Login::new(DeviceKind::Web, "", ""), [number; 32]);
    new.key().id()
}

pub(crate) fn client(number: u8) -> ClientId {
    ClientId::new(format!("site {number}:{{x}}*")).unwrap()
}

fn token(number: u8) -> TokenId {
    TokenId::new([number; 16])
}

fn key(name: Name) -> GrantKey {
    GrantSecret::new(session(name.session), [name.random; 32]).key()
}

fn binding(right: bool) -> GrantBinding {
    GrantBinding::new(GrantKind::Code, if right { "https://a/" } else { "https://b/" }, None)
}

pub(crate) fn grant(key: GrantKey, client: ClientId) -> NewGrant {
    let user = UserId::new("a:{b}*\n").unwrap();
    let new = NewGrant::new(key, client, binding(true), user, "{\"body\":1}".into(), LIFE).unwrap();
    new.session_kept(Duration::from_secs(100))
}

fn command() -> impl Strategy<Value = Command> {
    let name =
        || (0..2_u8, 0..3_u8, 0..2_u8).prop_map(|(session, random, client)| Name { session, random, client });
    let right = || select(vec![true, true, true, false]);
    prop_oneof![
        5 => name().prop_map(Command::Keep),
        6 => (name(), 0..2_u8, right(), proptest::option::of(0..2_u8))
            .prop_map(|(name, client, right, gives)| Command::Redeem(name, client, right, gives)),
        2 => (0..2_u8, 0..2_u8).prop_map(|(session, token)| Command::Standing(session, token)),
        2 => (0..2_u8).prop_map(Command::End),
        3 => (1..3_usize).prop_map(Command::Due),
        3 => (0..4_usize, proptest::option::of(0..4_u64)).prop_map(|(place, again)| Command::Settle(place, again)),
        1 => (0..2_u8, 0..5_u64).prop_map(|(name, steps)| Command::First(name, steps)),
    ]
}

fn commands() -> impl Strategy<Value = Vec<(Command, u64)>> {
    vec((command(), prop_oneof![6 => Just(0), 3 => 1..3_u64, 1 => 3..8_u64]), 1..60)
}

/// Carries out commands; the clock moves on before each.
async fn answers(store: &dyn SiteStore, commands: &[(Command, u64)]) -> Vec<Answer> {
    let mut now = UnixMillis::new(1_700_000_000_000).unwrap();
    let (mut answers, mut taken) = (Vec::new(), Vec::new());
    for (command, steps) in commands {
        now = now.saturating_add(Duration::from_secs(steps * STEP_SECS));
        answers.push(answer(store, *command, now, &mut taken).await);
    }
    answers
}

async fn answer(
    store: &dyn SiteStore,
    command: Command,
    now: UnixMillis,
    taken: &mut Vec<PendingNotice>,
) -> Answer {
    let at = At::Millis(now);
    match command {
        Command::Keep(name) => {
            let new = grant(key(name), client(name.client));
            Answer::Kept(store.keep(&new, at).await.map_err(|error| error.kind()))
        }
        Command::Redeem(name, by, right, gives) => {
            let (by, gives) = (client(by), gives.map(token));
            let presented = PresentedGrant { client: &by, binding: binding(right), gives: gives.as_ref() };
            Answer::Redeemed(store.redeem(&key(name), presented, at).await.unwrap())
        }
        Command::Standing(of, name) => {
            Answer::Standing(store.standing(&session(of), &token(name), at).await.unwrap())
        }
        Command::End(of) => Answer::Ended(store.end(&session(of), at).await.unwrap()),
        Command::Due(max) => {
            let due = store.due(max, LEASE, at).await.unwrap();
            taken.extend(due.iter().cloned());
            Answer::Due(due)
        }
        Command::Settle(place, again) => {
            if let Some(notice) = taken.get(place) {
                let again = again.map(|steps| NoticeFate::Again(Duration::from_secs(steps * STEP_SECS)));
                store.settle(notice, again.unwrap_or(NoticeFate::Closed), at).await.unwrap();
            }
            Answer::Settled
        }
        Command::First(name, steps) => {
            let until = now.saturating_add(Duration::from_secs(steps * STEP_SECS));
            Answer::First(store.first(OnceKey::new("realm", &name.to_string()), until, at).await.unwrap())
        }
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The law above all others: a grant is redeemed once, and never after its session has ended.
    #[test]
    fn nothing_is_redeemed_twice_or_after_the_end(commands in commands()) {
        let answers = block_on(answers(&MemorySiteStore::new(), &commands));
        let (mut redeemable, mut ended) = (Vec::new(), Vec::new());
        for ((command, _), answer) in commands.iter().zip(&answers) {
            match (command, answer) {
                (Command::Keep(name), Answer::Kept(Ok(GrantKept::Kept))) => {
                    prop_assert!(!ended.contains(&name.session));
                    redeemable.push(key(*name));
                }
                (Command::Redeem(name, ..), Answer::Redeemed(Redeemed::Granted { .. })) => {
                    prop_assert!(!ended.contains(&name.session));
                    prop_assert!(redeemable.contains(&key(*name)));
                    redeemable.retain(|other| *other != key(*name));
                }
                (Command::End(session), _) => ended.push(*session),
                _ => {}
            }
        }
    }
}

/// 64 redeem one grant at the same time: one succeeds, the others are told that it was used.
pub(crate) async fn one_of_many_redeems_wins(store: std::sync::Arc<dyn SiteStore>) {
    let key = GrantSecret::new(session(9), [9; 32]).key();
    assert_eq!(store.keep(&grant(key.clone(), client(1)), At::Server).await.unwrap(), GrantKept::Kept);
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(64));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (store, key, barrier) = (store.clone(), key.clone(), barrier.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            let (by, gives) = (client(1), token(number));
            let presented = PresentedGrant { client: &by, binding: binding(true), gives: Some(&gives) };
            store.redeem(&key, presented, At::Server).await.unwrap()
        });
    }
    let all = tasks.join_all().await;
    let won = all.iter().filter(|redeemed| matches!(redeemed, Redeemed::Granted { .. })).count();
    let reused =
        all.iter().filter(|redeemed| matches!(redeemed, Redeemed::Reused { gave: Some(_), .. })).count();
    assert_eq!((won, reused), (1, 63));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redeems_in_memory_wins() {
    one_of_many_redeems_wins(std::sync::Arc::new(MemorySiteStore::new())).await;
}

/// A session has room for so many grants that wait.
pub(crate) async fn the_waiting_grants_of_a_session_are_bounded(store: &dyn SiteStore) {
    let at = |secs: u64| At::Millis(UnixMillis::new(1_700_000_000_000 + secs * 1000).unwrap());
    let new = |random| grant(GrantSecret::new(session(8), [random; 32]).key(), client(1));
    for random in 0..32 {
        assert_eq!(store.keep(&new(random), at(0)).await.unwrap(), GrantKept::Kept);
    }
    assert_eq!(store.keep(&new(40), at(29)).await.unwrap(), GrantKept::TooMany);
    assert_eq!(store.keep(&new(40), at(30)).await.unwrap(), GrantKept::Kept);
}

#[test]
fn the_waiting_grants_in_memory_are_bounded() {
    block_on(the_waiting_grants_of_a_session_are_bounded(&MemorySiteStore::new()));
}

#[cfg(feature = "redis")]
mod on_redis {
    use std::sync::Arc;

    use proptest::test_runner::{Config, TestRunner};
    use redis::AsyncCommands as _;
    use sso_core::{OnceStore as _, RedisSiteStore};

    use super::*;

    /// A server of a cluster of one: it refuses whatever touches two slots.
    fn server() -> testkit::Redis {
        let server = testkit::Redis::options().setting("cluster-enabled", "yes").start().unwrap();
        assert_eq!(server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).unwrap(), "OK");
        testkit::until(Duration::from_secs(20), "the cluster is complete", || {
            server.cli(&["CLUSTER", "INFO"]).unwrap().contains("cluster_state:ok")
        })
        .unwrap();
        server
    }

    async fn store(server: &testkit::Redis) -> RedisSiteStore {
        RedisSiteStore::connect(&server.url()).await.unwrap().deadline(Duration::from_secs(30))
    }

    /// Holds a store to the answers of the memory store.
    fn answers_as_memory_does(runtime: &tokio::runtime::Runtime, store: &RedisSiteStore, cases: u32) {
        let mut run = TestRunner::new(Config::with_cases(cases));
        let prefix = std::cell::Cell::new(0);
        run.run(&commands(), |commands| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &commands));
            let memory = runtime.block_on(answers(&MemorySiteStore::new(), &commands));
            for ((command, redis), memory) in commands.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", command);
            }
            Ok(())
        })
        .unwrap();
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn redis_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let (server, runtime) = (server(), runtime());
        let store = runtime.block_on(store(&server));
        answers_as_memory_does(&runtime, &store, 128);
    }

    #[test]
    fn a_cluster_answers_as_memory_does() {
        if testkit::skipped("redis") {
            return;
        }
        let (cluster, runtime) = (testkit::RedisCluster::start().unwrap(), runtime());
        let store = runtime.block_on(RedisSiteStore::connect_cluster(&cluster.urls())).unwrap();
        answers_as_memory_does(&runtime, &store.deadline(Duration::from_secs(30)), 64);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_many_redeems_in_redis_wins() {
        if testkit::skipped("redis") {
            return;
        }
        let server = server();
        one_of_many_redeems_wins(Arc::new(store(&server).await)).await;
    }

    #[tokio::test]
    async fn the_waiting_grants_in_redis_are_bounded() {
        if testkit::skipped("redis") {
            return;
        }
        let server = server();
        the_waiting_grants_of_a_session_are_bounded(&store(&server).await).await;
    }

    #[tokio::test]
    async fn every_key_has_a_time_to_live_and_none_a_secret() {
        if testkit::skipped("redis") {
            return;
        }
        let server = server();
        let store = store(&server).await;
        let secrets = [1, 2].map(|random| GrantSecret::new(session(7), [random; 32]));
        for secret in &secrets {
            assert_eq!(
                store.keep(&grant(secret.key(), client(1)), At::Server).await.unwrap(),
                GrantKept::Kept
            );
        }
        let by = client(1);
        let presented = PresentedGrant { client: &by, binding: binding(true), gives: Some(&token(1)) };
        let redeemed = store.redeem(&secrets[0].key(), presented, At::Server).await.unwrap();
        assert!(matches!(redeemed, Redeemed::Granted { .. }));
        assert_eq!(store.end(&session(7), At::Server).await.unwrap(), 1);
        let once = OnceKey::new("realm", "name");
        let until = UnixMillis::now().saturating_add(LIFE);
        assert!(store.first(once, until, At::Server).await.unwrap());

        let mut redis = crate::redis_store::raw(&server).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        // The session, the used and the waiting grant, the list of those that wait, the queue, the name.
        assert_eq!(keys.len(), 6, "{keys:?}");
        for key in keys {
            let left: i64 = redis.pttl(&key).await.unwrap();
            assert!(left > 0, "{key} {left}");
            let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
            let dump = String::from_utf8_lossy(&dump);
            for secret in &secrets {
                let text = secret.expose();
                let random = text.split_once('.').unwrap().1;
                assert!(!dump.contains(random) && !key.contains(random), "{key}");
            }
        }
    }
}
