//! Certificate mode of Alipay: numbers, rotation, downloads that are limited, and certificates that lie.

use crate::alipay_mode::{DOWNLOAD, HOLDER, Mode};
use crate::authority::{Authority, CA, Issue, LEAF};
use crate::support::{app_id, number, openssl_text, order, page_pay, seller_id, stamp, yuan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::alipay::{
    AuthCode, BarCodePay, Cancel, CancelOutcome, CertDownload, Certificates, Endpoint, Learned, Merchant,
    RawNotify, RefundCall, TradeQuery, certificate_sn, root_certificate_sn,
};
use payments::sandbox::generate_key;
use payments::sign::{Signer, Verifier};
use payments::{
    CallbackUrl, Certificate, Channel, ErrorKind, Outcome, PrivateKey, QueryOutcome, Refund, RefundNo,
    RefundOutcome, TradeNo, UnixMillis,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

const VECTORS: &str = include_str!("vectors/alipay-certificates.json");
const QUERY: &str = "alipay.trade.query";

fn query() -> TradeQuery {
    TradeQuery::new(number("COURSE_0001"))
}

fn paid() -> String {
    r#"{"code":"10000","msg":"Success","out_trade_no":"COURSE_0001","trade_no":"2026112322001",
        "total_amount":"88.00","trade_status":"TRADE_SUCCESS"}"#
        .to_owned()
}

/// A notify signed with this key, naming this certificate.
fn notify(key: &PrivateKey, sn: Option<&str>) -> String {
    let mut params: BTreeMap<&str, &str> = BTreeMap::from([
        ("app_id", "9021000122682882"),
        ("notify_id", "1"),
        ("notify_type", "trade_status_sync"),
        ("out_trade_no", "COURSE_0001"),
        ("seller_id", "2088721003899159"),
        ("total_amount", "88.00"),
        ("trade_no", "2026112322001"),
        ("trade_status", "TRADE_SUCCESS"),
    ]);
    params.extend(sn.map(|sn| ("alipay_cert_sn", sn)));
    let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let sign = STANDARD.encode(key.sign(text.join("&").as_bytes()).unwrap());
    params.extend([("sign", sign.as_str()), ("sign_type", "RSA2")]);
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

#[test]
fn numbers_of_real_certificates() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let (leaves, roots) = (file["leaf"].as_array().unwrap(), file["root"].as_array().unwrap());
    for case in leaves {
        let certificate = Certificate::parse(case["pem"].as_str().unwrap()).unwrap();
        assert_eq!(certificate_sn(&certificate), case["sn"].as_str().unwrap(), "{}", case["id"]);
    }
    for case in roots {
        let bundle = Certificate::parse_bundle(case["pem"].as_str().unwrap()).unwrap();
        assert_eq!(root_certificate_sn(&bundle.certificates), case["sn"].as_str().unwrap());
    }
    assert_eq!((leaves.len(), roots.len()), (10, 2));
}

#[test]
fn real_files_of_the_console() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let pem = |id: &str| {
        let cases = file["leaf"].as_array().unwrap().iter().chain(file["root"].as_array().unwrap());
        cases.clone().find(|case| case["id"] == id).unwrap()["pem"].as_str().unwrap().to_owned()
    };
    let at = |text: &str| UnixMillis::parse_rfc3339(text).unwrap();
    let production = (pem("easysdk-app"), pem("easysdk-alipay"), pem("root-prod-node"));
    let sandbox = (pem("yansongda-app"), pem("yansongda-alipay"), pem("root-oldsandbox-fzlee"));
    for ((app, alipay, root), then) in
        [(production, "2022-09-08T00:00:00+08:00"), (sandbox, "2023-09-08T00:00:00+08:00")]
    {
        let certificates = Certificates::new(&app, &alipay, &root, at(then)).unwrap();
        assert_eq!(certificates.alipay_cert_sns().len(), 1);
        assert!(certificates.expires_at() > at(then));
        assert!(Certificates::new(&app, &alipay, &root, at("2026-01-01T00:00:00+08:00")).is_err());
        assert!(Certificates::new(&app, &alipay, &app, at(then)).is_err());
    }
}

