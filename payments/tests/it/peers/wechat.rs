//! WeChat Pay: requests, replies, what opens the cashier, and secret fields, both ways.

use super::draw::{for_each, odd_subject, odd_text, private, public};
use super::program::Peer;
use crate::support::{NOW, NUMBER, number, order};
use bytes::Bytes;
use http::{Request, Response};
use payments::sandbox::generate_key;
use payments::wechat::{
    ApiV3Key, App, CertSerial, Credential, Endpoint, InvokeParams, Jsapi, Merchant, Native, OpenId, PrepayId,
    TradeQuery, WechatKeys,
};
use payments::{
    AppId, Call, CallbackUrl, ErrorKind, Nonce, Order, PrivateKey, QueryOutcome, Reply, SellerId, Stamp,
    Subject,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const MCHID: &str = "1900000109";
pub(super) const APP: &str = "wx2421b1c4370ec43b";
pub(super) const KEY_ID: &str = "PUB_KEY_ID_0119000001092024123100";
pub(super) const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
pub(super) const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub(super) const NONCE: &str = "593BEC0C930BF1AFEB40B4A08C8FB242";

/// A merchant in public key mode, and both sides' private keys.
pub(super) struct World {
    pub(super) merchant: Merchant,
    pub(super) key: PrivateKey,
    pub(super) wechat_key: PrivateKey,
}

pub(super) fn world() -> World {
    let (key, wechat_key) = (generate_key().unwrap(), generate_key().unwrap());
    let merchant = Merchant::new(
        SellerId::parse(MCHID).unwrap(),
        AppId::parse(APP).unwrap(),
        Credential::new(CertSerial::parse(SERIAL).unwrap(), key.clone()),
        ApiV3Key::parse(API_KEY).unwrap(),
        WechatKeys::of_public_key(KEY_ID, wechat_key.public_key().unwrap()).unwrap(),
        Endpoint::production(),
    );
    World { merchant, key, wechat_key }
}

fn stamp(nonce: [u8; 16]) -> Stamp {
    Stamp { now: NOW, nonce: Nonce::from_bytes(nonce) }
}

pub(super) fn secs() -> u64 {
    NOW.as_millis() / 1000
}

pub(super) fn notify_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/wechat/notify").unwrap()
}

/// An order whose description fits into 127 bytes.
pub(super) fn described(text: &str) -> Order {
    let mut order = order(NUMBER, "88.00");
    order.subject = Subject::parse(text).unwrap();
    order
}

/// The parts of an `Authorization` header; their order is free.
fn parts(header: &str) -> BTreeMap<String, String> {
    let list = header.strip_prefix("WECHATPAY2-SHA256-RSA2048 ").unwrap();
    let part = |part: &str| {
        let (name, value) = part.split_once("=\"").unwrap();
        (name.to_owned(), value.strip_suffix('"').unwrap().to_owned())
    };
    list.split(',').map(part).collect()
}

fn assert_authorized(peer: &Peer, world: &World, request: &Request<Bytes>, nonce: [u8; 16]) {
    let ours = parts(request.headers()["authorization"].to_str().unwrap());
    let question = json!({
        "key": private(&world.key),
        "mchid": MCHID,
        "serial": SERIAL,
        "method": request.method().as_str(),
        "path": request.uri().path_and_query().unwrap().as_str(),
        "secs": secs(),
        "nonce": Nonce::from_bytes(nonce).to_string(),
        "body": std::str::from_utf8(request.body()).unwrap(),
    });
    assert_eq!(parts(&peer.ask_text("wechat_authorization", question)), ours);
    assert_eq!(ours.len(), 5);
}

fn requests_are_the_same(peer: &Peer) {
    let world = world();
    for_each(&(odd_subject(), proptest::array::uniform16(0..=u8::MAX)), |(text, nonce)| {
        let pay = Native::new(described(&text), notify_url());
        let request = pay.request(&world.merchant, stamp(nonce)).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["description"], json!(text));
        assert_authorized(peer, &world, &request, nonce);
        let request = TradeQuery::new(number(NUMBER)).request(&world.merchant, stamp(nonce)).unwrap();
        assert!(request.body().is_empty());
        assert_authorized(peer, &world, &request, nonce);
    });
}

#[test]
fn requests_of_npm_are_the_same() {
    Peer::js().iter().for_each(requests_are_the_same);
}

#[test]
fn requests_of_python_are_the_same() {
    Peer::py().iter().for_each(requests_are_the_same);
}

/// The signature headers of a message of WeChat Pay's, by the peer.
pub(super) fn signed(peer: &Peer, world: &World, body: &str) -> BTreeMap<&'static str, String> {
    let secs = secs().to_string();
    let question = json!({"key": private(&world.wechat_key), "secs": secs, "nonce": NONCE, "body": body});
    BTreeMap::from([
        ("wechatpay-timestamp", secs),
        ("wechatpay-nonce", NONCE.to_owned()),
        ("wechatpay-signature", peer.ask_text("wechat_sign", question)),
        ("wechatpay-serial", KEY_ID.to_owned()),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
    ])
}

