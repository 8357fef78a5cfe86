//! The rules of notifies: what is genuine, what is forged, and what is genuine and not ours.

use crate::support::{NOW, NUMBER, Shop, openssl, openssl_text, order, page_pay, shop, shop_with, stamp};
use payments::alipay::{ACK_FAIL, ACK_SUCCESS, FORM_BYTES_MAX, RawNotify, SyncReturn, ack_response};
use payments::sandbox::{SandboxKeys, generate_key};
use payments::{Ack, ErrorKind, MismatchField, PrivateKey, TradeStatus};
use proptest::prelude::*;

fn refusal(shop: &Shop, body: &[u8]) -> ErrorKind {
    shop.verify(body).unwrap_err().kind()
}

#[test]
fn an_honest_notify_comes_through() {
    let shop = shop();
    let order = order(NUMBER, "88.00");
    let body = shop.pay(&order);
    let notify = shop.checked(&body, &order);
    assert_eq!(notify.out_trade_no(), &order.out_trade_no);
    assert_eq!(notify.status(), TradeStatus::Paid);
    assert_eq!(notify.field("subject"), Some(order.subject.as_str()));
    assert!(notify.notify_id().is_some());
    // The debug text tells nothing about the buyer.
    assert!(!format!("{notify:?}").contains("2088000000000001"));
}

#[test]
fn statuses() {
    let shop = shop();
    for (word, status) in [
        ("WAIT_BUYER_PAY", TradeStatus::Waiting),
        ("TRADE_SUCCESS", TradeStatus::Paid),
        ("TRADE_FINISHED", TradeStatus::Paid),
        ("TRADE_CLOSED", TradeStatus::Closed),
    ] {
        let body = shop.paid_draft().set("trade_status", word).signed().unwrap().into_body();
        assert_eq!(shop.verify(&body).unwrap().status(), status);
    }
}

#[test]
fn forged_notifies_are_refused() {
    let shop = shop();
    let other_key = generate_key().unwrap();
    let forged = [
        shop.paid_draft().signed_by(&other_key),
        shop.paid_draft().signed_by(&shop.app_key),
        shop.paid_draft().with_sign(""),
        shop.paid_draft().with_sign("AAAA"),
        shop.paid_draft().with_sign("not base64"),
    ];
    for request in forged {
        assert_eq!(refusal(&shop, request.unwrap().body()), ErrorKind::Unverified);
    }
    let unsigned = form_urlencoded::parse(shop.paid_draft().signed().unwrap().body())
        .filter(|(name, _)| name != "sign")
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    assert_eq!(refusal(&shop, unsigned.as_bytes()), ErrorKind::Unverified);
}

#[test]
fn every_signed_field_counts() {
    let shop = shop();
    let body = shop.paid_draft().signed().unwrap().into_body();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    for changed in pairs.iter().map(|(name, _)| name).filter(|name| *name != "sign_type") {
        for change in ["", "x"] {
            let forged = pairs
                .iter()
                .map(|(name, value)| (name, if name == changed { change.to_owned() } else { value.clone() }));
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(forged).finish();
            assert!(shop.verify(body.as_bytes()).is_err(), "{changed}");
        }
    }
}

#[test]
fn genuine_but_not_ours_names_the_field() {
    let shop = shop();
    let ours = order(NUMBER, "88.00");
    for (name, value, field) in [
        ("app_id", "9021000122682883", MismatchField::AppId),
        ("seller_id", "2088721003899150", MismatchField::SellerId),
        ("out_trade_no", "COURSE_0002", MismatchField::OutTradeNo),
        ("out_trade_no", "x`\n", MismatchField::OutTradeNo),
        ("total_amount", "0.01", MismatchField::Amount),
        ("total_amount", "88.01", MismatchField::Amount),
    ] {
        let body = shop.paid_draft().set(name, value).signed().unwrap().into_body();
        let verified = shop.verify(&body).unwrap();
        let mismatch = verified.check(&shop.merchant.expected(&ours)).unwrap_err();
        assert_eq!(mismatch.field(), field);
        assert!(!mismatch.to_string().contains('\n'), "{mismatch}");
    }
}

