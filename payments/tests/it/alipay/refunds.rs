//! Refunds: what is asked for, and what a reply proves about the money.

use super::{HAND, content, no};
use crate::support::{NOW, NUMBER, number, order, yuan};
use payments::alipay::{RefundCall, RefundQuery};
use payments::{
    Call, Channel, Effect, ErrorKind, MismatchField, Refund, RefundNo, RefundOutcome, RefundStatus, Stake,
    Subject, TradeNo, TradeStatus, UnixMillis,
};
use serde_json::json;

pub(super) const REFUND: &str = "alipay.trade.refund";
pub(super) const QUERY: &str = "alipay.trade.fastpay.refund.query";

pub(super) const GIVEN_BACK: &str = concat!(
    "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"COURSE_0001\",\"trade_no\":\"2026092222001\",",
    "\"fund_change\":\"Y\",\"refund_fee\":\"8.00\",\"gmt_refund_pay\":\"2026-09-23 00:00:00\"}"
);
pub(super) const FOUND: &str = concat!(
    "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"COURSE_0001\",\"trade_no\":\"2026092222001\",",
    "\"out_request_no\":\"REFUND_0001\",\"refund_amount\":\"8.00\",\"total_amount\":\"88.00\",",
    "\"refund_status\":\"REFUND_SUCCESS\",\"gmt_refund_pay\":\"2026-09-23 00:00:00\"}"
);

pub(super) fn refund(amount: &str) -> Refund {
    let trade = (Channel::Alipay, TradeNo::parse("2026092222001").unwrap());
    Refund::new(RefundNo::parse("REFUND_0001").unwrap(), number(NUMBER), trade, yuan("88.00"), yuan(amount))
}

#[test]
fn a_refund_is_asked_for_under_its_number() {
    let call = RefundCall::new(refund("8.00").because(Subject::parse("课程取消").unwrap()));
    let params = HAND.asked(&call);
    assert_eq!(params["method"], REFUND);
    let expected = json!({
        "out_trade_no": NUMBER, "trade_no": "2026092222001", "out_request_no": "REFUND_0001",
        "refund_amount": "8.00", "refund_reason": "课程取消",
    });
    assert_eq!(content(&params), expected);
    let stake = Stake::Refund(number(NUMBER), RefundNo::parse("REFUND_0001").unwrap());
    assert_eq!(call.effect(), Effect::Idempotent(stake));
    // A repeat says the same.
    assert_eq!(content(&HAND.asked(&call)), content(&params));

    let query = HAND.asked(&RefundQuery::new(refund("8.00")));
    assert_eq!(query["method"], QUERY);
    assert_eq!(content(&query)["out_request_no"], "REFUND_0001");
    assert_eq!(content(&query)["query_options"], json!(["gmt_refund_pay"]));
}

