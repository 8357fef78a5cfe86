//! Proving again who one is: asked ten minutes after the sign-in, before a change that rests on a sensitive permission.

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::Redis;

use super::Desk;
use super::browser::Office;
use crate::api::{buy, refusal};
use crate::demo::{Demo, PASSWORD, client, sign_in};

/// Makes every session eleven minutes older: its beginning is the first line of its record, and what was proven in it
/// ends with a time.
fn age(redis: &Redis) {
    // A key that was left behind by a renewal has no record.
    let script = "local record = redis.call('HGET', KEYS[1], 'r')
                  if not record then return end
                  local older = record:gsub('^%d+', function(at) return string.format('%.0f', at - 660000) end, 1)
                  older = older:gsub('(\\np[^\\n]*=)(%d+)', function(name, ends) return name .. string.format('%.0f', ends - 660000) end)
                  redis.call('HSET', KEYS[1], 'r', older)";
    for key in redis.cli(&["KEYS", "{gh:*}:s:*"]).unwrap().lines().filter(|key| !key.trim().is_empty()) {
        redis.cli(&["EVAL", script, "1", key.trim()]).unwrap();
    }
}

/// The session of an answer that renewed it.
fn renewed(reply: &reqwest::Response) -> String {
    let mut cookies = reply.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    cookies.rfind(|line| line.starts_with("sid=")).unwrap().split(';').next().unwrap().to_owned()
}

/// A demo on Redis, and the administrator who signed in some time ago.
async fn desk(redis: &Redis) -> Desk {
    let (demo, http) = (Demo::start(&["--redis-url", &redis.url()]), client());
    let cookie = sign_in(&http, demo.url(), "admin").await;
    age(redis);
    Desk { demo, http, cookie }
}

