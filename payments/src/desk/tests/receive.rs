//! Notifies: settled once, acknowledged as often as they come, and refused when they are not ours.

use super::{NOW, checkout, notify_url, order, part, shop};
use crate::desk::{CheckoutOutcome, NOTIFY_BYTES_MAX, Receipt, RefundAnswer};
use crate::fake::{FakeGateway, Trade};
use crate::store::{OrderStore, RefundStart, Task};
use crate::{Channel, Money, RefundState, RefundStatus, Scene, Settlement, TradeState, TradeStatus};
use bytes::Bytes;
use http::{Request, StatusCode};
use std::sync::Arc;

#[tokio::test]
async fn a_notify_is_settled_once_and_acknowledged_as_often_as_it_comes() {
    let shop = shop();
    shop.sell().await;
    for _ in 0..3 {
        assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Duplicate);
    }
    assert_eq!(shop.state().await, TradeState::Paid);
    let work = shop.store.take_work(NOW, 1, 9).await.unwrap();
    assert_eq!(work.len(), 1, "one delivery: {work:?}");
}

#[tokio::test]
async fn late_and_double_payments_are_acknowledged_and_leave_work() {
    let shop = shop();
    let number = order().out_trade_no;
    let other = Arc::new(FakeGateway::new(Channel::Alipay));
    let desk = shop.desk.clone().with_gateway(other.clone(), notify_url()).unwrap();
    assert!(matches!(desk.checkout(&checkout(Scene::Qr)).await.unwrap(), CheckoutOutcome::Pay(_)));
    shop.store.close(&number, NOW).await.unwrap();
    shop.gateway.pay_now(&order());
    assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::PaidAfterClose);

    other.pay_now(&order());
    let request = Request::post("/").body(Bytes::from_static(b"trade COURSE_0001")).unwrap();
    let received = desk.receive(Channel::Alipay, &request).await;
    assert_eq!(received.response.status(), StatusCode::OK);
    let Ok(Receipt::Trade { settlement: Settlement::PaidTwice { first }, .. }) = received.receipt else {
        panic!("{:?}", received.receipt);
    };
    assert_eq!(first, shop.gateway.trade_no(&number));

    // Both of them bought nothing; each is given back once, however often the work is done.
    let mut refunded = Vec::new();
    for _ in 0..2 {
        let work = shop.store.take_work(NOW, 1, 9).await.unwrap().remove(0);
        let Task::GiveBack { channel, trade_no } = &work.task else { panic!("{work:?}") };
        for _ in 0..2 {
            refunded.push(desk.give_back(&work.out_trade_no, *channel, trade_no).await.unwrap());
        }
        shop.store.finish_work(&work).await.unwrap();
    }
    let over = RefundStart::Same(RefundState::Succeeded);
    for (index, answer) in refunded.iter().enumerate() {
        match answer {
            RefundAnswer::Told(Receipt::Refund { .. }) => assert_eq!(index % 2, 0),
            RefundAnswer::NotStarted(start) => assert_eq!((start, index % 2), (&over, 1)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((shop.gateway.books().refunds.len(), other.books().refunds.len()), (1, 1));
}

#[tokio::test]
async fn what_is_not_ours_is_not_acknowledged_and_changes_nothing() {
    let shop = shop();
    let _paying = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
    let trade = |yuan: &str| Trade {
        trade_no: "T9".to_owned(),
        amount: Money::parse_yuan(yuan).unwrap(),
        status: TradeStatus::Paid,
        refund_asked: false,
    };
    shop.gateway.books().trades.insert("COURSE_0001".to_owned(), trade("0.01"));
    let (status, receipt) = shop.post("trade COURSE_0001").await;
    assert!(!status.is_success());
    let Ok(Receipt::Mismatch(mismatch)) = receipt else { panic!("{receipt:?}") };
    assert_eq!(mismatch.field(), crate::MismatchField::Amount);
    assert_eq!(shop.state().await, TradeState::Pending);

    for number in ["OTHERS_0001", "?"] {
        shop.gateway.books().trades.insert(number.to_owned(), trade("88.00"));
        let (status, receipt) = shop.post(&format!("trade {number}")).await;
        assert!(!status.is_success());
        assert_eq!(receipt.unwrap(), Receipt::UnknownOrder { number: number.to_owned() });
    }

    let refund = part("REFUND_1", "1.00", &shop.gateway);
    shop.gateway.books().refunds.insert("REFUND_1".to_owned(), (refund, RefundStatus::Succeeded));
    let (status, receipt) = shop.post("refund REFUND_1").await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap(), Receipt::UnknownRefund { number: "REFUND_1".to_owned() });

    let (status, receipt) = shop.post("forged").await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap_err().kind(), crate::ErrorKind::Unverified);
    let (status, receipt) = shop.post(&"x".repeat(NOTIFY_BYTES_MAX + 1)).await;
    assert!(!status.is_success());
    assert_eq!(receipt.unwrap_err().kind(), crate::ErrorKind::InvalidInput);

    let request = Request::post("/").body(Bytes::new()).unwrap();
    let received = shop.desk.receive(Channel::Unionpay, &request).await;
    assert_eq!(received.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(received.receipt.unwrap_err().kind(), crate::ErrorKind::Misuse);
}