#[test]
fn money_went_back_only_if_the_reply_says_so() {
    let call = RefundCall::new(refund("8.00"));
    let read = |content: &str| HAND.read(&call, REFUND, content);
    let status = |content: &str| match read(content).unwrap() {
        RefundOutcome::Refund(notify) => (notify.status(), notify.succeeded_at()),
        other => panic!("{other:?}"),
    };
    let at = UnixMillis::parse_china_text("2026-09-23 00:00:00").unwrap();
    assert_eq!(status(GIVEN_BACK), (RefundStatus::Succeeded, Some(at)));
    // The sum of all refunds of the trade holds this one.
    assert_eq!(status(&GIVEN_BACK.replace("8.00", "30.00")).0, RefundStatus::Succeeded);
    assert_eq!(read(&GIVEN_BACK.replace("8.00", "7.99")).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    // A repeat, or money that is on its way.
    assert_eq!(status(&GIVEN_BACK.replace("\"Y\"", "\"N\"")), (RefundStatus::Processing, None));
    for broken in [
        GIVEN_BACK.replace("\"Y\"", "\"\""),
        GIVEN_BACK.replace("2026092222001", "2026092222002"),
        GIVEN_BACK.replace("2026-09-23 00:00:00", "yesterday"),
    ] {
        assert_eq!(read(&broken).unwrap_err().kind(), ErrorKind::PeerMisbehaved, "{broken}");
    }
}

#[test]
fn a_refund_is_refused() {
    let call = RefundCall::new(refund("8.00"));
    for refusal in [
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        "ACQ.TRADE_NOT_EXIST",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.REASON_TRADE_BEEN_FREEZEN",
    ] {
        let RefundOutcome::Refused { code, .. } = HAND.read(&call, REFUND, &no("40004", refusal)).unwrap()
        else {
            panic!("{refusal} is no refusal")
        };
        assert_eq!(code, refusal);
    }
    // The number was used for another amount: what that one did is not said here.
    let other = HAND.read(&call, REFUND, &no("40004", "ACQ.DISCORDANT_REPEAT_REQUEST")).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::InvalidInput);

    let mut foreign = refund("8.00");
    foreign.channel = Channel::Wechat;
    let error = RefundCall::new(foreign).request(&HAND.merchant, crate::support::stamp()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// "The query worked" and "the money went back" are two things.
#[test]
fn a_query_that_works_is_no_refund() {
    let call = RefundQuery::new(refund("8.00"));
    let read = |content: &str| HAND.read(&call, QUERY, content);
    for nothing in [
        "{\"code\":\"10000\",\"msg\":\"Success\"}".to_owned(),
        FOUND.replace("REFUND_SUCCESS", ""),
        no("40004", "ACQ.TRADE_NOT_EXIST"),
    ] {
        assert!(matches!(read(&nothing).unwrap(), RefundOutcome::NotFound), "{nothing}");
    }
    let RefundOutcome::Refund(processing) = read(&FOUND.replace("_SUCCESS", "_PROCESSING")).unwrap() else {
        panic!("no refund")
    };
    assert_eq!(processing.status(), RefundStatus::Processing);
    let RefundOutcome::Refund(notify) = read(FOUND).unwrap() else { panic!("no refund") };
    assert_eq!((notify.status(), notify.amount()), (RefundStatus::Succeeded, yuan("8.00")));
    assert!(notify.succeeded_at().is_some());
    assert!(notify.check(&HAND.merchant.expected_refund(&refund("8.00"))).is_ok());

    for broken in [
        FOUND.replace("REFUND_0001", "REFUND_0002"),
        FOUND.replace("2026092222001", "2026092222002"),
        FOUND.replace("REFUND_SUCCESS", "REFUND_DREAMT"),
        FOUND.replace("\"8.00\"", "\"-8.00\""),
    ] {
        assert_eq!(read(&broken).unwrap_err().kind(), ErrorKind::PeerMisbehaved, "{broken}");
    }
    let RefundOutcome::Refund(other) = read(&FOUND.replace("\"8.00\"", "\"7.00\"")).unwrap() else {
        panic!("no refund")
    };
    let mismatch = other.check(&HAND.merchant.expected_refund(&refund("8.00"))).unwrap_err();
    assert_eq!(mismatch.field(), MismatchField::Amount);
}

/// The notify of a trade of which a part went back: the trade stays paid, and says how much went back.
#[test]
fn a_partly_refunded_trade_stays_paid() {
    let (fields, sign) = {
        let mut fields = vec![
            ("app_id", "9021000122682882"),
            ("gmt_payment", "2026-09-22 00:00:00"),
            ("gmt_refund", "2026-09-23 00:00:00.123"),
            ("notify_id", "2026092300222"),
            ("notify_type", "trade_status_sync"),
            ("out_biz_no", "REFUND_0001"),
            ("out_trade_no", NUMBER),
            ("refund_fee", "8.00"),
            ("seller_id", "2088721003899159"),
            ("total_amount", "88.00"),
            ("trade_no", "2026092222001"),
            ("trade_status", "TRADE_SUCCESS"),
        ];
        let canonical: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.push(("sign_type", "RSA2"));
        (fields, HAND.sign(&canonical.join("&")))
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.extend_pairs(fields).append_pair("sign", &sign).finish();
    let notify =
        payments::alipay::RawNotify::parse(body.as_bytes()).unwrap().verify(&HAND.merchant, NOW).unwrap();
    assert_eq!(notify.status(), TradeStatus::Paid);
    assert_eq!((notify.field("refund_fee"), notify.field("out_biz_no")), (Some("8.00"), Some("REFUND_0001")));
    assert!(notify.check(&HAND.merchant.expected(&order(NUMBER, "88.00"))).is_ok());
}
