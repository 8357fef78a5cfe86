//! Messages that Alipay really signed, taken from the public tests of other projects (named in the files), and service
//! messages that openssl signed by the same rule.

use crate::support::{NOW, app_id, openssl_text, seller_id};
use payments::alipay::{Endpoint, Merchant, RawNotify, ServiceMessage, SyncReturn};
use payments::sandbox::generate_key;
use payments::{AppId, ErrorKind, PublicKey, SellerId, TradeStatus};
use serde_json::Value;

const NOTIFIES: &str = include_str!("vectors/alipay-notify.json");

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(NOTIFIES).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn merchant(case: &Value) -> Merchant {
    merchant_of(case, app_id())
}

fn merchant_of(case: &Value, app_id: AppId) -> Merchant {
    let alipay = PublicKey::parse(case["alipay_public_key"].as_str().unwrap()).unwrap();
    Merchant::new(app_id, seller_id(), Endpoint::production(), generate_key().unwrap(), alipay)
}

fn is_service(case: &Value) -> bool {
    case["rule"] == "service"
}

fn body(params: &Value) -> String {
    let pairs = params.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[test]
fn notifies() {
    let mut genuine = 0;
    for case in cases().iter().filter(|case| case["params"].is_object() && !is_service(case)) {
        let params = &case["params"];
        let answer = RawNotify::parse(body(params).as_bytes()).unwrap().verify(&merchant(case), NOW);
        if case["genuine"].as_bool().unwrap() {
            let notify = answer.unwrap();
            assert_eq!(notify.status(), TradeStatus::Paid);
            assert_eq!(notify.out_trade_no(), params["out_trade_no"].as_str().unwrap());
            assert_eq!(notify.amount().yuan_text(), params["total_amount"].as_str().unwrap());
            assert_eq!(notify.field("subject"), params["subject"].as_str());
            genuine += 1;
        } else {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unverified, "{}", case["id"]);
        }
    }
    assert_eq!(genuine, 3);
}

#[test]
fn service_messages() {
    let mut genuine = 0;
    for case in cases().iter().filter(|case| is_service(case)) {
        let (params, id) = (&case["params"], &case["id"]);
        let ours = merchant_of(case, AppId::parse(params["app_id"].as_str().unwrap()).unwrap());
        let body = body(params);
        let answer = ServiceMessage::verify(body.as_bytes(), &ours, NOW);
        // The rule of payments leaves out what is signed here.
        let payment = RawNotify::parse(body.as_bytes()).unwrap().verify(&ours, NOW);
        assert_eq!(payment.unwrap_err().kind(), ErrorKind::Unverified, "{id}");
        if case["genuine"].as_bool().unwrap() {
            let message = answer.unwrap();
            assert_eq!(message.notify_type(), "servicemarket_order_notify");
            assert_eq!(message.notify_id(), params["notify_id"].as_str().unwrap());
            assert_eq!(message.field("title"), params["title"].as_str());
            assert!(!format!("{message:?}").contains(params["phone"].as_str().unwrap()));
            let stranger = ServiceMessage::verify(body.as_bytes(), &merchant(case), NOW).unwrap_err();
            assert_eq!(stranger.kind(), ErrorKind::Unverified);
            genuine += 1;
        } else {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unverified, "{id}");
        }
    }
    assert_eq!(genuine, 2);
}

/// What is genuine by the rule of payments is no service message.
#[test]
fn payments_are_no_service_messages() {
    for case in cases().iter().filter(|case| case["params"].is_object() && !is_service(case)) {
        let ours = merchant_of(case, AppId::parse(case["params"]["app_id"].as_str().unwrap()).unwrap());
        let answer = ServiceMessage::verify(body(&case["params"]).as_bytes(), &ours, NOW);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unverified, "{}", case["id"]);
    }
}

#[test]
fn sync_returns() {
    let mut genuine = 0;
    for case in cases().iter().filter(|case| case["query"].is_string()) {
        let query = case["query"].as_str().unwrap();
        let shown = SyncReturn::verify(query, &merchant(case), NOW).unwrap();
        assert_eq!((shown.out_trade_no.as_str(), shown.amount.minor()), ("1703141270", 1));
        genuine += 1;

        let alipay = PublicKey::parse(case["alipay_public_key"].as_str().unwrap()).unwrap();
        for (app, seller) in
            [("9021000122682883", "2088721003899159"), ("9021000122682882", "2088721003899150")]
        {
            let (app, seller) = (AppId::parse(app).unwrap(), SellerId::parse(seller).unwrap());
            let key = generate_key().unwrap();
            let other = Merchant::new(app, seller, Endpoint::production(), key, alipay.clone());
            assert_eq!(SyncReturn::verify(query, &other, NOW).unwrap_err().kind(), ErrorKind::Unverified);
        }
        // The same key signs notifies, so only the type of the message keeps a return out of the books.
        let answer = RawNotify::parse(query.as_bytes()).unwrap().verify(&merchant(case), NOW);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
    assert_eq!(genuine, 2);
}

/// An independent program agrees with what the vectors call the canonical text.
#[test]
fn openssl_agrees_on_the_canonical_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for case in cases().iter().filter(|case| case["genuine"].as_bool().unwrap() && case["params"].is_object())
    {
        std::fs::write(path("key.pem"), case["alipay_public_key"].as_str().unwrap()).unwrap();
        let sign = case["params"]["sign"].as_str().unwrap();
        std::fs::write(path("sign"), crate::support::openssl(&["base64", "-d", "-A"], sign.as_bytes()))
            .unwrap();
        let canonical = case["canonical"].as_str().unwrap();
        let arguments = ["dgst", "-sha256", "-verify", &path("key.pem"), "-signature", &path("sign")];
        assert!(openssl_text(&arguments, canonical.as_bytes()).contains("Verified OK"));
    }
}
