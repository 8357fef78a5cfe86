//! The three files of the console: their numbers, what is refused, and requests that name them.

use crate::alipay_mode::{HOLDER, Mode};
use crate::authority::{Issue, LEAF};
use crate::support::{app_id, openssl_text, order, page_pay, seller_id, stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::alipay::{Certificates, Endpoint, Merchant, certificate_sn, root_certificate_sn};
use payments::sandbox::generate_key;
use payments::sign::Verifier;
use payments::{Certificate, ErrorKind, UnixMillis};
use serde_json::Value;
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../vectors/alipay-certificates.json");

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
