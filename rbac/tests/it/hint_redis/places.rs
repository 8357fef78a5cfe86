//! The same over a cluster and behind sentinels, also when a server dies.

use std::sync::Arc;
use std::time::Duration;

use rbac::{ErrorKind, MemoryStore, PolicyVersion, RedisHint};
use testkit::{Redis, RedisCluster, RedisSentinel, until};

use super::{Instance, NEVER, SLOW_MACHINE, SOON};

fn patient(hint: RedisHint) -> RedisHint {
    // Three servers share it.
    hint.deadline(3 * SLOW_MACHINE)
}

/// Both hear of each other's changes, and neither polls.
async fn crosses(here: &Instance, there: &Instance, name: &str) {
    let version = there.add(&format!("there-{name}")).await;
    here.wait_for(version);
    let version = here.add(&format!("here-{name}")).await;
    there.wait_for(version);
}

/// Each of the two knows other nodes, and the first that one of them knows dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_of_a_cluster_will_do_and_another_takes_over() {
    if testkit::skipped("redis") {
        return;
    }
    let mut cluster = RedisCluster::start().unwrap();
    let urls = cluster.urls();
    let store = Arc::new(MemoryStore::default());
    let [first, rest @ ..] = urls.as_slice() else { panic!("a cluster has nodes") };
    let mut turned = rest.to_vec();
    turned.push(first.clone());
    let here = Instance::start_with(&store, patient(RedisHint::cluster(&urls).unwrap()), NEVER).await;
    let there = Instance::start_with(&store, patient(RedisHint::cluster(&turned).unwrap()), NEVER).await;
    here.wait_settled();
    there.wait_settled();
    crosses(&here, &there, "whole").await;

    let woken = here.live.counts().wakeups;
    cluster.nodes_mut()[0].kill().unwrap();
    // The greeting of the next node.
    here.wait_woken(woken + 1);
    crosses(&here, &there, "halved").await;
    assert_eq!(here.live.counts().announcements_failed, 0, "sent over the next node at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_the_master_is_followed() {
    if testkit::skipped("redis") {
        return;
    }
    let mut sentinels = RedisSentinel::start().unwrap();
    let service = sentinels.service().to_owned();
    let hint = || patient(RedisHint::sentinel(&sentinels.urls(), &service).unwrap());
    let store = Arc::new(MemoryStore::default());
    let here = Instance::start_with(&store, hint(), NEVER).await;
    let there = Instance::start_with(&store, hint(), NEVER).await;
    here.wait_settled();
    there.wait_settled();
    crosses(&here, &there, "before").await;

    let died = sentinels.master().addr();
    sentinels.master_mut().kill().unwrap();
    sentinels.wait_promoted(died).unwrap();
    for instance in [&here, &there] {
        // The greeting at the start, one for each change, and that of the new master.
        until(SOON, "the new master", || instance.live.counts().subscriptions_failed >= 1).unwrap();
        instance.wait_woken(4);
    }
    crosses(&here, &there, "after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_no_sentinel_knows_is_no_master() {
    if testkit::skipped("redis") {
        return;
    }
    let sentinels = RedisSentinel::start().unwrap();
    let hint = patient(RedisHint::sentinel(&sentinels.urls(), "another").unwrap());
    let error = rbac::ChangeHint::announce(&hint, PolicyVersion::new(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("no sentinel knows"), "{source}");
}

/// A server that takes connections and says nothing must not cost the others their time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_node_leaves_time_for_the_next() {
    if testkit::skipped("redis") {
        return;
    }
    let (redis, other) = (Redis::start().unwrap(), Redis::start().unwrap());
    let mute = testkit::Proxy::start(other.addr()).unwrap();
    mute.drop_requests();
    let hint = RedisHint::cluster(&[mute.url(), redis.url()]).unwrap().deadline(Duration::from_secs(10));
    let store = Arc::new(MemoryStore::default());
    let here = Instance::start_with(&store, hint.clone(), NEVER).await;
    let there = Instance::start_with(&store, hint, NEVER).await;
    here.wait_settled();
    there.wait_settled();
    crosses(&here, &there, "beside").await;
}
