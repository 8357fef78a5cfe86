//! Two instances behind a real nginx with one real Redis: signed in through one, known on the other, signed out on both.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::{Nginx, Redis};
use tokio::net::TcpSocket;

use super::demo::{Demo, client, sign_in};

/// An address that refuses connections until a server asks for it by its number; nobody else is given it.
pub(crate) fn free_addr() -> SocketAddr {
    let kept = TcpSocket::new_v4().unwrap();
    kept.set_reuseaddr(true).unwrap();
    kept.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = kept.local_addr().unwrap();
    // It is open until the tests end.
    std::mem::forget(kept);
    addr
}

#[tokio::test]
async fn two_instances_are_one_school() {
    if testkit::skipped("redis") || testkit::skipped("nginx") {
        return;
    }
    let redis = Redis::start().unwrap();
    let addrs = [free_addr(), free_addr()];
    let nginx = Nginx::start(&addrs).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let demos = addrs.map(|addr| {
        let (listen, redis, public) = (addr.to_string(), redis.url(), nginx.url());
        let public = public.trim_end_matches('/');
        Demo::start_in(folder.path(), &["--listen", &listen, "--redis-url", &redis, "--public-url", public])
    });
    let http = client();
    let [one, two] = addrs.map(|addr| format!("http://{addr}"));
    let front = demos[0].url();

    // Both answer through the front door.
    let mut instances = HashSet::new();
    for _ in 0..8 {
        let page = http.get(format!("{front}/login")).send().await.unwrap().text().await.unwrap();
        let (_, foot) = page.split_once("instance ").unwrap();
        instances.insert(foot.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(instances.len(), 2, "{instances:?}");

    // Signed in through one, known on the other and through nginx.
    let cookie = sign_in(&http, &one, "hanmeimei").await;
    for base in [one.as_str(), two.as_str(), front] {
        let reply =
            http.get(format!("{base}/api/v1/session")).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(reply.json::<Value>().await.unwrap()["login"], "hanmeimei", "{base}");
    }
    // A seat won on one is held on the other.
    let body = serde_json::json!({ "request_id": "two-instances-0001" });
    let won =
        http.post(format!("{one}/api/v1/sales/shell/reservations")).header("cookie", &cookie).json(&body);
    assert_eq!(won.send().await.unwrap().status(), 201);
    let sale = http.get(format!("{two}/api/v1/sales/shell")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(sale.json::<Value>().await.unwrap()["held"], 1);

    // A token of one is good on the other: they share the key.
    let credentials = serde_json::json!({ "login": "lilei", "password": super::demo::PASSWORD });
    let token: Value = http
        .post(format!("{one}/api/v1/tokens"))
        .json(&credentials)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let known =
        http.get(format!("{two}/api/v1/session")).bearer_auth(token["access_token"].as_str().unwrap());
    assert_eq!(known.send().await.unwrap().status(), 200);

    // Signed out through the other, gone on both, and both know why.
    let out = http.delete(format!("{two}/api/v1/session")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(out.status(), 204);
    for base in [one.as_str(), two.as_str(), front] {
        let reply =
            http.get(format!("{base}/api/v1/session")).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(reply.status(), 401, "{base}");
        assert_eq!(reply.json::<Value>().await.unwrap()["code"], "signed_out", "{base}");
    }
}

#[tokio::test]
async fn an_expired_session_is_refused_with_its_reason() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let demo = Demo::start(&["--redis-url", &redis.url()]);
    let (http, session) = (client(), format!("{}/api/v1/session", demo.url()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // The record of the one session is made older, in milliseconds: its last use, which is a field, or its beginning,
    // which is the first line of another.
    let used = "redis.call('HSET', KEYS[1], 'l', ARGV[1])";
    let begun = "local record = redis.call('HGET', KEYS[1], 'r')
                 redis.call('HSET', KEYS[1], 'r', (record:gsub('^%d+', ARGV[1], 1)))";
    let older = [(used, now - 31 * 60, "expired_idle"), (begun, now - 12 * 3600 - 60, "expired_absolute")];
    for (script, secs, code) in older {
        redis.cli(&["FLUSHALL"]).unwrap();
        let cookie = sign_in(&http, demo.url(), "hanmeimei").await;
        let key = redis.cli(&["KEYS", "{gh:*}:s:*"]).unwrap();
        redis.cli(&["EVAL", script, "1", key.trim(), &format!("{secs}000")]).unwrap();
        let reply = http.get(&session).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(reply.status(), 401);
        assert_eq!(reply.json::<Value>().await.unwrap()["code"], code);
        let page = http.get(format!("{}/my", demo.url())).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(page.headers()["location"], format!("/login?next=%2Fmy&why={code}"));
    }
}
