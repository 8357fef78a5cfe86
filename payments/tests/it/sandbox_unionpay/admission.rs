//! Who is let in: the double hash, the common fields, the numbers.

use super::{APP, BACK, FRONT, MER_ID, NUMBER, QUERY, Shop, shop, text};
use bytes::Bytes;
use http::{Request, StatusCode};
use proptest::prelude::*;
use std::sync::OnceLock;

#[test]
fn the_text_that_was_expected_is_shown() {
    let shop = shop();
    let honest = shop.payment(&[("channelType", "08"), ("frontUrl", "")]);
    for (name, value) in [("txnAmt", "1"), ("backUrl", "https://evil.example/"), ("extra", "1")] {
        let mut forged = honest.clone();
        forged.insert(name.into(), value.into());
        let refused = shop.call(APP, &forged);
        assert_eq!(refused["respCode"], "11", "{name}");
        assert_eq!(refused["sandboxCanonical"], format!("{{{}}}", text(&forged)));
        assert!(!refused.contains_key("orderId"), "what was not proved is not repeated");
    }
    let mut blank = honest;
    blank.insert("customerInfo".into(), " ".into());
    assert_eq!(shop.call(APP, &blank)["respCode"], "00", "blank fields are sent and not signed");
    let mut braces =
        shop.payment(&[("frontUrl", ""), ("riskRateInfo", "{a=1&b=2}"), ("orderId", "COURSE0002")]);
    assert_eq!(shop.call(APP, &braces)["respCode"], "00");
    braces.insert("txnAmt".into(), "1".into());
    let shown = &shop.call(APP, &braces)["sandboxCanonical"];
    assert!(shown.contains("riskRateInfo=%7Ba=1&b=2%7D"), "{shown}");
}

#[test]
fn a_browser_sees_the_text_too() {
    let shop = shop();
    let mut forged = shop.payment(&[("orderDesc", "a<b>")]);
    forged.insert("txnAmt".into(), "1".into());
    let page = shop.post(FRONT, &forged);
    let html = std::str::from_utf8(page.body()).unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert!(html.contains("orderDesc=a&lt;b&gt;&amp;orderId=COURSE0001") && !html.contains("<b>"), "{html}");
}

#[test]
fn every_field_counts() {
    let shop = shop();
    for (name, value, code) in [
        ("version", "5.0.0", "10"),
        ("encoding", "GBK", "10"),
        ("signMethod", "11", "10"),
        ("accessType", "1", "10"),
        ("txnTime", "2026", "10"),
        ("merId", "777290058167152", "31"),
        ("certId", "1", "11"),
        ("txnType", "02", "10"),
        ("txnSubType", "02", "10"),
        ("bizType", "000000", "10"),
        ("channelType", "01", "10"),
        ("currencyCode", "840", "10"),
        ("orderId", "SHORT01", "10"),
        ("orderId", "COURSE_0001", "10"),
        ("txnAmt", "88.00", "10"),
        ("txnAmt", "0", "10"),
        ("backUrl", "https://shop.example/?a=1", "10"),
        ("payTimeout", "2026-09-22", "10"),
        ("payTimeout", "20260921221320", "39"),
        ("txnTime", "20260921211319", "39"),
        ("accNo", "6226388000000095", "10"),
        ("reqReserved", "a&txnAmt=1", "10"),
        ("orderId", "COURSE01&respCode=00", "10"),
        ("merId", "1&respCode=00", "31"),
        ("reqReserved", "{a}&b=1", "10"),
    ] {
        let reply = shop.call(APP, &shop.payment(&[("frontUrl", ""), (name, value)]));
        assert_eq!(reply["respCode"], code, "{name}={value} {reply:?}");
    }
    for name in ["version", "merId", "orderId", "txnAmt", "backUrl", "txnTime", "bizType", "certId"] {
        let reply = shop.call(APP, &shop.payment(&[("frontUrl", ""), (name, "")]));
        assert_ne!(reply["respCode"], "00", "{name}");
    }
    assert_eq!(shop.query(NUMBER, &shop.now())["respCode"], "34", "nothing was opened");
    let open = [("frontUrl", ""), ("txnTime", "20260921211320"), ("payTimeout", "20260921221321")];
    let reply = shop.call(APP, &shop.payment(&open));
    assert_eq!((reply["respCode"].as_str(), reply["merId"].as_str()), ("00", MER_ID));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn any_form_is_answered(
        path in prop::sample::select(vec![FRONT, APP, BACK, QUERY, "/unionpay/file", "/unionpay/pay/x"]),
        form in proptest::collection::vec(any::<u8>(), 0..120),
        names in proptest::collection::vec("(txnType|orderId|txnAmt|origQryId|settleDate|certType)", 0..4),
        value in "[0-9A-Za-z{}&=]{0,20}",
        signed in any::<bool>(),
    ) {
        static SHOP: OnceLock<Shop> = OnceLock::new();
        let shop = SHOP.get_or_init(shop);
        let response = if signed {
            let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
            shop.post(path, &shop.request(&pairs))
        } else {
            shop.loopback.exchange(Request::post(path).body(Bytes::from(form)).unwrap())
        };
        let text = String::from_utf8_lossy(response.body()).into_owned();
        prop_assert!(response.status() != StatusCode::INTERNAL_SERVER_ERROR && !text.contains("respCode=00"), "{text}");
        prop_assert!(shop.loopback.sandbox().due(shop.loopback.now()).is_empty());
    }
}
