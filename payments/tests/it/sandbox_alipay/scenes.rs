//! Every way to pay, and how a trade ends that nobody pays.

use super::{NUMBER, ORIGIN, callback, house, request};
use crate::support::{NOW, number, order};
use http::StatusCode;
use payments::alipay::{AuthCode, BarCodePay, Cancel, CancelOutcome, Collected};
use payments::{CloseOutcome, Gateway as _, Outcome, PayWith, Scene, TradeStatus};

#[tokio::test]
async fn page_and_wap_lead_to_the_cashier() {
    for (scene, method) in [(Scene::Page, "page"), (Scene::Wap, "wap")] {
        let house = house();
        let PayWith::Redirect { url } = house.pay(scene).await else { panic!("no page") };
        let page = house.loopback.get(&url);
        assert_eq!(page.status(), StatusCode::OK, "{:?}", page.body());
        assert_eq!(house.query().await, Some(TradeStatus::Waiting));
        let back = house.press(&page, "pay");
        let location = back.headers()["location"].to_str().unwrap();
        assert!(location.starts_with("http://127.0.0.1:8080/return?"), "{location}");
        assert!(location.contains(&format!("method=alipay.trade.{method}.pay.return")), "{location}");
        assert_eq!(house.query().await, Some(TradeStatus::Paid));
        assert_eq!(house.incoming().remove(0).status(), TradeStatus::Paid);
        assert_eq!(house.close().await, CloseOutcome::AlreadyPaid);
    }
}

#[tokio::test]
async fn an_application_hands_its_order_string_over() {
    let house = house();
    let PayWith::Token { text } = house.pay(Scene::App).await else { panic!("no token") };
    let page = house.loopback.post("/gateway.do", &text);
    assert_eq!(page.status(), StatusCode::OK);
    house.press(&page, "pay");
    assert_eq!(house.incoming().remove(0).status(), TradeStatus::Paid);
}

#[tokio::test]
async fn a_code_is_no_trade_before_it_is_scanned() {
    let house = house();
    let PayWith::QrCode { text } = house.pay(Scene::Qr).await else { panic!("no code") };
    assert!(text.starts_with(&format!("{ORIGIN}/cashier/")), "{text}");
    assert_eq!(house.query().await, None);
    assert_eq!(house.close().await, CloseOutcome::NotFound);

    let PayWith::QrCode { text: again } = house.pay(Scene::Qr).await else { panic!("no code") };
    assert_eq!(again, text, "the code stays what it was");
    let page = house.loopback.get(&text);
    assert_eq!(house.query().await, Some(TradeStatus::Waiting));
    assert_eq!(house.press(&page, "refuse").status(), StatusCode::OK);
    let paid = house.press(&house.loopback.get(&text), "pay");
    assert_eq!(paid.status(), StatusCode::OK, "nobody is sent anywhere from a telephone");
    assert_eq!(house.query().await, Some(TradeStatus::Paid));
    assert_eq!(house.loopback.get(&text).status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_buyer_can_let_it_time_out() {
    let house = house();
    let PayWith::Redirect { url } = house.pay(Scene::Page).await else { panic!("no page") };
    let page = house.press(&house.loopback.get(&url), "expire");
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
    assert_eq!(house.close().await, CloseOutcome::Closed);
    assert_eq!(house.loopback.get(&url).status(), StatusCode::BAD_REQUEST);
    assert!(house.incoming().is_empty());
}

#[tokio::test]
async fn the_merchant_closes_what_waits() {
    let house = house();
    let PayWith::Redirect { url } = house.pay(Scene::Page).await else { panic!("no page") };
    let page = house.loopback.get(&url);
    assert_eq!(house.close().await, CloseOutcome::Closed);
    assert_eq!(house.press(&page, "pay").status(), StatusCode::BAD_REQUEST);
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
}

#[tokio::test]
async fn a_mini_program_has_a_trade_at_once() {
    let house = house();
    let openid = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5".to_owned();
    let PayWith::Invoke { json } = house.pay(Scene::Jsapi { openid }).await else { panic!("no trade") };
    assert!(json.starts_with("{\"tradeNO\":\""), "{json}");
    assert_eq!(house.query().await, Some(TradeStatus::Waiting));
}

#[tokio::test]
async fn the_shop_scans_a_code() {
    let scan = |tail: &str| Scene::BarCode { auth_code: format!("28763443825664{tail}") };
    let paid = house();
    let PayWith::Paid(notify) = paid.pay(scan("1234")).await else { panic!("not paid") };
    assert_eq!(notify.status(), TradeStatus::Paid);
    assert_eq!(paid.incoming().len(), 1);
    // The same number again: the gateway says that it is paid, and the façade asks.
    assert!(matches!(paid.pay(scan("1234")).await, PayWith::Paid(_)));

    let refused = house();
    let PayWith::Refused { code, .. } = refused.pay(scan("0004")).await else { panic!("not refused") };
    assert_eq!(code, "ACQ.BUYER_BALANCE_NOT_ENOUGH");

    let unclear = house();
    let outcome = unclear.gateway.pay(&request(scan("0005"))).await.unwrap();
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(unclear.query().await, Some(TradeStatus::Paid));

    let confirms = house();
    assert!(matches!(confirms.pay(scan("0003")).await, PayWith::BuyerConfirms));
    assert_eq!(confirms.query().await, Some(TradeStatus::Waiting));
}

#[tokio::test]
async fn a_buyer_who_never_confirms_is_cancelled() {
    let house = house();
    let code = AuthCode::parse("287634438256640003").unwrap();
    let pay = BarCodePay::new(order(NUMBER, "88.00"), code, callback("/notify"));
    let collected = house.gateway.collect(&pay).await.unwrap().known().unwrap();
    assert!(matches!(collected, Collected::Closed), "{collected:?}");
    assert_eq!(house.loopback.now(), NOW.plus_secs(30));
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
}

#[tokio::test]
async fn cancelling_gives_the_money_back() {
    let house = house();
    house.paid().await;
    let cancel = Cancel::new(number(NUMBER));
    let client = house.gateway.client();
    let cancelled = house.gateway.merchant().call(client, &cancel).await.unwrap().known().unwrap();
    assert_eq!(cancelled, CancelOutcome::Refunded);
    let told = house.incoming().remove(0);
    assert_eq!((told.status(), told.field("refund_fee")), (TradeStatus::Closed, Some("88.00")));
}
