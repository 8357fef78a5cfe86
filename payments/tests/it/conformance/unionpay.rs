//! UnionPay: every call against the sandbox, and through mischief.

use super::{asked, known, pay_at, pay_on, refund_of, told, told_refund, told_trade};
use crate::loopback::Loopback;
use crate::support::{NOW, order, yuan};
use bytes::Bytes;
use http::{Request, Response};
use payments::sandbox::{
    Mischief, Sandbox, SandboxUnionpay, Switch, UnionpayCertificate, UnionpayKeys, UnionpayRegistration,
    generate_key,
};
use payments::unionpay::{
    Device, EncryptionCertificate, FileDownload, FrontForm, GatewayPay, Merchant, RefundAnswer, SigningKey,
    Trust, Undo, Unionpay,
};
use payments::{
    BillDay, CallbackUrl, Certificate, CloseOutcome, ErrorKind, Gateway as _, Incoming, Movement, Order,
    OutTradeNo, Outcome, PayRequest, PayWith, QueryOutcome, RefundOutcome, RefundStatus, Scene, SellerId,
    TradeNo, TradeRef, TradeStatus,
};

const NUMBER: &str = "COURSE0001";

fn shop() -> (Unionpay, Loopback) {
    let key = generate_key().unwrap();
    let mer_id = SellerId::parse("777290058167151").unwrap();
    let merchant = UnionpayRegistration { mer_id: mer_id.clone(), public_key: key.public_key().unwrap() };
    let unionpay = SandboxUnionpay::new(UnionpayKeys::generate().unwrap(), merchant, NOW).unwrap();
    let read = |pem: &str| Certificate::parse(pem).unwrap();
    let files = unionpay.files();
    let trust = Trust::production(vec![read(&files.middle)], vec![read(&files.root)]);
    let signing = SigningKey::new(key, &read(&files.merchant)).unwrap();
    let endpoint = payments::unionpay::Endpoint::parse("http://127.0.0.1:8070").unwrap();
    let endpoint = endpoint.with_files("http://127.0.0.1:8070/unionpay/file").unwrap();
    let loopback = Loopback::new(Sandbox::new("http://127.0.0.1:8070").unwrap().with_unionpay(unionpay), NOW);
    let merchant = Merchant::new(mer_id, endpoint, signing, trust).unwrap();
    (Unionpay::new(merchant, loopback.client()), loopback)
}

fn url(path: &str) -> CallbackUrl {
    CallbackUrl::parse(&format!("https://shop.example/unionpay/{path}")).unwrap()
}

fn trade(number: &str) -> TradeRef {
    TradeRef { out_trade_no: OutTradeNo::parse(number).unwrap(), submitted_at: NOW }
}

fn front(order: &Order) -> GatewayPay {
    GatewayPay::new(order.clone(), Device::Computer, url("notify"), url("return"), NOW)
}

/// The browser posts the form.
fn post(loopback: &Loopback, form: &FrontForm) -> Response<Bytes> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form.fields()).finish();
    loopback.exchange(Request::post(form.action()).body(Bytes::from(body)).unwrap())
}

async fn state(gateway: &Unionpay, order: &Order) -> (TradeStatus, TradeNo) {
    let QueryOutcome::Trade(found) = gateway.query(&trade(order.out_trade_no.as_str())).await.unwrap() else {
        panic!("not found")
    };
    let checked = found.check(&gateway.expected(order)).unwrap();
    (checked.status(), checked.trade_no().clone())
}

async fn paid(gateway: &Unionpay, loopback: &Loopback, number: &str) -> (Order, TradeNo) {
    let order = order(number, "88.00");
    pay_on(loopback, &post(loopback, &front(&order).form(gateway.merchant()).unwrap()));
    let (status, trade_no) = state(gateway, &order).await;
    assert_eq!(status, TradeStatus::Paid);
    (order, trade_no)
}

