//! A real Redis Cluster: slots that move away under a store, and replicas that are promoted.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{Check, EndReason, ErrorKind, RedisStore, SessionLimits, Sso, UserId, Which};
use testkit::RedisCluster;

use crate::failures::{SHORT, eventually};
use crate::redis_store::{SLOW_MACHINE, alice, login, over, raw, web, why};

async fn connect(cluster: &RedisCluster) -> RedisStore {
    RedisStore::connect_cluster(&cluster.urls()).await.unwrap().deadline(SLOW_MACHINE)
}

/// The slot of a user's bucket.
fn slot(user: &UserId) -> u16 {
    RedisCluster::key_slot(format!("{{gh:{:02x}}}", user.tag().bucket()))
}

fn elsewhere(owner: usize) -> usize {
    (owner + 1) % 3
}

#[tokio::test]
async fn one_address_is_enough_and_all_nodes_are_used() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let store = RedisStore::connect_cluster(&cluster.urls()[2..]).await.unwrap().deadline(SLOW_MACHINE);
    let sso = over(store);
    for number in 0..30 {
        let user = UserId::new(format!("user {number}")).unwrap();
        let signed_in = login(&sso, &user).await;
        assert_eq!(sso.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session));
    }
    for node in cluster.nodes() {
        assert_ne!(node.cli(&["DBSIZE"]).unwrap(), "0");
    }
    assert_eq!(sso.online_count().await.unwrap(), 30);
    let nobody: [&str; 0] = [];
    let refused = RedisStore::connect_cluster(&nobody).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misuse);
}

#[tokio::test]
async fn a_slot_that_has_moved_is_followed() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let sso = over(connect(&cluster).await);
    let signed_in = login(&sso, &alice()).await;
    let slot = slot(&alice());
    for _ in 0..2 {
        let owner = cluster.slot_owner(slot).unwrap();
        cluster.move_slot(slot, owner, elsewhere(owner)).unwrap();
        assert_eq!(sso.check(&signed_in.secret).await.unwrap(), Check::Active(signed_in.session.clone()));
        login(&sso, &alice()).await;
    }
    assert_eq!(sso.sessions(&alice()).await.unwrap().len(), 3);
    assert_eq!(sso.logout_all(&alice()).await.unwrap(), 3);
}

/// In the middle of a move, with any number of its keys gone: a check goes on, and what needs several keys waits and
/// then does its whole work.
#[tokio::test]
async fn a_slot_on_the_move_loses_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    // Every use is due to be written down, which needs the lists.
    let limits =
        SessionLimits::new(Duration::from_secs(100), Duration::from_secs(1000), Duration::ZERO).unwrap();
    let (lax, store) = (over(connect(&cluster).await), connect(&cluster).await);
    let eager_within = |deadline| Sso::new(Arc::new(store.clone().deadline(deadline)), limits);
    let mut signed_in = Vec::new();
    for _ in 0..4 {
        signed_in.push(login(&lax, &alice()).await);
    }
    let slot = slot(&alice());
    let owner = cluster.slot_owner(slot).unwrap();
    // Three lists and four sessions.
    for gone in 0..=7 {
        let moving = cluster.begin_move(slot, owner, elsewhere(owner)).unwrap();
        for _ in 0..gone {
            moving.migrate_some(1).unwrap();
        }
        for one in &signed_in {
            let check = lax.check(&one.secret).await.unwrap();
            assert!(matches!(check, Check::Active(_)), "{gone} gone: {check:?}");
        }
        // With all keys in their place no call may fail; otherwise, what has to wait for them soon gives up.
        let eager = eager_within(if gone == 0 { SLOW_MACHINE } else { Duration::from_millis(100) });
        for one in &signed_in {
            match eager.check(&one.secret).await {
                Ok(check) => assert!(matches!(check, Check::Active(_)), "{gone} gone: {check:?}"),
                Err(error) => {
                    assert!(error.is_transient() && (1..=7).contains(&gone), "{gone} gone: {error}");
                }
            }
        }
        match eager.sessions(&alice()).await {
            Ok(sessions) => assert_eq!(sessions.len(), 4, "{gone} gone"),
            Err(error) => {
                assert!(error.is_transient() && (1..=7).contains(&gone), "{gone} gone: {error}");
            }
        }
        let done = async { lax.logout_some(&alice(), &Which::AllBut(signed_in[0].session.id.clone())).await };
        let finish = async {
            tokio::task::yield_now().await;
            while !moving.migrate_some(1).unwrap() {}
            moving.finish().unwrap();
        };
        let (ended, ()) = tokio::join!(done, finish);
        assert_eq!(ended.unwrap().len(), 3, "{gone} gone");
        assert_eq!(lax.sessions(&alice()).await.unwrap().len(), 1);
        assert_eq!(why(lax.check(&signed_in[3].secret).await.unwrap()), EndReason::SignedOut);

        cluster.move_slot(slot, elsewhere(owner), owner).unwrap();
        assert_eq!(lax.logout_all(&alice()).await.unwrap(), 1);
        signed_in.clear();
        for node in cluster.nodes() {
            node.cli(&["FLUSHALL"]).unwrap();
        }
        for _ in 0..4 {
            signed_in.push(login(&lax, &alice()).await);
        }
    }
}

