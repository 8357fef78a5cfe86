//! Version 3: the signed text of requests and replies, as the manual lays it out.

use crate::alipay_mode::Mode;
use crate::support::{app_id, number, openssl, seller_id, stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response};
use payments::alipay::{ContentKey, Endpoint, Merchant, V3Answer, V3Call, V3TradeQuery};
use payments::sandbox::generate_key;
use payments::sign::{Signer, Verifier};
use payments::{Call, Certificate, Effect, Error, ErrorKind, PrivateKey, QueryOutcome, Reply};
use proptest::prelude::*;

const PAID: &str = r#"{"out_trade_no":"COURSE_0001","trade_no":"2026112322001","total_amount":"88.00","trade_status":"TRADE_SUCCESS","buyer":"课\/\"+"}"#;
const AES: &str = "aa4BtZ4tspm2wnXLb1ThQA==";

struct Side {
    merchant: Merchant,
    app_key: PrivateKey,
    alipay_key: PrivateKey,
}

fn side() -> Side {
    let (app_key, alipay_key) = (generate_key().unwrap(), generate_key().unwrap());
    let alipay = alipay_key.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), Endpoint::sandbox(), app_key.clone(), alipay);
    Side { merchant, app_key, alipay_key }
}

fn query() -> V3TradeQuery {
    V3TradeQuery::new(number("COURSE_0001"))
}

/// What an independent reader of the manual would sign.
fn fits(request: &Request<Bytes>, key: &PrivateKey, auth_text: &str, target: &str) -> bool {
    let header = request.headers()["authorization"].to_str().unwrap();
    let sign = header.strip_prefix(&format!("ALIPAY-SHA256withRSA {auth_text},sign=")).unwrap();
    let body = str::from_utf8(request.body()).unwrap();
    let text = format!("{auth_text}\n{}\n{target}\n{body}\n", request.method());
    key.public_key().unwrap().verify(text.as_bytes(), &STANDARD.decode(sign).unwrap())
}

fn response(key: &PrivateKey, status: u16, body: &str, sn: Option<&str>) -> Response<Bytes> {
    let sign = STANDARD.encode(key.sign(format!("1790000000123\nn0nce\n{body}\n").as_bytes()).unwrap());
    let mut response = Response::builder()
        .status(status)
        .header("alipay-timestamp", "1790000000123")
        .header("alipay-nonce", "n0nce")
        .header("alipay-signature", sign);
    if let Some(sn) = sn {
        response = response.header("alipay-sn", sn);
    }
    response.body(Bytes::from(body.to_owned())).unwrap()
}

fn read(merchant: &Merchant, response: Response<Bytes>) -> Result<QueryOutcome, Error> {
    query().read(merchant, &Reply::new(response, stamp().now))
}

#[test]
fn a_request_as_the_manual_signs_it() {
    let side = side();
    let request = query().request(&side.merchant, stamp()).unwrap();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri().to_string(), "https://openapi-sandbox.dl.alipaydev.com/v3/alipay/trade/query");
    assert_eq!(request.body(), r#"{"out_trade_no":"COURSE_0001"}"#);
    let auth = "app_id=9021000122682882,nonce=07070707070707070707070707070707,timestamp=1790000000000";
    assert!(fits(&request, &side.app_key, auth, "/v3/alipay/trade/query"));
    assert_eq!(request.headers()["alipay-request-id"], "07070707070707070707070707070707");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert!(!request.headers().contains_key("alipay-root-cert-sn"));

    // Path and query are signed as they are sent; no body is an empty line.
    let path = "/v3/alipay/open/query?name=%E8%AF%BE&x=a%2Bb";
    let get = V3Call::new(Method::GET, path, "", Effect::Reads).unwrap();
    let request = get.request(&side.merchant, stamp()).unwrap();
    assert!(fits(&request, &side.app_key, auth, path));
    assert!(request.uri().to_string().ends_with(path));
}

