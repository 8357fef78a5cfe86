//! What WeChat Pay says about refunds, in replies and in notifies.

use super::requests::refund;
use super::world::{MCHID, NOW, NUMBER, World, with, world};
use payments::wechat::{RawNotify, RefundCall, RefundQuery};
use payments::{
    Call, CallbackUrl, ErrorKind, Incoming, MismatchField, RefundNotify, RefundOutcome, RefundStatus, Reply,
    Verified,
};
use serde_json::{Value, json};

fn content(status: &str) -> Value {
    json!({
        "refund_id": "50000000382019052709732678859", "out_refund_no": "REFUND_0001",
        "transaction_id": "4200000925202101284997714292", "out_trade_no": NUMBER, "channel": "ORIGINAL",
        "user_received_account": "招商银行信用卡0403", "create_time": "2026-09-22T00:00:00+08:00",
        "status": status, "funds_account": "UNSETTLED", "promotion_detail": [],
        "amount": {"total": 8800, "refund": 880, "payer_total": 8000, "payer_refund": 800, "currency": "CNY"},
    })
}

fn call() -> RefundCall {
    RefundCall::new(refund(), CallbackUrl::parse("https://shop.example/wechat/refund").unwrap())
}

fn query() -> RefundQuery {
    RefundQuery::new(refund().refund_no, refund().out_trade_no)
}

fn told(world: &World, reply: &Reply) -> Box<RefundNotify<Verified>> {
    let answer = call().read(&world.merchant, reply).unwrap();
    assert_eq!(answer.refund_id.unwrap().as_str(), "50000000382019052709732678859");
    let RefundOutcome::Refund(told) = answer.outcome else { panic!("no refund") };
    told
}

#[test]
fn states_of_a_refund() {
    let world = world();
    let expected = world.merchant.expected_refund(&refund());
    for (word, status) in [
        ("PROCESSING", RefundStatus::Processing),
        ("SUCCESS", RefundStatus::Succeeded),
        ("ABNORMAL", RefundStatus::Abnormal),
        ("CLOSED", RefundStatus::Closed),
    ] {
        let told = told(&world, &world.reply(200, &content(word)));
        assert_eq!((told.status(), told.amount()), (status, refund().amount), "{word}");
        assert_eq!(told.trade_no(), Some(&refund().trade_no));
        assert_eq!(told.succeeded_at(), None);
        told.check(&expected).unwrap();
    }
    let done = with(content("SUCCESS"), &[("success_time", json!(NOW.china_rfc3339()))]);
    assert_eq!(told(&world, &world.reply(200, &done)).succeeded_at().unwrap(), NOW);
    let other = with(content("SUCCESS"), &[("amount.refund", json!(881))]);
    let mismatch = told(&world, &world.reply(200, &other)).check(&expected).unwrap_err();
    assert_eq!(mismatch.field(), MismatchField::Amount);
}

