//! Messages that Alipay really signed, taken from the public tests of other projects (named in the files).

use crate::support::{app_id, openssl_text, seller_id};
use payments::alipay::{Endpoint, Merchant, RawNotify, SyncReturn};
use payments::sandbox::generate_key;
use payments::{AppId, ErrorKind, PublicKey, SellerId, TradeStatus};
use serde_json::Value;

const NOTIFIES: &str = include_str!("vectors/alipay-notify.json");

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(NOTIFIES).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn merchant(case: &Value) -> Merchant {
    let alipay = PublicKey::parse(case["alipay_public_key"].as_str().unwrap()).unwrap();
    Merchant::new(app_id(), seller_id(), Endpoint::production(), generate_key().unwrap(), alipay)
}

fn body(params: &Value) -> String {
    let pairs = params.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[test]
fn notifies() {
    let mut genuine = 0;
    for case in cases().iter().filter(|case| case["params"].is_object()) {
        let params = &case["params"];
        let answer = RawNotify::parse(body(params).as_bytes()).unwrap().verify(&merchant(case));
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
fn sync_returns() {
    let mut genuine = 0;
    for case in cases().iter().filter(|case| case["query"].is_string()) {
        let query = case["query"].as_str().unwrap();
        let shown = SyncReturn::verify(query, &merchant(case)).unwrap();
        assert_eq!((shown.out_trade_no.as_str(), shown.amount.minor()), ("1703141270", 1));
        genuine += 1;

        let alipay = PublicKey::parse(case["alipay_public_key"].as_str().unwrap()).unwrap();
        for (app, seller) in
            [("9021000122682883", "2088721003899159"), ("9021000122682882", "2088721003899150")]
        {
            let (app, seller) = (AppId::parse(app).unwrap(), SellerId::parse(seller).unwrap());
            let key = generate_key().unwrap();
            let other = Merchant::new(app, seller, Endpoint::production(), key, alipay.clone());
            assert_eq!(SyncReturn::verify(query, &other).unwrap_err().kind(), ErrorKind::Unverified);
        }
        // The same key signs notifies, so only the type of the message keeps a return out of the books.
        let answer = RawNotify::parse(query.as_bytes()).unwrap().verify(&merchant(case));
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
