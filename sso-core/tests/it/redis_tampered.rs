//! A real Redis that others have had their hands in: keys that are lost, flushed, of a newer version or not ours.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{
    Amended, Amendment, At, Changes, Check, DeviceKind, EndReason, ErrorKind, LoginPolicy, NewSession,
    SESSIONS_PER_USER_MAX, SessionLimits, SessionSecret, SessionStore, UnixMillis, Which,
};

use crate::redis_store::{alice, connect, index_key, list_key, login, raw, session_key, sso, web, why};

#[tokio::test]
async fn a_use_that_is_written_down_prolongs_the_session_and_its_lists() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = connect(&server).await;
    let limits =
        SessionLimits::new(Duration::from_secs(100), Duration::from_secs(1000), Duration::ZERO).unwrap();
    let (new, secret) = NewSession::open(alice(), web(), [1; 32]);
    drop(store.create(&new, LoginPolicy::default(), limits, At::Server).await.unwrap());
    let mut redis = raw(&server).await;
    let keys = [session_key(&secret), index_key(&alice()), list_key(&alice(), 'o'), list_key(&alice(), 'x')];
    for key in &keys {
        let _: () = redis.pexpire(key, 60_000).await.unwrap();
    }
    assert!(matches!(store.check(new.key(), limits, At::Server).await.unwrap().value, Check::Active(_)));
    for key in &keys {
        let left: i64 = redis.pttl(key).await.unwrap();
        assert!((600_000..=700_000).contains(&left), "{key} {left}");
    }
}

#[tokio::test]
async fn lost_lists_come_back_with_the_next_use_that_is_written_down() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let store = connect(&server).await;
    let (limits, policy) = (SessionLimits::default(), LoginPolicy::default());
    // A while after now, so that no key expires by itself.
    let begin = UnixMillis::now().checked_add(Duration::from_secs(3600)).unwrap();
    let at = |after| At::Millis(begin.checked_add(after).unwrap());
    let (used, _) = NewSession::open(alice(), web(), [1; 32]);
    let (newer, _) = NewSession::open(alice(), web(), [2; 32]);
    let lists = [index_key(&alice()), list_key(&alice(), 'o'), list_key(&alice(), 'x')];
    for lost in [&lists[..1], &lists[1..2], &lists[2..], &lists[..]] {
        drop(store.create(&used, policy, limits, at(Duration::ZERO)).await.unwrap());
        drop(store.create(&newer, policy, limits, at(Duration::from_secs(1))).await.unwrap());
        let mut redis = raw(&server).await;
        let _: () = redis.del(lost).await.unwrap();

        let later = at(Duration::from_secs(1) + limits.touch_every());
        for new in [&newer, &used] {
            let check = store.check(new.key(), limits, later).await.unwrap().value;
            assert!(matches!(check, Check::Active(_)));
        }
        for list in &lists {
            let left: i64 = redis.pttl(list).await.unwrap();
            assert!(left > 0, "{list} {left}");
        }
        let listed = store.list(&alice(), limits, later).await.unwrap().value;
        let ids: Vec<_> = listed.iter().map(|session| session.id.clone()).collect();
        assert_eq!(ids, [used.key().id(), newer.key().id()]);
        assert_eq!(store.online_count(later).await.unwrap(), 1);
        let ended = store.end_some(&alice(), &Which::All, &EndReason::Revoked, limits, later).await.unwrap();
        assert_eq!(ended.value, ids);
        assert_eq!(why(store.check(used.key(), limits, later).await.unwrap().value), EndReason::Revoked);
        let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_of_the_same_tag_is_left_alone() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let bobs = login(&sso, &alice()).await;
    let (key, mut redis) = (session_key(&bobs.secret), raw(&server).await);
    let record: String = redis.hget(&key, "r").await.unwrap();
    let _: () = redis.hset(&key, "r", record.replace("\nalice\n", "\nbob\n")).await.unwrap();
    for _ in 0..SESSIONS_PER_USER_MAX {
        login(&sso, &alice()).await;
    }
    assert_eq!(sso.revoke_all(&alice()).await.unwrap(), usize::from(SESSIONS_PER_USER_MAX));
    let left = sso.check(&bobs.secret).await.unwrap();
    assert!(matches!(left, Check::Active(session) if session.user.as_str() == "bob"));
}

