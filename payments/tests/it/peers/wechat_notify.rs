//! WeChat Pay's notifies: sealed and signed by the peers for us, and by the sandbox for the peers.

use super::draw::{for_each, odd_subject, odd_text, public};
use super::program::Peer;
use super::wechat::{API_KEY, APP, KEY_ID, MCHID, SERIAL, described, notify_url, signed, transaction, world};
use crate::loopback::Loopback;
use crate::support::{NOW, NUMBER, number, stamp, yuan};
use bytes::Bytes;
use http::{Request, Response};
use payments::sandbox::{Sandbox, SandboxKeys, SandboxWechat, WechatRegistration};
use payments::wechat::{Native, RawNotify};
use payments::{AppId, Call, ErrorKind, Incoming, Reply, SellerId, TradeStatus};
use serde_json::{Value, json};
use std::cell::Cell;

const SEAL_NONCE: &str = "fdasflkja484";

fn notifies_are_verified(peer: &Peer) {
    let world = world();
    for_each(&(odd_text(), odd_text()), |(attach, data)| {
        let plain = transaction(&attach).to_string();
        let question = json!({"api_key": API_KEY, "nonce": SEAL_NONCE, "data": data, "text": plain});
        let body = json!({
            "id": "3119dfba-e649-5eec-ab1e-3412bc4d2e17",
            "create_time": "2026-09-22T00:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": attach,
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": peer.ask_text("wechat_seal", question),
                "associated_data": data,
                "nonce": SEAL_NONCE,
            },
        });
        let body = body.to_string();
        let mut request = Request::post("/wechat/notify");
        for (name, value) in signed(peer, &world, &body) {
            request = request.header(name, value);
        }
        let mut request = request.body(Bytes::from(body)).unwrap();
        let verify =
            |request: &Request<Bytes>| RawNotify::parse(request).unwrap().verify(&world.merchant, NOW);
        let Incoming::Trade(notify) = verify(&request).unwrap() else { panic!("{request:?}") };
        assert_eq!((notify.out_trade_no(), notify.amount()), (NUMBER, yuan("88.00")));
        assert_eq!(notify.status(), TradeStatus::Paid);
        assert_eq!(notify.field("attach"), Some(attach.as_str()).filter(|attach| !attach.is_empty()));
        *request.body_mut() = [request.body(), &b" "[..]].concat().into();
        assert_eq!(verify(&request).unwrap_err().kind(), ErrorKind::Unverified);
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

/// What the peer makes of the notify of a payment in the sandbox, and of the same with another body.
fn the_sandbox_is_verified(peer: &Peer) {
    let (world, keys) = (world(), SandboxKeys::generate().unwrap());
    let (app, mchid) = (AppId::parse(APP).unwrap(), SellerId::parse(MCHID).unwrap());
    let api_key = <&[u8; 32]>::try_from(API_KEY.as_bytes()).unwrap();
    let registration =
        WechatRegistration::new(app, mchid, SERIAL, world.key.public_key().unwrap(), *api_key).unwrap();
    let wechat = SandboxWechat::of_public_key(KEY_ID, &keys, registration).unwrap();
    let loopback = Loopback::new(Sandbox::new("http://127.0.0.1:8070").unwrap().with_wechat(wechat), NOW);
    let gateway = keys.public_key().unwrap();
    world.merchant.keys().add_public_key(KEY_ID, gateway.clone()).unwrap();
    let turn = Cell::new(0);
    for_each(&odd_subject(), |text| {
        turn.set(turn.get() + 1);
        let mut order = described(&text);
        order.out_trade_no = number(&format!("COURSE_{}", turn.get()));
        let pay = Native::new(order.clone(), notify_url());
        let reply = loopback.exchange(pay.request(&world.merchant, stamp()).unwrap());
        let code = pay.read(&world.merchant, &Reply::new(reply, NOW)).unwrap();
        assert_eq!(loopback.get(code.as_str()).status(), 200);
        let (_, token) = code.as_str().rsplit_once('/').unwrap();
        assert_eq!(loopback.post("/cashier/pay", &format!("token={token}")).status(), 200);
        let notify = loopback.notifies(&Response::new(Bytes::new())).remove(0);

        let told = |body: &str| -> Value {
            let headers = notify.headers().iter();
            let headers: serde_json::Map<_, _> =
                headers.map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
            let question = json!({
                "wechat_key": public(&gateway),
                "wechat_id": KEY_ID,
                "api_key": API_KEY,
                "headers": headers,
                "body": body,
            });
            peer.ask("wechat_notify", question)
        };
        let body = std::str::from_utf8(notify.body()).unwrap();
        let resource = told(body);
        assert_eq!(resource["out_trade_no"], order.out_trade_no.as_str());
        assert_eq!(resource["amount"]["total"], 8800);
        assert_eq!(told(&format!("{body} ")), Value::Null);
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
