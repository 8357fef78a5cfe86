//! WeChat Pay: every call against the sandbox, in public key mode, in certificate mode, and through mischief.

use super::{asked, known, pay_at, refund_of, told, told_refund, told_trade};
use crate::loopback::Loopback;
use crate::support::{NOW, order, yuan};
use payments::sandbox::{
    Mischief, Sandbox, SandboxKeys, SandboxWechat, Speed, Switch, WechatRegistration, generate_key,
};
use payments::wechat::{
    AbnormalPayout, AbnormalRefund, ApiV3Key, CertSerial, Credential, Endpoint, FundAccount, FundDirection,
    FundFlowBill, Merchant, Refresh, RefundCall, Wechat, WechatKeys, read_fund_flow,
};
use payments::{
    AppId, BillDay, CallbackUrl, Certificate, CloseOutcome, ErrorKind, Gateway as _, Incoming, Movement,
    Order, OutTradeNo, Outcome, PayRequest, PayWith, PrivateKey, QueryOutcome, RefundOutcome, RefundStatus,
    Scene, SellerId, Subject, TradeNo, TradeRef, TradeStatus, UnixMillis,
};

const NUMBER: &str = "COURSE_0001";
const KEY_ID: &str = "PUB_KEY_ID_0119000001092026";
const SERIAL: &str = "0C4AEF34B89340881BB2B25226393DC2E47F094B";
const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";

fn registration(key: &PrivateKey) -> WechatRegistration {
    let (app, mchid) = parties();
    let api_v3_key = API_KEY.as_bytes().try_into().unwrap();
    WechatRegistration::new(app, mchid, SERIAL, key.public_key().unwrap(), api_v3_key).unwrap()
}

fn parties() -> (AppId, SellerId) {
    (AppId::parse("wx2421b1c4370ec43b").unwrap(), SellerId::parse("1900000109").unwrap())
}

fn merchant(key: PrivateKey, keys: WechatKeys) -> Merchant {
    let (app, mchid) = parties();
    let credential = Credential::new(CertSerial::parse(SERIAL).unwrap(), key);
    let endpoint = Endpoint::parse("http://127.0.0.1:8070").unwrap();
    Merchant::new(mchid, app, credential, ApiV3Key::parse(API_KEY).unwrap(), keys, endpoint)
}

fn loopback(wechat: SandboxWechat, speed: Speed) -> Loopback {
    Loopback::new(Sandbox::new("http://127.0.0.1:8070").unwrap().with_wechat(wechat).sped_up(speed), NOW)
}

