//! The contract suite against real servers, over every kind of connection.

use sso_core::RedisStore;
use tokio::runtime::Runtime;

use crate::contract::{
    an_end_follows_renewals, answers_as_memory_does, impersonators_make_room_for_each_other, keeps_the_laws,
    the_oldest_session_makes_room,
};
use crate::redis_store::{SLOW_MACHINE, manager, raw};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// An empty store for each case: keys of its own.
fn fresh(store: &RedisStore) -> impl Fn(u32) -> RedisStore {
    let store = store.clone().deadline(SLOW_MACHINE);
    move |case| store.clone().key_prefix(&format!("case{case}")).unwrap()
}

#[test]
fn one_server_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
    let store = runtime.block_on(RedisStore::connect(&server.url())).unwrap();
    answers_as_memory_does(&runtime, 128, fresh(&store));
}

#[test]
fn one_server_keeps_the_laws() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
    let store = runtime.block_on(RedisStore::connect(&server.url())).unwrap();
    keeps_the_laws(&runtime, 8, fresh(&store));
}

#[test]
fn one_server_makes_room() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
    let store = runtime.block_on(RedisStore::connect(&server.url())).unwrap();
    runtime.block_on(the_oldest_session_makes_room(&fresh(&store)(1)));
    runtime.block_on(impersonators_make_room_for_each_other(&fresh(&store)(2)));
    runtime.block_on(an_end_follows_renewals(&fresh(&store)(3)));
}

#[test]
fn connections_of_the_application_answer_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
    let bare = runtime.block_on(raw(&server));
    answers_as_memory_does(&runtime, 24, fresh(&RedisStore::from(bare).key_prefix("bare").unwrap()));
    let manager = runtime.block_on(manager(&server));
    redis_is_emptied(&server);
    answers_as_memory_does(&runtime, 24, fresh(&RedisStore::from(manager)));
}

#[cfg(feature = "deadpool")]
#[test]
fn a_pool_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let (server, runtime) = (testkit::Redis::start().unwrap(), runtime());
    let pool = crate::redis_store::pool(&server);
    answers_as_memory_does(&runtime, 24, fresh(&RedisStore::from(pool)));
}

#[test]
fn a_cluster_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let (cluster, runtime) = (testkit::RedisCluster::start().unwrap(), runtime());
    let store = runtime.block_on(RedisStore::connect_cluster(&cluster.urls()[..1])).unwrap();
    answers_as_memory_does(&runtime, 64, fresh(&store));
    keeps_the_laws(&runtime, 4, |case| fresh(&store)(1000 + case));
    runtime.block_on(the_oldest_session_makes_room(&fresh(&store)(2000)));
    runtime.block_on(an_end_follows_renewals(&fresh(&store)(2001)));
}

#[test]
fn a_cluster_connection_of_the_application_answers_as_memory_does() {
    if testkit::skipped("redis") {
        return;
    }
    let (cluster, runtime) = (testkit::RedisCluster::start().unwrap(), runtime());
    let client = redis::cluster::ClusterClient::builder(cluster.urls())
        .connection_timeout(SLOW_MACHINE)
        .build()
        .unwrap();
    let connection = runtime.block_on(client.get_async_connection()).unwrap();
    answers_as_memory_does(&runtime, 24, fresh(&RedisStore::from(connection)));
}

fn redis_is_emptied(server: &testkit::Redis) {
    assert_eq!(server.cli(&["FLUSHALL"]).unwrap(), "OK");
}
