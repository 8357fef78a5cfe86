//! A merchant with certificates and keys in every form, made by openssl.

use std::process::Command;
use std::sync::LazyLock;

use payments::alipay::{Certificates, ContentKey, Endpoint, Merchant};
use payments::{AppId, Certificate, PrivateKey, SellerId};

/// A merchant whose three certificates are one and the same, made by openssl.
pub(super) struct Setup {
    pub(super) merchant: Merchant,
    pub(super) key: PrivateKey,
    pub(super) pem: String,
    pub(super) certificate: Certificate,
    pub(super) pfx: Vec<u8>,
    pub(super) key_texts: Vec<String>,
}

pub(super) static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, pem) = (path("key"), path("pem"));
    let own = ["-days", "3650", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alipay"];
    openssl(&[&["req", "-x509", "-keyout", &key, "-out", &pem][..], &own].concat());
    let file = ["-inkey", &key, "-in", &pem, "-passout", "pass:x", "-iter", "1"];
    let pfx = openssl(&[&["pkcs12", "-export"][..], &file].concat());
    let read = |name: &str| std::fs::read_to_string(name).unwrap();
    let key_texts = vec![
        read(&key),
        text(openssl(&["rsa", "-traditional", "-in", &key])),
        text(openssl(&["pkcs8", "-topk8", "-in", &key, "-passout", "pass:x"])),
        text(openssl(&["rsa", "-pubout", "-in", &key])),
        text(openssl(&["rsa", "-RSAPublicKey_out", "-in", &key])),
    ];
    let (private, pem) = (PrivateKey::parse(&read(&key)).unwrap(), read(&pem));
    let certificate = Certificate::parse(&pem).unwrap();
    let files = Certificates::new(&pem, &pem, &pem, certificate.not_before()).unwrap();
    let (app_id, seller_id) = (AppId::parse("9021").unwrap(), SellerId::parse("2088").unwrap());
    let merchant =
        Merchant::with_certificates(app_id, seller_id, Endpoint::sandbox(), private.clone(), files).unwrap();
    let merchant = merchant.with_content_key(ContentKey::parse("aa4BtZ4tspm2wnXLb1ThQA==").unwrap());
    Setup { merchant, key: private, pem, certificate, pfx, key_texts }
});

pub(super) fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl does not start; install it with: apt-get install openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
