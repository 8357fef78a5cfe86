//! Notifies: sealed, signed, repeated by the gateway's table, and wrong on demand.

use super::{KEY_ID, MCHID, NUMBER, Shop, is_signed_by, opened, shop};
use bytes::Bytes;
use http::{Request, StatusCode};
use payments::Channel;
use payments::sandbox::{AfterAttempt, Mischief, Switch, retry_delays_secs};
use serde_json::{Value, json};

fn envelope(notify: &Request<Bytes>) -> Value {
    serde_json::from_slice(notify.body()).unwrap()
}

fn resource(notify: &Request<Bytes>) -> Value {
    serde_json::from_slice(&opened(&envelope(notify)["resource"])).unwrap()
}

fn genuine(shop: &Shop, notify: &Request<Bytes>) -> bool {
    is_signed_by(&shop.gateway_key, notify.headers(), notify.body())
}

#[test]
fn a_payment_and_a_refund_are_told() {
    let shop = shop();
    shop.pay();
    let [paid] = &shop.notifies()[..] else { panic!() };
    assert_eq!(
        (paid.method(), paid.uri()),
        (&http::Method::POST, &"https://shop.example/wechat/notify".parse().unwrap())
    );
    assert!(genuine(&shop, paid));
    assert_eq!(paid.headers()["wechatpay-serial"], KEY_ID);
    assert_eq!(paid.headers()["wechatpay-signature-type"], "WECHATPAY2-SHA256-RSA2048");
    let outer = envelope(paid);
    assert_eq!(
        (&outer["event_type"], &outer["resource_type"]),
        (&json!("TRANSACTION.SUCCESS"), &json!("encrypt-resource"))
    );
    assert_eq!(outer["resource"]["original_type"], "transaction");
    assert_eq!(outer["id"].as_str().unwrap().len(), 36);
    assert_eq!(resource(paid), shop.query().1, "a notify and a query tell the same");

    shop.refund("R1", 100);
    let [told] = &shop.notifies()[..] else { panic!() };
    assert!(genuine(&shop, told) && told.uri() == "https://shop.example/wechat/refund");
    let refund = resource(told);
    assert_eq!((&refund["mchid"], &refund["out_trade_no"]), (&json!(MCHID), &json!(NUMBER)));
    assert_eq!((&refund["refund_status"], &refund["amount"]["refund"]), (&json!("SUCCESS"), &json!(100)));
    assert!(refund.get("status").is_none());
}

#[test]
fn the_retry_table_is_the_gateways() {
    let shop = shop();
    shop.pay();
    let sandbox = shop.loopback.sandbox();
    let mut ids = Vec::new();
    for secs in retry_delays_secs(Channel::Wechat) {
        let due = sandbox.due(shop.loopback.now());
        let [delivery] = &due[..] else { panic!("{due:?}") };
        ids.push(envelope(&delivery.request)["id"].clone());
        let after = sandbox.answered(
            delivery.id,
            Some((StatusCode::INTERNAL_SERVER_ERROR, b"")),
            shop.loopback.now(),
        );
        let again = shop.loopback.now().plus_secs(*secs);
        assert_eq!(after, AfterAttempt::Again(again));
        shop.loopback.advance_millis(secs * 1000);
    }
    let last = sandbox.due(shop.loopback.now()).remove(0);
    assert_eq!(sandbox.answered(last.id, None, shop.loopback.now()), AfterAttempt::GivenUp);
    ids.dedup();
    assert_eq!((ids.len(), retry_delays_secs(Channel::Wechat).len()), (1, 15));
}

#[test]
fn two_statuses_acknowledge() {
    for (status, wanted) in [(200, true), (204, true), (201, false), (302, false), (401, false), (500, false)]
    {
        let shop = shop();
        shop.pay();
        let delivery = shop.loopback.sandbox().due(shop.loopback.now()).remove(0);
        let status = StatusCode::from_u16(status).unwrap();
        let after = shop.loopback.sandbox().answered(delivery.id, Some((status, b"")), shop.loopback.now());
        assert_eq!(after == AfterAttempt::Acknowledged, wanted, "{status}");
    }
}

#[test]
fn wrong_messages_come_before_the_honest_one() {
    for mischief in [Mischief::Forged, Mischief::Probe, Mischief::WrongAmount, Mischief::Duplicate] {
        let shop = shop();
        shop.loopback.sandbox().misbehave(None, mischief, Switch::On);
        shop.pay();
        let sent = shop.notifies();
        let [odd, honest] = &sent[..] else { panic!("{mischief:?}: {}", sent.len()) };
        assert!(genuine(&shop, honest));
        let signed = matches!(mischief, Mischief::WrongAmount | Mischief::Duplicate);
        assert_eq!(genuine(&shop, odd), signed, "{mischief:?}");
        let total = resource(odd)["amount"]["total"].clone();
        assert_eq!(total == 8800, mischief != Mischief::WrongAmount);
        assert_eq!(envelope(odd)["id"], envelope(honest)["id"]);
        let signature = odd.headers()["wechatpay-signature"].to_str().unwrap();
        assert_eq!(signature.starts_with("WECHATPAY/SIGNTEST/"), mischief == Mischief::Probe);
    }
    let shop = shop();
    shop.loopback.sandbox().misbehave(None, Mischief::Lost, Switch::On);
    shop.pay();
    assert!(shop.notifies().is_empty());
    assert_eq!(shop.query().1["trade_state"], "SUCCESS");
}
