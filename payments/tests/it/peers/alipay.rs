//! Alipay: requests, content, notifies, service messages and replies, both ways.

use super::draw::{alipay_subject, for_each, odd_subject, odd_text, private, public};
use super::program::{Language, Peer};
use crate::support::{
    NOW, NUMBER, app_id, encoded, number, order, page_pay, seller_id, shop_with, stamp, yuan,
};
use bytes::Bytes;
use http::{Request, Response};
use payments::alipay::{ContentKey, Endpoint, Merchant, RawNotify, RefundCall, ServiceMessage, TradeQuery};
use payments::sandbox::{SandboxKeys, generate_key};
use payments::{
    Call, Channel, ErrorKind, PrivateKey, QueryOutcome, Refund, RefundNo, Reply, Subject, TradeNo,
    TradeStatus,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;

const CONTENT_KEY: &str = "aa4BtZ4tspm2wnXLb1ThQA==";
const QUERY_ROOT: &str = "alipay_trade_query_response";

/// A merchant, and both sides' private keys.
struct World {
    merchant: Merchant,
    app_key: PrivateKey,
    alipay_key: PrivateKey,
}

fn world() -> World {
    let (app_key, alipay_key) = (generate_key().unwrap(), generate_key().unwrap());
    let alipay = alipay_key.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), Endpoint::production(), app_key.clone(), alipay);
    World { merchant, app_key, alipay_key }
}

type Params = BTreeMap<String, String>;

fn params(form: &[u8]) -> Params {
    form_urlencoded::parse(form).into_owned().collect()
}

/// What the peer signs for the same call, with all parameters as ours has them but the signature.
fn theirs(peer: &Peer, world: &World, ours: &Params, content: &str) -> Params {
    let given =
        ["app_id", "method", "biz_content", "sign", "charset", "sign_type", "version", "encrypt_type"];
    let more: BTreeMap<_, _> = ours.iter().filter(|(name, _)| !given.contains(&name.as_str())).collect();
    let mut question = json!({
        "key": private(&world.app_key),
        "app_id": app_id().as_str(),
        "method": ours["method"],
        "content": content,
        "more": more,
    });
    if ours.contains_key("encrypt_type") {
        question["content_key"] = json!(CONTENT_KEY);
    }
    serde_json::from_value(peer.ask("alipay_request", question)).unwrap()
}