#[test]
fn certificate_mode_names_the_certificates() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let request = query().request(&merchant, stamp()).unwrap();
    let auth = format!(
        "app_id=9021000122682882,app_cert_sn={},nonce=07070707070707070707070707070707,timestamp=1790000000000",
        mode.sn("app")
    );
    assert!(fits(&request, &mode.authority.key("app"), &auth, "/v3/alipay/trade/query"));
    let root = merchant.certificates().unwrap().root_cert_sn().to_owned();
    assert_eq!(request.headers()["alipay-root-cert-sn"].to_str().unwrap(), root);

    let (key, sn) = (mode.authority.key("alipay"), mode.sn("alipay"));
    let read = |sn: Option<&str>, at| query().read(&merchant, &Reply::new(response(&key, 200, PAID, sn), at));
    let ends = Certificate::parse(&mode.alipay_pem).unwrap().not_after();
    for named in [Some(sn.as_str()), None] {
        assert!(read(named, mode.now).is_ok() && read(named, ends).is_ok());
        assert_eq!(read(named, ends.plus_secs(1)).unwrap_err().kind(), ErrorKind::Unverified);
    }
    let unknown = read(Some(&"a".repeat(32)), mode.now).unwrap_err();
    assert_eq!(unknown.unknown_certificate(), Some("a".repeat(32).as_str()));
}

