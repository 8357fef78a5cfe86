//! Two instances over one database, the second of which looks at it every 25 seconds only: whoever has seen a version
//! sees it everywhere, at once; and a revert that was thought out for an older one is refused.

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::Redis;

use crate::api::refusal;
use crate::demo::{Demo, client, sign_in};
use crate::instances::free_addr;

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_instance_shows_what_its_visitor_has_seen() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (addrs, url) = ([free_addr(), free_addr()], redis.url());
    let public = format!("http://{}", addrs[0]);
    let _demos = addrs.map(|addr| {
        let listen = addr.to_string();
        let poll = if addr == addrs[0] { "1" } else { "25" };
        let args = [
            "--listen",
            &*listen,
            "--redis-url",
            &*url,
            "--public-url",
            &*public,
            "--policy-poll-secs",
            poll,
        ];
        Demo::start_in(folder.path(), &args)
    });
    let http = client();
    let [one, two] = &addrs.map(|addr| format!("http://{addr}/api/v1/admin"));
    let cookie = sign_in(&http, &format!("http://{}", addrs[0]), "admin").await;
    let send = |method: &str, url: String, seen: Option<u64>, body: Value| {
        let request = http.request(method.parse().unwrap(), url).header("cookie", &cookie).json(&body);
        let request = seen.into_iter().fold(request, |request, seen| request.header("policy-version", seen));
        async move { request.send().await.unwrap() }
    };
    let roles = |base: &str, seen| {
        let reply = send("GET", format!("{base}/users/u2017"), seen, json!({}));
        async move { reply.await.json::<Value>().await.unwrap()["assignments"].as_array().unwrap().len() }
    };
    assert_eq!((roles(one, None).await, roles(two, None).await), (0, 0));
    let give = json!({ "changes": [{ "kind": "assign", "user": "u2017", "role": "member" }], "expected": 1 });
    let made = send("POST", format!("{one}/policy/changes"), None, give).await;
    assert_eq!(made.headers()["policy-version"], "2");
    let kept = made.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    assert!(kept.filter(|line| line.starts_with("policy=2;")).count() == 1);
    // Who knows of no change may be shown the policy from before; who has seen it is not.
    assert_eq!(roles(two, None).await, 0);
    assert_eq!(roles(two, Some(2)).await, 1);
    assert_eq!(roles(two, None).await, 1);
    // A browser carries it in a cookie: pages too.
    let taken = send("DELETE", format!("{one}/users/u2017/roles/member"), None, json!({})).await;
    assert_eq!(taken.status(), StatusCode::NO_CONTENT);
    let page = http.get(format!("http://{}/admin/users/u2017", addrs[1]));
    let page =
        page.header("cookie", format!("{cookie}; policy=3")).send().await.unwrap().text().await.unwrap();
    assert!(!page.contains("data-role=\"member\""), "{page}");

    // The other instance thinks that version 3 is the last one; the first makes a fourth.
    send("PUT", format!("{one}/users/u2017/roles/student"), None, json!({})).await;
    let late = send("POST", format!("{two}/audit/3/revert"), None, json!({ "expected": 3 })).await;
    let (status, words) = (late.status(), late.text().await.unwrap());
    assert_eq!(status, StatusCode::CONFLICT, "{words}");
    assert!(
        words.contains("changed") && words.contains("version 4") && words.contains("expected"),
        "{words}"
    );
    let late = send("POST", format!("{one}/audit/4/revert"), None, json!({ "expected": 2 })).await;
    assert_eq!(refusal(late).await, (StatusCode::CONFLICT, "changed".into()));
    let undo = json!({ "expected": 4, "reason": "given by mistake" });
    let done = send("POST", format!("{two}/audit/4/revert"), Some(4), undo).await;
    assert_eq!(done.json::<Value>().await.unwrap(), json!({ "version": 5 }));
    assert_eq!(roles(one, Some(5)).await, 0);
    let odd = send("POST", format!("{one}/audit/5/revert"), None, json!({ "version": 4 })).await;
    assert_eq!(refusal(odd).await, (StatusCode::BAD_REQUEST, "invalid_body".into()));
    // A version that there is not yet is no reason to answer with an error.
    assert_eq!(roles(two, Some(99)).await, 0);
}