#[test]
fn refusals_of_a_refund() {
    let world = world();
    let refused = |status, code| world.reply(status, &json!({"code": code, "message": "余额不足"}));
    let outcome =
        |status, code| call().read(&world.merchant, &refused(status, code)).map(|answer| answer.outcome);
    // After an attempt that may have acted such an answer is no proof, and the client has to know.
    let answer = |reply: &Reply| call().read(&world.merchant, reply).unwrap();
    assert_eq!(call().refusal_code(&answer(&refused(403, "NOT_ENOUGH"))), Some("NOT_ENOUGH"));
    assert_eq!(call().refusal_code(&answer(&world.reply(200, &content("SUCCESS")))), None);
    let Ok(RefundOutcome::Refused { code, message }) = outcome(403, "NOT_ENOUGH") else {
        panic!("not refused")
    };
    assert_eq!((code.as_str(), message.as_str()), ("NOT_ENOUGH", "余额不足"));
    assert!(matches!(outcome(404, "RESOURCE_NOT_EXISTS"), Ok(RefundOutcome::Refused { .. })));
    // Neither our setup nor a busy gateway says anything about the refund.
    assert_eq!(outcome(401, "SIGN_ERROR").unwrap_err().kind(), ErrorKind::Misuse);
    assert_eq!(outcome(400, "PARAM_ERROR").unwrap_err().kind(), ErrorKind::InvalidInput);
    // This one may be about a repeat that differs from a refund that was made.
    assert_eq!(outcome(400, "INVALID_REQUEST").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(outcome(500, "SYSTEM_ERROR").unwrap_err().is_transient());
    let unsigned = world.signed(403, r#"{"code":"NOT_ENOUGH"}"#).unsigned().reply(NOW);
    assert_eq!(call().read(&world.merchant, &unsigned).unwrap_err().kind(), ErrorKind::Unverified);

    let missing = query().read(&world.merchant, &refused(404, "RESOURCE_NOT_EXISTS")).unwrap();
    assert!(matches!(missing.outcome, RefundOutcome::NotFound));
    let unsigned = world.signed(404, r#"{"code":"RESOURCE_NOT_EXISTS"}"#).unsigned().reply(NOW);
    assert_eq!(query().read(&world.merchant, &unsigned).unwrap_err().kind(), ErrorKind::Unverified);
}

#[test]
fn a_reply_about_another_refund_is_refused() {
    let world = world();
    for (name, value) in [
        ("out_refund_no", json!("REFUND_0002")),
        ("out_trade_no", json!("COURSE_0002")),
        ("refund_id", json!("a/b")),
        ("status", json!("DREAMT")),
        ("status", Value::Null),
        ("amount.refund", json!(0)),
        ("amount.refund", json!(8.8)),
        ("amount.currency", json!("USD")),
        ("success_time", json!("yesterday")),
        ("transaction_id", json!("a b")),
    ] {
        let reply = world.reply(200, &with(content("SUCCESS"), &[(name, value)]));
        for kind in [
            call().read(&world.merchant, &reply).unwrap_err().kind(),
            query().read(&world.merchant, &reply).unwrap_err().kind(),
        ] {
            assert_eq!(kind, ErrorKind::PeerMisbehaved, "{name}");
        }
    }
}

fn resource(status: &str) -> Value {
    let mut resource = content(status);
    let object = resource.as_object_mut().unwrap();
    object.remove("status");
    object.insert("refund_status".to_owned(), json!(status));
    object.insert("mchid".to_owned(), json!(MCHID));
    object["amount"].as_object_mut().unwrap().remove("currency");
    resource
}

#[test]
fn notifies_of_refunds() {
    let world = world();
    let read = |event: &str, resource: &Value| {
        let request = world.notify(event, "refund", resource).request();
        let incoming = RawNotify::parse(&request)?.verify(&world.merchant, NOW)?;
        let Incoming::Refund(notify) = incoming else { panic!("no refund") };
        Ok::<_, payments::Error>(notify)
    };
    for (word, status) in [
        ("SUCCESS", RefundStatus::Succeeded),
        ("ABNORMAL", RefundStatus::Abnormal),
        ("CLOSED", RefundStatus::Closed),
    ] {
        let notify = read(&format!("REFUND.{word}"), &resource(word)).unwrap();
        assert_eq!((notify.status(), notify.refund_no()), (status, "REFUND_0001"));
        let checked = notify.check(&world.merchant.expected_refund(&refund())).unwrap();
        assert_eq!(checked.refund_no(), &refund().refund_no);
    }
    // The event and the sealed state are two words for one thing.
    assert_eq!(read("REFUND.SUCCESS", &resource("CLOSED")).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    assert_eq!(
        read("REFUND.PROCESSING", &resource("PROCESSING")).unwrap_err().kind(),
        ErrorKind::PeerMisbehaved
    );
    let nobody = with(resource("SUCCESS"), &[("mchid", Value::Null)]);
    assert_eq!(read("REFUND.SUCCESS", &nobody).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let other = with(resource("SUCCESS"), &[("mchid", json!("1900000110"))]);
    let mismatch = read("REFUND.SUCCESS", &other)
        .unwrap()
        .check(&world.merchant.expected_refund(&refund()))
        .unwrap_err();
    assert_eq!(mismatch.field(), MismatchField::SellerId);
}
