//! Many at once: with one token, with one token and no grace, and with the revocation of their user.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sso_core::{
    Families, FamilyEnd, Grant, MemoryRefreshStore, RefreshLimits, RefreshOutcome, RefreshSecret, Refresher,
};

use super::{app, connect, over, user};

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
