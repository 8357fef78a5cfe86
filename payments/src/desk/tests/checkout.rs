//! Checkouts: recorded before the gateway is asked, and found out by asking.

use super::{NOW, bar_code, checkout, notify_url, order, part, shop};
use crate::desk::{Asked, CheckoutOutcome, Receipt};
use crate::fake::{FakeGateway, Fault};
use crate::store::OrderStore;
use crate::{Channel, Money, PayWith, Scene, Settlement, TradeState};
use std::sync::Arc;

#[tokio::test]
async fn one_channel_has_one_gateway() {
    let shop = shop();
    let second = Arc::new(FakeGateway::new(Channel::Wechat));
    let error = shop.desk.with_gateway(second, notify_url()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Misuse);
}

#[tokio::test]
async fn a_checkout_records_before_it_asks_and_repeats_as_the_same_trade() {
    let shop = shop();
    shop.gateway.books().faults.push_back(Fault::Fails);
    assert!(shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap_err().is_transient());
    assert_eq!(shop.state().await, TradeState::Pending, "the visit is recorded before the gateway is asked");

    // The second visit is the same trade: it is named by the moment of the first.
    shop.clock.forward_secs(60);
    let answer = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    let CheckoutOutcome::Pay(PayWith::QrCode { text }) = answer else { panic!("{answer:?}") };
    assert_eq!(text, format!("qr://COURSE_0001/{}", NOW.as_millis()));

    let mut dearer = checkout(Scene::Qr);
    dearer.order.amount = Money::parse_yuan("99.00").unwrap();
    assert!(matches!(shop.desk.checkout(&dearer).await.unwrap(), CheckoutOutcome::Conflict { .. }));
    shop.gateway.pay_now(&order());
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Paid);
    let calls = shop.calls();
    let again = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    assert!(matches!(again, CheckoutOutcome::NotOpen(TradeState::Paid)), "{again:?}");
    assert_eq!((calls.len(), shop.calls().len()), (2, 0), "a paid order is not sent to the gateway");
}

#[tokio::test]
async fn a_checkout_without_an_answer_is_marked_and_found_out_by_asking() {
    for (fault, expected) in [(Fault::ReplyLost, TradeState::Paid), (Fault::RequestLost, TradeState::Unknown)]
    {
        let shop = shop();
        shop.gateway.books().faults.push_back(fault);
        let answer = shop.desk.checkout(&checkout(bar_code())).await.unwrap();
        assert!(matches!(answer, CheckoutOutcome::Unknown(_)), "{answer:?}");
        assert_eq!(shop.state().await, TradeState::Unknown);
        let asked = shop.desk.ask(&order().out_trade_no, Channel::Wechat).await.unwrap();
        assert_eq!(asked == Asked::NotFound, fault == Fault::RequestLost, "{asked:?}");
        assert_eq!(shop.state().await, expected);
        // The notify of the same payment is a duplicate.
        if expected == TradeState::Paid {
            assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
        }
    }
}

#[tokio::test]
async fn a_bar_code_is_settled_by_the_reply() {
    let shop = shop();
    let answer = shop.desk.checkout(&checkout(bar_code())).await.unwrap();
    let CheckoutOutcome::Told(Receipt::Trade { settlement, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(settlement, Settlement::Paid);
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
}

#[tokio::test]
async fn asking_tells_apart_what_there_is_to_ask() {
    let shop = shop();
    let number = order().out_trade_no;
    assert_eq!(shop.desk.ask(&number, Channel::Wechat).await.unwrap(), Asked::UnknownOrder);
    shop.store.create(&order(), NOW).await.unwrap();
    assert_eq!(shop.desk.ask(&number, Channel::Wechat).await.unwrap(), Asked::NotSubmitted);
}

#[tokio::test]
async fn what_the_gateway_does_not_take_is_not_recorded() {
    let shop = shop();
    shop.gateway.books().takes_no_value = true;
    let error = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert_eq!(shop.store.find(&order().out_trade_no).await.unwrap(), None);
    shop.gateway.books().takes_no_value = false;
    shop.sell().await;
    shop.gateway.books().takes_no_value = true;
    let refund = part("REFUND_1", "88.00", &shop.gateway);
    let error = shop.desk.refund(&refund).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert_eq!(shop.store.find_refund(&refund.refund_no).await.unwrap(), None);
    assert!(shop.calls().is_empty());
}
