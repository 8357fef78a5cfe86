//! Refresh tokens on a real Redis and a real cluster: the same answers as in memory, races, and what is left in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::AsyncCommands as _;
use sso_core::{
    ClientId, ErrorKind, Families, FamilyEnd, Grant, MemoryRefreshStore, RedisRefreshStore, RefreshLimits,
    RefreshOutcome, RefreshSecret, RefreshStore, Refresher, RevokeFamily, UserId, UserTag,
};

use crate::refresh::{answers, block_on, grace_ends_on_time, steps, the_oldest_family_makes_room};

const SLOW_MACHINE: Duration = Duration::from_secs(30);

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// The first two digits of a tag.
fn digits(tag: UserTag) -> String {
    tag.to_string().chars().take(2).collect()
}

/// The hash tag of a user's keys.
fn bucket(user: &UserId) -> String {
    format!("{{gh:{}}}", digits(user.tag()))
}

fn app() -> ClientId {
    ClientId::new("shop-app").unwrap()
}

async fn raw(url: String) -> redis::aio::MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn connect(server: &testkit::Redis) -> RedisRefreshStore {
    RedisRefreshStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
}

fn over(store: impl RefreshStore + 'static) -> Refresher {
    Refresher::new(Arc::new(store), RefreshLimits::default())
}

#[test]
fn redis_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(connect(&server));
    let prefix = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(128))
        .run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryRefreshStore::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
    // Whatever was done, every key ends by itself.
    runtime.block_on(async {
        let mut redis = raw(server.url()).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        assert!(keys.len() > 10);
        for key in keys {
            let left: i64 = redis.pttl(&key).await.unwrap();
            assert!(left > 0, "{key} {left}");
        }
    });
}

#[test]
fn a_cluster_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = testkit::RedisCluster::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(RedisRefreshStore::connect_cluster(&cluster.urls())).unwrap();
    let store = store.deadline(SLOW_MACHINE);
    let prefix = std::cell::Cell::new(0);
    TestRunner::new(Config::with_cases(64))
        .run(&steps(), |steps| {
            prefix.set(prefix.get() + 1);
            let store = store.clone().key_prefix(&format!("case{}", prefix.get())).unwrap();
            let redis = runtime.block_on(answers(&store, &steps));
            let memory = runtime.block_on(answers(&MemoryRefreshStore::new(), &steps));
            for ((step, redis), memory) in steps.iter().zip(redis).zip(memory) {
                prop_assert_eq!(redis, memory, "at {:?}", step);
            }
            Ok(())
        })
        .unwrap();
    // Users are spread over the nodes.
    for node in cluster.nodes() {
        assert_ne!(node.cli(&["DBSIZE"]).unwrap(), "0");
    }
}

#[test]
fn redis_has_the_same_bounds() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    block_on(async {
        the_oldest_family_makes_room(&connect(&server).await).await;
        grace_ends_on_time(&connect(&server).await.key_prefix("grace").unwrap()).await;
    });
}

