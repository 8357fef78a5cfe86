//! Payments through the API: every way to pay, refunds, second payments, bills, and two instances over one gateway.

mod browser;
mod cashier;
mod shared;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::api::{get, refusal, reserve};
use super::demo::{Demo, client, sign_in};
use cashier::{open, sandbox};

/// Wins a seat and gives the number of its order.
async fn won(http: &Client, base: &str, cookie: &str, slug: &str) -> String {
    let reply = reserve(http, base, cookie, slug, &format!("payments-{slug}-001")).await;
    reply.json::<Value>().await.unwrap()["order"].as_str().unwrap().to_owned()
}

async fn json(http: &Client, url: String, cookie: &str) -> Value {
    let reply = get(http, url, cookie).await;
    assert_eq!(reply.status(), StatusCode::OK);
    reply.json().await.unwrap()
}

/// Waits until the answer of an address fits.
async fn wait_for(http: &Client, url: &str, cookie: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let answer = json(http, url.to_owned(), cookie).await;
        if fits(&answer) {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "it did not come: {answer}");
        tokio::task::yield_now().await;
    }
}

async fn paid(http: &Client, base: &str, cookie: &str, order: &str) -> Value {
    let url = format!("{base}/api/v1/orders/{order}");
    wait_for(http, &url, cookie, |order| order["state"] == "paid" && order["enrolled"] == true).await
}

#[tokio::test]
async fn every_way_to_pay_ends_in_the_course() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    for (slug, way) in
        [("shell", "alipay"), ("rust", "alipay_qr"), ("sql", "wechat"), ("security", "unionpay")]
    {
        let order = won(&http, base, &cookie, slug).await;
        let cashier = open(&http, base, &cookie, &order, way).await;
        // The same again is the same trade.
        let again = open(&http, base, &cookie, &order, way).await;
        assert!(!cashier.token.is_empty() && !again.token.is_empty());
        again.pay(&http).await;
        paid(&http, base, &cookie, &order).await;
    }
}

/// Buys a course and gives the order's number and the finance person's cookie.
async fn bought(http: &Client, base: &str, slug: &str, way: &str) -> (String, String, String) {
    let buyer = sign_in(http, base, "hanmeimei").await;
    let order = won(http, base, &buyer, slug).await;
    open(http, base, &buyer, &order, way).await.pay(http).await;
    paid(http, base, &buyer, &order).await;
    (order, buyer, sign_in(http, base, "qian").await)
}

#[tokio::test]
async fn a_refund_is_given_once_and_all_of_it_takes_the_course_back() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let (order, buyer, finance) = bought(&http, base, "shell", "wechat").await;
    let admin = format!("{base}/api/v1/admin/orders/{order}");
    let detail = json(&http, admin.clone(), &finance).await;
    let trade = detail["payments"][0]["trade_no"].as_str().unwrap().to_owned();
    let ask = |number: &str, amount: &str, cookie: &str| {
        let body = json!({ "channel": "wechat", "trade_no": trade, "amount": amount, "reason": "课程改期" });
        http.put(format!("{admin}/refunds/{number}")).header("cookie", cookie).json(&body).send()
    };
    let student = ask("RF000001", "30.00", &buyer).await.unwrap();
    assert_eq!(refusal(student).await, (StatusCode::FORBIDDEN, "forbidden".into()));

    // Two clicks at once are one refund.
    let (one, two) = tokio::join!(ask("RF000001", "30.00", &finance), ask("RF000001", "30.00", &finance));
    assert_eq!((one.unwrap().status(), two.unwrap().status()), (StatusCode::OK, StatusCode::OK));
    let fits = |detail: &Value| detail["state"] == "partially_refunded";
    let detail = wait_for(&http, &admin, &finance, fits).await;
    assert_eq!(detail["refunds"].as_array().unwrap().len(), 1, "{detail}");
    assert_eq!((&detail["payments"][0]["left"], &detail["enrolled"]), (&json!("58.00"), &json!(true)));

    let more = ask("RF000002", "58.01", &finance).await.unwrap();
    assert_eq!(refusal(more).await, (StatusCode::CONFLICT, "refused".into()));
    let other = ask("RF000001", "31.00", &finance).await.unwrap();
    assert_eq!(refusal(other).await, (StatusCode::CONFLICT, "refused".into()));
    assert_eq!(ask("RF000003", "58.00", &finance).await.unwrap().status(), StatusCode::OK);
    let fits = |detail: &Value| detail["state"] == "refunded" && detail["enrolled"] == false;
    wait_for(&http, &admin, &finance, fits).await;
    let seen = json(&http, format!("{base}/api/v1/orders/{order}"), &buyer).await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().unwrap().len()), (&json!("refunded"), 2));
    let nothing = ask("RF000004", "0.01", &finance).await.unwrap();
    assert_eq!(refusal(nothing).await, (StatusCode::CONFLICT, "refused".into()));
}

