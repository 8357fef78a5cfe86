//! What the sandbox gateway admits: complete requests, signed by the registered merchant, on unchanged terms.

use crate::support::{NOW, NUMBER, encoded, order, query_of, send, shop, text};
use http::{Method, StatusCode};

#[test]
fn the_signature_is_checked_and_explained() {
    let (shop, stranger) = (shop(), shop());
    let foreign = query_of(&stranger, order(NUMBER, "88.00"));
    let refusal = shop.gateway.page_pay(&foreign, NOW, [1; 32]).unwrap_err();
    assert_eq!(refusal.sub_code, "isv.invalid-signature");
    let canonical = refusal.canonical.unwrap();
    assert!(canonical.starts_with("app_id=9021000122682882&biz_content={\"out_trade_no\":"), "{canonical}");
    assert!(canonical.contains("&sign_type=RSA2&") && canonical.ends_with("&version=1.0"), "{canonical}");

    let honest = query_of(&shop, order(NUMBER, "88.00"));
    for (before, after) in
        [("88.00", "0.01"), ("shop.example", "evil.example"), ("version=1.0", "version=1.0&extra=1")]
    {
        let forged = honest.replacen(before, after, 1);
        assert_eq!(
            shop.gateway.page_pay(&forged, NOW, [1; 32]).unwrap_err().sub_code,
            "isv.invalid-signature"
        );
    }
    let page = send(&shop, Method::GET, &format!("/gateway.do?{foreign}"), "").0;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert!(
        text(&page).contains("isv.invalid-signature") && text(&page).contains("{&quot;out_trade_no&quot;")
    );
}

#[test]
fn every_common_parameter_is_needed() {
    let shop = shop();
    let honest = query_of(&shop, order(NUMBER, "88.00"));
    let pairs: Vec<(String, String)> = form_urlencoded::parse(honest.as_bytes()).into_owned().collect();
    for missing in ["app_id", "method", "version", "charset", "sign_type", "timestamp", "sign", "biz_content"]
    {
        let rest: Vec<_> = pairs.iter().filter(|(name, _)| name != missing).cloned().collect();
        assert_eq!(
            shop.gateway.page_pay(&encoded(&rest), NOW, [1; 32]).unwrap_err().code,
            "40001",
            "{missing}"
        );
    }
    for (name, value) in
        [("sign_type", "RSA"), ("charset", "GBK"), ("timestamp", "now"), ("app_id", "1"), ("version", "2")]
    {
        let mut changed = pairs.clone();
        changed.iter_mut().filter(|pair| pair.0 == name).for_each(|pair| value.clone_into(&mut pair.1));
        assert_eq!(
            shop.gateway.page_pay(&encoded(&changed), NOW, [1; 32]).unwrap_err().code,
            "40002",
            "{name}"
        );
    }
    let twice = format!("{honest}&app_id=9021000122682882");
    assert_eq!(shop.gateway.page_pay(&twice, NOW, [1; 32]).unwrap_err().sub_code, "isv.invalid-parameter");
}

#[test]
fn a_number_keeps_its_terms() {
    let shop = shop();
    shop.gateway.page_pay(&query_of(&shop, order(NUMBER, "88.00")), NOW, [1; 32]).unwrap();
    let other = query_of(&shop, order(NUMBER, "0.01"));
    let refusal = shop.gateway.page_pay(&other, NOW, [2; 32]).unwrap_err();
    assert_eq!(refusal.sub_code, "ACQ.CONTEXT_INCONSISTENT");
}
