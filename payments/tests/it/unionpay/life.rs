//! The life of an order through the front door: paid, told twice, forged, refunded.

use super::bank::{Fields, form, notify_url, order, paid, refund, refunded, return_url, with};
use super::facade::Counter;
use crate::support::yuan;
use bytes::Bytes;
use http::{Request, StatusCode};
use payments::desk::{Checkout, CheckoutOutcome, Desk, Receipt};
use payments::store::{MemoryStore, RefundSettlement};
use payments::{
    Channel, ErrorKind, Order, OutTradeNo, PayWith, RefundNo, RefundState, Scene, Settlement, TradeState,
};
use std::sync::Arc;

async fn post(desk: &Desk, fields: &Fields) -> (StatusCode, Option<Receipt>) {
    let request = Request::post("/unionpay/notify").body(Bytes::from(form(fields))).unwrap();
    let received = desk.receive(Channel::Unionpay, &request).await;
    (received.response.status(), received.receipt.ok())
}

#[tokio::test]
async fn an_order_is_paid_once_and_given_back_once() {
    let counter = Counter::new();
    let bank = &counter.bank;
    let desk = Desk::new(Arc::new(MemoryStore::new()), counter.edge());
    let desk = desk.with_gateway(Arc::clone(&counter.gateway), notify_url()).unwrap();
    let checkout = Checkout::new(Channel::Unionpay, order(), Scene::Page).returning_to(return_url());
    let CheckoutOutcome::Pay(PayWith::Form { html, .. }) = desk.checkout(&checkout).await.unwrap() else {
        panic!("no form")
    };
    let submitted_at = bank.now().china_digits();
    assert!(html.contains(&format!("name=\"txnTime\" value=\"{submitted_at}\"")), "{html}");

    let notify = with(paid(), &[("txnTime", &submitted_at)]);
    let forged = bank.signed_by("customer", notify.clone());
    assert_eq!(post(&desk, &forged).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    let cheap = bank.signed(with(notify.clone(), &[("txnAmt", "1")]));
    assert_eq!(post(&desk, &cheap).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    for settled in [Settlement::Paid, Settlement::Duplicate] {
        let (status, receipt) = post(&desk, &bank.signed(notify.clone())).await;
        assert_eq!(status, StatusCode::OK);
        assert!(matches!(receipt, Some(Receipt::Trade { settlement, .. }) if settlement == settled));
    }

    counter.will_answer(&[Some(with(refunded(), &[("txnTime", &submitted_at)]))]);
    let asked = refund(yuan("30.00")).refund;
    let answer = desk.refund(&asked).await.unwrap();
    assert_eq!(counter.sent(), ["/gateway/api/backTransReq.do 04"], "{answer:?}");
    let back = bank.signed(refunded());
    for first in [true, false] {
        let (status, receipt) = post(&desk, &back).await;
        assert_eq!(status, StatusCode::OK);
        let Some(Receipt::Refund { settlement, .. }) = receipt else { panic!("{receipt:?}") };
        match settlement {
            RefundSettlement::Moved { .. } => assert!(first),
            other => assert!(!first && other == RefundSettlement::Duplicate, "{other:?}"),
        }
    }
    let stored = desk.store().find(&order().out_trade_no).await.unwrap().unwrap();
    assert_eq!(stored.state, TradeState::PartiallyRefunded);
    let stored = desk.store().find_refund(&asked.refund_no).await.unwrap().unwrap();
    assert_eq!(stored.state, RefundState::Succeeded);
}

#[tokio::test]
async fn what_unionpay_does_not_take_is_not_recorded() {
    let counter = Counter::new();
    let desk = Desk::new(Arc::new(MemoryStore::new()), counter.edge());
    let desk = desk.with_gateway(Arc::clone(&counter.gateway), notify_url()).unwrap();
    for (number, scene) in
        [("COURSE_0001", Scene::Page), ("COURSE_0001", Scene::App), ("COURSE0001", Scene::Qr)]
    {
        let number = OutTradeNo::parse(number).unwrap();
        let sold = Order::new(number.clone(), order().subject, order().amount);
        let checkout = Checkout::new(Channel::Unionpay, sold.clone(), scene).returning_to(return_url());
        assert_eq!(desk.checkout(&checkout).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(desk.store().find(&sold.out_trade_no).await.unwrap(), None, "{number}");
    }
    let checkout = Checkout::new(Channel::Unionpay, order(), Scene::Page).returning_to(return_url());
    let _form = desk.checkout(&checkout).await.unwrap();
    let txn_time = counter.bank.now().china_digits();
    let (status, _) = post(&desk, &counter.bank.signed(with(paid(), &[("txnTime", &txn_time)]))).await;
    assert_eq!(status, StatusCode::OK);
    let mut asked = refund(yuan("30.00")).refund;
    asked.refund_no = RefundNo::parse("REFUND_0001").unwrap();
    assert_eq!(desk.refund(&asked).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(desk.store().find_refund(&asked.refund_no).await.unwrap(), None);
    assert!(counter.sent().is_empty());
}
