//! The JSON API: the right status and code for everything that can be wrong.

use std::collections::HashSet;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::demo::{Demo, PASSWORD, client, sign_in};

pub(crate) async fn refusal(reply: Response) -> (StatusCode, String) {
    let status = reply.status();
    let body: Value = reply.json().await.unwrap();
    assert!(!body["detail"].as_str().unwrap().is_empty());
    (status, body["code"].as_str().unwrap().to_owned())
}

pub(crate) async fn get(client: &Client, url: String, cookie: &str) -> Response {
    client.get(url).header("cookie", cookie).send().await.unwrap()
}

pub(crate) async fn reserve(
    client: &Client,
    base: &str,
    cookie: &str,
    slug: &str,
    request_id: &str,
) -> Response {
    let url = format!("{base}/api/v1/sales/{slug}/reservations");
    client.post(url).header("cookie", cookie).json(&json!({ "request_id": request_id })).send().await.unwrap()
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_get_one_answer() {
    let demo = Demo::start(&[]);
    let (http, url) = (client(), format!("{}/api/v1/session", demo.url()));
    let mut answers = HashSet::new();
    for login in ["hanmeimei", "nobody-here"] {
        let reply =
            http.post(&url).json(&json!({ "login": login, "password": "wrong" })).send().await.unwrap();
        assert!(reply.headers().get("set-cookie").is_none());
        assert_eq!(reply.status(), 401);
        answers.insert(reply.text().await.unwrap());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn odd_cookies_and_forged_tokens_are_refused_by_kind() {
    let demo = Demo::start(&[]);
    let (http, url) = (client(), format!("{}/api/v1/session", demo.url()));
    assert_eq!(
        refusal(get(&http, url.clone(), "other=1").await).await,
        (StatusCode::UNAUTHORIZED, "not_signed_in".into())
    );
    let odd = get(&http, url.clone(), "sid=not-a-secret").await;
    assert_eq!(refusal(odd).await, (StatusCode::UNAUTHORIZED, "malformed_cookie".into()));
    let stale = format!("sid=0123456789abcdef0123456789abcdef.{}", "A".repeat(43));
    assert_eq!(
        refusal(get(&http, url.clone(), &stale).await).await,
        (StatusCode::UNAUTHORIZED, "unknown_session".into())
    );
    let body = json!({ "login": "lilei", "password": PASSWORD });
    let reply: Value = http
        .post(format!("{}/api/v1/tokens", demo.url()))
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token = reply["access_token"].as_str().unwrap();
    let good = http.get(&url).bearer_auth(token).send().await.unwrap();
    assert_eq!(good.json::<Value>().await.unwrap()["login"], "lilei");
    let (head, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let forged = format!("{head}.eyJzdWIiOiJ1MTAwNCJ9.{signature}");
    let reply = http.get(&url).bearer_auth(forged).send().await.unwrap();
    assert!(reply.headers().contains_key("www-authenticate"));
    assert_eq!(refusal(reply).await, (StatusCode::UNAUTHORIZED, "invalid_token".into()));
    let keys: Value =
        http.get(format!("{}/.well-known/jwks.json", demo.url())).send().await.unwrap().json().await.unwrap();
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    assert!(keys["keys"][0].get("d").is_none());
}

#[tokio::test]
async fn a_double_click_wins_one_seat_and_the_last_seat_sells_out() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let mut cookies = Vec::new();
    for login in ["hanmeimei", "lilei", "admin"] {
        cookies.push(sign_in(&http, base, login).await);
    }
    let twice = (
        reserve(&http, base, &cookies[0], "security", "double-click-0001"),
        reserve(&http, base, &cookies[0], "security", "double-click-0001"),
    );
    let (first, second) = tokio::join!(twice.0, twice.1);
    assert_eq!((first.status(), second.status()), (StatusCode::CREATED, StatusCode::CREATED));
    let (first, second): (Value, Value) = (first.json().await.unwrap(), second.json().await.unwrap());
    assert_eq!(first["order"], second["order"]);
    let again = reserve(&http, base, &cookies[0], "security", "another-wish-001").await;
    assert_eq!(refusal(again).await, (StatusCode::CONFLICT, "limit_reached".into()));
    assert_eq!(reserve(&http, base, &cookies[1], "security", "second-buyer-001").await.status(), 201);
    let late = reserve(&http, base, &cookies[2], "security", "third-buyer-0001").await;
    assert_eq!(refusal(late).await, (StatusCode::CONFLICT, "sold_out".into()));
    let state: Value =
        get(&http, format!("{base}/api/v1/sales/security"), &cookies[1]).await.json().await.unwrap();
    assert_eq!(state, json!({ "phase": "open", "left": 0, "held": 2, "paid": 0 }));
    let order = first["order"].as_str().unwrap();
    let foreign = get(&http, format!("{base}/api/v1/orders/{order}"), &cookies[1]).await;
    assert_eq!(refusal(foreign).await, (StatusCode::NOT_FOUND, "not_found".into()));
}

#[tokio::test]
async fn bad_bodies_and_foreign_pages_are_refused() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "lilei").await;
    let url = format!("{base}/api/v1/sales/shell/reservations");
    let post = |body: String| {
        http.post(&url).header("cookie", &cookie).header("content-type", "application/json").body(body)
    };
    let large = post(format!("{{\"request_id\":\"{}\"}}", "x".repeat(100_000))).send().await.unwrap();
    assert_eq!(refusal(large).await, (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into()));
    let torn = post("{\"request_id\":".into()).send().await.unwrap();
    assert_eq!(refusal(torn).await, (StatusCode::BAD_REQUEST, "invalid_body".into()));
    let short = post("{\"request_id\":\"x\"}".into()).send().await.unwrap();
    assert_eq!(refusal(short).await, (StatusCode::BAD_REQUEST, "invalid".into()));
    let foreign = post("{\"request_id\":\"0123456789\"}".into()).header("origin", "https://evil.example");
    assert_eq!(refusal(foreign.send().await.unwrap()).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let nowhere = get(&http, format!("{base}/api/v1/nothing"), &cookie).await;
    assert_eq!(refusal(nowhere).await, (StatusCode::NOT_FOUND, "not_found".into()));
    let wrong = http.delete(format!("{base}/api/v1/courses")).header("cookie", &cookie).send().await.unwrap();
    assert!(wrong.headers().contains_key("allow"));
    assert_eq!(refusal(wrong).await, (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed".into()));
    let health = http.get(format!("{base}/healthz")).send().await.unwrap();
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "ok");
}

#[tokio::test]
async fn a_forged_notify_pays_nothing() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "lilei").await;
    let won: Value = reserve(&http, base, &cookie, "shell", "forged-notify-01").await.json().await.unwrap();
    let order = won["order"].as_str().unwrap();
    let form = format!(
        "app_id=2026000000000001&seller_id=2088000000000001&out_trade_no={order}&trade_no=1&total_amount=88.00\
         &trade_status=TRADE_SUCCESS&charset=utf-8&sign_type=RSA2&sign={}",
        "QUFB".repeat(80)
    );
    let notify = http
        .post(format!("{base}/payments/notify/alipay"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    // The gateway's own word for "not taken".
    let answer = notify.send().await.unwrap();
    assert_eq!((answer.status(), answer.text().await.unwrap()), (StatusCode::OK, "fail".into()));
    let state: Value =
        get(&http, format!("{base}/api/v1/orders/{order}"), &cookie).await.json().await.unwrap();
    assert_eq!(state["state"], "created");
    let large =
        http.post(format!("{base}/payments/notify/alipay")).body("x".repeat(70_000)).send().await.unwrap();
    assert_eq!(refusal(large).await, (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into()));
}

#[tokio::test]
async fn roles_open_and_close_doors_at_once() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let teacher = sign_in(&http, base, "teacher.wu").await;
    let admin = sign_in(&http, base, "admin").await;
    let closed = reserve(&http, base, &teacher, "shell", "teacher-buys-001").await;
    assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let grant = format!("{base}/api/v1/admin/users/u1003/roles/student");
    let own = http.put(&grant).header("cookie", &teacher).send().await.unwrap();
    assert_eq!(refusal(own).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    assert_eq!(http.put(&grant).header("cookie", &admin).send().await.unwrap().status(), 204);
    assert_eq!(reserve(&http, base, &teacher, "shell", "teacher-buys-002").await.status(), 201);
    assert_eq!(http.delete(&grant).header("cookie", &admin).send().await.unwrap().status(), 204);
    let closed = reserve(&http, base, &teacher, "rust", "teacher-buys-003").await;
    assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()));
}

#[tokio::test]
async fn a_terminal_needs_our_page_a_permission_and_a_seat() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "lilei").await;
    let upgrade = |origin: &'static str| {
        http.get(format!("{base}/api/v1/lab/shell/terminal"))
            .header("cookie", &cookie)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("origin", origin)
    };
    let nowhere =
        http.get(format!("{base}/api/v1/lab/shell/terminal")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(refusal(nowhere).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let foreign = upgrade("https://evil.example").send().await.unwrap();
    assert_eq!(refusal(foreign).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    let ours = upgrade(Box::leak(base.to_owned().into_boxed_str())).send().await.unwrap();
    assert_eq!(refusal(ours).await, (StatusCode::FORBIDDEN, "not_enrolled".into()));
}

#[tokio::test]
async fn a_seat_that_its_buyer_gives_back_is_on_sale_again() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    let won: Value =
        reserve(&http, base, &cookie, "security", "cancelled-0000001").await.json().await.unwrap();
    let order = won["order"].as_str().unwrap();
    let cancel =
        http.post(format!("{base}/checkout/{order}/cancel")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(cancel.status(), 303);
    let state: Value =
        get(&http, format!("{base}/api/v1/orders/{order}"), &cookie).await.json().await.unwrap();
    assert_eq!((state["state"].as_str(), state["payable"].as_bool()), (Some("closed"), Some(false)));
    let sale: Value =
        get(&http, format!("{base}/api/v1/sales/security"), &cookie).await.json().await.unwrap();
    assert_eq!(sale["left"], 2);
}

#[tokio::test]
async fn what_was_bought_and_changed_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let http = client();
    let order = {
        let demo = Demo::start_in(folder.path(), &[]);
        let base = demo.url();
        let (buyer, admin) = (sign_in(&http, base, "lilei").await, sign_in(&http, base, "admin").await);
        let order = buy(&http, base, &buyer, "security", "bought-before-01").await;
        let held: Value =
            reserve(&http, base, &admin, "security", "held-before-0001").await.json().await.unwrap();
        assert!(held["order"].is_string());
        let role = format!("{base}/api/v1/admin/users/u1003/roles/teacher");
        assert_eq!(http.delete(role).header("cookie", &admin).send().await.unwrap().status(), 204);
        order
    };
    let demo = Demo::start_in(folder.path(), &[]);
    let base = demo.url();
    let (buyer, admin) = (sign_in(&http, base, "lilei").await, sign_in(&http, base, "admin").await);
    let sale: Value = get(&http, format!("{base}/api/v1/sales/security"), &buyer).await.json().await.unwrap();
    assert_eq!(sale, json!({ "phase": "open", "left": 0, "held": 1, "paid": 1 }));
    let state: Value =
        get(&http, format!("{base}/api/v1/orders/{order}"), &buyer).await.json().await.unwrap();
    assert_eq!(state["state"], "paid");
    let again = reserve(&http, base, &buyer, "security", "bought-again-001").await;
    assert_eq!(refusal(again).await, (StatusCode::CONFLICT, "already_enrolled".into()));
    let users: Value = get(&http, format!("{base}/api/v1/admin/users"), &admin).await.json().await.unwrap();
    let teacher = users["results"].as_array().unwrap().iter().find(|user| user["id"] == "u1003").unwrap();
    assert_eq!(teacher["roles"], json!([]), "a seeded role came back");
}

/// Buys a seat as a browser without scripts does: forms and redirects, the gateway's cashier among them.
pub(crate) async fn buy(http: &Client, base: &str, cookie: &str, slug: &str, request_id: &str) -> String {
    let form = |url: String| http.post(url).header("cookie", cookie);
    let place = |reply: &Response| reply.headers()["location"].to_str().unwrap().to_owned();
    let request = format!("request_id={request_id}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let won = form(format!("{base}/courses/{slug}/reserve"))
        .header(kind.0, kind.1)
        .body(request)
        .send()
        .await
        .unwrap();
    assert_eq!(won.status(), 303);
    let checkout = place(&won);
    let sent =
        form(format!("{base}{checkout}/pay")).header(kind.0, kind.1).body("way=alipay").send().await.unwrap();
    let gateway = place(&sent);
    let cashier = http.get(&gateway).send().await.unwrap().text().await.unwrap();
    let (_, rest) = cashier.split_once("name=\"token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap();
    let till = gateway
        .replace(gateway.split_once("/gateway.do").unwrap().1, "")
        .replace("/gateway.do", "/cashier/pay");
    let paid = http.post(till).header(kind.0, kind.1).body(format!("token={token}")).send().await.unwrap();
    assert_eq!(paid.status(), 303);
    let order = checkout.rsplit('/').next().unwrap().to_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let state: Value =
            get(http, format!("{base}/api/v1/orders/{order}"), cookie).await.json().await.unwrap();
        if state["state"] == "paid" {
            assert_eq!(state["enrolled"], true);
            return order;
        }
        assert!(std::time::Instant::now() < deadline, "the notify did not come: {state}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn refusals_of_pages_are_pages() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let wrong = http.get(format!("{base}/logout")).send().await.unwrap();
    assert_eq!(
        (wrong.status(), wrong.headers()["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
    assert!(wrong.text().await.unwrap().contains("<!doctype html>"));
    let twice = http.get(format!("{base}/login?next=/a&next=/b")).send().await.unwrap();
    assert_eq!(twice.status(), StatusCode::BAD_REQUEST);
    assert!(twice.text().await.unwrap().contains("<!doctype html>"));
    let foreign =
        http.post(format!("{base}/login")).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let odd = http.get(format!("{base}/checkout/x%20/return")).send().await.unwrap();
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
}
