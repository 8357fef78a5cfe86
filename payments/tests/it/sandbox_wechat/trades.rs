//! Trades and refunds in the gateway's words.

use super::{APP, MCHID, NUMBER, REFUNDS, Shop, order, refund, shop};
use payments::UnixMillis;
use payments::sandbox::{Mischief, Switch};
use serde_json::{Value, json};

fn code((status, body): &(http::StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), body["code"].as_str().unwrap_or_default())
}

fn close(shop: &Shop) -> (http::StatusCode, Value) {
    let path = format!("/v3/pay/transactions/out-trade-no/{NUMBER}/close");
    shop.send("POST", &path, &json!({"mchid": MCHID}))
}

#[test]
fn a_trade_is_opened_on_its_terms_and_paid_once() {
    let shop = shop();
    assert_eq!(code(&shop.query()), (404, "ORDER_NOT_EXIST"));
    let first = shop.native(&[]);
    assert_eq!(first.0, 200, "{}", first.1);
    assert_eq!(shop.native(&[]), first, "the same terms open the same code again");
    for other in [json!({"total": 8801, "currency": "CNY"}), json!({"total": 1})] {
        assert_eq!(code(&shop.native(&[("amount", other)])), (400, "INVALID_REQUEST"));
    }
    assert_eq!(code(&shop.native(&[("attach", json!("x"))])), (400, "INVALID_REQUEST"));
    let app = shop.send("POST", "/v3/pay/transactions/app", &order(&[]));
    assert_eq!(code(&app), (400, "INVALID_REQUEST"), "another product is another term");
    let (_, waiting) = shop.query();
    assert_eq!(waiting["trade_state"], "NOTPAY");
    assert!(waiting.get("transaction_id").is_none(), "{waiting}");
    shop.pay();
    let (_, paid) = shop.query();
    assert_eq!((&paid["trade_state"], &paid["trade_type"]), (&json!("SUCCESS"), &json!("NATIVE")));
    assert_eq!((&paid["appid"], &paid["mchid"]), (&json!(APP), &json!(MCHID)));
    assert_eq!(paid["amount"]["total"], 8800);
    UnixMillis::parse_rfc3339(paid["success_time"].as_str().unwrap()).unwrap();
    let id = paid["transaction_id"].as_str().unwrap();
    let by_id =
        |mchid: &str| shop.send("GET", &format!("/v3/pay/transactions/id/{id}?mchid={mchid}"), &Value::Null);
    assert_eq!(by_id(MCHID).1, paid);
    assert_eq!(code(&by_id("1")), (400, "PARAM_ERROR"));
    assert_eq!(code(&shop.native(&[])), (400, "INVALID_REQUEST"));
    assert_eq!(code(&close(&shop)), (400, "ORDERPAID"));
}

#[test]
fn a_closed_trade_stays_closed() {
    let shop = shop();
    assert_eq!(code(&close(&shop)), (404, "ORDER_NOT_EXIST"));
    shop.native(&[]);
    assert_eq!(close(&shop), (http::StatusCode::NO_CONTENT, Value::Null));
    assert_eq!(code(&close(&shop)), (400, "ORDER_CLOSED"));
    assert_eq!(code(&shop.native(&[])), (400, "ORDER_CLOSED"));
    assert_eq!(shop.query().1["trade_state"], "CLOSED");
}

#[test]
fn a_trade_ends_after_seven_days_or_as_the_merchant_says() {
    for (expires, after_secs) in [(Value::Null, 7 * 86_400), (json!("2026-09-21T22:14:20+08:00"), 60)] {
        let shop = shop();
        assert_eq!(shop.loopback.now().china_rfc3339(), "2026-09-21T22:13:20+08:00");
        assert_eq!(shop.native(&[("time_expire", expires)]).0, 200);
        shop.loopback.advance_millis(after_secs * 1000 - 1);
        assert_eq!(shop.query().1["trade_state"], "NOTPAY");
        shop.loopback.advance_millis(1);
        assert_eq!(shop.query().1["trade_state"], "CLOSED");
    }
}

