//! What is kept in Redis: no user, nothing for ever, and what becomes of it when a part is lost, when memory ends and
//! when others write into it.

use std::time::Duration;

use redis::AsyncCommands as _;
use sso_core::{
    ErrorKind, OnStale, RedisRevocations, RevocationCheck, RevocationView as _, RevokeOutcome, UnixMillis,
};

use super::{NEVER, SLOW_MACHINE, connect, follow, revoker, token, until};
use crate::redis_store::raw;
use crate::revocation::{claims, id, user};

#[tokio::test]
async fn redis_holds_no_user_and_every_key_ends() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let revoker = revoker(connect(&server.url()).await);
    revoker.revoke_user(&user(0)).await.unwrap();
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let mut redis = raw(&server).await;
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in keys {
        let left: i64 = redis.pttl(&key).await.unwrap();
        assert!((3_600_000..=3_904_000).contains(&left), "{key} {left}");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        assert!(!key.contains("alice") && !String::from_utf8_lossy(&dump).contains("alice"));
    }
}

/// A log that has lost its end and gone on has numbers again that the view has read. It reads all of it then.
#[tokio::test]
async fn a_log_that_lost_its_end_is_read_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(&server).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let revoker = revoker(log);
    let mut redis = raw(&server).await;
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    let mut dumps: Vec<Vec<u8>> = Vec::new();
    for key in &keys {
        dumps.push(redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap());
    }
    let _ = revoker.revoke_token(&token(2)).await.unwrap();
    view.caught_up().await;
    for (key, dump) in keys.iter().zip(&dumps) {
        let mut restore = redis::cmd("RESTORE");
        restore.arg(key).arg(3_600_000).arg(dump).arg("REPLACE");
        restore.exec_async(&mut redis).await.unwrap();
    }
    for number in 3..5 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
    }
    view.caught_up().await;
    for number in 1..5 {
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{number}");
    }
}

/// A Redis that evicts keys drops one of the log's. The log begins anew, and views keep what they know.
#[tokio::test]
async fn a_log_that_lost_a_part_begins_anew() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let base = RedisRevocations::from(raw(&server).await).deadline(SLOW_MACHINE);
    let mut redis = raw(&server).await;
    for part in ["l", "a", "x", "m"] {
        let log = base.clone().key_prefix(&format!("without-{part}")).unwrap();
        let view = follow(log.clone(), Duration::from_millis(200), OnStale::Refuse);
        let revoker = revoker(log.clone());
        for number in 1..3 {
            let _ = revoker.revoke_token(&token(number)).await.unwrap();
        }
        view.caught_up().await;
        let gone: u64 = redis.del(format!("{{without-{part}:revoked}}:{part}")).await.unwrap();
        assert_eq!(gone, 1);
        for number in 2..4 {
            let outcome = revoker.revoke_token(&token(number)).await.unwrap();
            assert!(matches!(outcome, RevokeOutcome::Revoked(_)), "{part} {outcome:?}");
        }
        tokio::time::timeout(SLOW_MACHINE, view.caught_up()).await.unwrap();
        for number in 1..4 {
            assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked, "{part} {number}");
        }
        let cold = follow(log, NEVER, OnStale::Refuse);
        tokio::time::timeout(SLOW_MACHINE, cold.caught_up()).await.unwrap();
        assert_eq!((cold.entries(), cold.check(&token(3))), (2, RevocationCheck::TokenRevoked), "{part}");
    }
}

/// Whoever fills the memory of Redis must not stop revocations.
#[tokio::test]
async fn a_redis_without_memory_takes_revocations() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    assert!(
        server.cli(&["SET", "something", "else"]).unwrap_or_else(|error| error.to_string()).contains("OOM")
    );
    let revoker = revoker(log);
    assert!(matches!(revoker.revoke_token(&token(1)).await.unwrap(), RevokeOutcome::Revoked(_)));
    let of_user = claims(&user(1), id(2), UnixMillis::now());
    let epoch = revoker.revoke_user(&user(1)).await.unwrap();
    view.caught_up().await;
    assert_eq!(view.check(&token(1)), RevocationCheck::TokenRevoked);
    assert_eq!(view.check(&of_user), RevocationCheck::UserRevoked(epoch));
}

#[tokio::test]
async fn what_others_wrote_is_corrupt() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let mut redis = raw(&server).await;
    let log = connect(&server.url()).await;
    let revoker = revoker(log.clone());
    let _ = revoker.revoke_token(&token(1)).await.unwrap();
    let subject: Vec<String> = redis.hkeys("{gh:revoked}:a").await.unwrap();
    let _: () = redis.hset("{gh:revoked}:a", &subject[0], "something else").await.unwrap();
    let corrupt = revoker.revoke_token(&token(1)).await.unwrap_err();
    assert_eq!((corrupt.kind(), corrupt.is_transient()), (ErrorKind::Corrupt, false), "{corrupt}");
    let view = follow(log, Duration::from_millis(200), OnStale::Refuse);
    until("a failure to tell of", || view.failure().is_some()).await;
    assert_eq!(view.failure().unwrap().kind(), ErrorKind::Corrupt);
    assert!(view.is_revoked(&token(2)));
}