/// Both sides in public key mode.
fn shop() -> (Wechat, Loopback) {
    let (key, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let wechat = SandboxWechat::of_public_key(KEY_ID, &keys, registration(&key)).unwrap();
    let loopback = loopback(wechat, Speed::REAL);
    let known = WechatKeys::of_public_key(KEY_ID, keys.public_key().unwrap()).unwrap();
    (Wechat::new(merchant(key, known), loopback.client()), loopback)
}

fn request(number: &str, scene: Scene) -> PayRequest {
    let notify_url = CallbackUrl::parse("https://shop.example/wechat/notify").unwrap();
    PayRequest::new(order(number, "88.00"), scene, notify_url, NOW)
}

fn trade(number: &str) -> TradeRef {
    TradeRef { out_trade_no: OutTradeNo::parse(number).unwrap(), submitted_at: NOW }
}

async fn state(gateway: &Wechat, order: &Order) -> (TradeStatus, TradeNo) {
    let QueryOutcome::Trade(found) = gateway.query(&trade(order.out_trade_no.as_str())).await.unwrap() else {
        panic!("not found")
    };
    let checked = found.check(&gateway.expected(order)).unwrap();
    (checked.status(), checked.trade_no().clone())
}

/// Opens a code and pays it.
async fn paid(gateway: &Wechat, loopback: &Loopback, number: &str) -> (Order, TradeNo) {
    let request = request(number, Scene::Qr);
    let PayWith::QrCode { text } = known(gateway.pay(&request).await) else { panic!() };
    pay_at(loopback, &text);
    let (status, trade_no) = state(gateway, &request.order).await;
    assert_eq!(status, TradeStatus::Paid);
    (request.order, trade_no)
}

#[tokio::test]
async fn a_payment_from_the_code_to_the_bill() {
    let (gateway, loopback) = shop();
    let request = request(NUMBER, Scene::Qr);
    assert!(matches!(gateway.query(&trade(NUMBER)).await.unwrap(), QueryOutcome::NotFound));
    assert!(gateway.bill(BillDay::of(NOW)).await.unwrap().is_none());
    let PayWith::QrCode { text } = known(gateway.pay(&request).await) else { panic!() };
    assert_eq!(state(&gateway, &request.order).await.0, TradeStatus::Waiting);
    pay_at(&loopback, &text);
    let notify = told_trade(&gateway, &loopback);
    let checked = notify.check(&gateway.expected(&request.order)).unwrap();
    assert_eq!((checked.status(), checked.amount()), (TradeStatus::Paid, yuan("88.00")));
    let (status, trade_no) = state(&gateway, &request.order).await;
    assert_eq!((status, &trade_no), (TradeStatus::Paid, checked.trade_no()));
    assert_eq!(known(gateway.close(&trade(NUMBER)).await), CloseOutcome::AlreadyPaid);

    let refund = asked(refund_of(&request.order, &trade_no, "REFUND_0001", 880, &gateway), &loopback);
    let notify_url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    let RefundOutcome::NotFound = gateway.query_refund(&refund).await.unwrap() else { panic!() };
    let RefundOutcome::Refund(taken) = known(gateway.refund(&refund, &notify_url).await) else { panic!() };
    assert_eq!(
        taken.check(&gateway.expected_refund(&refund.refund)).unwrap().status(),
        RefundStatus::Processing
    );
    let done = told_refund(&gateway, &loopback);
    let done = done.check(&gateway.expected_refund(&refund.refund)).unwrap();
    assert_eq!((done.status(), done.succeeded_at()), (RefundStatus::Succeeded, Some(NOW)));
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
    let movement = Movement::Refund { refund_no: Some("REFUND_0001".to_owned()), succeeded: true };
    assert_eq!((back.amount, back.movement.clone()), (yuan("8.80"), movement));
}

#[tokio::test]
async fn other_scenes_open_the_same_cashier() {
    let (gateway, loopback) = shop();
    let jsapi = request("COURSE_0001", Scene::Jsapi { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".to_owned() });
    for request in [jsapi, request("COURSE_0002", Scene::App)] {
        let PayWith::Invoke { json } = known(gateway.pay(&request).await) else { panic!() };
        let invoke: serde_json::Value = serde_json::from_str(&json).unwrap();
        let id = invoke["package"].as_str().unwrap().strip_prefix("prepay_id=");
        let id = id.or_else(|| invoke["prepayid"].as_str()).unwrap();
        pay_at(&loopback, &format!("/wechat/pay/{id}"));
        assert_eq!(state(&gateway, &request.order).await.0, TradeStatus::Paid);
    }
    let h5 = request("COURSE_0003", Scene::H5 { payer_ip: [203, 0, 113, 7].into() })
        .returning_to(CallbackUrl::parse("https://shop.example/orders/3").unwrap());
    let PayWith::Redirect { url } = known(gateway.pay(&h5).await) else { panic!() };
    let back = pay_at(&loopback, &url);
    assert_eq!(back.headers()["location"], "https://shop.example/orders/3");
    assert_eq!(state(&gateway, &h5.order).await.0, TradeStatus::Paid);
}

#[tokio::test]
async fn closing_and_repeats() {
    let (gateway, loopback) = shop();
    assert_eq!(known(gateway.close(&trade(NUMBER)).await), CloseOutcome::NotFound);
    let request = request(NUMBER, Scene::Qr);
    let PayWith::QrCode { text } = known(gateway.pay(&request).await) else { panic!() };
    let PayWith::QrCode { text: again } = known(gateway.pay(&request).await) else { panic!() };
    assert_eq!(text, again);
    let mut other = request.clone();
    other.order = Order::new(request.order.out_trade_no.clone(), Subject::parse("Go").unwrap(), yuan("1.00"));
    let error = gateway.pay(&other).await.unwrap_err();
    assert_eq!((error.kind(), error.gateway_code()), (ErrorKind::InvalidInput, Some("INVALID_REQUEST")));
    for _ in 0..2 {
        assert_eq!(known(gateway.close(&trade(NUMBER)).await), CloseOutcome::Closed);
    }
    assert_eq!(state(&gateway, &request.order).await.0, TradeStatus::Closed);
    assert_eq!(loopback.get(text.strip_prefix("http://127.0.0.1:8070").unwrap()).status(), 400);
}

#[tokio::test]
async fn an_abnormal_refund_is_paid_out_to_a_card() {
    let (gateway, loopback) = shop();
    let (order, trade_no) = paid(&gateway, &loopback, NUMBER).await;
    let refund = refund_of(&order, &trade_no, "REFUND_ABNORMAL", 8800, &gateway);
    let notify_url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    let (client, merchant) = (loopback.client(), gateway.merchant());
    let taken = known(client.call(merchant, &RefundCall::new(refund.clone(), notify_url)).await);
    let asked = asked(refund.clone(), &loopback);
    let RefundOutcome::Refund(stuck) = gateway.query_refund(&asked).await.unwrap() else { panic!() };
    assert_eq!(stuck.check(&gateway.expected_refund(&refund)).unwrap().status(), RefundStatus::Abnormal);
    let payout = AbnormalPayout::UserBankCard {
        bank_type: "ICBC_DEBIT".to_owned(),
        account: "6226388000000095".to_owned().into(),
        real_name: "张三".to_owned().into(),
    };
    let (number, order_no) = (refund.refund_no.clone(), refund.out_trade_no.clone());
    let call = AbnormalRefund::new(number, order_no, taken.refund_id.unwrap(), payout);
    known(client.call(merchant, &call).await);
    let RefundOutcome::Refund(done) = gateway.query_refund(&asked).await.unwrap() else { panic!() };
    assert_eq!(done.check(&gateway.expected_refund(&refund)).unwrap().status(), RefundStatus::Succeeded);
}

#[tokio::test]
async fn an_unknown_outcome_is_found_out() {
    let (gateway, loopback) = shop();
    let (order, trade_no) = paid(&gateway, &loopback, NUMBER).await;
    let notify_url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    let unclear = asked(refund_of(&order, &trade_no, "REFUND_UNCLEAR", 100, &gateway), &loopback);
    let lost = asked(refund_of(&order, &trade_no, "REFUND_LOST", 100, &gateway), &loopback);
    let busy = asked(refund_of(&order, &trade_no, "REFUND_BUSY", 100, &gateway), &loopback);
    let sandbox = loopback.sandbox();
    assert!(matches!(gateway.refund(&unclear, &notify_url).await.unwrap(), Outcome::Unknown(_)));
    for (refund, mischief) in [(&lost, Mischief::ReplyLost), (&busy, Mischief::Busy)] {
        sandbox.misbehave(None, mischief, Switch::On);
        let outcome = gateway.refund(refund, &notify_url).await.unwrap();
        assert!(matches!(outcome, Outcome::Unknown(_)), "{mischief:?}");
        sandbox.misbehave(None, mischief, Switch::Off);
    }
    for (refund, found) in [(&unclear, true), (&lost, true), (&busy, false)] {
        let outcome = gateway.query_refund(refund).await.unwrap();
        assert_eq!(matches!(outcome, RefundOutcome::Refund(_)), found);
    }
    sandbox.misbehave(None, Mischief::ReplyGarbled, Switch::On);
    assert!(gateway.query(&trade(NUMBER)).await.is_err());
}

#[tokio::test]
async fn certificates_are_downloaded_and_followed() {
    let [root, first, second] = std::array::from_fn(|_| SandboxKeys::generate().unwrap());
    let key = generate_key().unwrap();
    let wechat = SandboxWechat::of_certificates(&root, &first, registration(&key), NOW).unwrap();
    let root = Certificate::parse(wechat.root_certificate().unwrap()).unwrap();
    // Ten days are fourteen minutes.
    let loopback = loopback(wechat, Speed::times(1000));
    let merchant = merchant(key, WechatKeys::downloading().with_roots(vec![root]));
    let gateway = Wechat::new(merchant.clone(), loopback.client());
    let refreshed = |certificates| Refresh::Updated { certificates };
    assert_eq!(merchant.refresh_certificates(&loopback.client()).await.unwrap(), refreshed(1));
    paid(&gateway, &loopback, "COURSE_0001").await;
    assert_eq!(told(&gateway, &loopback).len(), 1);

    loopback.sandbox().wechat().unwrap().rotate_certificate(&second, loopback.now()).unwrap();
    loopback.advance_millis(432_000);
    // Both sign now, and one of them is not known yet: that makes a refresh due.
    let (mut seen, mut refused) = (0, 0);
    for _ in 0..32 {
        match gateway.query(&trade("COURSE_0001")).await {
            Ok(_) => seen += 1,
            Err(error) => {
                assert!(
                    error.unknown_certificate().is_some() && error.kind() == ErrorKind::Unverified,
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    assert!(seen > 0 && refused > 0, "{seen} {refused}");
    loopback.advance_millis(170_000);
    assert_eq!(merchant.refresh_certificates_if_due(&loopback.client()).await.unwrap(), refreshed(2));
    paid(&gateway, &loopback, "COURSE_0002").await;
    loopback.advance_millis(600_000);
    paid(&gateway, &loopback, "COURSE_0003").await;
}

#[tokio::test]
async fn a_merchant_moves_to_the_public_key() {
    let [root, certified, public] = std::array::from_fn(|_| SandboxKeys::generate().unwrap());
    let key = generate_key().unwrap();
    let wechat = SandboxWechat::of_certificates(&root, &certified, registration(&key), NOW).unwrap();
    let loopback = loopback(wechat.with_public_key(KEY_ID, &public).unwrap(), Speed::REAL);
    let both = WechatKeys::downloading().with_public_key(KEY_ID, public.public_key().unwrap()).unwrap();
    let merchant = merchant(key, both);
    let gateway = Wechat::new(merchant.clone(), loopback.client());
    merchant.refresh_certificates(&loopback.client()).await.unwrap();
    let (order, _) = paid(&gateway, &loopback, NUMBER).await;
    let notify = told_trade(&gateway, &loopback);
    assert_eq!(notify.check(&gateway.expected(&order)).unwrap().status(), TradeStatus::Paid);
}

#[tokio::test]
async fn odd_notifies_are_told_apart() {
    for (mischief, refused) in
        [(Mischief::Forged, true), (Mischief::Probe, true), (Mischief::WrongAmount, false)]
    {
        let (gateway, loopback) = shop();
        loopback.sandbox().misbehave(None, mischief, Switch::On);
        let (order, _) = paid(&gateway, &loopback, NUMBER).await;
        let due = loopback.notifies(&gateway.ack(payments::Ack::Success));
        let [odd, honest] = &due[..] else { panic!() };
        match gateway.read_notify(odd, loopback.now()) {
            Err(error) => assert!(refused && error.kind() == ErrorKind::Unverified, "{mischief:?} {error}"),
            Ok(Incoming::Trade(notify)) => {
                assert!(!refused && notify.check(&gateway.expected(&order)).is_err());
            }
            Ok(_) => panic!(),
        }
        let late = UnixMillis::from_millis(loopback.now().as_millis() + 300_000);
        assert_eq!(gateway.read_notify(honest, late).unwrap_err().kind(), ErrorKind::Unverified);
        assert!(gateway.read_notify(honest, loopback.now()).is_ok());
    }
}

#[tokio::test]
async fn the_fund_flow_adds_up() {
    let (gateway, loopback) = shop();
    let (order, trade_no) = paid(&gateway, &loopback, NUMBER).await;
    let notify_url = CallbackUrl::parse("https://shop.example/wechat/refund").unwrap();
    loopback.advance_millis(24 * 3_600_000);
    let refund = asked(refund_of(&order, &trade_no, "REFUND_0001", 880, &gateway), &loopback);
    known(gateway.refund(&refund, &notify_url).await);
    let (client, merchant, day) = (loopback.client(), gateway.merchant(), BillDay::of(loopback.now()));
    let link = known(client.call(merchant, &FundFlowBill::new(day, FundAccount::Basic)).await).unwrap();
    let file = known(client.call(merchant, &link.clone().download()).await);
    let flow = read_fund_flow(&file, day).unwrap();
    let [line] = &flow.lines[..] else { panic!("{flow:?}") };
    assert_eq!((line.direction, line.amount, line.balance_minor), (FundDirection::Out, yuan("8.80"), 7920));
    assert!(known(client.call(merchant, &FundFlowBill::new(day, FundAccount::Fees)).await).is_none());
    loopback.advance_millis(300_000);
    assert!(client.call(merchant, &link.download()).await.is_err(), "the address is over");
}