#[test]
fn signed_nonsense_is_the_gateways_fault() {
    let shop = shop();
    for (name, value) in [
        ("trade_status", "TRADE_DREAMT"),
        ("total_amount", "88.001"),
        ("total_amount", "-1"),
        ("notify_type", "servicemarket_order_notify"),
        ("trade_no", "a b"),
    ] {
        let body = shop.paid_draft().set(name, value).signed().unwrap().into_body();
        assert_eq!(refusal(&shop, &body), ErrorKind::PeerMisbehaved, "{name}={value}");
    }
    for name in
        ["app_id", "seller_id", "out_trade_no", "trade_no", "total_amount", "trade_status", "notify_id"]
    {
        let body = shop.paid_draft().without(name).signed().unwrap().into_body();
        assert_eq!(refusal(&shop, &body), ErrorKind::PeerMisbehaved, "{name}");
    }
}

#[test]
fn duplicate_names_are_refused() {
    let shop = shop();
    let body = shop.paid_draft().signed().unwrap().into_body();
    let text = std::str::from_utf8(&body).unwrap();
    for (before, after) in
        [("", "&total_amount=0.01"), ("total_amount=0.01&", ""), ("", "&total%5Famount=88.00")]
    {
        assert_eq!(refusal(&shop, format!("{before}{text}{after}").as_bytes()), ErrorKind::InvalidInput);
    }
}

/// The gateway's canonical text does not say where a value ends. A buyer who chooses a subject must not be able to
/// turn a genuine notify over 0.01 into one over 88.00.
#[test]
fn a_split_value_does_not_replace_what_is_settled() {
    let shop = shop();
    let subject = "x&total_amount=88.00&trade_no=2026&trade_status=TRADE_SUCCESS&version=1.0&zz=";
    let draft = shop
        .paid_draft()
        .set("subject", subject)
        .set("total_amount", "0.01")
        .set("trade_status", "TRADE_CLOSED");
    let signed = draft.clone().signed().unwrap().into_body();
    assert_eq!(refusal(&shop, &signed), ErrorKind::Unverified);

    // The same signature over the same text, split where the attacker wants it.
    let sign = form_urlencoded::parse(&signed).find(|(name, _)| name == "sign").unwrap().1.into_owned();
    let canonical = draft.canonical();
    let (head, tail) = canonical.split_once("&zz=").unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    for pair in head.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        form.append_pair(name, value);
    }
    let body =
        form.append_pair("zz", tail).append_pair("sign", &sign).append_pair("sign_type", "RSA2").finish();
    let error = shop.verify(body.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.to_string().contains("hide"), "the signature fits, the split is refused: {error}");
}

/// The limit of that: a name that sorts between the value's own and the next signed one can be split off, and the
/// result looks like any other form. It can only add what the message did not have.
#[test]
fn an_optional_field_can_be_split_off_the_value_before_it() {
    let shop = shop();
    let whole = shop.paid_draft().set("subject", "x&terminal_id=9");
    let split = shop.paid_draft().set("subject", "x").set("terminal_id", "9");
    assert_eq!(whole.canonical(), split.canonical());
    let signed = whole.signed().unwrap().into_body();
    assert_eq!(refusal(&shop, &signed), ErrorKind::Unverified);
    let sign = form_urlencoded::parse(&signed).find(|(name, _)| name == "sign").unwrap().1.into_owned();
    let replayed = shop.verify(split.with_sign(&sign).unwrap().body()).unwrap();
    assert_eq!((replayed.field("subject"), replayed.field("terminal_id")), (Some("x"), Some("9")));
}