/// All of them get the same child, and one of them made it.
async fn refresh_together(refreshers: &[Refresher], secret: &RefreshSecret) -> RefreshSecret {
    let mut tasks = Vec::new();
    for place in 0..64 {
        let (refresher, secret) = (refreshers[place % refreshers.len()].clone(), secret.clone());
        tasks.push(tokio::spawn(async move { refresher.refresh(&secret, &app(), None).await.unwrap() }));
    }
    let (mut children, mut made) = (Vec::<RefreshSecret>::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            RefreshOutcome::Refreshed { secret, is_replay, .. } => {
                made += usize::from(!is_replay);
                if !children.contains(&secret) {
                    children.push(secret);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((children.len(), made), (1, 1));
    children.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_refreshes_of_one_token_give_one_child() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    // A window of grace that a slow machine does not leave.
    let limits =
        RefreshLimits::new(Duration::from_secs(3600), Duration::from_secs(3600), RefreshLimits::GRACE_MAX);
    let limits = limits.unwrap();
    let memory = Refresher::new(Arc::new(MemoryRefreshStore::new()), limits);
    let mut over_redis = Vec::new();
    for _ in 0..4 {
        over_redis.push(Refresher::new(Arc::new(connect(&server).await), limits));
    }
    for refreshers in [vec![memory], over_redis] {
        let (mut secret, family) =
            refreshers[0].issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
        for _ in 0..5 {
            secret = refresh_together(&refreshers, &secret).await;
        }
        let listed = refreshers[0].families(&user("alice")).await.unwrap();
        assert_eq!((listed.len(), listed[0].id, listed[0].rotations), (1, family.id, 5));
    }
}

/// Without grace, the second of two is a thief for all that one knows: one child is made, and it dies at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_grace_one_of_sixty_four_wins_and_the_next_ends_the_family() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let hour = Duration::from_secs(3600);
    let limits = RefreshLimits::new(hour, hour, Duration::ZERO).unwrap();
    let refresher = Refresher::new(Arc::new(connect(&server).await), limits);
    let (secret, family) =
        refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (refresher, secret) = (refresher.clone(), secret.clone());
        tasks.push(tokio::spawn(async move { refresher.refresh(&secret, &app(), None).await.unwrap() }));
    }
    let (mut children, mut alarms, mut late) = (Vec::new(), 0, 0);
    for task in tasks {
        match task.await.unwrap() {
            RefreshOutcome::Refreshed { secret, is_replay: false, .. } => children.push(secret),
            RefreshOutcome::Reused { family: ended } if ended.id == family.id => alarms += 1,
            RefreshOutcome::Ended(FamilyEnd::Reused) => late += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((children.len(), alarms, late), (1, 1, 62));
    let dead = refresher.refresh(&children[0], &app(), None).await.unwrap();
    assert_eq!(dead, RefreshOutcome::Ended(FamilyEnd::Reused));
}

/// Clients that refresh as fast as they can race with a revocation of their user: none has a good token after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_leaves_no_child_behind() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let refresher = over(connect(&server).await);
    for round in 0..5 {
        let alice = user(&format!("alice {round}"));
        let is_revoked = Arc::new(AtomicBool::new(false));
        let (turning, mut turns) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for _ in 0..32 {
            let (mut secret, _) = refresher.issue(&alice, Grant::new(app())).await.unwrap().issued().unwrap();
            let (refresher, is_revoked, turning) = (refresher.clone(), is_revoked.clone(), turning.clone());
            tasks.push(tokio::spawn(async move {
                loop {
                    let was_revoked = is_revoked.load(Ordering::SeqCst);
                    match refresher.refresh(&secret, &app(), None).await.unwrap() {
                        RefreshOutcome::Refreshed { secret: child, .. } => {
                            assert!(!was_revoked, "a token was exchanged after its revocation");
                            secret = child;
                        }
                        RefreshOutcome::Ended(FamilyEnd::Revoked) => return secret,
                        other => panic!("{other:?}"),
                    }
                    turning.send(()).unwrap();
                }
            }));
        }
        for _ in 0..200 {
            turns.recv().await.unwrap();
        }
        assert_eq!(refresher.revoke_user(&alice, &Families::All).await.unwrap(), 32);
        is_revoked.store(true, Ordering::SeqCst);
        for task in tasks {
            let last = task.await.unwrap();
            let dead = refresher.refresh(&last, &app(), None).await.unwrap();
            assert_eq!(dead, RefreshOutcome::Ended(FamilyEnd::Revoked));
        }
        assert_eq!(refresher.families(&alice).await.unwrap(), []);
    }
}

#[tokio::test]
async fn redis_holds_no_secret_and_its_keys_no_user() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let refresher = over(connect(&server).await);
    let (first, family) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    let RefreshOutcome::Refreshed { secret: second, .. } =
        refresher.refresh(&first, &app(), None).await.unwrap()
    else {
        panic!("no second token");
    };
    let mut redis = raw(server.url()).await;
    let keys: HashSet<String> = redis.keys("*").await.unwrap();
    let (tag, bucket) = (user("alice").tag(), bucket(&user("alice")));
    let expected = [format!("{bucket}:r:{}", family.id), format!("{bucket}:ru:{tag}")];
    assert_eq!(keys, HashSet::from(expected));
    for key in &keys {
        let left: i64 = redis.pttl(key).await.unwrap();
        assert!(left > 0, "{key} {left}");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap();
        let dump = String::from_utf8_lossy(&dump);
        for secret in [&first, &second] {
            let text = secret.expose();
            for part in text.split('.').skip(1) {
                assert!(!dump.contains(part) && !key.contains(part), "{key}");
            }
        }
    }
    // What is left after the end is the reason and the time, nothing of the user.
    let _ = refresher.revoke(&second, &app()).await.unwrap();
    let left: std::collections::BTreeMap<String, String> =
        redis.hgetall(format!("{bucket}:r:{}", family.id)).await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["e", "t"]);
}

