//! Refunds and undos: what is asked for, and what a reply tells.

use super::{assert_sent, sent};
use crate::support::{stamp, yuan};
use crate::unionpay::bank::{
    Bank, NUMBER, QUERY_ID, REFUND_NO, notify_url, refund, refunded, requested_at, with,
};
use payments::unionpay::{RefundAnswer, RefundCall, RefundQuery, Undo};
use payments::{Call, Channel, Effect, ErrorKind, RefundOutcome, RefundStatus, Stake};

#[test]
fn a_refund_is_asked_for_once() {
    let bank = Bank::new();
    let call = RefundCall::new(refund(yuan("30.00")), notify_url());
    let Effect::Once(Stake::Refund(order, number)) = call.effect() else { panic!("{:?}", call.effect()) };
    assert_eq!((order.as_str(), number.as_str()), (NUMBER, REFUND_NO));
    let request = call.request(&bank.merchant, stamp()).unwrap();
    let expected = [
        ("backUrl", "https://shop.example/unionpay/notify"),
        ("bizType", "000201"),
        ("channelType", "07"),
        ("currencyCode", "156"),
        ("orderId", REFUND_NO),
        ("origQryId", QUERY_ID),
        ("reqReserved", NUMBER),
        ("txnAmt", "3000"),
        ("txnSubType", "00"),
        ("txnTime", &requested_at().china_digits()),
        ("txnType", "04"),
    ];
    assert_sent(&bank, &request, "http://127.0.0.1:8070/gateway/api/backTransReq.do", &expected);
    assert_eq!(call.request(&bank.merchant, stamp()).unwrap().body(), request.body());

    let answer = |pairs: &[(&str, &str)]| call.read(&bank.merchant, &bank.reply(with(refunded(), pairs)));
    // "Good" says that it was taken; the money is not back yet.
    let taken = answer(&[]).unwrap();
    assert_eq!(call.refusal_code(&taken), None);
    let RefundAnswer::Accepted(notify) = taken else { panic!("{taken:?}") };
    assert_eq!(notify.status(), RefundStatus::Processing);
    assert!(notify.check(&bank.merchant.expected_refund(&refund(yuan("30.00")).refund)).is_ok());
    assert!(matches!(answer(&[("respCode", "12")]), Ok(RefundAnswer::Duplicate)));
    let refused = answer(&[("respCode", "36"), ("respMsg", "与原交易信息不符[2040004]")]).unwrap();
    assert_eq!(call.refusal_code(&refused), Some("36"));
    let RefundAnswer::Refused { code, message } = refused else { panic!("{refused:?}") };
    assert_eq!((code.as_str(), message.as_str()), ("36", "与原交易信息不符[2040004]"));
    for (name, value, kind) in [
        ("respCode", "05", ErrorKind::Unavailable),
        ("respCode", "99", ErrorKind::Unavailable),
        ("respCode", "32", ErrorKind::Misuse),
        ("orderId", "REFUND0002", ErrorKind::Unverified),
        ("txnAmt", "3001", ErrorKind::Unverified),
        ("origQryId", "782209081322060674029", ErrorKind::Unverified),
        ("txnType", "31", ErrorKind::Unverified),
    ] {
        assert_eq!(answer(&[(name, value)]).unwrap_err().kind(), kind, "{name} {value}");
    }
}

#[test]
fn an_undo_takes_the_whole() {
    let bank = Bank::new();
    let whole = Undo::new(refund(yuan("88.00")), notify_url());
    let params = sent(&bank, &whole.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["txnType"].as_str(), params["txnAmt"].as_str()), ("31", "8800"));
    let taken =
        whole.read(&bank.merchant, &bank.reply(with(refunded(), &[("txnType", "31"), ("txnAmt", "8800")])));
    assert!(matches!(taken, Ok(RefundAnswer::Accepted(_))));
    let part = Undo::new(refund(yuan("30.00")), notify_url());
    assert_eq!(part.request(&bank.merchant, stamp()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn money_of_another_gateway_does_not_go_back_here() {
    let bank = Bank::new();
    let mut other = refund(yuan("30.00"));
    other.refund.channel = Channel::Alipay;
    let error = RefundCall::new(other, notify_url()).request(&bank.merchant, stamp()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_query_tells_what_became_of_a_refund() {
    let bank = Bank::new();
    let call = RefundQuery::new(refund(yuan("30.00")));
    let params = sent(&bank, &call.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["orderId"].as_str(), params["txnType"].as_str()), (REFUND_NO, "00"));
    assert_eq!(params["txnTime"], requested_at().china_digits());
    let read = |pairs: &[(&str, &str)]| call.read(&bank.merchant, &bank.reply(with(refunded(), pairs)));
    for (code, txn_type, status) in [
        ("00", "04", RefundStatus::Succeeded),
        ("00", "31", RefundStatus::Succeeded),
        ("05", "04", RefundStatus::Processing),
        ("36", "04", RefundStatus::Closed),
    ] {
        let outcome = read(&[("origRespCode", code), ("txnType", txn_type)]).unwrap();
        let RefundOutcome::Refund(notify) = outcome else { panic!("{outcome:?}") };
        assert_eq!(notify.status(), status);
        assert!(notify.check(&bank.merchant.expected_refund(&refund(yuan("30.00")).refund)).is_ok());
    }
    assert!(matches!(read(&[("respCode", "34")]), Ok(RefundOutcome::NotFound)));
    let payment = read(&[("origRespCode", "00"), ("txnType", "01")]).unwrap_err();
    assert_eq!(payment.kind(), ErrorKind::PeerMisbehaved);
}
