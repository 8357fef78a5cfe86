//! What is kept in Redis: no secret and no user, and what becomes of it without memory, without an index and when
//! others write into it.

use std::collections::HashSet;
use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{ErrorKind, Families, FamilyEnd, Grant, RefreshOutcome, RefreshSecret, RevokeFamily};

use super::{app, bucket, connect, over, user};
use crate::redis_store::raw;

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
    let mut redis = raw(&server).await;
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
    let mut redis = raw(&server).await;
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
    let _: () = raw(&server).await.del(index).await.unwrap();
    assert_eq!(refresher.families(&user("alice")).await.unwrap(), []);
    let refreshed = refresher.refresh(&first, &app(), None).await.unwrap();
    assert!(matches!(refreshed, RefreshOutcome::Refreshed { .. }));
    assert_eq!(refresher.revoke_user(&user("alice"), &Families::All).await.unwrap(), 1);
}