#[tokio::test]
async fn a_payment_from_the_form_to_the_file() {
    let (gateway, loopback) = shop();
    let order = order(NUMBER, "88.00");
    assert!(matches!(gateway.query(&trade(NUMBER)).await.unwrap(), QueryOutcome::NotFound));
    assert!(gateway.bill(BillDay::of(NOW)).await.unwrap().is_none());
    let page = post(&loopback, &front(&order).form(gateway.merchant()).unwrap());
    assert_eq!(state(&gateway, &order).await.0, TradeStatus::Waiting);
    assert_eq!(known(gateway.close(&trade(NUMBER)).await), CloseOutcome::Unsupported);
    pay_on(&loopback, &page);
    let notify = told_trade(&gateway, &loopback);
    let checked = notify.check(&gateway.expected(&order)).unwrap();
    assert_eq!((checked.status(), checked.amount()), (TradeStatus::Paid, yuan("88.00")));
    let (status, trade_no) = state(&gateway, &order).await;
    assert_eq!((status, &trade_no), (TradeStatus::Paid, checked.trade_no()));

    let refund = asked(refund_of(&order, &trade_no, "REFUND0001", 880, &gateway), &loopback);
    assert!(matches!(gateway.query_refund(&refund).await.unwrap(), RefundOutcome::NotFound));
    for _ in 0..2 {
        // The second time the number is known, and the refund is asked about.
        let outcome = known(gateway.refund(&refund, &url("refund")).await);
        let RefundOutcome::Refund(taken) = outcome else { panic!("{outcome:?}") };
        taken.check(&gateway.expected_refund(&refund.refund)).unwrap();
    }
    let done = told_refund(&gateway, &loopback);
    let done = done.check(&gateway.expected_refund(&refund.refund)).unwrap();
    assert_eq!(done.status(), RefundStatus::Succeeded);
    let RefundOutcome::Refund(found) = gateway.query_refund(&refund).await.unwrap() else { panic!() };
    assert_eq!(
        found.check(&gateway.expected_refund(&refund.refund)).unwrap().status(),
        RefundStatus::Succeeded
    );

    let bill = gateway.bill(BillDay::of(NOW)).await.unwrap().unwrap();
    let [payment, back] = &bill.lines[..] else { panic!("{bill:?}") };
    assert_eq!(
        (payment.out_trade_no.as_str(), payment.amount, payment.at),
        (NUMBER, yuan("88.00"), Some(NOW))
    );
    assert_eq!((&payment.trade_no, payment.movement.clone()), (&trade_no, Movement::Payment));
    let movement = Movement::Refund { refund_no: Some("REFUND0001".to_owned()), succeeded: true };
    assert_eq!(
        (back.out_trade_no.as_str(), back.amount, back.movement.clone()),
        (NUMBER, yuan("8.80"), movement)
    );
}

#[tokio::test]
async fn an_application_pays_by_its_tn() {
    let (gateway, loopback) = shop();
    let request = PayRequest::new(order(NUMBER, "88.00"), Scene::App, url("notify"), NOW);
    let PayWith::Token { text } = known(gateway.pay(&request).await) else { panic!() };
    pay_at(&loopback, &format!("/unionpay/pay/{text}"));
    assert_eq!(state(&gateway, &request.order).await.0, TradeStatus::Paid);
}

#[tokio::test]
async fn an_undo_takes_the_whole_back() {
    let (gateway, loopback) = shop();
    let (order, trade_no) = paid(&gateway, &loopback, NUMBER).await;
    told(&gateway, &loopback);
    let undo = asked(refund_of(&order, &trade_no, "UNDO000001", 8800, &gateway), &loopback);
    let call = Undo::new(undo.clone(), url("refund"));
    let answer = known(loopback.client().call(gateway.merchant(), &call).await);
    assert!(matches!(answer, RefundAnswer::Accepted(_)), "{answer:?}");
    let done = told_refund(&gateway, &loopback);
    let done = done.check(&gateway.expected_refund(&undo.refund)).unwrap();
    assert_eq!((done.status(), done.amount()), (RefundStatus::Succeeded, yuan("88.00")));
    let more = asked(refund_of(&order, &trade_no, "REFUND0001", 1, &gateway), &loopback);
    let RefundOutcome::Refused { code, .. } = known(gateway.refund(&more, &url("refund")).await) else {
        panic!()
    };
    assert_eq!(code, "33");
}

#[tokio::test]
async fn a_card_is_encrypted_for_unionpay() {
    let (gateway, loopback) = shop();
    let (client, merchant) = (loopback.client(), gateway.merchant());
    let key = known(client.call(merchant, &EncryptionCertificate).await);
    let order = order(NUMBER, "88.00");
    let pay = front(&order).from_account(key.encrypt("6226388000000095").unwrap());
    pay_on(&loopback, &post(&loopback, &pay.form(merchant).unwrap()));
    assert_eq!(state(&gateway, &order).await.0, TradeStatus::Paid);
}

