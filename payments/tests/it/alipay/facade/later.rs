//! What comes after a payment: closing, refunds, bills, questions and notifies; and what is never recorded.

use super::{Fixed, Step, known, play, says, trade};
use crate::alipay::bills::{archive, day};
use crate::alipay::calls::PAID;
use crate::alipay::refunds::{FOUND, GIVEN_BACK, refund};
use crate::alipay::{HAND, no, notify_url, url};
use crate::support::{NOW, NUMBER, number, order};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use payments::alipay::ACK_SUCCESS;
use payments::desk::{Checkout, Desk};
use payments::store::MemoryStore;
use payments::{
    Ack, Channel, CloseOutcome, ErrorKind, Gateway as _, Incoming, Outcome, QueryOutcome, RefundOutcome,
    RefundRef, RefundStatus, Scene, Stake, TradeRef,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

fn trade_ref() -> TradeRef {
    TradeRef { out_trade_no: number(NUMBER), submitted_at: NOW }
}

#[tokio::test]
async fn closing_tells_paid_from_closed() {
    let (trade_ref, stuck) = (trade_ref(), || says(&no("40004", "ACQ.TRADE_STATUS_ERROR")));
    let close = async |steps: Vec<Step>| {
        let (alipay, script) = play(steps);
        let outcome = alipay.close(&trade_ref).await.unwrap();
        script.log();
        outcome
    };
    let unpaid = "{\"code\":\"10000\",\"out_trade_no\":\"COURSE_0001\",\"trade_no\":\"1\",\"total_amount\":\"88.00\",\
                  \"trade_status\":\"TRADE_CLOSED\"}";
    let refunded = unpaid.replacen('{', "{\"send_pay_date\":\"2026-09-22 00:00:00\",", 1);
    for (steps, outcome) in [
        (vec![says(PAID)], CloseOutcome::Closed),
        (vec![says(&no("40004", "ACQ.TRADE_NOT_EXIST"))], CloseOutcome::NotFound),
        (vec![stuck(), trade("TRADE_SUCCESS")], CloseOutcome::AlreadyPaid),
        (vec![stuck(), says(unpaid)], CloseOutcome::Closed),
        (vec![stuck(), says(&refunded)], CloseOutcome::AlreadyPaid),
        (vec![Step::Lost, stuck(), says(unpaid)], CloseOutcome::Closed),
    ] {
        assert_eq!(known(close(steps).await), outcome);
    }
    for steps in [
        vec![Step::Lost, Step::Lost, Step::Lost],
        vec![stuck(), trade("WAIT_BUYER_PAY")],
        vec![stuck(), Step::Lost, Step::Lost, Step::Lost],
    ] {
        assert!(matches!(close(steps).await, Outcome::Unknown(_)));
    }
}

#[tokio::test]
async fn refunds() {
    let asked = RefundRef { refund: refund("8.00"), requested_at: NOW };
    let address = notify_url();
    let give_back = async |steps: Vec<Step>| {
        let (alipay, script) = play(steps);
        let outcome = alipay.refund(&asked, &address).await.unwrap();
        script.log();
        outcome
    };
    let status = |outcome| match known(outcome) {
        RefundOutcome::Refund(notify) => notify.status(),
        other => panic!("{other:?}"),
    };
    let repeated = || says(&GIVEN_BACK.replace("\"Y\"", "\"N\""));
    let nothing = || says("{\"code\":\"10000\"}");
    assert_eq!(status(give_back(vec![says(GIVEN_BACK)]).await), RefundStatus::Succeeded);
    // The first answer is lost, the repeat says "no change", the question says why.
    let steps = vec![Step::Lost, repeated(), says(FOUND)];
    assert_eq!(status(give_back(steps).await), RefundStatus::Succeeded);
    assert_eq!(status(give_back(vec![repeated(), nothing()]).await), RefundStatus::Processing);
    let steps = vec![repeated(), Step::Lost, Step::Lost, Step::Lost];
    assert_eq!(status(give_back(steps).await), RefundStatus::Processing);
    let poor = says(&no("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH"));
    assert!(matches!(known(give_back(vec![poor]).await), RefundOutcome::Refused { .. }));
    let Outcome::Unknown(unknown) = give_back(vec![Step::Lost, Step::Lost, Step::Lost]).await else {
        panic!("a guess")
    };
    assert_eq!(unknown.stake(), &Stake::Refund(number(NUMBER), asked.refund.refund_no.clone()));

    let (alipay, _) = play([says(FOUND)]);
    let RefundOutcome::Refund(found) = alipay.query_refund(&asked).await.unwrap() else {
        panic!("no refund")
    };
    assert!(found.check(&alipay.expected_refund(&asked.refund)).is_ok());
}

#[tokio::test]
async fn bills() {
    let link =
        says("{\"code\":\"10000\",\"bill_download_url\":\"http://dwbillcenter.alipay.com/x?token=t\"}");
    let (alipay, script) = play([link, Step::Sends(Response::new(archive().into()))]);
    assert_eq!(alipay.bill(day()).await.unwrap().unwrap().lines.len(), 2);
    let methods =
        ["alipay.data.dataservice.bill.downloadurl.query", "https://dwbillcenter.alipay.com/x?token=t"];
    assert_eq!(script.log(), methods);

    for code in ["isp.bill_not_exist", "BILL_NOT_EXIST", "NO_BILL_DATA"] {
        let (alipay, _) = play([says(&no("40004", code))]);
        assert!(alipay.bill(day()).await.unwrap().is_none(), "{code}");
    }
    let link =
        says("{\"code\":\"10000\",\"bill_download_url\":\"https://dwbillcenter.alipay.com/x?token=t\"}");
    let mut gone = Response::new(Bytes::new());
    *gone.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let (alipay, _) = play([link, Step::Sends(gone)]);
    assert!(alipay.bill(day()).await.unwrap_err().is_transient());
    let (alipay, _) = play([says("{\"code\":\"10000\",\"bill_download_url\":\"ftp://x?token=t\"}")]);
    let error = alipay.bill(day()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved);
    assert!(!format!("{error:?}").contains("token"));
}

#[tokio::test]
async fn questions_notifies_and_answers() {
    let (alipay, _) = play([trade("TRADE_SUCCESS"), says(&no("40004", "ACQ.TRADE_NOT_EXIST"))]);
    assert_eq!(alipay.channel(), Channel::Alipay);
    let QueryOutcome::Trade(notify) = alipay.query(&trade_ref()).await.unwrap() else { panic!("no trade") };
    assert!(notify.check(&alipay.expected(&order(NUMBER, "88.00"))).is_ok());
    assert!(matches!(alipay.query(&trade_ref()).await.unwrap(), QueryOutcome::NotFound));

    let canonical = "app_id=9021000122682882&notify_id=1&notify_type=trade_status_sync&out_trade_no=COURSE_0001\
                     &seller_id=2088721003899159&total_amount=88.00&trade_no=1&trade_status=TRADE_SUCCESS";
    let sign = form_urlencoded::byte_serialize(HAND.sign(canonical).as_bytes()).collect::<String>();
    let body = Bytes::from(format!("{canonical}&sign={sign}&sign_type=RSA2"));
    let request =
        |method| Request::builder().method(method).uri("/alipay/notify").body(body.clone()).unwrap();
    let Incoming::Trade(notify) = alipay.read_notify(&request(Method::POST), NOW).unwrap() else {
        panic!("no trade")
    };
    assert!(notify.check(&alipay.expected(&order(NUMBER, "88.00"))).is_ok());
    let refused = alipay.read_notify(&request(Method::GET), NOW).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert_eq!(alipay.ack(Ack::Success).body(), ACK_SUCCESS);
}

#[tokio::test]
async fn what_alipay_does_not_take_is_not_recorded() {
    let (alipay, script) = play([]);
    let desk = Desk::new(Arc::new(MemoryStore::new()), Arc::new(Fixed));
    let desk = desk.with_gateway(Arc::new(alipay), notify_url()).unwrap();
    let auth_code = "28763443825664394".to_owned();
    let payer_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (name, scene) in [
        ("A-1234", Scene::Page),
        ("A-1234", Scene::App),
        ("A-1234", Scene::Qr),
        ("A-1234", Scene::BarCode { auth_code }),
        (NUMBER, Scene::BarCode { auth_code: "1".to_owned() }),
        (NUMBER, Scene::H5 { payer_ip }),
        (NUMBER, Scene::Jsapi { openid: String::new() }),
    ] {
        let checkout = Checkout::new(Channel::Alipay, order(name, "88.00"), scene.clone());
        let checkout = checkout.returning_to(url("https://shop.example/back"));
        let error = desk.checkout(&checkout).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name} {scene:?}");
        assert_eq!(desk.store().find(&number(name)).await.unwrap(), None, "{name} {scene:?}");
    }
    assert!(script.log().is_empty());
}