#[test]
fn files_that_are_refused() {
    let mode = Mode::new();
    let kind = |app: &str, alipay: &str, root: &str, now| {
        Certificates::new(app, alipay, root, now).unwrap_err().kind()
    };
    let (app, alipay, root, now) = (&mode.app_pem, &mode.alipay_pem, &mode.root_pem, mode.now);
    assert_eq!(kind("", alipay, root, now), ErrorKind::InvalidInput);
    assert_eq!(kind(app, "", root, now), ErrorKind::InvalidInput);
    assert_eq!(kind(app, alipay, "", now), ErrorKind::InvalidInput);
    assert_eq!(kind(app, alipay, app, now), ErrorKind::Unverified);
    assert_eq!(kind(app, alipay, root, UnixMillis::MAX), ErrorKind::InvalidInput);

    // SHA-1 is for UnionPay's test environment alone.
    let subject = format!("/C=CN/O=shop/CN={HOLDER}");
    let weak = Issue {
        name: "alipay",
        subject: &subject,
        issuer: Some("middle"),
        extensions: LEAF,
        digest: "sha1",
        days: "3650",
    };
    let weak = mode.authority.issue(weak);
    let (_, middle) = alipay.split_once("-----END CERTIFICATE-----\n").unwrap();
    assert_eq!(kind(app, &format!("{weak}{middle}"), root, now.plus_secs(60)), ErrorKind::Unverified);

    let certificates = mode.certificates().unwrap();
    let endpoint = Endpoint::production();
    let other_key = generate_key().unwrap();
    let refused = Merchant::with_certificates(app_id(), seller_id(), endpoint, other_key, certificates);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Misuse);
}

#[tokio::test]
async fn requests_name_the_certificates_and_sign_that() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let redirect = page_pay(order("COURSE_0001", "88.00")).redirect(&merchant, stamp()).unwrap();
    let mut params: BTreeMap<String, String> =
        form_urlencoded::parse(redirect.query().as_bytes()).into_owned().collect();
    let root = Certificate::parse_bundle(&mode.root_pem).unwrap().certificates;
    assert_eq!(params["app_cert_sn"], mode.sn("app"));
    assert_eq!(params["alipay_root_cert_sn"], root_certificate_sn(&root));
    let sign = STANDARD.decode(params.remove("sign").unwrap()).unwrap();
    let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let key = mode.authority.key("app").public_key().unwrap();
    assert!(key.verify(text.join("&").as_bytes(), &sign));
}

#[tokio::test]
async fn a_new_certificate_is_learnt_from_a_reply() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (new_pem, new) = mode.alipay("new");
    let (old_sn, new_sn) = (mode.sn("alipay"), mode.sn("new"));
    let (fake, client) = mode.gateway("new");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    fake.certificates.lock().unwrap().insert(new_sn.clone(), new_pem);

    // The bare client says which one is missing.
    let error = client.call(&merchant, &query()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert_eq!(error.unknown_certificate(), Some(new_sn.as_str()));
    assert!(
        RawNotify::parse(notify(&mode.authority.key("new"), None).as_bytes())
            .unwrap()
            .verify(&merchant, mode.now)
            .is_err()
    );

    let answer = merchant.call(&client, &query()).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
    assert_eq!((fake.asked_for(QUERY), fake.asked_for(DOWNLOAD)), (3, 1));
    assert_eq!(merchant.certificates().unwrap().alipay_cert_sns(), [new_sn.clone(), old_sn.clone()]);
    let newest = &merchant.certificates().unwrap().alipay_certificates()[0];
    assert_eq!((newest.sn(), newest.certificate()), (new_sn.as_str(), &new));
    assert_eq!(merchant.learn_certificate(&client, &new_sn).await.unwrap(), Learned::Known);
    assert_eq!(fake.asked_for(DOWNLOAD), 1);

    // Both verify while they overlap, each under its own name only.
    for (name, sn) in [("alipay", &old_sn), ("new", &new_sn)] {
        let key = mode.authority.key(name);
        for named in [None, Some(sn.as_str())] {
            RawNotify::parse(notify(&key, named).as_bytes()).unwrap().verify(&merchant, mode.now).unwrap();
        }
        let other = if name == "new" { &old_sn } else { &new_sn };
        let swapped = RawNotify::parse(notify(&key, Some(other)).as_bytes()).unwrap();
        assert_eq!(swapped.verify(&merchant, mode.now).unwrap_err().kind(), ErrorKind::Unverified);
    }
}

