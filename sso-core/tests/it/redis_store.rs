//! A real Redis: what is in it, what happens when it is gone, and races.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{
    At, Check, DeviceKind, EndOutcome, EndReason, ErrorKind, Login, NewSession, RedisStore,
    SESSIONS_PER_USER_MAX, SessionLimits, SessionSecret, SessionStore, Sso, UnixMillis, UserId,
};

const SLOW_MACHINE: Duration = Duration::from_secs(30);

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

fn web() -> Login {
    Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
}

async fn raw(server: &testkit::Redis) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn sso(server: &testkit::Redis) -> Sso {
    let store = RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE);
    Sso::new(Arc::new(store), SessionLimits::default())
}

fn session_key(secret: &SessionSecret) -> String {
    let key = secret.key();
    format!("{{gh:{}}}:s:{}", key.tag(), key.digest_text())
}

#[tokio::test]
async fn two_servers_share_sessions() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (one, two) = (sso(&server).await, sso(&server).await);
    let signed_in = one.login(&alice(), web()).await.unwrap();
    assert_eq!(two.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session.clone()));
    assert_eq!(two.sessions(&alice()).await.unwrap(), [signed_in.session]);
    assert!(two.logout(&signed_in.secret).await.unwrap());
    assert_eq!(one.check(&signed_in.secret).await.unwrap(), Check::Ended(EndReason::SignedOut));
    assert_eq!(one.logout_all(&alice()).await.unwrap(), 0);
}

#[tokio::test]
async fn every_key_has_a_time_to_live_and_none_a_secret() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let live = sso.login(&alice(), web()).await.unwrap();
    let ended = sso.login(&alice(), web()).await.unwrap();
    sso.logout(&ended.secret).await.unwrap();

    let mut redis = raw(&server).await;
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert_eq!(keys.len(), 3, "{keys:?}");
    let random_of = |secret: &SessionSecret| secret.expose().split_once('.').unwrap().1.to_owned();
    for key in &keys {
        let left: i64 = redis.pttl(key).await.unwrap();
        assert!(left > 0, "{key} {left}");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap();
        let dump = String::from_utf8_lossy(&dump);
        for secret in [&live.secret, &ended.secret] {
            assert!(!dump.contains(&random_of(secret)) && !key.contains(&random_of(secret)));
        }
        assert!(!key.contains("alice"));
    }
    // The tombstone holds the reason and the time, nothing of the user.
    let left: std::collections::BTreeMap<String, String> =
        redis.hgetall(session_key(&ended.secret)).await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["e", "t"]);
}

#[tokio::test]
async fn a_redis_that_is_gone_is_unavailable_for_the_moment() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let sso = Sso::new(Arc::new(store), SessionLimits::default());
    let secret = SessionSecret::new(&alice(), [1; 32]);
    assert_eq!(sso.check(&secret).await.unwrap(), Check::Unknown);
    server.kill().unwrap();
    let lost = sso.check(&secret).await.unwrap_err();
    assert_eq!((lost.kind(), lost.is_transient()), (ErrorKind::Unavailable, true), "{lost}");
    assert!(std::error::Error::source(&lost).is_some());

    server.restart().unwrap();
    let again = async {
        while let Err(error) = sso.check(&secret).await {
            assert!(error.is_transient(), "{error}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SLOW_MACHINE, again).await.unwrap();
}

#[tokio::test]
async fn a_use_that_is_written_down_prolongs_the_session_and_its_index() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE);
    let limits =
        SessionLimits::new(Duration::from_secs(100), Duration::from_secs(1000), Duration::ZERO).unwrap();
    let (new, secret) = NewSession::open(alice(), web(), [1; 32]);
    store.create(&new, limits, At::Server).await.unwrap();
    let mut redis = raw(&server).await;
    let keys = [session_key(&secret), format!("{{gh:{}}}:u", alice().tag())];
    for key in &keys {
        let _: () = redis.pexpire(key, 60_000).await.unwrap();
    }
    assert!(matches!(store.check(new.key(), limits, At::Server).await.unwrap(), Check::Active(_)));
    for key in &keys {
        let left: i64 = redis.pttl(key).await.unwrap();
        assert!((600_000..=700_000).contains(&left), "{key} {left}");
    }
}