#[test]
fn a_refusal_has_its_code_and_a_call_hides_its_body() {
    let side = side();
    let path = "/v3/alipay/open/query?phone=13900000000";
    let call = V3Call::new(Method::POST, path, r#"{"name":"Mei"}"#, Effect::Reads).unwrap();
    let answer = |status, body: &str| {
        call.read(&side.merchant, &Reply::new(response(&side.alipay_key, status, body, None), stamp().now))
    };
    let refused = answer(400, r#"{"code":"ACQ.TRADE_NOT_EXIST","message":"no"}"#).unwrap();
    assert_eq!(call.refusal_code(&refused), Some("ACQ.TRADE_NOT_EXIST"));
    assert_eq!(call.refusal_code(&answer(200, PAID).unwrap()), None);

    let shown = format!("{call:?}");
    assert!(shown.contains("POST") && shown.contains("/v3/alipay/open/query"), "{shown}");
    assert!(!shown.contains("Mei") && !shown.contains("139"), "{shown}");
}

#[test]
fn an_encrypted_body_is_signed_as_sent() {
    let side = side();
    let merchant = side.merchant.clone().with_content_key(ContentKey::parse(AES).unwrap());
    let hex: String = STANDARD.decode(AES).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let aes = |direction: &str, input: &[u8]| {
        openssl(&["enc", "-aes-128-cbc", direction, "-K", &hex, "-iv", &"0".repeat(32)], input)
    };
    let request = query().request(&merchant, stamp()).unwrap();
    let auth = "app_id=9021000122682882,nonce=07070707070707070707070707070707,timestamp=1790000000000";
    assert!(fits(&request, &side.app_key, auth, "/v3/alipay/trade/query"));
    assert_eq!(request.headers()["alipay-encrypt-type"], "AES");
    assert_eq!(request.headers()["content-type"], "text/plain;charset=utf-8");
    let plain = aes("-d", &STANDARD.decode(request.body()).unwrap());
    assert_eq!(plain, br#"{"out_trade_no":"COURSE_0001"}"#);

    let body = STANDARD.encode(aes("-e", PAID.as_bytes()));
    let paid = read(&merchant, response(&side.alipay_key, 200, &body, None)).unwrap();
    assert!(matches!(paid, QueryOutcome::Trade(_)));
    let broken = read(&merchant, response(&side.alipay_key, 200, "AAAA", None)).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Unverified);
}

#[test]
fn replies_that_hold_and_replies_that_lie() {
    let side = side();
    let good = || response(&side.alipay_key, 200, PAID, None);
    assert!(matches!(read(&side.merchant, good()).unwrap(), QueryOutcome::Trade(_)));

    let other = response(&generate_key().unwrap(), 200, PAID, None);
    let mut changed = good();
    *changed.body_mut() = Bytes::from(PAID.replace("88.00", "0.01"));
    let mut late = good();
    late.headers_mut().insert("alipay-timestamp", "1790000000124".parse().unwrap());
    let mut twice = good();
    let again = twice.headers()["alipay-signature"].clone();
    twice.headers_mut().append("alipay-signature", again);
    let mut two_names = good();
    two_names.headers_mut().append("alipay-sn", "a".parse().unwrap());
    two_names.headers_mut().append("alipay-sn", "b".parse().unwrap());
    let mut lies = vec![other, changed, late, twice, two_names];
    for name in ["alipay-timestamp", "alipay-nonce", "alipay-signature"] {
        let (mut missing, mut empty) = (good(), good());
        missing.headers_mut().remove(name);
        empty.headers_mut().insert(name, "".parse().unwrap());
        lies.extend([missing, empty]);
    }
    for lie in lies {
        assert_eq!(read(&side.merchant, lie).unwrap_err().kind(), ErrorKind::Unverified);
    }
    let another = response(&side.alipay_key, 200, &PAID.replace("COURSE_0001", "COURSE_0002"), None);
    assert_eq!(read(&side.merchant, another).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let long = response(&side.alipay_key, 200, &" ".repeat(1_048_577), None);
    assert_eq!(read(&side.merchant, long).unwrap_err().kind(), ErrorKind::Unverified);
}

#[test]
fn refusals() {
    let side = side();
    let words = |code: &str| format!(r#"{{"code":"{code}","message":"no\n","links":[]}}"#);
    let refused = |status: u16, code: &str| response(&side.alipay_key, status, &words(code), None);
    let outcome = |reply| read(&side.merchant, reply);
    assert!(matches!(outcome(refused(400, "ACQ.TRADE_NOT_EXIST")).unwrap(), QueryOutcome::NotFound));
    assert!(matches!(outcome(refused(404, "TRADE_NOT_EXIST")).unwrap(), QueryOutcome::NotFound));
    for (status, code, kind) in [
        (400, "ACQ.SYSTEM_ERROR", ErrorKind::Unavailable),
        (500, "whatever", ErrorKind::Unavailable),
        (429, "isv.limit", ErrorKind::Unavailable),
        (400, "INVALID_PARAMETER", ErrorKind::InvalidInput),
        (403, "isv.no-permission", ErrorKind::Misuse),
    ] {
        let error = outcome(refused(status, code)).unwrap_err();
        assert_eq!((error.kind(), error.gateway_code()), (kind, Some(code)));
    }
    // What is not signed is shown and never acted on.
    let unsigned =
        |status: u16, body: String| Response::builder().status(status).body(Bytes::from(body)).unwrap();
    let error = outcome(unsigned(400, words("ACQ.TRADE_NOT_EXIST"))).unwrap_err();
    assert_eq!((error.kind(), error.gateway_code()), (ErrorKind::Unverified, Some("ACQ.TRADE_NOT_EXIST")));
    assert_eq!(outcome(unsigned(502, String::new())).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(outcome(unsigned(302, String::new())).unwrap_err().kind(), ErrorKind::Unverified);

    let call = V3Call::new(Method::POST, "/v3/x", "{}", Effect::Reads).unwrap();
    let reply = Reply::new(refused(400, "isv.some"), stamp().now);
    let V3Answer::Refused { status, code, message } = call.read(&side.merchant, &reply).unwrap() else {
        panic!("a refusal")
    };
    assert_eq!((status, code.as_str(), message.as_str()), (400, "isv.some", "no\\n"));
}

#[test]
fn paths_that_are_refused() {
    for path in ["", "v3", "//evil.example/x", "/a b", "/a#b", "/课", "/a\r\nx: y"] {
        let refused = V3Call::new(Method::GET, path, "", Effect::Reads);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_reply_is_answered(
        status in 100..600_u16,
        timestamp in "[ -~]{0,12}",
        nonce in "[ -~]{0,12}",
        signature in "[A-Za-z0-9+/=]{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        thread_local!(static SIDE: Side = side());
        let response = Response::builder()
            .status(status)
            .header("alipay-timestamp", timestamp)
            .header("alipay-nonce", nonce)
            .header("alipay-signature", signature)
            .body(Bytes::from(body));
        SIDE.with(|side| {
            prop_assert!(read(&side.merchant, response.unwrap()).is_err());
            Ok(())
        })?;
    }
}
