//! What is signed: clocks and keys that are off, version three and encrypted content.

use super::{NUMBER, endpoint, house, house_of, refund, registration};
use crate::support::{NOW, app_id, number, seller_id};
use http::StatusCode;
use payments::alipay::{ContentKey, Merchant, V3TradeQuery};
use payments::sandbox::{SandboxAlipay, SandboxKeys, generate_key};
use payments::{PayWith, QueryOutcome, RefundOutcome, Scene, TradeStatus};

#[tokio::test]
async fn a_clock_that_is_off_is_refused() {
    let house = house();
    let url = match house.pay(Scene::Page).await {
        PayWith::Redirect { url } => url,
        other => panic!("{other:?}"),
    };
    house.loopback.advance_millis(600_000);
    assert_eq!(house.loopback.get(&url).status(), StatusCode::OK);
    house.loopback.advance_millis(1);
    let page = house.loopback.get(&url);
    assert!(std::str::from_utf8(page.body()).unwrap().contains("isv.invalid-timestamp"));
}

#[tokio::test]
async fn what_was_signed_wrongly_is_shown() {
    let (own, stranger, keys) =
        (generate_key().unwrap(), generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let alipay = keys.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint(), stranger, alipay);
    let house = house_of(SandboxAlipay::new(keys, registration(&own)), merchant);
    let stamp = payments::Stamp { now: NOW, nonce: payments::Nonce::from_bytes([7; 16]) };
    let merchant = house.gateway.merchant();
    let form = payments::alipay::TradeQuery::new(number(NUMBER));
    let reply = house.loopback.exchange(payments::Call::request(&form, merchant, stamp).unwrap());
    let reply: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    let shown = reply["error_response"]["sandbox_canonical"].as_str().unwrap();
    assert!(
        shown.starts_with("app_id=9021000122682882&biz_content={") && shown.ends_with("&version=1.0"),
        "{shown}"
    );
    assert!(reply.get("sign").is_none());

    let rest = V3TradeQuery::new(number(NUMBER));
    let reply = house.loopback.exchange(payments::Call::request(&rest, merchant, stamp).unwrap());
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert!(!reply.headers().contains_key("alipay-signature"));
    let reply: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    let shown = reply["sandbox_canonical"].as_str().unwrap();
    assert!(shown.contains("\nPOST\n/v3/alipay/trade/query\n{") && shown.ends_with("}\n"), "{shown}");
}

#[tokio::test]
async fn version_three_answers_with_a_status() {
    let house = house();
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let ask = || async { house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap() };
    assert!(matches!(ask().await, QueryOutcome::NotFound));
    house.paid().await;
    let QueryOutcome::Trade(notify) = ask().await else { panic!("no trade") };
    assert_eq!(notify.status(), TradeStatus::Paid);
}

#[tokio::test]
async fn content_is_encrypted_both_ways() {
    let (own, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let (alipay, registration) = (keys.public_key().unwrap(), registration(&own));
    let content_key = ContentKey::parse("aa4BtZ4tspm2wnXLb1ThQA==").unwrap();
    let merchant =
        Merchant::new(app_id(), seller_id(), endpoint(), own, alipay).with_content_key(content_key);
    let side = SandboxAlipay::new(keys, registration);
    // The same bytes as in the text above.
    let side = side.with_content_key([
        0x69, 0xae, 0x01, 0xb5, 0x9e, 0x2d, 0xb2, 0x99, 0xb6, 0xc2, 0x75, 0xcb, 0x6f, 0x54, 0xe1, 0x40,
    ]);
    let house = house_of(side, merchant);
    let paid = house.paid().await;
    assert!(matches!(house.refund(&refund(&paid, "REFUND_1", "1.00")).await, RefundOutcome::Refund(_)));
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let answer = house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
}