#[test]
fn broken_orders_are_refused() {
    let shop = shop();
    for (name, value) in [
        ("description", Value::Null),
        ("description", json!("课".repeat(43))),
        ("mchid", json!("1900000110")),
        ("out_trade_no", json!("short")),
        ("out_trade_no", json!("with space")),
        ("out_trade_no", json!("9".repeat(33))),
        ("notify_url", json!("https://shop.example/?a=1")),
        ("notify_url", Value::Null),
        ("amount", json!({"total": 0})),
        ("amount", json!({"total": "8800"})),
        ("amount", json!({"total": 88.5})),
        ("amount", json!({"total": 8800, "currency": "USD"})),
        ("time_expire", json!("2026-09-21 22:14:20")),
        ("time_expire", json!("2026-09-21T22:13:20+08:00")),
        ("attach", json!("x".repeat(129))),
    ] {
        assert_eq!(code(&shop.native(&[(name, value.clone())])), (400, "PARAM_ERROR"), "{name} {value}");
    }
    assert_eq!(code(&shop.native(&[("appid", json!("wx0"))])), (400, "APPID_MCHID_NOT_MATCH"));
    for (product, more) in
        [("jsapi", ("payer", json!({}))), ("h5", ("scene_info", json!({"payer_client_ip": "x"})))]
    {
        let path = format!("/v3/pay/transactions/{product}");
        assert_eq!(code(&shop.send("POST", &path, &order(&[more]))), (400, "PARAM_ERROR"), "{product}");
    }
    assert_eq!(code(&shop.query()), (404, "ORDER_NOT_EXIST"));
}

#[test]
fn refunds_never_exceed_what_came_in() {
    let shop = shop();
    assert_eq!(code(&shop.refund("R1", 100)), (404, "RESOURCE_NOT_EXISTS"));
    shop.native(&[]);
    assert_eq!(code(&shop.refund("R1", 100)), (400, "INVALID_REQUEST"), "nothing was paid");
    shop.pay();
    assert_eq!(code(&shop.send("GET", &format!("{REFUNDS}/R1"), &Value::Null)), (404, "RESOURCE_NOT_EXISTS"));
    let (status, taken) = shop.refund("R1", 8000);
    assert_eq!((status.as_u16(), &taken["status"]), (200, &json!("PROCESSING")), "{taken}");
    let (_, known) = shop.send("GET", &format!("{REFUNDS}/R1"), &Value::Null);
    assert_eq!((&known["status"], &known["refund_id"]), (&json!("SUCCESS"), &taken["refund_id"]));
    assert_eq!(shop.refund("R1", 8000).1["status"], "SUCCESS", "a repeat is the same refund");
    assert_eq!(code(&shop.refund("R1", 1)), (400, "INVALID_REQUEST"), "on other terms");
    assert_eq!(code(&shop.refund("R2", 801)), (400, "INVALID_REQUEST"), "more than is left");
    let mut wrong_total = refund("R2", 1);
    wrong_total["amount"]["total"] = json!(8801);
    assert_eq!(code(&shop.send("POST", REFUNDS, &wrong_total)), (400, "INVALID_REQUEST"));
    assert_eq!(shop.refund("R2", 800).0, 200);
    assert_eq!(shop.query().1["trade_state"], "REFUND");
}