/// Whoever delivers a genuine notify may add what its signature does not cover. It is not shown as signed.
#[test]
fn unsigned_fields_are_dropped() {
    let shop = shop();
    let body = shop.paid_draft().signed().unwrap().into_body();
    let added = format!("{}&gmt_refund=&refund_fee=", std::str::from_utf8(&body).unwrap());
    let notify = shop.verify(added.as_bytes()).unwrap();
    for name in ["gmt_refund", "refund_fee", "sign", "sign_type"] {
        assert_eq!(notify.field(name), None, "{name}");
    }
    assert!(notify.field("gmt_payment").is_some());
}

#[test]
fn sha1_does_not_pass_under_any_name() {
    let pem = openssl_text(&["genrsa", "2048"], b"");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.pem");
    std::fs::write(&path, &pem).unwrap();
    let shop = shop_with(SandboxKeys::from_key(PrivateKey::parse(&pem).unwrap()));
    for sign_type in ["RSA", "RSA2", "rsa2", "MD5"] {
        let draft = shop.paid_draft().set("sign_type", sign_type);
        let sha1 = openssl(&["dgst", "-sha1", "-sign", path.to_str().unwrap()], draft.canonical().as_bytes());
        let sign = String::from_utf8(openssl(&["base64", "-A"], &sha1)).unwrap();
        let body = draft.with_sign(&sign).unwrap().into_body();
        assert_eq!(refusal(&shop, &body), ErrorKind::Unverified, "{sign_type}");
    }
    let honest = shop.paid_draft().set("sign_type", "RSA").signed().unwrap().into_body();
    assert_eq!(refusal(&shop, &honest), ErrorKind::Unverified);
}

#[test]
fn limits_and_charsets() {
    let shop = shop();
    let long = shop.paid_draft().set("body", &"x".repeat(FORM_BYTES_MAX)).signed().unwrap().into_body();
    assert_eq!(refusal(&shop, &long), ErrorKind::InvalidInput);
    let gbk = RawNotify::parse(b"charset=GBK&subject=%D6%D0&sign=x").unwrap_err();
    assert!(gbk.to_string().contains("charset"), "{gbk}");
    let broken = RawNotify::parse(b"charset=utf-8&subject=%D6%D0&sign=x").unwrap_err();
    assert!(broken.to_string().contains("UTF-8"), "{broken}");
    let upper = shop.paid_draft().set("charset", "UTF-8").signed().unwrap().into_body();
    assert!(shop.verify(&upper).is_ok());
}

#[test]
fn a_sync_return_is_for_display_only() {
    let shop = shop();
    let order = order(NUMBER, "88.00");
    let query = page_pay(order.clone()).redirect(&shop.merchant, stamp()).unwrap().query();
    let cashier = shop.gateway.page_pay(&query, NOW, [1; 32]).unwrap();
    let url = shop.gateway.pay(cashier.token(), NOW).unwrap().unwrap();
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(address, "http://127.0.0.1:8080/alipay/return");
    let shown = SyncReturn::verify(query, &shop.merchant, NOW).unwrap();
    assert_eq!((shown.out_trade_no.as_str(), shown.amount), (NUMBER, order.amount));
    assert_eq!(refusal(&shop, query.as_bytes()), ErrorKind::PeerMisbehaved);
    let forged = query.replace("88.00", "0.01");
    assert_eq!(SyncReturn::verify(&forged, &shop.merchant, NOW).unwrap_err().kind(), ErrorKind::Unverified);
}

#[test]
fn the_answer_is_exact() {
    assert_eq!(ack_response(Ack::Success).body(), ACK_SUCCESS);
    assert_eq!(ack_response(Ack::Fail).body(), ACK_FAIL);
    assert_eq!(ACK_SUCCESS, "success");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        static SHOP: std::sync::OnceLock<Shop> = std::sync::OnceLock::new();
        prop_assert!(SHOP.get_or_init(shop).verify(&body).is_err());
    }
}
