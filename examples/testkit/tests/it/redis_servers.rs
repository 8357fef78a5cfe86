//! redis-server alone, with a file, with a replica, under sentinels and in a cluster.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use testkit::{AppendFsync, ErrorKind, Redis, RedisCluster, RedisSentinel, skipped, until};

use crate::gone::drop_and_check;

/// How long a server may take that answers; generous, because test machines are busy.
const ANSWER_MAX: Duration = Duration::from_secs(60);

fn ping(addr: SocketAddr, answer_max: Duration) -> std::io::Result<[u8; 7]> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(answer_max))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 7];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

#[test]
fn a_single_server_answers_and_leaves_nothing() {
    if skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    assert_eq!(&ping(redis.addr(), ANSWER_MAX).unwrap(), b"+PONG\r\n");
    assert_eq!(redis.url(), format!("redis://{}/", redis.addr()));
    let (pid, addr) = (redis.pid(), redis.addr());
    drop_and_check(redis, pid, addr);
}

#[test]
fn a_frozen_server_is_silent_until_it_goes_on_and_can_be_dropped_frozen() {
    if skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    redis.stop_signal().unwrap();
    assert!(ping(redis.addr(), Duration::from_millis(200)).is_err());
    redis.cont_signal().unwrap();
    assert!(ping(redis.addr(), ANSWER_MAX).is_ok());
    redis.stop_signal().unwrap();
    let (pid, addr) = (redis.pid(), redis.addr());
    drop_and_check(redis, pid, addr);
}

#[test]
fn a_killed_server_comes_back_with_its_file_on_the_same_port() {
    if skipped("redis") {
        return;
    }
    let mut redis = Redis::options().aof(AppendFsync::Always).start().unwrap();
    let (addr, first_pid) = (redis.addr(), redis.pid());
    redis.cli(&["SET", "seat", "7"]).unwrap();
    redis.kill().unwrap();
    assert!(TcpStream::connect(addr).is_err());
    assert_eq!(redis.stop_signal().unwrap_err().kind(), ErrorKind::Misuse);
    redis.restart().unwrap();
    assert_eq!(redis.addr(), addr);
    assert_ne!(redis.pid(), first_pid);
    assert_eq!(redis.cli(&["GET", "seat"]).unwrap(), "7");
}

#[test]
fn a_setting_that_redis_refuses_fails_with_its_log() {
    if skipped("redis") {
        return;
    }
    let refused = Redis::options().setting("no-such-directive", "1").start().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PeerMisbehaved);
    assert!(refused.to_string().contains("no-such-directive"), "{refused}");
}

#[test]
fn an_error_reply_is_an_error() {
    if skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let refused = redis.cli(&["NOSUCHCOMMAND"]).unwrap_err();
    assert!(refused.to_string().contains("unknown command"), "{refused}");
}

#[test]
fn a_replica_has_what_its_master_had() {
    if skipped("redis") {
        return;
    }
    let master = Redis::start().unwrap();
    master.cli(&["SET", "seat", "7"]).unwrap();
    let replica = Redis::replica_of(&master).unwrap();
    assert_eq!(replica.cli(&["GET", "seat"]).unwrap(), "7");
}

#[test]
fn sentinels_promote_the_replica() {
    if skipped("redis") {
        return;
    }
    let mut redis = RedisSentinel::start().unwrap();
    assert_eq!(redis.urls().len(), 3);
    assert_eq!(redis.master_addr().unwrap(), redis.master().addr());
    redis.master_mut().kill().unwrap();
    until(ANSWER_MAX, "the failover", || {
        redis.master_addr().is_ok_and(|addr| addr == redis.replica().addr())
    })
    .unwrap();
}

#[test]
fn a_cluster_serves_every_slot() {
    if skipped("redis") {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    assert_eq!(cluster.urls().len(), 3);
    for node in cluster.nodes() {
        assert!(node.cli(&["CLUSTER", "INFO"]).unwrap().contains("cluster_slots_ok:16384"));
    }
}