/// Without memory nothing is issued or exchanged, but whatever ends a family still does.
#[tokio::test]
async fn a_redis_without_memory_ends_families() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let refresher = over(connect(&server).await);
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap().0);
    }
    let mut child = tokens[0].clone();
    for _ in 0..2 {
        let refreshed = refresher.refresh(&child, &app(), None).await.unwrap();
        let RefreshOutcome::Refreshed { secret, .. } = refreshed else { panic!("{refreshed:?}") };
        child = secret;
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let hasty = over(connect(&server).await.deadline(Duration::from_millis(500)));
    let refused = hasty.refresh(&child, &app(), None).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Unavailable, true), "{refused}");
    let reused = refresher.refresh(&tokens[0], &app(), None).await.unwrap();
    assert!(matches!(reused, RefreshOutcome::Reused { .. }), "{reused:?}");
    assert_eq!(refresher.revoke(&tokens[1], &app()).await.unwrap(), RevokeFamily::Revoked);
    assert_eq!(refresher.revoke_user(&user("alice"), &Families::All).await.unwrap(), 2);
    for (token, reason) in tokens.iter().zip([FamilyEnd::Reused, FamilyEnd::Revoked, FamilyEnd::Revoked]) {
        let dead = refresher.refresh(token, &app(), None).await.unwrap();
        assert_eq!(dead, RefreshOutcome::Ended(reason));
    }
}

#[tokio::test]
async fn what_others_wrote_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let refresher = over(connect(&server).await);
    let mut redis = raw(server.url()).await;
    let secret = |byte| RefreshSecret::new(&user("alice"), [byte; 16], [1; 32]);
    let bucket = bucket(&user("alice"));
    let key = |byte| format!("{bucket}:r:{}", secret(byte).family().id());
    let _: () = redis.set(key(1), "text").await.unwrap();
    let _: () = redis.hset(key(2), "u", "alice").await.unwrap();
    let _: () = redis.hset(key(3), "e", "revoked").await.unwrap();
    for byte in 1..=3 {
        let corrupt = refresher.refresh(&secret(byte), &app(), None).await.unwrap_err();
        assert_eq!((corrupt.kind(), corrupt.is_transient()), (ErrorKind::Corrupt, false), "{corrupt}");
    }
}

#[tokio::test]
async fn a_lost_index_comes_back_with_the_next_refresh() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let refresher = over(connect(&server).await);
    let (first, _) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    let index = format!("{}:ru:{}", bucket(&user("alice")), user("alice").tag());
    let _: () = raw(server.url()).await.del(index).await.unwrap();
    assert_eq!(refresher.families(&user("alice")).await.unwrap(), []);
    let refreshed = refresher.refresh(&first, &app(), None).await.unwrap();
    assert!(matches!(refreshed, RefreshOutcome::Refreshed { .. }));
    assert_eq!(refresher.revoke_user(&user("alice"), &Families::All).await.unwrap(), 1);
}

/// A client whose request met a dead server asks again with the same token.
#[tokio::test]
async fn a_refresh_survives_a_crash_of_redis() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::options().aof(testkit::AppendFsync::Always).start().unwrap();
    let refresher = over(RedisRefreshStore::connect(&server.url()).await.unwrap());
    let (first, _) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    server.kill().unwrap();
    let lost = refresher.refresh(&first, &app(), None).await.unwrap_err();
    assert_eq!((lost.kind(), lost.is_transient()), (ErrorKind::Unavailable, true), "{lost}");
    server.restart().unwrap();
    let again = async {
        loop {
            match refresher.refresh(&first, &app(), None).await {
                Ok(outcome) => return outcome,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(SLOW_MACHINE, again).await.unwrap();
    assert!(matches!(outcome, RefreshOutcome::Refreshed { .. }), "{outcome:?}");
}

/// The reply to an exchange is lost on the way: the client repeats it and gets the child that was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_is_given_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let proxy = testkit::Proxy::start(server.addr()).unwrap();
    let refresher = over(RedisRefreshStore::connect(&proxy.url()).await.unwrap());
    let (first, family) = refresher.issue(&user("alice"), Grant::new(app())).await.unwrap().issued().unwrap();
    // Known to the server, so that the next reply is that of the exchange.
    let (other, _) = refresher.issue(&user("bob"), Grant::new(app())).await.unwrap().issued().unwrap();
    let _ = refresher.refresh(&other, &app(), None).await.unwrap();
    proxy.cut_replies(1);
    let lost = refresher.refresh(&first, &app(), None).await.unwrap_err();
    assert!(lost.is_transient(), "{lost}");
    assert_eq!(proxy.cuts(), 1);
    let again = async {
        loop {
            match refresher.refresh(&first, &app(), None).await {
                Ok(outcome) => return outcome,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(SLOW_MACHINE, again).await.unwrap();
    let RefreshOutcome::Refreshed { family: after, is_replay, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((after.id, after.rotations, is_replay), (family.id, 1, true));
}