#[tokio::test]
async fn fields_of_a_newer_version_are_harmless() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let old = login(&sso, &alice()).await;
    let mut redis = raw(&server).await;
    let key = session_key(&old.secret);
    let record: String = redis.hget(&key, "r").await.unwrap();
    let newer = record.replace("\nweb\n", "\nwatch\n") + "zmood=good\n";
    let _: () = redis.hset_multiple(&key, &[("zz", "new"), ("r", &newer)]).await.unwrap();
    let Check::Active(session) = sso.check(&old.secret).await.unwrap() else { panic!() };
    assert_eq!(session.device, DeviceKind::Other);
    let new = sso.renew(&old.secret, Changes::new()).await.unwrap().done().unwrap();
    let kept: Option<String> = redis.hget(session_key(&new.secret), "zz").await.unwrap();
    assert_eq!(kept.as_deref(), Some("new"));
    let record: String = redis.hget(session_key(&new.secret), "r").await.unwrap();
    assert!(record.ends_with("\nzmood=good\n"), "{record}");
    sso.logout(&new.secret).await.unwrap();
    let left: BTreeMap<String, String> = redis.hgetall(session_key(&new.secret)).await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["e", "t"]);
    // An end of a newer version is an end.
    let _: () = redis.hset(session_key(&new.secret), "e", "abducted:mars").await.unwrap();
    assert_eq!(why(sso.check(&new.secret).await.unwrap()), EndReason::Other);
}

#[tokio::test]
async fn scripts_are_loaded_again_after_they_were_flushed() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let sso = sso(&server).await;
    let signed_in = login(&sso, &alice()).await;
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
    let _: () = redis.hset(session_key(&secret(2)), "r", "alice").await.unwrap();
    let _: () = redis.hset(session_key(&secret(3)), "e", "signed_out").await.unwrap();
    let tampered = login(&sso, &alice()).await;
    let key = session_key(&tampered.secret);
    for random in 1..=3 {
        let corrupt = sso.check(&secret(random)).await.unwrap_err();
        let told = (corrupt.kind(), corrupt.is_transient());
        assert_eq!(told, (ErrorKind::Corrupt, false), "{random}: {corrupt}");
        let corrupt = sso.logout(&secret(random)).await.unwrap_err();
        assert_eq!(corrupt.kind(), ErrorKind::Corrupt, "{random}: {corrupt}");
    }
    let good: (String, String) = redis.hmget(&key, &["l", "r"]).await.unwrap();
    let broken = |from: &str, to: &str| [("l", good.0.clone()), ("r", good.1.replacen(from, to, 1))];
    for bad in [
        broken("\n\n", "\nx1\n"),
        broken("\nalice\n", "\n\n"),
        broken(tampered.session.id.as_str(), "short"),
        broken("\n0\n", "\n-1\n"),
        broken("\n0\n", "\n0\nano line\n"),
        broken("\n0\n", "\n0\nppay=x\n"),
        broken(&good.1, ""),
        [("l", "soon".to_owned()), ("r", good.1.clone())],
    ] {
        let _: () = redis.hset_multiple(&key, &bad).await.unwrap();
        let corrupt = sso.check(&tampered.secret).await.unwrap_err();
        assert_eq!(corrupt.kind(), ErrorKind::Corrupt, "{bad:?}: {corrupt}");
    }
    let _: () = redis.hset_multiple(&key, &[("l", &good.0), ("r", &good.1)]).await.unwrap();
    assert!(matches!(sso.check(&tampered.secret).await.unwrap(), Check::Active(_)));
}

/// A key whose session was forgotten without being looked at may be used again: the index still names it as the old one.
#[tokio::test]
async fn a_key_that_is_used_again_is_one_session() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let (store, limits) = (connect(&server).await, SessionLimits::default());
    let begin = UnixMillis::now();
    let later = begin.checked_add(limits.idle() * 2).unwrap();
    let (old, _) = NewSession::open(alice(), web(), [1; 32]);
    let (new, _) = NewSession::open(alice(), web().remember(limits.absolute()), [2; 32]);
    for session in [&old, &new] {
        drop(store.create(session, LoginPolicy::default(), limits, At::Millis(begin)).await.unwrap());
    }
    let renewal = Amendment::renewal(old.key().clone());
    let moved = store.amend(new.key(), &renewal, limits, At::Millis(later)).await.unwrap().value;
    assert!(matches!(moved, Amended::Done(_)), "{moved:?}");
    let listed = store.list(&alice(), limits, At::Millis(later)).await.unwrap().value;
    let ids: Vec<_> = listed.into_iter().map(|session| session.id).collect();
    assert_eq!(ids, [new.key().id()]);
    let ended = store.end_some(&alice(), &Which::All, &EndReason::Revoked, limits, At::Millis(later)).await;
    assert_eq!(ended.unwrap().value, ids);
}