#[test]
fn refunds_end_as_their_numbers_say() {
    let shop = shop();
    shop.pay();
    let state = |number: &str| {
        let (_, refund) = shop.send("GET", &format!("{REFUNDS}/{number}"), &Value::Null);
        refund["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(shop.refund("R_CLOSED", 8800).1["status"], "PROCESSING");
    assert_eq!(state("R_CLOSED"), "CLOSED");
    assert_eq!(code(&shop.refund("R_UNCLEAR", 100)), (500, "SYSTEM_ERROR"));
    assert_eq!(state("R_UNCLEAR"), "SUCCESS");
    let (_, abnormal) = shop.refund("R_ABNORMAL", 8700);
    assert_eq!(state("R_ABNORMAL"), "ABNORMAL");
    assert_eq!(code(&shop.refund("R3", 1)), (400, "INVALID_REQUEST"), "an abnormal refund keeps its claim");
    let path = format!("{REFUNDS}/{}/apply-abnormal-refund", abnormal["refund_id"].as_str().unwrap());
    let pay_out = |body: Value| shop.send("POST", &path, &body);
    assert_eq!(
        code(&pay_out(json!({"out_refund_no": "R3", "type": "MERCHANT_BANK_CARD"}))),
        (400, "PARAM_ERROR")
    );
    let to_card = json!({"out_refund_no": "R_ABNORMAL", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"});
    assert_eq!(code(&pay_out(to_card)), (400, "PARAM_ERROR"), "the card is not encrypted");
    let to_merchant = json!({"out_refund_no": "R_ABNORMAL", "type": "MERCHANT_BANK_CARD"});
    assert_eq!(pay_out(to_merchant.clone()).1["status"], "PROCESSING");
    assert_eq!(state("R_ABNORMAL"), "SUCCESS");
    assert_eq!(code(&pay_out(to_merchant)), (400, "INVALID_REQUEST"));
    let events: Vec<_> = shop
        .notifies()
        .iter()
        .skip(1)
        .map(|notify| {
            let body: Value = serde_json::from_slice(notify.body()).unwrap();
            body["event_type"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(events, ["REFUND.CLOSED", "REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.SUCCESS"]);
}

#[test]
fn a_busy_gateway_does_nothing_and_a_lost_reply_follows_the_work() {
    let shop = shop();
    let sandbox = shop.loopback.sandbox();
    let ask = || {
        shop.loopback.exchange(shop.request("POST", "/v3/pay/transactions/native", &order(&[]).to_string()))
    };
    sandbox.misbehave(None, Mischief::Busy, Switch::On);
    let busy = ask();
    assert_eq!(code(&(busy.status(), super::json_of(&busy))), (429, "FREQUENCY_LIMITED"));
    sandbox.misbehave(None, Mischief::Busy, Switch::Off);
    assert_eq!(code(&shop.query()), (404, "ORDER_NOT_EXIST"));
    sandbox.misbehave(None, Mischief::ReplyLost, Switch::On);
    assert_eq!((ask().status().as_u16(), ask().body().len()), (504, 0));
    sandbox.misbehave(None, Mischief::ReplyLost, Switch::Off);
    assert_eq!(shop.query().1["trade_state"], "NOTPAY");
}

#[test]
fn a_telephone_opens_the_cashier() {
    let shop = shop();
    let app = shop.send("POST", "/v3/pay/transactions/app", &order(&[]));
    let page = shop.loopback.get(&format!("/wechat/pay/{}", app.1["prepay_id"].as_str().unwrap()));
    assert!(std::str::from_utf8(page.body()).unwrap().contains("88.00"), "{}", page.status());
    assert_eq!(shop.loopback.get("/wechat/pay/wx00").status(), 404);
    assert_eq!(shop.loopback.post("/wechat/pay/wx00", "").status(), 404);
    let scene = json!({"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}});
    let h5 = order(&[("scene_info", scene), ("out_trade_no", json!("COURSE_0002"))]);
    let h5 = shop.send("POST", "/v3/pay/transactions/h5", &h5);
    let address = h5.1["h5_url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8070").unwrap().to_owned();
    let page = shop.loopback.get(&format!("{address}?redirect_url=https%3A%2F%2Fshop.example%2Forders%2F2"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("form-action 'self' https://shop.example"), "{policy}");
    let html = std::str::from_utf8(page.body()).unwrap();
    let token = html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let back = shop.loopback.post("/cashier/pay", &format!("token={token}"));
    assert_eq!(
        (back.status().as_u16(), back.headers()["location"].to_str().unwrap()),
        (303, "https://shop.example/orders/2")
    );
}
