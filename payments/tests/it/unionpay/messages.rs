//! Messages that UnionPay's test environment really sent, taken from the public tests of other projects.

use super::bank::{Fields, form, plain, reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::unionpay::{Endpoint, Merchant, Query, RawNotify, Trust};
use payments::{
    Call, Certificate, ErrorKind, Incoming, OutTradeNo, Pkcs12, QueryOutcome, SellerId, TradeRef,
    TradeStatus, UnixMillis,
};
use serde_json::Value;

const CERTIFICATES: &str = include_str!("../vectors/unionpay-certificates.json");
const MESSAGES: &str = include_str!("../vectors/unionpay-messages.json");

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn merchant(trust: fn(Vec<Certificate>, Vec<Certificate>) -> Trust) -> Merchant {
    let file = file(CERTIFICATES);
    let certificate =
        |name: &str| Certificate::parse(file["certificates"][name]["pem"].as_str().unwrap()).unwrap();
    let pfx = STANDARD.decode(file["pfx"].as_str().unwrap()).unwrap();
    let pfx = Pkcs12::parse(&pfx, file["pfx_password"].as_str().unwrap()).unwrap();
    let trust = trust(vec![certificate("acp_test_middle")], vec![certificate("acp_test_root")]);
    Merchant::new(SellerId::parse("777290058167151").unwrap(), Endpoint::test(), pfx.into(), trust).unwrap()
}

fn message(name: &str) -> Fields {
    let case = &file(MESSAGES)[name];
    let params = case["params"].as_object().unwrap().iter();
    let mut fields: Fields =
        params.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    fields.insert("signature".into(), case["signature"].as_str().unwrap().to_owned());
    fields
}

fn at(digits: &str) -> UnixMillis {
    UnixMillis::parse_china_digits(digits).unwrap()
}

#[test]
fn a_notify_of_the_test_environment() {
    let body = form(&message("notify"));
    for trust in [Trust::test, Trust::production] {
        let merchant = merchant(trust);
        let incoming = RawNotify::parse(&body).unwrap().verify(&merchant, at("20220908132210")).unwrap();
        let Incoming::Trade(notify) = incoming else { panic!("{incoming:?}") };
        assert_eq!((notify.status(), notify.amount().minor()), (TradeStatus::Paid, 1));
        assert_eq!(notify.out_trade_no(), "yansongda20220908132206");
        assert_eq!(notify.trade_no().as_str(), "782209081322060674028");
        assert_eq!(notify.notify_id(), Some("782209081322060674028"));
        assert_eq!(notify.field("traceNo"), Some("067402"));
        // Its certificate ended in July 2025.
        let late = RawNotify::parse(&body).unwrap().verify(&merchant, at("20250801000000")).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Unverified);
    }
}

#[test]
fn a_query_reply_of_the_test_environment() {
    let query = |number: &str| {
        let out_trade_no = OutTradeNo::parse(number).unwrap();
        Query::new(TradeRef { out_trade_no, submitted_at: at("20220911041647") })
    };
    let merchant = merchant(Trust::test);
    let received_at = at("20220911041650");
    let genuine = reply(&plain(&message("query_reply")), received_at);
    let outcome = query("pay20220911041647").read(&merchant, &genuine).unwrap();
    let QueryOutcome::Trade(notify) = outcome else { panic!("{outcome:?}") };
    assert_eq!((notify.status(), notify.amount().minor()), (TradeStatus::Paid, 1));
    assert_eq!(notify.trade_no().as_str(), "512209110416475616528");
    assert_eq!(notify.notify_id(), None);

    let other = query("pay20220911041648").read(&merchant, &genuine).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Unverified);
    let tampered = reply(&plain(&message("tampered_query_reply")), received_at);
    let tampered = query("pay20220911041647").read(&merchant, &tampered).unwrap_err();
    assert_eq!(tampered.kind(), ErrorKind::Unverified);
}

/// The chain holds and the signature fits; only the name says that a merchant signed it.
#[test]
fn a_merchant_cannot_sign_for_unionpay() {
    let body = form(&message("merchant_signs_notify"));
    let verified = RawNotify::parse(&body).unwrap().verify(&merchant(Trust::test), at("20220908132210"));
    let error = verified.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.to_string().contains("another customer"), "{error}");
}

/// Signed as `00040000:SIGN`, in 2017, about the opening of a card: genuine at the test environment, no payment.
#[test]
fn the_old_name_counts_in_the_test_environment_only() {
    let body = file(MESSAGES)["open_form_2017"].as_str().unwrap().to_owned();
    let verify = |trust| {
        RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant(trust), at("20171030223630")).unwrap_err()
    };
    assert_eq!(verify(Trust::test).kind(), ErrorKind::PeerMisbehaved);
    assert_eq!(verify(Trust::production).kind(), ErrorKind::Unverified);
}