#[tokio::test]
async fn only_harmless_calls_are_repeated() {
    let mode = Mode::new();
    let (new_pem, _) = mode.alipay("new");
    let url = || CallbackUrl::parse("https://shop.example/notify").unwrap();
    let paying =
        BarCodePay::new(order("COURSE_0001", "88.00"), AuthCode::parse("285000000000000001").unwrap(), url());
    let trade = (Channel::Alipay, TradeNo::parse("2026112322001").unwrap());
    let refund_no = RefundNo::parse("REFUND_0001").unwrap();
    let refund = Refund::new(refund_no, number("COURSE_0001"), trade, yuan("88.00"), yuan("1.00"));
    let content = r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"2026112322001",
        "total_amount":"88.00","refund_fee":"1.00","fund_change":"Y","gmt_payment":"2026-11-23 10:00:00"}"#;
    let gateway = || {
        let (fake, client) = mode.gateway("new");
        for method in ["alipay.trade.pay", "alipay.trade.refund"] {
            fake.contents.lock().unwrap().insert(method.to_owned(), content.to_owned());
        }
        fake.certificates.lock().unwrap().insert(mode.sn("new"), new_pem.clone());
        (fake, client)
    };
    let ((fake, client), merchant) = (gateway(), mode.merchant());
    let unknown = merchant.call(&client, &paying).await.unwrap();
    assert!(matches!(unknown, Outcome::Unknown(_)));
    assert_eq!((fake.asked_for("alipay.trade.pay"), fake.asked_for(DOWNLOAD)), (1, 1));
    assert!(merchant.certificates().unwrap().knows(&mode.sn("new")));

    let ((fake, client), merchant) = (gateway(), mode.merchant());
    let known = merchant.call(&client, &RefundCall::new(refund)).await.unwrap();
    assert!(matches!(known, Outcome::Known(_)));
    assert_eq!((fake.asked_for("alipay.trade.refund"), fake.asked_for(DOWNLOAD)), (2, 1));
}

/// The first attempt may have acted, so a refusal of the second one proves nothing.
#[tokio::test]
async fn a_refused_repeat_leaves_the_outcome_open() {
    let mode = Mode::new();
    let (new_pem, _) = mode.alipay("new");
    let trade = (Channel::Alipay, TradeNo::parse("2026112322001").unwrap());
    let refund_no = RefundNo::parse("REFUND_0001").unwrap();
    let refund = Refund::new(refund_no, number("COURSE_0001"), trade, yuan("88.00"), yuan("1.00"));
    let (refund, cancel) = (RefundCall::new(refund), Cancel::new(number("COURSE_0001")));
    let (fake, client) = mode.gateway("new");
    for (method, code) in [
        ("alipay.trade.refund", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
        ("alipay.trade.cancel", "ACQ.TRADE_CANCEL_TIME_OUT"),
    ] {
        let content = format!(r#"{{"code":"40004","msg":"Business Failed","sub_code":"{code}"}}"#);
        fake.contents.lock().unwrap().insert(method.to_owned(), content);
    }
    fake.certificates.lock().unwrap().insert(mode.sn("new"), new_pem);
    let merchant = mode.merchant();
    let refunded = merchant.call(&client, &refund).await.unwrap();
    assert!(matches!(refunded, Outcome::Unknown(_)), "{refunded:?}");
    // A refusal that nothing precedes is final.
    let refunded = merchant.call(&client, &refund).await.unwrap().known().unwrap();
    assert!(matches!(refunded, RefundOutcome::Refused { .. }), "{refunded:?}");

    let merchant = mode.merchant();
    fake.later(60);
    let cancelled = merchant.call(&client, &cancel).await.unwrap();
    assert!(matches!(cancelled, Outcome::Unknown(_)), "{cancelled:?}");
    let cancelled = merchant.call(&client, &cancel).await.unwrap().known().unwrap();
    assert!(matches!(cancelled, CancelOutcome::Refused { .. }), "{cancelled:?}");
}

/// Whether a message names its certificate or not.
#[tokio::test]
async fn an_expired_certificate_verifies_nothing() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (key, sn) = (mode.authority.key("alipay"), mode.sn("alipay"));
    let certificate = Certificate::parse(&mode.alipay_pem).unwrap();
    let (begins, ends) = (certificate.not_before(), certificate.not_after());
    let before = UnixMillis::from_millis(begins.as_millis() - 1000);
    for named in [Some(sn.as_str()), None] {
        let body = notify(&key, named);
        let verify = |at| RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, at);
        assert!(verify(begins).is_ok() && verify(ends).is_ok());
        for at in [before, ends.plus_secs(1)] {
            let error = verify(at).unwrap_err();
            // It is known, so downloading it again helps nobody.
            assert_eq!((error.kind(), error.unknown_certificate()), (ErrorKind::Unverified, None));
        }
    }
    let (fake, client) = mode.gateway("alipay");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    assert!(client.call(&merchant, &query()).await.is_ok());
    fake.now.store(ends.plus_secs(1).as_millis(), Ordering::SeqCst);
    let error = merchant.call(&client, &query()).await.unwrap_err();
    assert_eq!((error.kind(), error.unknown_certificate()), (ErrorKind::Unverified, None));
    assert!(error.to_string().contains("not valid at this moment"), "{error}");
    assert_eq!(fake.asked_for(DOWNLOAD), 0);
}