/// Redis drops keys that have a time to live first when its memory is full.
#[tokio::test]
async fn a_lost_index_comes_back_with_the_next_use_that_is_written_down() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE);
    let limits = SessionLimits::default();
    // A while after now, so that no key expires by itself.
    let begin = UnixMillis::now().checked_add(Duration::from_secs(3600)).unwrap();
    let at = |after| At::Millis(begin.checked_add(after).unwrap());
    let (used, _) = NewSession::open(alice(), web(), [1; 32]);
    let (newer, _) = NewSession::open(alice(), web(), [2; 32]);
    store.create(&used, limits, at(Duration::ZERO)).await.unwrap();
    store.create(&newer, limits, at(Duration::from_secs(1))).await.unwrap();
    let mut redis = raw(&server).await;
    let index = format!("{{gh:{}}}:u", alice().tag());
    let _: () = redis.del(&index).await.unwrap();

    let later = at(Duration::from_secs(1) + limits.touch_every());
    for new in [&newer, &used] {
        assert!(matches!(store.check(new.key(), limits, later).await.unwrap(), Check::Active(_)));
    }
    let left: i64 = redis.pttl(&index).await.unwrap();
    assert!(left > 0, "{left}");
    let listed = store.list(&alice(), limits, later).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id.clone()).collect();
    assert_eq!(ids, [used.key().id(), newer.key().id()]);
    assert_eq!(store.end_all(&alice(), EndReason::Revoked, limits, later).await.unwrap(), 2);
    let ended = store.check(used.key(), limits, later).await.unwrap();
    assert_eq!(ended, Check::Ended(EndReason::Revoked));
}

/// Two users of one tag, as nobody has found them yet.
#[tokio::test]
async fn a_user_of_the_same_tag_is_left_alone() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let bobs = sso.login(&alice(), web()).await.unwrap();
    let _: () = raw(&server).await.hset(session_key(&bobs.secret), "u", "bob").await.unwrap();
    for _ in 0..SESSIONS_PER_USER_MAX {
        sso.login(&alice(), web()).await.unwrap();
    }
    assert_eq!(usize::try_from(sso.revoke_all(&alice()).await.unwrap()).unwrap(), SESSIONS_PER_USER_MAX);
    let left = sso.check(&bobs.secret).await.unwrap();
    assert!(matches!(left, Check::Active(session) if session.user.as_str() == "bob"));
}

#[tokio::test]
async fn a_redis_that_hangs_is_given_up_at_the_deadline() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap().deadline(Duration::from_millis(50));
    let sso = Sso::new(Arc::new(store), SessionLimits::default());
    let mut redis = raw(&server).await;
    redis::cmd("CLIENT").arg("PAUSE").arg(600_000).arg("ALL").exec_async(&mut redis).await.unwrap();
    let given_up = tokio::time::timeout(SLOW_MACHINE, sso.sessions(&alice())).await.unwrap().unwrap_err();
    assert_eq!((given_up.kind(), given_up.is_transient()), (ErrorKind::Unavailable, true));
    assert_eq!(given_up.to_string(), "redis did not answer within 50 ms: the outcome is unknown");
}

#[tokio::test]
async fn a_wrong_address_is_the_callers_fault() {
    let refused = RedisStore::connect("http://127.0.0.1/").await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_the_callers_fault_and_a_silent_port_is_not() {
    if testkit::skipped("redis") {
        return;
    }
    let mut server = testkit::Redis::start().unwrap();
    server.cli(&["CONFIG", "SET", "requirepass", "right"]).unwrap();
    let connect =
        async |password| RedisStore::connect(&format!("redis://{password}{}/", server.addr())).await;
    for password in [":wrong@", ""] {
        let refused = connect(password).await.unwrap_err();
        assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused:?}");
    }
    assert!(connect(":right@").await.is_ok());

    server.kill().unwrap();
    let silent = RedisStore::connect(&server.url()).await.unwrap_err();
    assert_eq!((silent.kind(), silent.is_transient()), (ErrorKind::Unavailable, true), "{silent}");
}

