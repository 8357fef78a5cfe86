//! Slots that move between the nodes of a cluster, and replicas that are promoted, there and under sentinels.

use std::time::Duration;

use testkit::{ErrorKind, Redis, RedisCluster, RedisSentinel, skipped, until};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_slot_moves_with_its_keys_and_every_master_knows() {
    if skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    for key in ["", "seat", "{sale}:7", "x{}y", "Kiel {Fähre} 3"] {
        let told = cluster.nodes()[0].cli(&["CLUSTER", "KEYSLOT", key]).unwrap();
        assert_eq!(RedisCluster::key_slot(key).to_string(), told, "{key}");
    }
    let slot = RedisCluster::key_slot("{sale}");
    let from = cluster.slot_owner(slot).unwrap();
    let to = (from + 1) % 3;
    let (source, target) = (&cluster.nodes()[from], &cluster.nodes()[to]);
    // More than one chunk.
    let fill = "for i = 1, 250 do redis.call('SET', KEYS[1] .. i, i) end";
    source.cli(&["EVAL", fill, "1", "{sale}"]).unwrap();
    cluster.move_slot(slot, from, to).unwrap();
    assert_eq!(cluster.slot_owner(slot).unwrap(), to);
    assert_eq!(target.cli(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]).unwrap(), "250");
    assert_eq!(target.cli(&["GET", "{sale}250"]).unwrap(), "250");
    for node in cluster.nodes().iter().filter(|node| node.addr() != target.addr()) {
        let moved = node.cli(&["GET", "{sale}250"]).unwrap_err().to_string();
        assert!(moved.contains(&format!("MOVED {slot} {}", target.addr())), "{moved}");
    }
}

#[test]
fn a_slot_can_be_left_half_way() {
    if skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let slot = RedisCluster::key_slot("{a}");
    let from = cluster.slot_owner(slot).unwrap();
    let to = (from + 2) % 3;
    let source = &cluster.nodes()[from];
    source.cli(&["MSET", "{a}1", "x", "{a}2", "x", "{a}3", "x"]).unwrap();
    let slot_move = cluster.begin_move(slot, from, to).unwrap();
    assert!(!slot_move.migrate_some(1).unwrap());
    assert_eq!(slot_move.finish().unwrap_err().kind(), ErrorKind::Misuse);
    let asked = |key: &str| source.cli(&["GET", key]).is_err_and(|e| e.to_string().contains("ASK "));
    assert_eq!(["{a}1", "{a}2", "{a}3"].into_iter().filter(|key| asked(key)).count(), 1);
    assert!(source.cli(&["MGET", "{a}1", "{a}2", "{a}3"]).unwrap_err().to_string().contains("TRYAGAIN"));
    assert_eq!(cluster.slot_owner(slot).unwrap(), from);
    assert!(slot_move.migrate_some(10).unwrap());
    assert!(slot_move.migrate_some(10).unwrap());
    slot_move.finish().unwrap();
    slot_move.finish().unwrap();
    assert_eq!(cluster.slot_owner(slot).unwrap(), to);
    assert_eq!(cluster.nodes()[to].cli(&["MGET", "{a}1", "{a}2", "{a}3"]).unwrap(), "x\nx\nx");
}

#[test]
fn a_move_that_makes_no_sense_is_refused() {
    if skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    for (slot, from, to) in [(16_384, 0, 1), (0, 3, 1), (0, 0, 3), (0, 1, 1)] {
        let refused = cluster.begin_move(slot, from, to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    }
    assert_eq!(cluster.begin_move(0, 1, 2).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    assert_eq!(cluster.slot_owner(16_384).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(cluster.replicas().is_empty());
}

#[test]
fn a_replica_takes_over_the_slots_of_a_killed_master_and_of_one_that_steps_back() {
    if skipped("redis") {
        return;
    }
    let mut cluster = RedisCluster::start_with_replicas().unwrap();
    assert_eq!((cluster.urls().len(), cluster.replicas().len()), (3, 3));
    cluster.nodes()[0].cli(&["SET", "{b}seat", "7"]).unwrap();
    assert_eq!(cluster.slot_owner(RedisCluster::key_slot("{b}seat")).unwrap(), 0);
    until(SOON, "a replicated key", || cluster.replicas()[0].cli(&["DBSIZE"]).is_ok_and(|n| n == "1"))
        .unwrap();
    cluster.nodes_mut()[0].kill().unwrap();
    until(SOON, "the failover", || cluster.slot_owner(0).is_ok_and(|owner| owner == 3)).unwrap();
    until(SOON, "a key that is served", || {
        cluster.server(3).unwrap().cli(&["GET", "{b}seat"]).is_ok_and(|seat| seat == "7")
    })
    .unwrap();
    until(SOON, "a cluster that can vote again", || {
        cluster.replicas()[1].cli(&["CLUSTER", "INFO"]).is_ok_and(|info| info.contains("cluster_state:ok"))
    })
    .unwrap();
    cluster.replicas()[1].cli(&["CLUSTER", "FAILOVER"]).unwrap();
    until(SOON, "the handover", || cluster.slot_owner(6_000).is_ok_and(|owner| owner == 4)).unwrap();
}

#[test]
fn sentinels_promote_the_replica_that_is_not_frozen() {
    if skipped("redis") {
        return;
    }
    let mut redis = RedisSentinel::start_with(2).unwrap();
    assert_eq!(redis.replicas().count(), 2);
    let old = redis.current_master().unwrap().addr();
    assert_eq!(old, redis.master().addr());
    redis.replica().stop_signal().unwrap();
    redis.master_mut().kill().unwrap();
    let promoted = redis.wait_promoted(old).unwrap();
    assert_eq!(Some(promoted.addr()), redis.replicas().nth(1).map(Redis::addr));
    assert_eq!(redis.current_master().unwrap().addr(), promoted.addr());
    assert_eq!(promoted.cli(&["SET", "seat", "7"]).unwrap(), "OK");
    let promoted = promoted.addr();
    redis.replica().cont_signal().unwrap();
    redis.master_mut().restart().unwrap();
    for server in [redis.master(), redis.replica()] {
        until(SOON, "the others to follow", || {
            server.info("replication").is_ok_and(|info| {
                info.get("master_port").is_some_and(|port| *port == promoted.port().to_string())
                    && info["master_link_status"] == "up"
            })
        })
        .unwrap();
        assert_eq!(server.cli(&["GET", "seat"]).unwrap(), "7");
    }
}

#[test]
fn an_acknowledged_write_is_lost_with_its_master() {
    if skipped("redis") {
        return;
    }
    let mut redis = RedisSentinel::start().unwrap();
    redis.replica().stop_signal().unwrap();
    redis.master().cli(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    assert_eq!(redis.master().cli(&["SET", "seat", "7"]).unwrap(), "OK");
    let old = redis.master().addr();
    redis.master_mut().kill().unwrap();
    redis.replica_mut().cont_signal().unwrap();
    let promoted = redis.wait_promoted(old).unwrap();
    assert_eq!(promoted.addr(), redis.replica().addr());
    assert_eq!(promoted.cli(&["EXISTS", "seat"]).unwrap(), "0");
}

#[test]
fn sentinels_without_a_replica_have_nobody_to_promote() {
    assert_eq!(RedisSentinel::start_with(0).unwrap_err().kind(), ErrorKind::InvalidInput);
}
