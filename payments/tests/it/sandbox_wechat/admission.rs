//! Who is let in: the five lines, the header, the clock.

use super::{KEY_ID, MCHID, NUMBER, Parts, Shop, json_of, order, shop};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::OnceLock;

const NATIVE: &str = "/v3/pay/transactions/native";

fn refused(shop: &Shop, request: Request<Bytes>) -> (StatusCode, Value) {
    let response = shop.loopback.exchange(request);
    assert!(response.headers().get("wechatpay-signature").is_none(), "what is not proved is not signed");
    (response.status(), json_of(&response))
}

#[test]
fn the_five_lines_are_shown() {
    let shop = shop();
    let body = order(&[]).to_string();
    let honest = shop.request("POST", NATIVE, &body);
    for (changed, lines) in [
        (body.replace("8800", "1"), format!("POST\n{NATIVE}\n")),
        (format!("{body} "), format!("POST\n{NATIVE}\n")),
        (String::new(), format!("POST\n{NATIVE}\n")),
    ] {
        let mut forged = honest.clone();
        *forged.body_mut() = Bytes::from(changed.clone());
        let (status, error) = refused(&shop, forged);
        assert_eq!((status, error["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("SIGN_ERROR")));
        let Parts { secs, nonce, .. } = shop.parts();
        let expected = format!("{lines}{secs}\n{nonce}\n{changed}\n");
        assert_eq!(error["detail"]["sandbox_canonical"], expected);
        let information = &error["detail"]["sign_information"];
        assert_eq!(information["method"], "POST");
        assert_eq!(information["url"], NATIVE);
        assert_eq!(information["sign_message_length"], expected.len());
        assert!(expected.starts_with(information["truncated_sign_message"].as_str().unwrap()));
    }
    let mut moved =
        shop.request("GET", &format!("/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={MCHID}"), "");
    *moved.uri_mut() = "/v3/pay/transactions/out-trade-no/OTHER_01?mchid=1900000109".parse().unwrap();
    assert_eq!(refused(&shop, moved).0, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.query().0, StatusCode::NOT_FOUND, "nothing was opened by what was refused");
    assert_eq!(shop.loopback.exchange(honest).status(), StatusCode::OK);
}

#[test]
fn every_part_of_the_header_counts() {
    let shop = shop();
    let body = order(&[]).to_string();
    let ask = |change: &dyn Fn(&mut Parts)| {
        let mut parts = shop.parts();
        change(&mut parts);
        shop.loopback.exchange(shop.request_of(&parts, "POST", NATIVE, &body)).status()
    };
    assert_eq!(ask(&|_| {}), 200);
    assert_eq!(ask(&|parts| parts.serial = parts.serial.trim_start_matches('0').to_lowercase()), 200);
    assert_eq!(ask(&|parts| parts.secs -= 299), 200);
    assert_eq!(ask(&|parts| parts.secs += 299), 200);
    let wrong: [&dyn Fn(&mut Parts); 6] = [
        &|parts| parts.mchid = "1900000110".into(),
        &|parts| parts.serial = "1C4AEF34B89340881BB2B25226393DC2E47F094B".into(),
        &|parts| parts.secs -= 300,
        &|parts| parts.secs += 300,
        &|parts| parts.nonce = String::new(),
        &|parts| parts.nonce = "A".repeat(33),
    ];
    for change in wrong {
        assert_eq!(ask(change), 401);
    }
    for (name, value, status) in [
        ("authorization", None, 401),
        ("authorization", Some("WECHATPAY2-SHA256-RSA2048 mchid=\"1\""), 401),
        ("accept", None, 400),
        ("accept", Some("text/html"), 400),
        ("user-agent", None, 400),
        ("content-type", Some("text/plain"), 400),
        ("wechatpay-serial", Some("PUB_KEY_ID_0"), 400),
        ("wechatpay-serial", Some(KEY_ID), 200),
    ] {
        let mut request = shop.request("POST", NATIVE, &body);
        request.headers_mut().remove(name);
        if let Some(value) = value {
            request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(shop.loopback.exchange(request).status(), status, "{name} {value:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// Signed or not, whatever is asked gets an answer, and only the merchant gets a signature.
    #[test]
    fn any_request_is_answered(
        path in "(/v3/(pay/transactions|refund/domestic|bill|certificates|billdownload)|/wechat)[a-z0-9/%?=&_-]{0,40}",
        body in "[\\[\\]{}\":,a-z0-9. ]{0,60}",
        post in any::<bool>(),
        signed in any::<bool>(),
    ) {
        static SHOP: OnceLock<Shop> = OnceLock::new();
        let shop = SHOP.get_or_init(shop);
        prop_assume!(path.parse::<http::Uri>().is_ok());
        let method = if post { "POST" } else { "GET" };
        let mut request = shop.request(method, &path, &body);
        if !signed {
            request.headers_mut().remove("authorization");
        }
        let response = shop.loopback.exchange(request);
        prop_assert!(response.status().is_client_error(), "{path} {}", response.status());
        let proved = response.headers().contains_key("wechatpay-signature");
        prop_assert!(signed || !proved);
        prop_assert!(shop.notifies().is_empty());
    }
}