fn reply(headers: &BTreeMap<&'static str, String>, body: &str) -> Reply {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    Reply::new(response.body(Bytes::from(body.to_owned())).unwrap(), NOW)
}

fn replies_are_verified(peer: &Peer) {
    let world = world();
    let query = TradeQuery::new(number(NUMBER));
    for_each(&odd_text(), |attach| {
        let body = transaction(&attach).to_string();
        let headers = signed(peer, &world, &body);
        let outcome = query.read(&world.merchant, &reply(&headers, &body)).unwrap();
        let QueryOutcome::Trade(trade) = outcome else { panic!("{body}") };
        assert_eq!(trade.field("attach"), Some(attach.as_str()).filter(|attach| !attach.is_empty()));
        let other = body.replacen("8800", "8801", 1);
        let refused = query.read(&world.merchant, &reply(&headers, &other)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unverified);
    });
}

#[test]
fn replies_of_npm_are_verified() {
    Peer::js().iter().for_each(replies_are_verified);
}

#[test]
fn replies_of_python_are_verified() {
    Peer::py().iter().for_each(replies_are_verified);
}

/// A paid transaction of 88.00 yuan.
pub(super) fn transaction(attach: &str) -> Value {
    json!({
        "appid": APP,
        "mchid": MCHID,
        "out_trade_no": NUMBER,
        "transaction_id": "4200000925202101284997714292",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": attach,
        "success_time": "2026-09-22T00:00:00+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 8800, "payer_total": 8800, "currency": "CNY", "payer_currency": "CNY"},
    })
}

/// One that the gateway gave, in a reply of the peer's.
fn prepay_id(peer: &Peer, world: &World, id: &str) -> PrepayId {
    let body = json!({"prepay_id": id}).to_string();
    let openid = OpenId::parse("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o").unwrap();
    let given = reply(&signed(peer, world, &body), &body);
    let jsapi = Jsapi::new(described("课"), notify_url(), openid).read(&world.merchant, &given).unwrap();
    let app = App::new(described("课"), notify_url()).read(&world.merchant, &given).unwrap();
    assert_eq!(jsapi, app);
    jsapi
}

fn pay_signs_are_the_same(peer: &Peer) {
    let world = world();
    for_each(&("[!-~]{1,64}", proptest::array::uniform16(0..=u8::MAX)), |(id, nonce)| {
        let prepay_id = prepay_id(peer, &world, &id);
        let (stamp, secs) = (stamp(nonce), secs().to_string());
        let theirs = |last: &str| {
            let lines = [APP, &secs, &stamp.nonce.to_string(), last];
            let (key, wechat_key) = (private(&world.key), public(&world.wechat_key.public_key().unwrap()));
            peer.ask_text("wechat_pay_sign", json!({"key": key, "wechat_key": wechat_key, "lines": lines}))
        };
        let given =
            |params: InvokeParams| -> Value { serde_json::from_str(&params.to_json().unwrap()).unwrap() };
        let jsapi = given(InvokeParams::jsapi(&world.merchant, &prepay_id, stamp).unwrap());
        assert_eq!(jsapi["paySign"], theirs(jsapi["package"].as_str().unwrap()));
        let app = given(InvokeParams::app(&world.merchant, &prepay_id, stamp).unwrap());
        assert_eq!(app["sign"], theirs(app["prepayid"].as_str().unwrap()));
    });
}

#[test]
fn pay_signs_of_npm_are_the_same() {
    Peer::js().iter().for_each(pay_signs_are_the_same);
}

#[test]
fn pay_signs_of_python_are_the_same() {
    Peer::py().iter().for_each(pay_signs_are_the_same);
}

fn secret_fields_are_opened(peer: &Peer) {
    let world = world();
    let public = |key: &PrivateKey| public(&key.public_key().unwrap());
    for_each(&odd_text(), |text| {
        let ours = world.merchant.seal_field(&text, NOW).unwrap();
        assert_eq!(ours.serial, KEY_ID);
        let question = json!({"key": private(&world.wechat_key), "text": ours.text});
        assert_eq!(peer.ask_text("wechat_open_field", question), text);
        let theirs =
            peer.ask_text("wechat_seal_field", json!({"wechat_key": public(&world.key), "text": text}));
        assert_eq!(*world.merchant.open_field(&theirs, &world.key).unwrap(), text);
        let refused = world.merchant.open_field(&theirs, &world.wechat_key).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unverified);
    });
}

#[test]
fn secret_fields_of_npm_are_opened() {
    Peer::js().iter().for_each(secret_fields_are_opened);
}

#[test]
fn secret_fields_of_python_are_opened() {
    Peer::py().iter().for_each(secret_fields_are_opened);
}