/// Every parameter is the same, the signature too: RSASSA-PKCS1-v1_5 has one signature of a text. The peer verifies
/// ours, and not that of another amount.
fn requests_are_the_same(peer: &Peer) {
    let world = world();
    let app_public = public(&world.app_key.public_key().unwrap());
    for_each(&(alipay_subject(), "[a-z0-9%?&=+/.-]{0,20}"), |(subject, query)| {
        let mut pay = page_pay(order(NUMBER, "88.00"));
        pay.order.subject = Subject::parse(&subject).unwrap();
        let url = format!("https://shop.example/r/?x=1&y={query}");
        // Not every query is an address.
        pay.return_url = payments::CallbackUrl::parse(&url).unwrap_or(pay.return_url);
        let mut ours = params(pay.redirect(&world.merchant, stamp()).unwrap().query().as_bytes());
        assert_eq!(theirs(peer, &world, &ours, &ours["biz_content"]), ours);

        let check = |fields: &Params| {
            peer.agrees("alipay_check_form", json!({"alipay_key": app_public, "fields": fields}))
        };
        if peer.language() == Language::Js {
            assert!(check(&ours));
        }
        let cheap = ours["biz_content"].replace("88.00", "0.01");
        ours.insert("biz_content".to_owned(), cheap);
        assert!(!check(&ours));
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

/// A refund's reason may hold anything.
fn refund(reason: &str) -> RefundCall {
    let trade = (Channel::Alipay, TradeNo::parse("2026112322001").unwrap());
    let refund_no = RefundNo::parse("REFUND_0001").unwrap();
    let refund = Refund::new(refund_no, number(NUMBER), trade, yuan("88.00"), yuan("30.00"));
    RefundCall::new(refund.because(Subject::parse(reason).unwrap()))
}

fn posted(call: &RefundCall, merchant: &Merchant) -> Params {
    let mut params = params(call.request(merchant, stamp()).unwrap().body());
    // It stands in the address.
    params.insert("charset".to_owned(), "utf-8".to_owned());
    params
}

fn posted_requests_are_the_same(peer: &Peer) {
    let world = world();
    for_each(&odd_subject(), |reason| {
        let ours = posted(&refund(&reason), &world.merchant);
        let content: Value = serde_json::from_str(&ours["biz_content"]).unwrap();
        assert_eq!(content["refund_reason"], json!(reason));
        assert_eq!(theirs(peer, &world, &ours, &ours["biz_content"]), ours);
    });
}

#[test]
fn refunds_of_npm_are_the_same() {
    Peer::js().iter().for_each(posted_requests_are_the_same);
}

#[test]
fn refunds_of_python_are_the_same() {
    Peer::py().iter().for_each(posted_requests_are_the_same);
}

/// Encrypted first, signed afterwards; replies are verified first and decrypted afterwards.
#[test]
fn encrypted_content_of_npm_is_the_same() {
    let Some(peer) = Peer::js() else { return };
    let world = world();
    let merchant = world.merchant.clone().with_content_key(ContentKey::parse(CONTENT_KEY).unwrap());
    for_each(&odd_subject(), |text| {
        let plain = posted(&refund(&text), &world.merchant)["biz_content"].clone();
        let ours = posted(&refund(&text), &merchant);
        assert_eq!(theirs(&peer, &world, &ours, &plain), ours);
        let question = json!({"content_key": CONTENT_KEY, "text": ours["biz_content"]});
        assert_eq!(peer.ask_text("alipay_open", question), plain);

        let body = replied(&peer, &world, &text, Some(CONTENT_KEY));
        assert_paid(&merchant, &body);
        assert_eq!(read(&world.merchant, &body).unwrap_err().kind(), ErrorKind::Misuse);
    });
}

fn notify_fields(subject: &str, note: &str) -> Params {
    let fields = [
        ("app_id", app_id().as_str()),
        ("seller_id", seller_id().as_str()),
        ("notify_type", "trade_status_sync"),
        ("notify_id", "2026112300222000000000000000000001"),
        ("trade_status", "TRADE_SUCCESS"),
        ("trade_no", "2026112322001"),
        ("out_trade_no", NUMBER),
        ("total_amount", "88.00"),
        ("charset", "utf-8"),
        ("subject", subject),
        // May be empty: then it is sent and not signed.
        ("body", note),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    fields.into_iter().collect()
}

fn form_of(fields: &Params, more: &[(&str, &str)]) -> String {
    let all = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    encoded(&all.chain(more).collect::<Vec<_>>())
}

fn sign_form(peer: &Peer, world: &World, fields: &Params) -> String {
    peer.ask_text("alipay_sign_form", json!({"key": private(&world.alipay_key), "fields": fields}))
}

fn notifies_are_verified(peer: &Peer) {
    let world = world();
    let verify = |form: &str| RawNotify::parse(form.as_bytes()).unwrap().verify(&world.merchant, NOW);
    for_each(&(odd_subject(), odd_text()), |(subject, note)| {
        let fields = notify_fields(&subject, &note);
        let sign = sign_form(peer, &world, &fields);
        let signed = [("sign_type", "RSA2"), ("sign", sign.as_str())];
        let notify = verify(&form_of(&fields, &signed)).unwrap();
        assert_eq!((notify.field("subject"), notify.status()), (Some(subject.as_str()), TradeStatus::Paid));
        assert_eq!(notify.field("body"), Some(note.as_str()).filter(|note| !note.is_empty()));

        let other = notify_fields(&format!("{subject}+"), &note);
        assert_eq!(verify(&form_of(&other, &signed)).unwrap_err().kind(), ErrorKind::Unverified);
        // A service message has its type in the signed text; a payment has not.
        let typed =
            [fields.clone(), Params::from([("sign_type".into(), "RSA2".into())])].into_iter().flatten();
        let service = sign_form(peer, &world, &typed.collect());
        let signed = [("sign_type", "RSA2"), ("sign", service.as_str())];
        assert_eq!(verify(&form_of(&fields, &signed)).unwrap_err().kind(), ErrorKind::Unverified);
    });
}

#[test]
fn notifies_of_npm_are_verified() {
    Peer::js().iter().for_each(notifies_are_verified);
}

#[test]
fn notifies_of_python_are_verified() {
    Peer::py().iter().for_each(notifies_are_verified);
}

fn service_messages_are_verified(peer: &Peer) {
    let world = world();
    for_each(&(odd_subject(), odd_text()), |(title, note)| {
        let mut fields = notify_fields(&title, &note);
        fields.insert("notify_type".to_owned(), "servicemarket_order_notify".to_owned());
        fields.insert("sign_type".to_owned(), "RSA2".to_owned());
        let sign = sign_form(peer, &world, &fields);
        let message =
            ServiceMessage::verify(form_of(&fields, &[("sign", &sign)]).as_bytes(), &world.merchant, NOW);
        assert_eq!(message.unwrap().field("subject"), Some(title.as_str()));
    });
}

#[test]
fn service_messages_of_npm_are_verified() {
    Peer::js().iter().for_each(service_messages_are_verified);
}

#[test]
fn service_messages_of_python_are_verified() {
    Peer::py().iter().for_each(service_messages_are_verified);
}

/// A reply to the query about [`NUMBER`], with a text beside what is read.
fn replied(peer: &Peer, world: &World, text: &str, content_key: Option<&str>) -> String {
    let content = json!({
        "code": "10000",
        "msg": "Success",
        "out_trade_no": NUMBER,
        "trade_no": "2026112322001",
        "total_amount": "88.00",
        "trade_status": "TRADE_SUCCESS",
        "store_name": text,
        "discount_goods_detail": "",
    });
    let mut question = json!({"key": private(&world.alipay_key), "root": QUERY_ROOT, "content": content});
    if let Some(key) = content_key {
        question["content_key"] = json!(key);
    }
    peer.ask_text("alipay_reply", question)
}

fn read(merchant: &Merchant, body: &str) -> Result<QueryOutcome, payments::Error> {
    let response = Response::new(Bytes::from(body.to_owned()));
    TradeQuery::new(number(NUMBER)).read(merchant, &Reply::new(response, NOW))
}

fn assert_paid(merchant: &Merchant, body: &str) {
    let QueryOutcome::Trade(trade) = read(merchant, body).unwrap() else { panic!("{body}") };
    assert_eq!((trade.status(), trade.amount()), (TradeStatus::Paid, yuan("88.00")));
}

fn replies_are_verified(peer: &Peer) {
    let world = world();
    for_each(&odd_text(), |text| {
        let body = replied(peer, &world, &text, None);
        assert_paid(&world.merchant, &body);
        let cheap = body.replacen("88.00", "0.01", 1);
        assert_eq!(read(&world.merchant, &cheap).unwrap_err().kind(), ErrorKind::Unverified);
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

/// What the sandbox signs is good enough for the kits that talk to the real gateway.
fn the_sandbox_is_verified(peer: &Peer) {
    let keys = SandboxKeys::generate().unwrap();
    let key = public(&keys.public_key().unwrap());
    let (shop, turn) = (shop_with(keys), Cell::new(0));
    for_each(&alipay_subject(), |subject| {
        turn.set(turn.get() + 1);
        let mut sold = order(&format!("COURSE_{}", turn.get()), "88.00");
        sold.subject = Subject::parse(&subject).unwrap();
        let notify = shop.pay(&sold);
        let check =
            |fields: &Params| peer.agrees("alipay_check_form", json!({"alipay_key": key, "fields": fields}));
        let mut fields = params(&notify);
        assert!(check(&fields));
        fields.insert("total_amount".to_owned(), "0.01".to_owned());
        assert!(!check(&fields));

        let request = TradeQuery::new(sold.out_trade_no).request(&shop.merchant, stamp()).unwrap();
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
        let reply = shop.gateway.handle(&Request::from_parts(parts, body), NOW, [8; 32]);
        let body = std::str::from_utf8(reply.body()).unwrap();
        let check = |body: &str| {
            let question = json!({"alipay_key": key, "root": QUERY_ROOT, "body": body});
            peer.agrees("alipay_check_reply", question)
        };
        assert!(check(body), "{body}");
        assert!(!check(&body.replacen("88.00", "0.01", 1)));
    });
}

#[test]
fn npm_verifies_the_sandbox() {
    Peer::js().iter().for_each(the_sandbox_is_verified);
}

#[test]
fn python_verifies_the_sandbox() {
    Peer::py().iter().for_each(the_sandbox_is_verified);
}
