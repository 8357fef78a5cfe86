//! A real Redis: what is in it, what others may have done to it, and what each verb costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{
    Amendment, At, AttributeName, Changes, Check, DeviceKind, End, EndReason, ErrorKind, Login, LoginPolicy,
    NewSession, PageSize, RedisStore, SessionLimits, SessionSecret, SessionStore, SignedIn, Sso, UnixMillis,
    UserId, Which,
};

pub(crate) const SLOW_MACHINE: Duration = Duration::from_secs(30);

pub(crate) fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

pub(crate) fn web() -> Login {
    Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7")
}

/// For connections of a test's own: by default, those give up after half a second.
pub(crate) fn patient() -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(SLOW_MACHINE))
        .set_response_timeout(Some(SLOW_MACHINE))
}

pub(crate) async fn raw(server: &testkit::Redis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection_with_config(&patient()).await.unwrap()
}

/// A connection that is made anew when it breaks.
pub(crate) async fn manager(server: &testkit::Redis) -> redis::aio::ConnectionManager {
    let config = redis::aio::ConnectionManagerConfig::new()
        .set_connection_timeout(Some(SLOW_MACHINE))
        .set_response_timeout(Some(SLOW_MACHINE));
    let client = redis::Client::open(server.url()).unwrap();
    redis::aio::ConnectionManager::new_with_config(client, config).await.unwrap()
}

#[cfg(feature = "deadpool")]
pub(crate) fn pool(server: &testkit::Redis) -> deadpool_redis::Pool {
    let manager = deadpool_redis::Manager::new_with_config(server.url(), patient()).unwrap();
    deadpool_redis::Pool::builder(manager).runtime(deadpool_redis::Runtime::Tokio1).build().unwrap()
}

pub(crate) async fn connect(server: &testkit::Redis) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap().deadline(SLOW_MACHINE)
}

pub(crate) fn over(store: RedisStore) -> Sso {
    Sso::new(Arc::new(store), SessionLimits::default())
}

pub(crate) async fn sso(server: &testkit::Redis) -> Sso {
    over(connect(server).await)
}

pub(crate) async fn login(sso: &Sso, user: &UserId) -> SignedIn {
    sso.login(user, web()).await.unwrap().admitted().unwrap()
}

pub(crate) fn why(check: Check) -> EndReason {
    let Check::Ended(End { reason, .. }) = check else { panic!("{check:?}") };
    reason
}

pub(crate) fn session_key(secret: &SessionSecret) -> String {
    let key = secret.key();
    format!("{{gh:{:02x}}}:s:{}", key.tag().bucket(), key.digest_text())
}

pub(crate) fn index_key(user: &UserId) -> String {
    format!("{{gh:{:02x}}}:u:{}", user.tag().bucket(), user.tag())
}

pub(crate) fn list_key(user: &UserId, list: char) -> String {
    format!("{{gh:{:02x}}}:{list}", user.tag().bucket())
}

/// Whether a key is named as the documentation says, and so after nothing that a user or a secret brings.
fn is_plain(key: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let Some((bucket, rest)) = key.strip_prefix("{gh:").and_then(|key| key.split_once("}:")) else {
        return false;
    };
    let digest = |text: &str| {
        text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let named = match rest.split_once(':') {
        Some(("s", text)) => digest(text),
        Some(("u", tag)) => tag.len() == 32 && hex(tag) && tag.starts_with(bucket),
        _ => rest == "o" || rest == "x",
    };
    bucket.len() == 2 && hex(bucket) && named
}

#[tokio::test]
async fn two_servers_share_sessions() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (one, two) = (sso(&server).await, sso(&server).await);
    let signed_in = login(&one, &alice()).await;
    assert_eq!(two.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session.clone()));
    assert_eq!(two.sessions(&alice()).await.unwrap(), [signed_in.session]);
    assert!(two.logout(&signed_in.secret).await.unwrap());
    assert_eq!(why(one.check(&signed_in.secret).await.unwrap()), EndReason::SignedOut);
    assert_eq!(one.logout_all(&alice()).await.unwrap(), 0);
}

#[tokio::test]
async fn every_key_has_a_time_to_live_and_none_a_secret() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let (live, ended) = (login(&sso, &alice()).await, login(&sso, &alice()).await);
    sso.logout(&ended.secret).await.unwrap();
    let renewed = sso.renew(&live.secret, Changes::new()).await.unwrap().done().unwrap();

    let mut redis = raw(&server).await;
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert_eq!(keys.len(), 6, "{keys:?}");
    let random_of = |secret: &SessionSecret| secret.expose().split_once('.').unwrap().1.to_owned();
    for key in &keys {
        let left: i64 = redis.pttl(key).await.unwrap();
        assert!(left > 0, "{key} {left}");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap();
        let dump = String::from_utf8_lossy(&dump);
        for secret in [&live.secret, &ended.secret, &renewed.secret] {
            assert!(!dump.contains(&random_of(secret)) && !key.contains(&random_of(secret)));
        }
        assert!(is_plain(key), "{key}");
    }
    // A tombstone holds the reason, the time and perhaps the next digest, nothing of the user.
    for (secret, fields) in [(&ended.secret, &["e", "t"][..]), (&live.secret, &["e", "n", "t"])] {
        let left: BTreeMap<String, String> = redis.hgetall(session_key(secret)).await.unwrap();
        assert_eq!(left.keys().collect::<Vec<_>>(), fields);
    }
}

