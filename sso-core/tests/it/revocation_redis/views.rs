//! Views: what was revoked, by whatever name, is known to every server, at once or when it has caught up.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    OnStale, RedisRevocations, RevocationCheck, RevocationView as _, Revocations, RevocationsConfig, TokenId,
    UnixMillis,
};

use super::{NEVER, SLOW_MACHINE, connect, follow, revoker, token, until};
use crate::redis_store::raw;
use crate::revocation::{claims, id, user};

#[tokio::test]
async fn a_revocation_reaches_every_server_at_once() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let mut views = Vec::new();
    for _ in 0..3 {
        views.push(follow(connect(&server.url()).await, NEVER, OnStale::Refuse));
    }
    let (one, two) = (token(1), claims(&user(1), id(2), UnixMillis::now()));
    for view in &views {
        view.caught_up().await;
        assert_eq!(view.check(&one), RevocationCheck::Clear);
    }
    let revoker = revoker(connect(&server.url()).await);
    let _ = revoker.revoke_token(&one).await.unwrap();
    let epoch = revoker.revoke_user(&user(1)).await.unwrap();
    for view in &views {
        until("the token's revocation", || view.check(&one) == RevocationCheck::TokenRevoked).await;
        until("the user's revocation", || view.check(&two) == RevocationCheck::UserRevoked(epoch)).await;
        assert!(view.is_revoked(&one) && !view.is_revoked(&token(3)));
    }
}

#[tokio::test]
async fn without_a_subscription_the_log_is_read_again_and_again() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(&server).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), Duration::from_millis(200), OnStale::Serve);
    view.caught_up().await;
    let _ = revoker(log).revoke_token(&token(1)).await.unwrap();
    until("the revocation", || view.check(&token(1)) == RevocationCheck::TokenRevoked).await;
}

#[tokio::test]
async fn a_view_that_has_caught_up_knows_what_was_revoked_before() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = RedisRevocations::from(raw(&server).await).deadline(SLOW_MACHINE);
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let revoker = revoker(log.clone());
    for number in 0..20 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
        view.caught_up().await;
        assert_eq!(view.check(&token(number)), RevocationCheck::TokenRevoked);
    }
    // So does one that starts cold.
    let cold = follow(log, NEVER, OnStale::Refuse);
    assert_eq!(cold.check(&token(30)), RevocationCheck::Stale { silent_for: None });
    cold.caught_up().await;
    assert_eq!((cold.entries(), cold.check(&token(30))), (20, RevocationCheck::Clear));
}

/// A view with less room than the log has is stale, and says why.
#[tokio::test]
async fn a_view_that_is_full_refuses() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let config = RevocationsConfig::new(Duration::from_millis(200), OnStale::Refuse).unwrap().entries_max(2);
    let view = Revocations::follow(Arc::new(log.clone()), config);
    let revoker = revoker(log);
    for number in 0..3 {
        let _ = revoker.revoke_token(&token(number)).await.unwrap();
    }
    until("a failure to tell of", || view.failure().is_some()).await;
    until("a stale view", || matches!(view.check(&token(9)), RevocationCheck::Stale { .. })).await;
    assert_eq!(view.entries(), 2);
}

/// Tokens of other issuers have names of other shapes.
#[tokio::test]
async fn a_view_finds_tokens_by_any_name() {
    if testkit::skipped("redis") {
        return;
    }
    let server = testkit::Redis::start().unwrap();
    let log = connect(&server.url()).await;
    let view = follow(log.clone(), NEVER, OnStale::Refuse);
    let drawn = claims(&user(2), TokenId::random().unwrap(), UnixMillis::now());
    let _ = revoker(log).revoke_token(&drawn).await.unwrap();
    view.caught_up().await;
    assert_eq!(view.check(&drawn), RevocationCheck::TokenRevoked);
}