#[tokio::test]
async fn odd_ends_of_payments_and_refunds() {
    let (gateway, loopback) = shop();
    let failing = order("COURSE1FAILED", "88.00");
    post(&loopback, &front(&failing).form(gateway.merchant()).unwrap());
    assert_eq!(state(&gateway, &failing).await.0, TradeStatus::Failed);
    let (order, trade_no) = paid(&gateway, &loopback, NUMBER).await;
    let closed = asked(refund_of(&order, &trade_no, "REFUND1CLOSED", 100, &gateway), &loopback);
    known(gateway.refund(&closed, &url("refund")).await);
    let RefundOutcome::Refund(found) = gateway.query_refund(&closed).await.unwrap() else { panic!() };
    assert_eq!(found.check(&gateway.expected_refund(&closed.refund)).unwrap().status(), RefundStatus::Closed);
    let unclear = asked(refund_of(&order, &trade_no, "REFUND1UNCLEAR", 100, &gateway), &loopback);
    let lost = asked(refund_of(&order, &trade_no, "REFUND1LOST", 100, &gateway), &loopback);
    assert!(matches!(gateway.refund(&unclear, &url("refund")).await.unwrap(), Outcome::Unknown(_)));
    loopback.sandbox().misbehave(None, Mischief::ReplyLost, Switch::On);
    assert!(matches!(gateway.refund(&lost, &url("refund")).await.unwrap(), Outcome::Unknown(_)));
    loopback.sandbox().misbehave(None, Mischief::ReplyLost, Switch::Off);
    for refund in [&unclear, &lost] {
        let RefundOutcome::Refund(found) = gateway.query_refund(refund).await.unwrap() else { panic!() };
        assert_eq!(
            found.check(&gateway.expected_refund(&refund.refund)).unwrap().status(),
            RefundStatus::Succeeded
        );
    }
    loopback.sandbox().misbehave(None, Mischief::Busy, Switch::On);
    let error = gateway.query(&trade(NUMBER)).await.unwrap_err();
    assert!(error.is_transient() && error.gateway_code() == Some("06"), "{error}");
}

#[tokio::test]
async fn only_the_genuine_certificate_is_believed() {
    let (gateway, loopback) = shop();
    let (_, _) = paid(&gateway, &loopback, NUMBER).await;
    let unionpay = loopback.sandbox().unionpay().unwrap();
    for which in [
        UnionpayCertificate::Expired,
        UnionpayCertificate::OtherAuthority,
        UnionpayCertificate::OtherCustomer,
    ] {
        unionpay.present(which);
        let error = gateway.query(&trade(NUMBER)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unverified, "{which:?} {error}");
        let due = loopback.sandbox().due(loopback.now());
        for delivery in due {
            let error = gateway.read_notify(&delivery.request, loopback.now()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unverified, "{which:?} {error}");
        }
    }
    unionpay.present(UnionpayCertificate::Genuine);
    assert!(gateway.query(&trade(NUMBER)).await.is_ok());
}

#[tokio::test]
async fn odd_notifies_are_told_apart() {
    for (mischief, refused) in [(Mischief::Forged, true), (Mischief::WrongAmount, false)] {
        let (gateway, loopback) = shop();
        loopback.sandbox().misbehave(None, mischief, Switch::On);
        let (order, _) = paid(&gateway, &loopback, NUMBER).await;
        let due = loopback.notifies(&gateway.ack(payments::Ack::Success));
        let [odd, honest] = &due[..] else { panic!() };
        match gateway.read_notify(odd, loopback.now()) {
            Err(error) => assert!(refused && error.kind() == ErrorKind::Unverified, "{error}"),
            Ok(Incoming::Trade(notify)) => {
                assert!(!refused && notify.check(&gateway.expected(&order)).is_err());
            }
            Ok(_) => panic!(),
        }
        assert!(gateway.read_notify(honest, loopback.now()).is_ok());
    }
}

#[tokio::test]
async fn the_file_holds_the_clearing_day() {
    let (gateway, loopback) = shop();
    paid(&gateway, &loopback, NUMBER).await;
    let file = |day| {
        let client = loopback.client();
        let merchant = gateway.merchant().clone();
        async move { known(client.call(&merchant, &FileDownload::new(day)).await) }
    };
    let rows = file(BillDay::of(NOW)).await.unwrap().rows().unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.order_id.as_str(), row.mer_id.as_str(), row.sent_at), (NUMBER, "777290058167151", NOW));
    assert!(file(BillDay::of(NOW.plus_secs(86_400))).await.is_none());
}
