//! redis-server with a frozen replica, a shorter file and another time, and what it tells about itself.

use std::time::Duration;

use testkit::{AppendFsync, ErrorKind, Redis, skipped, until};

use crate::client::Client;

#[test]
fn info_is_read_by_section() {
    if skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    assert_eq!(redis.info("replication").unwrap()["role"], "master");
    assert_eq!(redis.info("server").unwrap()["tcp_port"], redis.addr().port().to_string());
    assert_eq!(redis.info("no such section").unwrap_err().kind(), ErrorKind::InvalidInput);
    let (cpu, memory) = (redis.cpu_micros().unwrap(), redis.used_memory().unwrap());
    redis.cli(&["EVAL", "for i = 1, 1000000 do math.sqrt(i) end", "0"]).unwrap();
    redis.cli(&["SETRANGE", "large", "1000000", "x"]).unwrap();
    assert!(redis.cpu_micros().unwrap() > cpu);
    assert!(redis.used_memory().unwrap() >= memory + 1_000_000);
}

#[test]
fn a_write_waits_for_a_frozen_replica_in_vain() {
    if skipped("redis") {
        return;
    }
    let master = Redis::start().unwrap();
    let replica = Redis::replica_of(&master).unwrap();
    // WAIT counts the replicas that have what its own connection wrote.
    let mut client = Client::connect(master.addr()).unwrap();
    assert_eq!(client.ask("SET seat 1").unwrap(), "+OK");
    assert_eq!(client.ask("WAIT 1 20000").unwrap(), ":1");
    replica.stop_signal().unwrap();
    assert_eq!(client.ask("SET seat 2").unwrap(), "+OK");
    assert_eq!(client.ask("WAIT 1 100").unwrap(), ":0");
    replica.cont_signal().unwrap();
    assert_eq!(client.ask("WAIT 1 20000").unwrap(), ":1");
    assert_eq!(replica.cli(&["GET", "seat"]).unwrap(), "2");
}

#[test]
fn the_end_of_the_file_is_lost_and_the_rest_is_not() {
    if skipped("redis") {
        return;
    }
    let mut redis = Redis::options().aof(AppendFsync::Always).start().unwrap();
    redis.cli(&["SET", "old", "1"]).unwrap();
    // From here on, the newest part is the second one.
    redis.cli(&["BGREWRITEAOF"]).unwrap();
    until(Duration::from_secs(60), "the rewritten file", || {
        redis
            .info("persistence")
            .is_ok_and(|info| info["aof_rewrite_in_progress"] == "0" && info["aof_rewrite_scheduled"] == "0")
    })
    .unwrap();
    redis.cli(&["SET", "first", "1"]).unwrap();
    redis.cli(&["SET", "last", "1"]).unwrap();
    assert_eq!(redis.truncate_aof(1).unwrap_err().kind(), ErrorKind::Misuse);
    redis.kill().unwrap();
    assert_eq!(redis.truncate_aof(1_000_000).unwrap_err().kind(), ErrorKind::InvalidInput);
    redis.truncate_aof(3).unwrap();
    redis.restart().unwrap();
    assert_eq!(redis.cli(&["MGET", "old", "first"]).unwrap(), "1\n1");
    assert_eq!(redis.cli(&["EXISTS", "last"]).unwrap(), "0");
}

#[test]
fn there_is_nothing_to_cut_without_a_file() {
    if skipped("redis") {
        return;
    }
    let mut redis = Redis::start().unwrap();
    redis.kill().unwrap();
    assert_eq!(redis.truncate_aof(1).unwrap_err().kind(), ErrorKind::Misuse);
}

/// How far the server's clock is ahead of the machine's, in seconds.
fn ahead_secs(redis: &Redis) -> i64 {
    let told: i64 = redis.cli(&["TIME"]).unwrap().lines().next().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    told - i64::try_from(now).unwrap()
}

#[test]
fn the_clock_jumps_both_ways_while_the_server_runs() {
    if skipped("redis") {
        return;
    }
    let mut redis = Redis::options().movable_clock().aof(AppendFsync::Always).start().unwrap();
    let mut client = Client::connect(redis.addr()).unwrap();
    client.ask("SET short 1 EX 1000").unwrap();
    client.ask("SET long 1 EX 100000").unwrap();
    let mut gone = false;
    // A minute of tolerance for a machine that is busy; the jumps are far wider.
    for offset_secs in [0, -7_200, 0, 3_600, -7_200] {
        redis.set_clock_offset_ms(offset_secs * 1_000).unwrap();
        let ahead = ahead_secs(&redis);
        assert!((offset_secs - 60..=offset_secs + 1).contains(&ahead), "{ahead} for {offset_secs}");
        assert_eq!(client.ask("PING").unwrap(), "+PONG");
        // Whoever is past its time goes when it is asked for, and does not come back with the old time.
        let expired = gone || offset_secs > 1_000;
        assert_eq!(client.ask("EXISTS short").unwrap(), if expired { ":0" } else { ":1" });
        gone = expired;
    }
    // Two hours back, what is left lives two hours longer.
    let left: u64 = client.ask("TTL long").unwrap().trim_start_matches(':').parse().unwrap();
    assert!((107_000..=107_200).contains(&left), "{left}");
    redis.kill().unwrap();
    redis.restart().unwrap();
    assert!(ahead_secs(&redis) < -7_000);
    assert_eq!(redis.cli(&["EXISTS", "short", "long"]).unwrap(), "1");
    let pid = redis.pid();
    redis.kill().unwrap();
    let left_behind = |name: String| std::path::Path::new("/dev/shm").join(name).exists();
    assert!(!left_behind(format!("faketime_shm_{pid}")) && !left_behind(format!("sem.faketime_sem_{pid}")));
}

#[test]
fn a_fixed_clock_cannot_be_moved() {
    if skipped("redis") {
        return;
    }
    let refused = Redis::start().unwrap().set_clock_offset_ms(1).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misuse);
}
