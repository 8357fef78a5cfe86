//! The proxy in front of a redis-server: each command, and what a client sees of it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use testkit::{Proxy, Redis, skipped, until};

use crate::client::Client;

const SOON: Duration = Duration::from_secs(20);

fn server_and_proxy() -> (Redis, Proxy) {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(redis.addr()).unwrap();
    (redis, proxy)
}

fn client(proxy: &Proxy) -> Client {
    let mut client = Client::connect(proxy.addr()).unwrap();
    assert_eq!(client.ask("PING").unwrap(), "+PONG");
    client
}

/// A connection ended, whether it was closed or reset.
fn ended<T: std::fmt::Debug>(result: std::io::Result<T>) -> bool {
    let kind = result.unwrap_err().kind();
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

#[test]
fn bytes_pass_and_the_port_is_free_afterwards() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    assert_eq!(proxy.url(), format!("redis://{}/", proxy.addr()));
    let mut open = client(&proxy);
    let long = "x".repeat(200_000);
    let set = format!("*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$200000\r\n{long}");
    assert_eq!(open.ask(&set).unwrap(), "+OK");
    assert_eq!(open.ask("GET long").unwrap(), "$200000");
    assert_eq!(open.line().unwrap(), long);
    assert_eq!((proxy.connections(), proxy.cuts(), proxy.held_bytes()), (1, 0, 0));
    assert_eq!(redis.cli(&["STRLEN", "long"]).unwrap(), "200000");
    let addr: SocketAddr = proxy.addr();
    drop(proxy);
    assert!(ended(open.line()));
    until(SOON, "a free port", || TcpListener::bind(addr).is_ok()).unwrap();
}

#[test]
fn a_cut_reply_is_that_of_a_request_that_went_through() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    let mut clients = [client(&proxy), client(&proxy), client(&proxy)];
    proxy.cut_replies(2);
    for client in clients.iter_mut().take(2) {
        assert!(ended(client.ask("INCR sold")));
    }
    assert_eq!(clients[2].ask("INCR sold").unwrap(), ":3");
    assert_eq!((redis.cli(&["GET", "sold"]).unwrap().as_str(), proxy.cuts()), ("3", 2));
    until(SOON, "two closed connections", || proxy.connections() == 1).unwrap();
    proxy.cut_replies(1);
    proxy.cut_replies(0);
    client(&proxy);
}

#[test]
fn everything_is_cut_and_refused_until_it_is_healed() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    let mut clients = [client(&proxy), client(&proxy)];
    for round in 1..=2 {
        proxy.cut_all().unwrap();
        proxy.cut_all().unwrap();
        assert_eq!((proxy.cuts(), proxy.connections()), (round * 2, 0));
        for client in &mut clients {
            assert!(ended(client.ask("INCR sold")));
        }
        let refused = Client::connect(proxy.addr()).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        proxy.heal().unwrap();
        clients = [client(&proxy), client(&proxy)];
    }
    assert_eq!(redis.cli(&["EXISTS", "sold"]).unwrap(), "0");
    proxy.cut_all().unwrap();
}

#[test]
fn held_replies_arrive_when_they_are_released() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    let (mut first, mut second) = (client(&proxy), client(&proxy));
    proxy.hold_replies();
    first.send("INCR sold").unwrap();
    second.send("INCR sold").unwrap();
    until(SOON, "two held replies", || proxy.held_bytes() == 8).unwrap();
    assert_eq!(redis.cli(&["GET", "sold"]).unwrap(), "2");
    assert!(!first.has_bytes() && !second.has_bytes());
    proxy.release_replies();
    let mut replies = [first.line().unwrap(), second.line().unwrap()];
    replies.sort();
    assert_eq!(replies, [":1", ":2"]);
    assert_eq!(proxy.held_bytes(), 0);
}

#[test]
fn a_held_reply_is_lost_with_its_connection() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    let mut open = client(&proxy);
    proxy.hold_replies();
    open.send("INCR sold").unwrap();
    until(SOON, "a held reply", || proxy.held_bytes() == 4).unwrap();
    proxy.cut_all().unwrap();
    proxy.heal().unwrap();
    assert!(ended(open.line()));
    assert_eq!(redis.cli(&["GET", "sold"]).unwrap(), "1");
    until(SOON, "no held reply", || proxy.held_bytes() == 0).unwrap();
    client(&proxy);
}

#[test]
fn swallowed_requests_count_and_never_arrive() {
    if skipped("redis") {
        return;
    }
    let (redis, proxy) = server_and_proxy();
    let mut open = client(&proxy);
    assert_eq!(proxy.requests_bytes(), 6);
    proxy.drop_requests();
    open.send("INCR sold").unwrap();
    until(SOON, "the request", || proxy.requests_bytes() == 17).unwrap();
    proxy.pass_requests();
    assert_eq!(open.ask("GET sold").unwrap(), "$-1");
    assert_eq!(redis.cli(&["EXISTS", "sold"]).unwrap(), "0");
}

#[test]
fn later_connections_go_to_the_new_target() {
    if skipped("redis") {
        return;
    }
    let (mut old, proxy) = server_and_proxy();
    let new = Redis::start().unwrap();
    let mut early = client(&proxy);
    proxy.retarget(new.addr());
    let mut late = client(&proxy);
    assert_eq!(early.ask("SET at old").unwrap(), "+OK");
    assert_eq!(late.ask("SET at new").unwrap(), "+OK");
    assert_eq!(
        (old.cli(&["GET", "at"]).unwrap(), new.cli(&["GET", "at"]).unwrap()),
        ("old".into(), "new".into())
    );
    old.kill().unwrap();
    assert!(ended(early.line()));
    proxy.retarget(old.addr());
    assert!(ended(Client::connect(proxy.addr()).unwrap().ask("PING")));
}

#[test]
fn connections_are_limited() {
    if skipped("redis") {
        return;
    }
    let (_redis, proxy) = server_and_proxy();
    let clients: Vec<Client> = (0..128).map(|_| client(&proxy)).collect();
    assert!(ended(Client::connect(proxy.addr()).unwrap().ask("PING")));
    drop(clients);
    until(SOON, "room", || proxy.connections() == 0).unwrap();
    client(&proxy);
}