#[test]
fn every_key_has_a_time_to_live_after_any_history() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(connect(&server));
    crate::contract::answers_as_memory_does(&runtime, 32, |case| {
        store.clone().key_prefix(&format!("case{case}")).unwrap()
    });
    runtime.block_on(async {
        let mut redis = raw(&server).await;
        let keys: Vec<String> = redis.keys("*").await.unwrap();
        assert!(keys.len() > 32, "{keys:?}");
        for key in keys {
            let left: i64 = redis.pttl(&key).await.unwrap();
            // Tombstones of a clock that ran ahead last longest. A key that has ended since answers -2, one that would
            // stay for ever -1.
            assert!(left == -2 || (0..=500 * 24 * 3600 * 1000).contains(&left), "{key} {left}");
        }
    });
}

#[tokio::test]
async fn a_busy_session_ends_at_its_absolute_limit() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = connect(&server).await;
    let secs = Duration::from_secs;
    let limits = SessionLimits::new(secs(100), secs(150), secs(50)).unwrap();
    let begin = UnixMillis::now();
    let at = |after| At::Millis(begin.checked_add(secs(after)).unwrap());
    let (new, _) = NewSession::open(alice(), web(), [1; 32]);
    drop(store.create(&new, LoginPolicy::default(), limits, at(0)).await.unwrap());
    for (after, seen) in [(49, 0), (60, 60), (110, 110), (149, 110)] {
        let check = store.check(new.key(), limits, at(after)).await.unwrap().value;
        let Check::Active(session) = check else { panic!("{after}: {check:?}") };
        assert_eq!(session.last_seen_at.since(begin), secs(seen), "{after}");
    }
    let check = store.check(new.key(), limits, at(150)).await.unwrap().value;
    assert_eq!(why(check), EndReason::ExpiredAbsolute);
}

#[tokio::test]
async fn any_user_id_is_harmless() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let longest = "x".repeat(UserId::BYTES_MAX);
    let texts = ["a:b", "*", "{x}", "}{", "line\nbreak\r\n", "\0", "张三", " ", "'; DROP", longest.as_str()];
    for text in texts {
        let user = UserId::new(text).unwrap();
        let signed_in = login(&sso, &user).await;
        let Check::Active(session) = sso.check(&signed_in.secret).await.unwrap() else { panic!("{text:?}") };
        assert_eq!(session.user, user);
        assert_eq!(sso.sessions(&user).await.unwrap(), [session]);
    }
    let page = sso.online(None, PageSize::MAX).await.unwrap();
    let mut seen: Vec<&str> = page.users.iter().map(|online| online.user.as_str()).collect();
    let mut all = texts.to_vec();
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);
    assert_eq!(sso.online_count().await.unwrap(), u64::try_from(texts.len()).unwrap());

    let keys: Vec<String> = raw(&server).await.keys("*").await.unwrap();
    assert!(keys.iter().all(|key| is_plain(key)), "{keys:?}");
    for text in texts {
        assert_eq!(sso.logout_all(&UserId::new(text).unwrap()).await.unwrap(), 1, "{text:?}");
    }
    assert_eq!(UserId::new("x".repeat(10_000)).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Redis drops keys that have a time to live first when its memory is full.
/// Two users of one tag, as nobody has found them yet.
/// A newer version may keep more with a session. It stays with the session, and goes with it.
/// How often each command ran since the last reset.
pub(crate) async fn stats(redis: &mut redis::aio::MultiplexedConnection) -> BTreeMap<String, u64> {
    let told: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await.unwrap();
    let lines = told.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    lines.map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap())).collect()
}

/// Each verb is one script, and none of them looks through all keys.
#[tokio::test]
async fn every_verb_is_one_call_and_none_looks_through_all_keys() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (mut store, mut redis) = (connect(&server).await, raw(&server).await);
    let (limits, policy, at) = (SessionLimits::default(), LoginPolicy::default(), At::Server);
    let (one, one_secret) = NewSession::open(alice(), web(), [1; 32]);
    let (two, _) = NewSession::open(alice(), web(), [2; 32]);
    let next = one_secret.rotate([3; 32]).key();
    let renewal =
        Amendment::renewal(next.clone()).with(Changes::new().set(AttributeName::new("role").unwrap(), true));
    // The scripts get known.
    for _ in 0..2 {
        // A store that has seen a session lately only reads it: `redis_look` counts that.
        store = connect(&server).await;
        let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
        let _: () = redis::cmd("CONFIG").arg("RESETSTAT").query_async(&mut redis).await.unwrap();
        drop(store.create(&one, policy, limits, at).await.unwrap());
        drop(store.create(&two, policy, limits, at).await.unwrap());
        drop(store.check(one.key(), limits, at).await.unwrap());
        drop(store.amend(one.key(), &renewal, limits, at).await.unwrap());
        drop(store.list(&alice(), limits, at).await.unwrap());
        drop(store.end(&next, &EndReason::SignedOut, limits, at).await.unwrap());
        drop(store.end_some(&alice(), &Which::All, &EndReason::SignedOut, limits, at).await.unwrap());
    }
    let ran = stats(&mut redis).await;
    assert_eq!(ran.get("evalsha"), Some(&7), "{ran:?}");
    drop(store.online(None, PageSize::MAX, limits, at).await.unwrap());
    store.online_count(at).await.unwrap();
    let ran = stats(&mut redis).await;
    assert!(ran.keys().all(|name| !name.contains("scan") && name != "keys"), "{ran:?}");
}