/// A notify that names a new certificate: one query of any trade in this process makes it known.
#[tokio::test]
async fn a_query_makes_the_certificate_of_a_notify_known() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (new_pem, _) = mode.alipay("new");
    let sn = mode.sn("new");
    let (fake, client) = mode.gateway("new");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    fake.certificates.lock().unwrap().insert(sn.clone(), new_pem);
    let body = notify(&mode.authority.key("new"), Some(&sn));
    let verify = || RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, mode.now);
    let error = verify().unwrap_err();
    assert_eq!(error.unknown_certificate(), Some(sn.as_str()));
    assert!(fake.asked.lock().unwrap().is_empty());
    merchant.call(&client, &query()).await.unwrap().known().unwrap();
    assert!(verify().is_ok());
    // A number of another shape is no number.
    let odd = notify(&mode.authority.key("new"), Some("../../etc"));
    let error = RawNotify::parse(odd.as_bytes()).unwrap().verify(&merchant, mode.now).unwrap_err();
    assert_eq!((error.kind(), error.unknown_certificate()), (ErrorKind::Unverified, None));
}

#[tokio::test]
async fn forged_numbers_do_not_amplify() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (fake, client) = mode.gateway("alipay");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    let key = generate_key().unwrap();
    for forged in 0..40_u32 {
        // Anybody can send a notify: the error names the number, and nothing is requested.
        let body = notify(&key, Some(&format!("{forged:032x}")));
        let error = RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, mode.now).unwrap_err();
        let named = format!("{forged:032x}");
        assert_eq!(
            (error.kind(), error.unknown_certificate()),
            (ErrorKind::Unverified, Some(named.as_str()))
        );
    }
    assert!(fake.asked.lock().unwrap().is_empty());

    for forged in 0..240 {
        fake.signs.lock().unwrap().1 = format!("{forged:032x}");
        merchant.call(&client, &query()).await.unwrap_err();
        fake.later(1);
    }
    assert_eq!((fake.asked_for(QUERY), fake.asked_for(DOWNLOAD)), (240, 4));
    // A number that is none is no reason to ask at all.
    fake.signs.lock().unwrap().1 = "../../etc".to_owned();
    assert_eq!(merchant.call(&client, &query()).await.unwrap_err().unknown_certificate(), None);
    assert_eq!(CertDownload::new("../../etc").unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn one_download_at_a_time() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (pem, _) = mode.alipay("new");
    let sn = mode.sn("new");
    let (fake, client) = mode.gateway("new");
    fake.certificates.lock().unwrap().insert(sn.clone(), pem);
    fake.held_back.store(true, Ordering::SeqCst);
    let mut first = Box::pin(merchant.learn_certificate(&client, &sn));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    for _ in 0..10 {
        fake.later(60);
        let second = merchant.learn_certificate(&client, &sn).await.unwrap();
        assert!(matches!(second, Learned::Later { .. }));
    }
    assert_eq!(fake.asked_for(DOWNLOAD), 1);

    // A download that is given up blocks nobody.
    drop(first);
    fake.held_back.store(false, Ordering::SeqCst);
    assert_eq!(merchant.learn_certificate(&client, &sn).await.unwrap(), Learned::Known);
    assert_eq!(fake.asked_for(DOWNLOAD), 2);
}