#[tokio::test]
async fn a_second_payment_is_owed_and_given_back_once() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let buyer = sign_in(&http, base, "hanmeimei").await;
    let order = won(&http, base, &buyer, "sql").await;
    let first = open(&http, base, &buyer, &order, "alipay").await;
    let second = open(&http, base, &buyer, &order, "unionpay").await;
    first.pay(&http).await;
    paid(&http, base, &buyer, &order).await;
    second.pay(&http).await;
    let finance = sign_in(&http, base, "qian").await;
    let admin = format!("{base}/api/v1/admin/orders/{order}");
    let detail = wait_for(&http, &admin, &finance, |detail| detail["owed"] == true).await;
    let payment = &detail["payments"][1];
    assert_eq!((&payment["channel"], &payment["owed"]), (&json!("unionpay"), &json!(true)));
    let give_back = |cookie: &str, channel: &str, trade: &str| {
        http.post(format!("{base}/admin/orders/{order}/give-back"))
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("channel={channel}&trade_no={trade}"))
            .send()
    };
    let trade = payment["trade_no"].as_str().unwrap();
    assert_eq!(give_back(&buyer, "unionpay", trade).await.unwrap().status(), StatusCode::FORBIDDEN);
    // The payment that bought the course is not given back by this button.
    let good = detail["payments"][0]["trade_no"].as_str().unwrap();
    assert_eq!(give_back(&finance, "alipay", good).await.unwrap().status(), StatusCode::CONFLICT);
    for _ in 0..2 {
        let reply = give_back(&finance, "unionpay", trade).await.unwrap();
        assert!(reply.status().is_success() || reply.status().is_redirection(), "{}", reply.status());
    }
    let done = |detail: &Value| detail["refunds"][0]["state"] == "succeeded";
    // The gateway tells a moment later; asking is faster.
    let url = format!("{base}/api/v1/admin/reconciliations");
    assert!(http.post(url).header("cookie", &finance).send().await.unwrap().status().is_success());
    let detail = wait_for(&http, &admin, &finance, done).await;
    assert_eq!((detail["refunds"].as_array().unwrap().len(), &detail["owed"]), (1, &json!(false)));
    assert_eq!((&detail["state"], &detail["enrolled"]), (&json!("paid"), &json!(true)));
}

#[tokio::test]
async fn money_that_comes_when_the_seat_is_gone_is_owed() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let buyer = sign_in(&http, base, "hanmeimei").await;
    let order = won(&http, base, &buyer, "security").await;
    // UnionPay ends trades by their time alone, so this cashier stays open.
    let cashier = open(&http, base, &buyer, &order, "unionpay").await;
    let cancel = http.post(format!("{base}/checkout/{order}/cancel")).header("cookie", &buyer);
    assert_eq!(cancel.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    for other in ["lilei", "admin"] {
        let other = sign_in(&http, base, other).await;
        won(&http, base, &other, "security").await;
    }
    cashier.pay(&http).await;
    let own = format!("{base}/api/v1/orders/{order}");
    wait_for(&http, &own, &buyer, |order| order["state"] == "refund_due").await;
    let finance = sign_in(&http, base, "qian").await;
    let list = json(&http, format!("{base}/api/v1/admin/orders?state=paid_late"), &finance).await;
    assert_eq!((&list["results"][0]["owed"], list["results"].as_array().unwrap().len()), (&json!(true), 1));
    let detail = json(&http, format!("{base}/api/v1/admin/orders/{order}"), &finance).await;
    let trade = detail["payments"][0]["trade_no"].as_str().unwrap();
    let give_back = http
        .post(format!("{base}/admin/orders/{order}/give-back"))
        .header("cookie", &finance)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("channel=unionpay&trade_no={trade}"));
    assert!(!give_back.send().await.unwrap().status().is_client_error());
    wait_for(&http, &own, &buyer, |order| order["state"] == "refunded").await;
}

