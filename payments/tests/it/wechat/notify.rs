//! Notifies of payments: what is genuine, what is forged, what is genuine and not ours, and the answers.

use super::world::{
    API_KEY, KEY_ID, Message, NOW, World, envelope, order, sealed, transaction, with, world, world_of,
};
use http::Request;
use payments::sandbox::generate_key;
use payments::store::{MemoryStore, OrderStore as _};
use payments::wechat::{ApiV3Key, NOTIFY_BYTES_MAX, RawNotify, WechatKeys, ack_response};
use payments::{
    Ack, Certificate, Error, ErrorKind, Incoming, MismatchField, Notify, Settlement, TradeStatus, UnixMillis,
    Verified,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

const EVENT: &str = "TRANSACTION.SUCCESS";

static WORLD: LazyLock<World> = LazyLock::new(world);

fn read(world: &World, message: &Message) -> Result<Incoming, Error> {
    RawNotify::parse(&message.request())?.verify(&world.merchant, NOW)
}

fn kind(world: &World, message: &Message) -> ErrorKind {
    read(world, message).unwrap_err().kind()
}

fn paid(world: &World, resource: &Value) -> Box<Notify<Verified>> {
    let Incoming::Trade(notify) = read(world, &world.notify(EVENT, "transaction", resource)).unwrap() else {
        panic!("no trade")
    };
    notify
}

#[test]
fn an_honest_notify_comes_through() {
    let notify = paid(&WORLD, &transaction());
    assert_eq!((notify.status(), notify.amount()), (TradeStatus::Paid, order().amount));
    assert_eq!(notify.notify_id(), Some("3119dfba-e649-5eec-ab1e-3412bc4d2e17"));
    assert_eq!(notify.field("success_time"), Some("2026-09-22T00:00:00+08:00"));
    assert!(!format!("{notify:?}").contains("oUpF8"));
    let checked = notify.check(&WORLD.merchant.expected(&order())).unwrap();
    assert_eq!(checked.trade_no().as_str(), "4200000925202101284997714292");
}

#[test]
fn forged_notifies_are_refused() {
    let honest = WORLD.notify(EVENT, "transaction", &transaction());
    for (name, forged) in honest.forgeries() {
        assert_eq!(kind(&WORLD, &forged), ErrorKind::Unverified, "{name}");
    }
    assert_eq!(kind(&WORLD, &honest.unsigned()), ErrorKind::Unverified);
    let key = generate_key().unwrap();
    for key in [&key, &WORLD.merchant_key] {
        let forged = Message::signed(200, honest.body.clone(), key, KEY_ID, NOW);
        assert_eq!(kind(&WORLD, &forged), ErrorKind::Unverified);
    }
    // The same object written anew is another text.
    let value: Value = serde_json::from_slice(&honest.body).unwrap();
    let rewritten = Message { body: serde_json::to_vec_pretty(&value).unwrap(), ..honest };
    assert_eq!(kind(&WORLD, &rewritten), ErrorKind::Unverified);
}

#[test]
fn a_replay_outside_the_window_is_refused() {
    let request = WORLD.notify(EVENT, "transaction", &transaction()).request();
    let at = |at: UnixMillis| {
        RawNotify::parse(&request).unwrap().verify(&WORLD.merchant, at).map_err(|error| error.kind())
    };
    assert!(at(NOW.plus_secs(299)).is_ok());
    assert_eq!(at(NOW.plus_secs(300)).unwrap_err(), ErrorKind::Unverified);
    let before = |secs: u64| UnixMillis::from_millis(NOW.as_millis() - secs * 1000);
    assert!(at(before(299)).is_ok());
    assert_eq!(at(before(300)).unwrap_err(), ErrorKind::Unverified);
    for secs in [i64::MIN.to_string(), i64::MAX.to_string(), u64::MAX.to_string()] {
        let body = envelope(EVENT, "transaction", &transaction().to_string()).to_string().into_bytes();
        let message = Message::signed_text(200, body, &WORLD.wechat_key, KEY_ID, &secs);
        assert_eq!(kind(&WORLD, &message), ErrorKind::Unverified, "{secs}");
    }
}

#[test]
fn shapes_that_are_no_notify() {
    let honest = WORLD.notify(EVENT, "transaction", &transaction());
    let mut get = honest.request();
    *get.method_mut() = http::Method::GET;
    assert_eq!(RawNotify::parse(&get).unwrap_err().kind(), ErrorKind::InvalidInput);
    let large = Request::post("/").body(vec![b' '; NOTIFY_BYTES_MAX + 1].into()).unwrap();
    assert_eq!(RawNotify::parse(&large).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn genuine_but_not_ours_names_the_field() {
    for (name, value, field) in [
        ("appid", json!("wx0000000000000000"), MismatchField::AppId),
        ("mchid", json!("1900000110"), MismatchField::SellerId),
        ("out_trade_no", json!("COURSE_0002"), MismatchField::OutTradeNo),
        ("out_trade_no", json!("x`\n|*"), MismatchField::OutTradeNo),
        ("amount.total", json!(1), MismatchField::Amount),
        ("amount.total", json!(8000), MismatchField::Amount),
    ] {
        let notify = paid(&WORLD, &with(transaction(), &[(name, value)]));
        let mismatch = notify.check(&WORLD.merchant.expected(&order())).unwrap_err();
        assert_eq!(mismatch.field(), field);
        assert!(!mismatch.to_string().contains('\n'), "{mismatch}");
    }
}

/// Signed by WeChat Pay and still not what the manual says.
#[test]
fn signed_nonsense_is_the_gateways_fault() {
    let outer = envelope(EVENT, "transaction", &transaction().to_string());
    for (name, value) in [
        ("event_type", json!("PAYSCORE.USER_OPEN_SERVICE")),
        ("event_type", json!("REFUND.SUCCESS")),
        ("resource_type", json!("plain")),
        ("resource", Value::Null),
        ("resource.algorithm", json!("AEAD_AES_128_GCM")),
        ("resource.ciphertext", json!("not base64")),
        ("resource.nonce", Value::Null),
        ("resource.original_type", json!("refund")),
        ("id", Value::Null),
    ] {
        let message = WORLD.signed(200, with(outer.clone(), &[(name, value)]).to_string());
        assert_eq!(kind(&WORLD, &message), ErrorKind::PeerMisbehaved, "{name}");
    }
    for (name, value) in [
        ("trade_state", json!("DREAMT")),
        ("transaction_id", Value::Null),
        ("amount.currency", json!("USD")),
        ("amount.total", json!(88.5)),
    ] {
        let message = WORLD.notify(EVENT, "transaction", &with(transaction(), &[(name, value)]));
        assert_eq!(kind(&WORLD, &message), ErrorKind::PeerMisbehaved, "{name}");
    }
    let twice = outer.to_string().replacen("{", r#"{"id":"x","#, 1);
    assert_eq!(kind(&WORLD, &WORLD.signed(200, twice)), ErrorKind::PeerMisbehaved);
    for body in ["", "[]", "{}", "\u{0}"] {
        assert_eq!(kind(&WORLD, &WORLD.signed(200, body)), ErrorKind::PeerMisbehaved);
    }
}

/// A resource that does not open is not WeChat Pay's, or not for us; no length makes anything panic.
#[test]
fn resources_that_do_not_open() {
    let outer = envelope(EVENT, "transaction", &transaction().to_string());
    for (name, value) in [
        ("resource.nonce", json!("")),
        ("resource.nonce", json!("fdasflkja48")),
        ("resource.nonce", json!("fdasflkja4840")),
        ("resource.nonce", json!("fdasflkja485")),
        ("resource.associated_data", json!("refund")),
        ("resource.associated_data", Value::Null),
        ("resource.ciphertext", json!("")),
        ("resource.ciphertext", json!("AAAA")),
        ("resource", sealed("0123456789abcdef0123456789abcdef", "transaction", b"{}")),
    ] {
        let message = WORLD.signed(200, with(outer.clone(), &[(name, value)]).to_string());
        assert_eq!(kind(&WORLD, &message), ErrorKind::Unverified, "{name}");
    }
    let empty = with(outer, &[("resource", sealed(API_KEY, "", transaction().to_string().as_bytes()))]);
    let empty = with(empty, &[("resource.original_type", json!("transaction"))]);
    // No associated data at all is an empty one.
    for value in [json!(""), Value::Null] {
        let message = with(empty.clone(), &[("resource.associated_data", value)]);
        assert!(read(&WORLD, &WORLD.signed(200, message.to_string())).is_ok());
    }
}

#[test]
fn the_answers() {
    let yes = ack_response(Ack::Success);
    assert_eq!(
        (yes.status().as_u16(), yes.body().as_ref()),
        (200, r#"{"code":"SUCCESS","message":"成功"}"#.as_bytes())
    );
    let no = ack_response(Ack::Fail);
    assert_eq!(
        (no.status().as_u16(), no.body().as_ref()),
        (500, r#"{"code":"FAIL","message":"失败"}"#.as_bytes())
    );
    assert_eq!(no.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn a_notify_is_settled_once() {
    let store = MemoryStore::new();
    store.create(&order(), NOW).await.unwrap();
    let settle = async |resource: Value| {
        let checked = paid(&WORLD, &resource).check(&WORLD.merchant.expected(&order())).unwrap();
        store.settle(&checked, NOW).await.unwrap()
    };
    assert_eq!(settle(transaction()).await, Settlement::Paid);
    assert_eq!(settle(transaction()).await, Settlement::Duplicate);
    // `REFUND` says that money came; what went back is told by the refund itself.
    let refunded = with(transaction(), &[("trade_state", json!("REFUND"))]);
    assert_eq!(settle(refunded).await, Settlement::Duplicate);
    // A trade that is first seen with a refund beside it delivers nothing and is not recorded.
    let unseen =
        with(transaction(), &[("transaction_id", json!("4300000000")), ("trade_state", json!("REFUND"))]);
    assert_eq!(settle(unseen).await, Settlement::NotPaid { status: TradeStatus::Paid });
    let second = with(transaction(), &[("transaction_id", json!("4200000000"))]);
    assert!(matches!(settle(second).await, Settlement::PaidTwice { .. }));
}

/// A whole notify from the tests of another project: genuine, and encrypted with a key of 16 bytes.
#[test]
fn vector() {
    let file: Value = serde_json::from_str(include_str!("../vectors/wechat-sign.json")).unwrap();
    let case = &file["notify"];
    assert!(ApiV3Key::parse(case["api_v3_key"].as_str().unwrap()).is_err());
    let certificate = Certificate::parse(case["certificate"].as_str().unwrap()).unwrap();
    let keys = WechatKeys::of_certificates(&[certificate]).unwrap();
    let world = world_of(generate_key().unwrap(), keys);
    let mut request = Request::post("/").body(case["body"].as_str().unwrap().to_owned().into()).unwrap();
    for (name, value) in case["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.as_str().unwrap().parse().unwrap());
    }
    let at = |secs: u64| {
        let at = UnixMillis::from_millis(secs * 1000);
        RawNotify::parse(&request).unwrap().verify(&world.merchant, at).unwrap_err().to_string()
    };
    let secs = case["secs"].as_u64().unwrap();
    // The signature fits, so it is the key of the resource that stops it.
    assert!(at(secs).contains("does not open with our key"), "{}", at(secs));
    assert!(at(secs + 300).contains("300 seconds"), "{}", at(secs + 300));
    request.body_mut().clone_from(&b"{}"[..].into());
    let tampered = RawNotify::parse(&request).unwrap();
    let error = tampered.verify(&world.merchant, UnixMillis::from_millis(secs * 1000)).unwrap_err();
    assert!(error.to_string().contains("signature does not fit"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Signed or not, no body makes a trade that it does not tell.
    #[test]
    fn any_body_is_answered(body in proptest::collection::vec(any::<u8>(), 0..200), near in "[{}\\[\\]\":,a\\\\ ]{0,60}") {
        for body in [body, near.into_bytes()] {
            let message = WORLD.signed(200, body);
            prop_assert!(read(&WORLD, &message).is_err());
            prop_assert_eq!(kind(&WORLD, &message.unsigned()), ErrorKind::Unverified);
        }
    }

    #[test]
    fn any_header_is_answered(name in 0..5_usize, value in "[ -~]{0,40}") {
        let names = ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial", "wechatpay-signature-type"];
        let honest = WORLD.notify(EVENT, "transaction", &transaction());
        let same = honest.headers[name].1 == value;
        prop_assert_eq!(read(&WORLD, &honest.with(names[name], Some(&value))).is_ok(), same);
    }

    #[test]
    fn any_flipped_bit_is_seen(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut message = WORLD.notify(EVENT, "transaction", &transaction());
        let place = place.index(message.body.len());
        message.body[place] ^= 1 << bit;
        prop_assert_eq!(kind(&WORLD, &message), ErrorKind::Unverified);
    }

    /// Amounts in fen come through exactly.
    #[test]
    fn amounts_come_through(fen in 1..=10_000_000_000_i64) {
        let notify = paid(&WORLD, &with(transaction(), &[("amount.total", json!(fen))]));
        prop_assert_eq!(notify.amount().minor(), fen);
    }
}