#[tokio::test]
async fn certificates_that_lie_are_not_learnt() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (fake, client) = mode.gateway("alipay");
    let subject = format!("/C=CN/O=shop/CN={HOLDER}");
    let read = |authority: &Authority, name: &str| {
        std::fs::read_to_string(authority.path(&format!("{name}.crt"))).unwrap()
    };
    // Another CA with the same names.
    let elsewhere = Authority::elsewhere();
    elsewhere.certificate("root", "/C=CN/CN=Test R1", None, CA);
    elsewhere.same_key("root", "middle");
    elsewhere.same_key("root", "alipay");
    elsewhere.certificate("middle", "/C=CN/CN=Test Class 2 R1", Some("root"), CA);
    elsewhere.certificate("alipay", &subject, Some("middle"), LEAF);
    // A merchant of the same CA: its own certificate, and one that it signed itself in the name of Alipay.
    mode.authority.same_key("app", "forged");
    mode.authority.certificate("forged", &subject, Some("app"), LEAF);
    let chain = |authority: &Authority, names: &[&str]| -> String {
        names.iter().map(|name| read(authority, name)).collect()
    };
    let lies = [
        chain(&elsewhere, &["alipay", "middle", "root"]),
        chain(&mode.authority, &["app", "middle"]),
        chain(&mode.authority, &["forged", "app", "middle"]),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
        String::new(),
    ];
    for (turn, pem) in lies.into_iter().enumerate() {
        let leaf = Certificate::parse(&pem).map(|leaf| certificate_sn(&leaf));
        let sn = leaf.unwrap_or_else(|_| format!("{turn:032x}"));
        fake.certificates.lock().unwrap().insert(sn.clone(), pem);
        let error = merchant.learn_certificate(&client, &sn).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unverified, "{turn}: {error}");
        assert!(!merchant.certificates().unwrap().knows(&sn));
        fake.later(60);
        let again = merchant.learn_certificate(&client, &sn).await.unwrap();
        assert!(
            matches!(again, Learned::Later { at } if at > payments::Edge::now(&*fake)),
            "{turn}: {again:?}"
        );
    }
    // A genuine one under another number than was asked for, and one that has expired by now.
    let (pem, certificate) = mode.alipay("new");
    let sn = mode.sn("new");
    fake.certificates.lock().unwrap().insert("0".repeat(32), pem.clone());
    let error = merchant.learn_certificate(&client, &"0".repeat(32)).await.unwrap_err();
    assert!(error.to_string().contains("another one"), "{error}");
    fake.certificates.lock().unwrap().insert(sn.clone(), pem);
    fake.now.store(certificate.not_after().plus_secs(1).as_millis(), Ordering::SeqCst);
    let error = merchant.learn_certificate(&client, &sn).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    assert_eq!(merchant.certificates().unwrap().alipay_cert_sns(), [mode.sn("alipay")]);
}

#[tokio::test]
async fn key_mode_downloads_nothing() {
    let mode = Mode::new();
    let (fake, client) = mode.gateway("alipay");
    let key = mode.authority.key("alipay").public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), Endpoint::production(), generate_key().unwrap(), key);
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    // The key decides, whatever certificate the reply names.
    merchant.call(&client, &query()).await.unwrap().known().unwrap();
    let sn = mode.sn("alipay");
    let refused = merchant.learn_certificate(&client, &sn).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misuse);
    assert!(merchant.certificates().is_none());
}

/// Readers see the old certificates or the new ones, never none.
#[test]
fn rotation_under_readers() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let body = notify(&mode.authority.key("alipay"), None);
    let (pem, _) = mode.alipay("new");
    let sn = mode.sn("new");
    let (fake, client) = mode.gateway("new");
    fake.certificates.lock().unwrap().insert(sn.clone(), pem);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut read = 0_u32;
                    while !done.load(Ordering::SeqCst) || read < 50 {
                        RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, mode.now).unwrap();
                        read += 1;
                    }
                    read
                })
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let learned = runtime.block_on(merchant.learn_certificate(&client, &sn)).unwrap();
        assert_eq!(learned, Learned::Known);
        done.store(true, Ordering::SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() >= 50));
    });
    assert_eq!(merchant.certificates().unwrap().alipay_cert_sns().len(), 2);
}

#[test]
fn openssl_agrees_on_serial_and_digest() {
    let mode = Mode::new();
    let path = mode.authority.path("alipay.crt");
    let printed = openssl_text(&["x509", "-noout", "-serial", "-in", &path], b"");
    let certificate = Certificate::parse(&mode.alipay_pem).unwrap();
    assert_eq!(printed.trim(), format!("serial={}", certificate.serial_hex()));
    let digest = openssl_text(
        &["dgst", "-md5", "-r"],
        format!("CN=Test Class 2 R1,C=CN{}", certificate.serial_decimal()).as_bytes(),
    );
    assert_eq!(digest.split(' ').next().unwrap(), certificate_sn(&certificate));
}