/// The master of a user's bucket is killed. Nobody is let in meanwhile; then its replica serves, and the process goes on.
#[tokio::test]
async fn a_replica_that_is_promoted_is_followed() {
    if testkit::skipped("redis") {
        return;
    }
    let mut cluster = RedisCluster::start_with_replicas().unwrap();
    let store = RedisStore::connect_cluster(&cluster.urls()).await.unwrap();
    let (sso, patient) = (over(store.clone().deadline(SHORT)), over(store.deadline(SLOW_MACHINE)));
    let signed_in = login(&patient, &alice()).await;
    let slot = slot(&alice());
    let owner = cluster.slot_owner(slot).unwrap();
    // `WAIT` would not do: it waits for the writes of its own connection.
    let is_copied = async || {
        let told = cluster.nodes()[owner].info("replication").unwrap();
        told["slave0"].contains(&format!(",offset={},", told["master_repl_offset"])).then_some(())
    };
    eventually("a replica that has it all", is_copied).await;
    cluster.nodes_mut()[owner].kill().unwrap();
    let lost = sso.check(&signed_in.secret).await.unwrap_err();
    assert_eq!((lost.kind(), lost.is_transient()), (ErrorKind::Unavailable, true), "{lost}");

    let check = eventually("a promoted replica", async || match sso.check(&signed_in.secret).await {
        Ok(check) => Some(check),
        Err(error) => {
            assert!(error.is_transient(), "{error}");
            None
        }
    })
    .await;
    assert_eq!(check, Check::Active(signed_in.session.clone()));
    // The other nodes may learn of it later than the store.
    let is_replica = async || cluster.slot_owner(slot).is_ok_and(|owner| owner >= 3).then_some(());
    eventually("a slot that its replica owns", is_replica).await;
    login(&patient, &alice()).await;
    assert_eq!(patient.logout_all(&alice()).await.unwrap(), 2);
}

/// The connection goes to one node and stays there.
#[tokio::test]
async fn a_node_that_is_taken_for_a_server_is_the_callers_fault() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let owner = cluster.slot_owner(slot(&alice())).unwrap();
    let (own, other) = (&cluster.nodes()[owner], &cluster.nodes()[elsewhere(owner)]);
    let sso = over(RedisStore::connect(&other.url()).await.unwrap().deadline(SLOW_MACHINE));
    let bare = over(RedisStore::from(raw(other).await).deadline(SLOW_MACHINE));
    for sso in [sso, bare] {
        let refused = sso.login(&alice(), web()).await.unwrap_err();
        assert_eq!((refused.kind(), refused.is_transient()), (ErrorKind::Misuse, false), "{refused}");
        assert!(refused.to_string().contains("connect_cluster"), "{refused}");
    }
    let lucky = over(RedisStore::connect(&own.url()).await.unwrap().deadline(SLOW_MACHINE));
    login(&lucky, &alice()).await;
}

/// Each of two nodes says that the other one has the slot.
#[tokio::test]
async fn nodes_that_do_not_agree_are_not_flooded() {
    if testkit::skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let deadline = Duration::from_secs(5);
    let sso = over(connect(&cluster).await.deadline(deadline));
    let slot = slot(&alice());
    let owner = cluster.slot_owner(slot).unwrap();
    let [own, other] = [owner, elsewhere(owner)].map(|node| &cluster.nodes()[node]);
    let (number, id) = (slot.to_string(), other.cli(&["CLUSTER", "MYID"]).unwrap());
    own.cli(&["CLUSTER", "SETSLOT", &number, "NODE", &id]).unwrap();
    for node in [own, other] {
        node.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    }
    let late = sso.login(&alice(), web()).await.unwrap_err();
    assert_eq!((late.kind(), late.is_transient()), (ErrorKind::Unavailable, true), "{late}");
    let errors = |node: &testkit::Redis| -> u128 {
        let told = node.cli(&["INFO", "errorstats"]).unwrap();
        let moved = told.lines().find_map(|line| line.trim().strip_prefix("errorstat_MOVED:count="));
        moved.map_or(0, |count| count.parse().unwrap())
    };
    let calls = errors(own) + errors(other);
    // One for each pause, and two before the first one.
    assert!((2..=2 + deadline.as_millis() / 5).contains(&calls), "{calls}");
}