#[tokio::test]
async fn a_sensitive_change_takes_a_fresh_proof() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let desk = desk(&redis).await;
    let give = json!({ "changes": [{ "kind": "assign", "user": "u2017", "role": "member" }] });
    // Looking and trying out take none, and neither does what is not sensitive.
    assert_eq!(desk.json("/users").await["count"], 22);
    let preview = desk.send("POST", "/policy/preview", &desk.cookie, &give).await;
    assert_eq!(preview.status(), StatusCode::OK);
    let move_user = desk.send("PATCH", "/users/u2017", &desk.cookie, &json!({ "department": 12 })).await;
    assert_eq!(move_user.status(), StatusCode::OK);

    let asked = desk.send("POST", "/policy/changes", &desk.cookie, &give).await;
    let challenge = asked.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains("insufficient_user_authentication") && challenge.contains("max_age=600"));
    assert_eq!(refusal(asked).await, (StatusCode::UNAUTHORIZED, "proof_needed".into()));
    for (change, what) in [
        (json!({ "kind": "allow", "role": "member", "pattern": "lab:open" }), "a grant"),
        (json!({ "kind": "remove_duty", "name": "desk" }), "a duty"),
    ] {
        let asked = desk.send("POST", "/policy/changes", &desk.cookie, &json!({ "changes": [change] })).await;
        assert_eq!(refusal(asked).await.1, "proof_needed", "{what}");
    }
    // What is refused anyway is not asked for.
    let own = json!({ "changes": [{ "kind": "unassign", "user": "u1004", "role": "administrator" }] });
    let refused = desk.send("POST", "/policy/changes", &desk.cookie, &own).await;
    assert_eq!(refusal(refused).await, (StatusCode::CONFLICT, "refused".into()));

    let prove = |password: &str| {
        let body = json!({ "password": password });
        desk.http.post(desk.url("/api/v1/session/proof")).header("cookie", &desk.cookie).json(&body).send()
    };
    assert_eq!(
        refusal(prove("guess").await.unwrap()).await,
        (StatusCode::UNAUTHORIZED, "wrong_credentials".into())
    );
    let proved = prove(PASSWORD).await.unwrap();
    assert_eq!(proved.status(), StatusCode::CREATED);
    let fresh = proved.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(proved.json::<Value>().await.unwrap()["until"].as_u64().is_some());
    assert_eq!(desk.send("POST", "/policy/changes", &fresh, &give).await.status(), StatusCode::CREATED);
    // The secret from before the proof is worth nothing.
    assert_eq!(desk.get("/api/v1/admin/users", &desk.cookie).await.status(), StatusCode::UNAUTHORIZED);
    // A token is no proof.
    let credentials = json!({ "login": "admin", "password": PASSWORD });
    let token = desk.http.post(desk.url("/api/v1/tokens")).json(&credentials).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let request = desk.http.post(desk.url("/api/v1/admin/policy/changes")).json(&give);
    let refused = request.bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_ne!(refused.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_form_comes_back_with_a_field_for_the_password() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let desk = desk(&redis).await;
    let give = [
        ("kind", "assign"),
        ("user", "u2017"),
        ("role", "member"),
        ("reason", "a < b"),
        ("back", "/admin/users/u2017"),
    ];
    let asked = desk.form(&give, &desk.cookie).await;
    assert_eq!(asked.status(), StatusCode::FORBIDDEN);
    let page = asked.text().await.unwrap();
    for part in ["action=\"/admin/changes\"", "name=\"user\" hidden>u2017<", "a &#60; b", "name=\"proof\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let with = |password: &'static str| {
        let mut fields = give.to_vec();
        fields.push(("proof", password));
        fields
    };
    let wrong = desk.form(&with("guess"), &desk.cookie).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("role=\"alert\"") && !page.contains("guess"), "{page}");
    let done = desk.form(&with(PASSWORD), &desk.cookie).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let fresh = renewed(&done);
    // Good for a while: taking it back asks nothing.
    let back = desk.post("/admin/audit/2/revert", &[("expected", "2")], &fresh).await;
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_somebody_out_takes_a_fresh_proof() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let desk = desk(&redis).await;
    let other = sign_in(&desk.http, desk.demo.url(), "lilei").await;
    let is_in = async |cookie: &str| desk.get("/api/v1/session", cookie).await.status() == StatusCode::OK;
    let id: Value = desk.get("/api/v1/session", &other).await.json().await.unwrap();
    let id = id["user"].as_str().or(id["id"].as_str()).unwrap().to_owned();
    let kick = format!("/admin/online/{id}/sign-out");
    let asked = desk.post(&kick, &[], &desk.cookie).await;
    assert_eq!(asked.status(), StatusCode::FORBIDDEN);
    assert!(asked.text().await.unwrap().contains("name=\"proof\"") && is_in(&other).await);
    let done = desk.post(&kick, &[("proof", PASSWORD)], &desk.cookie).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    assert!(!is_in(&other).await);
    // Good for a while.
    let again = desk.post(&format!("/admin/users/{id}/sign-out"), &[], &renewed(&done)).await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_refund_takes_a_fresh_proof() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let desk = desk(&redis).await;
    let buyer = desk.sign_in("hanmeimei").await;
    let order = buy(&desk.http, desk.demo.url(), &buyer, "shell", "proof-of-refund-1").await;
    let finance = desk.sign_in("qian").await;
    age(&redis);
    let detail = async |cookie: &str| -> Value {
        desk.get(&format!("/api/v1/admin/orders/{order}"), cookie).await.json().await.unwrap()
    };
    let trade = detail(&finance).await["payments"][0]["trade_no"].clone();
    let body = json!({ "channel": "alipay", "trade_no": trade, "amount": "30.00", "reason": "moved" });
    let ask = async |cookie: &str| {
        desk.send("PUT", &format!("/orders/{order}/refunds/RF000001"), cookie, &body).await
    };
    assert_eq!(refusal(ask(&finance).await).await, (StatusCode::UNAUTHORIZED, "proof_needed".into()));
    assert_eq!(detail(&finance).await["refunds"], json!([]), "no money has moved");

    let password = json!({ "password": PASSWORD });
    let proof = desk.http.post(desk.url("/api/v1/session/proof")).header("cookie", &finance);
    let proved = proof.json(&password).send().await.unwrap();
    assert_eq!(proved.status(), StatusCode::CREATED);
    let fresh = renewed(&proved);
    assert_eq!(ask(&fresh).await.status(), StatusCode::OK);
    assert_eq!(detail(&fresh).await["refunds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_asked_for_in_the_browser() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let demo = Demo::start(&["--redis-url", &redis.url()]);
    let Some(office) = Office::open_at("admin", demo).await else { return };
    age(&redis);
    // Beside a form that a script sends it is a dialog, which Escape or a click leaves.
    office.go("/admin/users/u2003").await;
    office.browser.click("tr[data-role=teacher] form button").await;
    office.browser.wait_for("dialog[open] #proof").await;
    office.browser.screenshot("office-prove").await;
    office.browser.click("dialog [data-close]").await;
    office.browser.wait_until_gone("dialog").await;
    office.browser.click("tr[data-role=teacher] form button").await;
    office.browser.fill("dialog #proof", "guess").await;
    office.browser.click("dialog .buttons button").await;
    office.browser.wait_for("dialog .live").await;
    office.browser.screenshot("office-prove-wrong").await;
    office.browser.script("document.querySelector('dialog #proof').value = ''").await;
    office.browser.fill("dialog #proof", PASSWORD).await;
    office.browser.click("dialog .buttons button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_until_gone("tr[data-role=teacher]").await;
    // A form that no script sends gets a page of its own.
    age(&redis);
    for (name, value) in [("lang", "zh"), ("theme", "dark")] {
        office.browser.click(&format!(".looks button[name={name}][value={value}]")).await;
        office.browser.wait_for(&format!(".looks button[value={value}][aria-pressed=true]")).await;
    }
    office.choose("#give-role", "teacher").await;
    office.browser.click("#give button[name=preview]").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("main #prove").await;
    office.browser.screenshot("office-zh-dark-prove").await;
    office.browser.fill("#proof", PASSWORD).await;
    office.browser.click("#prove .buttons button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_for("tr[data-role=teacher]").await;
    office.close().await;
}
