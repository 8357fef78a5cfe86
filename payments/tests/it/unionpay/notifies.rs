//! Notifies that are what they claim to be: payments, refunds, undos, and their answers.

use super::bank::{
    Bank, MER_ID, NUMBER, QUERY_ID, REFUND_NO, form, order, paid, refund, refunded, with, without,
};
use crate::support::{number, yuan};
use payments::unionpay::{RawNotify, ack_response};
use payments::{
    Ack, ErrorKind, Incoming, MismatchField, Notify, Order, RefundNotify, RefundStatus, SellerId,
    TradeStatus, Verified,
};

fn received(bank: &Bank, fields: super::bank::Fields) -> Result<Incoming, payments::Error> {
    RawNotify::parse(&form(&bank.signed(fields)))?.verify(&bank.merchant, bank.now())
}

fn trade(bank: &Bank, fields: super::bank::Fields) -> Notify<Verified> {
    match received(bank, fields).unwrap() {
        Incoming::Trade(notify) => *notify,
        other => panic!("{other:?}"),
    }
}

fn refund_told(bank: &Bank, fields: super::bank::Fields) -> RefundNotify<Verified> {
    match received(bank, fields).unwrap() {
        Incoming::Refund(notify) => *notify,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payment_is_checked_against_its_order() {
    let bank = Bank::new();
    let expected = bank.merchant.expected(&order());
    let checked = trade(&bank, paid()).check(&expected).unwrap();
    assert_eq!(checked.out_trade_no().as_str(), NUMBER);
    assert_eq!(checked.trade_no().as_str(), QUERY_ID);
    assert_eq!(checked.field("settleAmt"), Some("8800"));
    // The certificate is no fact about the trade.
    assert_eq!(checked.field("signPubKeyCert"), None);

    let other_order = Order::new(number("COURSE0002"), order().subject, order().amount);
    let other_price = Order::new(number(NUMBER), order().subject, yuan("88.01"));
    let mut other_merchant = bank.merchant.expected(&order());
    other_merchant.seller_id = SellerId::parse("777290058167152").unwrap();
    for (field, expected) in [
        (MismatchField::OutTradeNo, bank.merchant.expected(&other_order)),
        (MismatchField::Amount, bank.merchant.expected(&other_price)),
        (MismatchField::SellerId, other_merchant),
    ] {
        assert_eq!(trade(&bank, paid()).check(&expected).unwrap_err().field(), field);
    }
}

#[test]
fn the_code_says_what_became_of_a_payment() {
    let bank = Bank::new();
    for (code, status) in [
        ("00", TradeStatus::Paid),
        ("A6", TradeStatus::Paid),
        ("03", TradeStatus::Waiting),
        ("04", TradeStatus::Waiting),
        ("05", TradeStatus::Waiting),
        ("42", TradeStatus::Waiting),
        ("70", TradeStatus::Waiting),
        ("01", TradeStatus::Failed),
        ("64", TradeStatus::Failed),
    ] {
        assert_eq!(trade(&bank, with(paid(), &[("respCode", code)])).status(), status, "{code}");
    }
}

/// 04 is a refund and 31 an undo; both give money back, and neither is a payment.
#[test]
fn refunds_and_undos_are_refunds() {
    let bank = Bank::new();
    for txn_type in ["04", "31"] {
        let notify = refund_told(&bank, with(refunded(), &[("txnType", txn_type)]));
        assert_eq!((notify.refund_no(), notify.status()), (REFUND_NO, RefundStatus::Succeeded));
        assert_eq!(notify.trade_no().unwrap().as_str(), QUERY_ID);
        let asked = refund(yuan("30.00")).refund;
        let checked = notify.check(&bank.merchant.expected_refund(&asked)).unwrap();
        assert_eq!(checked.out_trade_no().as_str(), NUMBER);
        assert_eq!(checked.amount(), yuan("30.00"));
    }
    let status = |code| refund_told(&bank, with(refunded(), &[("respCode", code)])).status();
    for code in ["05", "02", "06", "37", "99", "42", "70"] {
        assert_eq!(status(code), RefundStatus::Processing, "{code}");
    }
    assert_eq!(status("36"), RefundStatus::Closed);
}

#[test]
fn a_refund_is_checked_against_what_was_asked_for() {
    let bank = Bank::new();
    let expected = bank.merchant.expected_refund(&refund(yuan("30.00")).refund);
    let other = |name, value| refund_told(&bank, with(refunded(), &[(name, value)]));
    for (name, value, field) in [
        ("merId", "777290058167152", MismatchField::SellerId),
        ("orderId", "REFUND0002", MismatchField::RefundNo),
        ("reqReserved", "COURSE0002", MismatchField::OutTradeNo),
        ("txnAmt", "3001", MismatchField::Amount),
    ] {
        assert_eq!(other(name, value).check(&expected).unwrap_err().field(), field);
    }
    // One that was asked for by hand, on the merchant pages, names no order of ours.
    let by_hand = refund_told(&bank, without(refunded(), &["reqReserved"]));
    assert_eq!(by_hand.check(&expected).unwrap_err().field(), MismatchField::OutTradeNo);
}

#[test]
fn what_is_signed_and_makes_no_sense_is_refused() {
    let bank = Bank::new();
    for (name, value) in [
        ("txnAmt", "88.00"),
        ("txnAmt", "0"),
        ("currencyCode", "840"),
        ("txnType", "79"),
        ("txnType", "00"),
        ("queryId", "a b"),
    ] {
        let error = received(&bank, with(paid(), &[(name, value)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{name} {value}");
    }
    for name in ["txnAmt", "currencyCode", "txnType", "queryId", "respCode", "orderId", "merId"] {
        let error = received(&bank, without(paid(), &[name])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{name}");
    }
    assert!(received(&bank, with(refunded(), &[("currencyCode", "840")])).is_err());
}

/// A list in brackets holds `&` and hides nothing; an empty value is neither signed nor there.
#[test]
fn lists_and_empty_values_are_read() {
    let bank = Bank::new();
    let token = "{token=6235240000020757577&trId=62000000001}";
    let signed = bank.signed(with(paid(), &[("tokenPayData", token)]));
    let body = form(&with(signed, &[("reserved", "")]));
    let incoming = RawNotify::parse(&body).unwrap().verify(&bank.merchant, bank.now()).unwrap();
    let Incoming::Trade(notify) = incoming else { panic!("{incoming:?}") };
    assert_eq!(notify.field("tokenPayData"), Some(token));
    assert_eq!(notify.field("reserved"), None);
}

#[test]
fn the_status_is_the_answer() {
    assert_eq!(
        (ack_response(Ack::Success).status(), ack_response(Ack::Success).body().as_ref()),
        (http::StatusCode::OK, &b"ok"[..])
    );
    assert!(ack_response(Ack::Fail).status().is_server_error());
}

#[test]
fn a_raw_notify_and_a_merchant_show_no_secret() {
    let bank = Bank::new();
    let fields = bank.signed(paid());
    let shown = format!("{:?} {:?}", RawNotify::parse(&form(&fields)).unwrap(), bank.merchant);
    assert!(shown.contains(MER_ID) && shown.contains("PrivateKey(redacted)"), "{shown}");
    assert!(!shown.contains(&fields["accNo"]) && !shown.contains(&fields["signature"]), "{shown}");
}