#[tokio::test]
async fn scripts_are_loaded_again_after_they_were_flushed() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let signed_in = sso.login(&alice(), web()).await.unwrap();
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut raw(&server).await).await.unwrap();
    assert!(matches!(sso.check(&signed_in.secret).await.unwrap(), Check::Active(_)));
}

#[tokio::test]
async fn what_others_wrote_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let mut redis = raw(&server).await;
    let secret = |random| SessionSecret::new(&alice(), [random; 32]);
    let _: () = redis.set(session_key(&secret(1)), "text").await.unwrap();
    let _: () = redis.hset(session_key(&secret(2)), "u", "alice").await.unwrap();
    let _: () = redis.hset(session_key(&secret(3)), "e", "signed_out").await.unwrap();
    for random in 1..=3 {
        let corrupt = sso.check(&secret(random)).await.unwrap_err();
        assert_eq!(
            (corrupt.kind(), corrupt.is_transient()),
            (ErrorKind::Corrupt, false),
            "{random}: {corrupt}"
        );
    }
}

/// Checks that write on every call race with the end of their session: none after the end sees it active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_revives_a_session_that_was_ended() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let limits =
        SessionLimits::new(Duration::from_secs(60), Duration::from_secs(600), Duration::ZERO).unwrap();
    for round in 0..5_u8 {
        let (new, _) = NewSession::open(alice(), web(), [round; 32]);
        let store = RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE);
        store.create(&new, limits, At::Server).await.unwrap();
        let (ended, checks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (store, key) = (RedisStore::connect(&server.url()).await.unwrap(), new.key().clone());
            let (store, ended, checks) = (store.deadline(SLOW_MACHINE), ended.clone(), checks.clone());
            tasks.push(tokio::spawn(async move {
                loop {
                    let was_ended = ended.load(Ordering::SeqCst);
                    match store.check(&key, limits, At::Server).await.unwrap() {
                        Check::Active(_) => assert!(!was_ended, "a session was revived"),
                        Check::Ended(reason) => return reason,
                        Check::Unknown => panic!("a session was forgotten"),
                    }
                    checks.fetch_add(1, Ordering::SeqCst);
                }
            }));
        }
        while checks.load(Ordering::SeqCst) < 100 {
            tokio::task::yield_now().await;
        }
        let outcome = store.end(new.key(), EndReason::Revoked, limits, At::Server).await.unwrap();
        ended.store(true, Ordering::SeqCst);
        assert_eq!(outcome, EndOutcome::Ended);
        for task in tasks {
            assert_eq!(task.await.unwrap(), EndReason::Revoked);
        }
        assert_eq!(store.list(&alice(), limits, At::Server).await.unwrap(), []);
    }
}

#[cfg(feature = "deadpool")]
#[tokio::test]
async fn a_pool_and_a_bare_connection_serve_as_well() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let pool = deadpool_redis::Config::from_url(server.url())
        .create_pool(Some(deadpool_redis::Runtime::Tokio1))
        .unwrap();
    let over = |store: RedisStore| Sso::new(Arc::new(store.deadline(SLOW_MACHINE)), SessionLimits::default());
    let (pooled, bare) = (over(RedisStore::from(pool.clone())), over(RedisStore::from(raw(&server).await)));
    let signed_in = pooled.login(&alice(), web()).await.unwrap();
    assert!(matches!(bare.check(&signed_in.secret).await.unwrap(), Check::Active(_)));
    assert_eq!(bare.logout_all(&alice()).await.unwrap(), 1);
    assert_eq!(pooled.check(&signed_in.secret).await.unwrap(), Check::Ended(EndReason::SignedOut));
    pool.close();
    assert_eq!(pooled.check(&signed_in.secret).await.unwrap_err().kind(), ErrorKind::Misuse);
}