#[tokio::test]
async fn a_crash_between_payment_and_course_loses_nothing() {
    if testkit::skipped("redis") {
        return;
    }
    let (folder, http) = (tempfile::tempdir().unwrap(), client());
    let order = {
        let redis = testkit::Redis::start().unwrap();
        let mut demo = Demo::start_in(folder.path(), &["--redis-url", &redis.url()]);
        let buyer = sign_in(&http, demo.url(), "hanmeimei").await;
        let order = won(&http, demo.url(), &buyer, "sql").await;
        let cashier = open(&http, demo.url(), &buyer, &order, "wechat").await;
        // Without its sales the school takes the money, and cannot enter anybody.
        drop(redis);
        cashier.pay(&http).await;
        sandbox(&demo).wait_for_ack(&http).await;
        demo.kill();
        order
    };
    let redis = testkit::Redis::start().unwrap();
    let demo = Demo::start_in(folder.path(), &["--redis-url", &redis.url()]);
    let buyer = sign_in(&http, demo.url(), "hanmeimei").await;
    paid(&http, demo.url(), &buyer, &order).await;
}

#[tokio::test]
async fn a_seat_given_back_is_closed_at_the_gateway_too() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let buyer = sign_in(&http, base, "hanmeimei").await;
    let order = won(&http, base, &buyer, "sql").await;
    let cashier = open(&http, base, &buyer, &order, "wechat").await;
    let cancel = http.post(format!("{base}/checkout/{order}/cancel")).header("cookie", &buyer);
    assert_eq!(cancel.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    let seen = json(&http, format!("{base}/api/v1/orders/{order}"), &buyer).await;
    assert_eq!((&seen["state"], &seen["payable"]), (&json!("closed"), &json!(false)));
    assert_eq!(cashier.try_to_pay(&http).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_lost_notify_is_a_difference_until_the_gateway_is_asked() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let (finance, buyer) = (sign_in(&http, base, "qian").await, sign_in(&http, base, "lilei").await);
    let day = json(&http, format!("{base}/api/v1/admin/bills/alipay/2020-01-01"), &finance).await;
    assert_eq!(day["has_bill"], false);
    for (slug, way, channel) in
        [("shell", "alipay", "alipay"), ("rust", "wechat", "wechat"), ("sql", "unionpay", "unionpay")]
    {
        let order = won(&http, base, &buyer, slug).await;
        let cashier = open(&http, base, &buyer, &order, way).await;
        sandbox(&demo).lose_notifies(&http, channel).await;
        cashier.pay(&http).await;
        let bill = format!("{base}/api/v1/admin/bills/{channel}/{}", cashier::china_day());
        let report = json(&http, bill.clone(), &finance).await;
        assert_eq!(report["differences"][0]["kind"], "missing_here", "{report}");
        assert_eq!(report["differences"][0]["out_trade_no"], order.as_str());
        let closed = http.get(&bill).header("cookie", &buyer).send().await.unwrap();
        assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()));

        let url = format!("{base}/api/v1/admin/reconciliations");
        let round: Value =
            http.post(url).header("cookie", &finance).send().await.unwrap().json().await.unwrap();
        let found = round["findings"].as_array().unwrap().iter();
        let found: Vec<_> = found.filter(|finding| finding["number"] == order.as_str()).collect();
        assert!(found[0]["words"].as_str().unwrap().contains("nobody had told us"), "{round}");
        paid(&http, base, &buyer, &order).await;
        let report = json(&http, bill, &finance).await;
        assert_eq!((&report["clean"], &report["matched"]), (&json!(true), &json!(1)), "{report}");
    }
}

#[tokio::test]
async fn orders_are_found_by_number_state_and_gateway() {
    let demo = Demo::start(&[]);
    let (http, base) = (client(), demo.url());
    let (order, buyer, finance) = bought(&http, base, "shell", "alipay").await;
    let waiting = won(&http, base, &buyer, "rust").await;
    let list = |query: String| {
        let (http, finance) = (&http, &finance);
        async move {
            let found = json(http, format!("{base}/api/v1/admin/orders?{query}"), finance).await;
            let numbers = found["results"].as_array().unwrap().iter();
            numbers.map(|row| row["out_trade_no"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    let beginning: String = waiting.chars().take(12).collect();
    for (query, expected) in [
        (String::new(), vec![&waiting, &order]),
        ("state=paid".to_owned(), vec![&order]),
        ("state=created".to_owned(), vec![&waiting]),
        ("channel=alipay".to_owned(), vec![&order]),
        ("channel=wechat".to_owned(), vec![]),
        (format!("number={beginning}"), vec![&waiting]),
    ] {
        assert_eq!(list(query.clone()).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let odd = get(&http, format!("{base}/api/v1/admin/orders?state=sold"), &finance).await;
    assert_eq!(refusal(odd).await, (StatusCode::BAD_REQUEST, "invalid".into()));
    for place in ["orders", &format!("orders/{order}"), "bills/alipay/2026-01-01"] {
        let closed = get(&http, format!("{base}/api/v1/admin/{place}"), &buyer).await;
        assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()), "{place}");
    }
}
