//! What a check costs a real Redis, and that one which only reads says what the script would say.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{
    At, Changes, Check, EndReason, ErrorKind, NewSession, RedisStore, SessionEvent, SessionLimits,
    SessionStore, Sso, UnixMillis, Which,
};

use crate::redis_store::{alice, connect, login, over, raw, session_key, sso, stats, web, why};

/// Which commands of these ran since the last time, and how often.
async fn ran(redis: &mut redis::aio::MultiplexedConnection) -> BTreeMap<String, u64> {
    let mut ran = stats(redis).await;
    let _: () = redis::cmd("CONFIG").arg("RESETSTAT").query_async(redis).await.unwrap();
    ran.retain(|name, _| !["ping", "info", "config|resetstat"].contains(&name.as_str()));
    ran
}

fn counts(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
}

async fn is_active(sso: &Sso, secret: &sso_core::SessionSecret) -> bool {
    matches!(sso.check(secret).await.unwrap(), Check::Active(_))
}

/// The first check of a server is one script with a read and a time in it, each later one these two alone.
#[tokio::test]
async fn a_check_is_one_call() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (one, other, mut redis) = (sso(&server).await, sso(&server).await, raw(&server).await);
    let secret = login(&one, &alice()).await.secret;
    // The script gets known.
    assert!(is_active(&one, &secret).await);
    drop(ran(&mut redis).await);
    assert!(is_active(&other, &secret).await);
    assert_eq!(ran(&mut redis).await, counts(&[("evalsha", 1), ("hmget", 1), ("time", 1)]));
    for _ in 0..10 {
        assert!(is_active(&one, &secret).await);
    }
    assert_eq!(ran(&mut redis).await, counts(&[("hmget", 10), ("time", 10)]));
}

/// Whatever ends a session somewhere else, the next check tells it, in one call.
#[tokio::test]
async fn a_session_that_ended_elsewhere_is_not_taken_for_live() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (one, other, mut redis) = (sso(&server).await, sso(&server).await, raw(&server).await);
    let [kicked, renewed, out, lost] = [
        login(&one, &alice()).await,
        login(&one, &alice()).await,
        login(&one, &alice()).await,
        login(&one, &alice()).await,
    ];
    for signed_in in [&kicked, &renewed, &out, &lost] {
        assert!(is_active(&one, &signed_in.secret).await);
    }
    drop(other.kick(&alice(), &Which::One(kicked.session.id.clone()), None).await.unwrap());
    drop(other.renew(&renewed.secret, Changes::new()).await.unwrap());
    assert!(other.logout(&out.secret).await.unwrap());
    let _: () = redis.del(session_key(&lost.secret)).await.unwrap();
    drop(ran(&mut redis).await);
    assert_eq!(why(one.check(&kicked.secret).await.unwrap()), EndReason::Kicked { by: None });
    assert_eq!(why(one.check(&renewed.secret).await.unwrap()), EndReason::Renewed);
    assert_eq!(why(one.check(&out.secret).await.unwrap()), EndReason::SignedOut);
    assert_eq!(one.check(&lost.secret).await.unwrap(), Check::Unknown);
    assert_eq!(ran(&mut redis).await, counts(&[("hmget", 4), ("time", 4)]));
}

/// A store that has seen a session lately still writes down what is due, and ends what is over, by the time of the call.
#[tokio::test]
async fn what_is_due_is_written_though_a_read_was_tried() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (store, limits) = (connect(&server).await, SessionLimits::default());
    let (new, _) = NewSession::open(alice(), web(), [1; 32]);
    let start = UnixMillis::now();
    let at = |secs| At::Millis(start.saturating_add(Duration::from_secs(secs)));
    drop(store.create(&new, sso_core::LoginPolicy::default(), limits, at(0)).await.unwrap());
    let seen_at = async |store: &RedisStore, secs| match store
        .check(new.key(), limits, at(secs))
        .await
        .unwrap()
        .value
    {
        Check::Active(session) => session.last_seen_at.since(start).as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!((seen_at(&store, 0).await, seen_at(&store, 59).await), (0, 0));
    assert_eq!((seen_at(&store, 60).await, seen_at(&store, 61).await), (60, 60));
    let ended = store.check(new.key(), limits, at(60 + 1800)).await.unwrap();
    assert_eq!(why(ended.value), EndReason::ExpiredIdle);
    assert!(matches!(&ended.events[..], [SessionEvent::Ended { .. }]));
    let again = store.check(new.key(), limits, at(60 + 1801)).await.unwrap();
    assert_eq!((why(again.value), again.events), (EndReason::ExpiredIdle, Vec::new()));
}

/// A read meets the same foreign values as the script, and says the same of them.
#[tokio::test]
async fn a_read_of_something_else_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (sso, mut redis) = (over(connect(&server).await), raw(&server).await);
    let secret = login(&sso, &alice()).await.secret;
    assert!(is_active(&sso, &secret).await);
    let key = session_key(&secret);
    let _: () = redis.hset(&key, "r", b"\xff\xfe").await.unwrap();
    assert_eq!(sso.check(&secret).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let _: () = redis.set(&key, "a string").await.unwrap();
    assert_eq!(sso.check(&secret).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
