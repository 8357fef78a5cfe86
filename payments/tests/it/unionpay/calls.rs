//! Calls as requests and replies. What is signed is checked by openssl, from the manual's rule written here again.

mod keys;
mod pay;
mod query;
mod refund;

use super::bank::{Bank, Fields, MER_ID, fields, plain, with, without};
use crate::support::{openssl, openssl_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};

/// The parameters of a request; the signature fits them by openssl, hashed twice.
fn sent(bank: &Bank, request: &Request<Bytes>) -> Fields {
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    let params: Fields = form_urlencoded::parse(request.body()).into_owned().collect();
    assert_signed(bank, &params);
    params
}

fn assert_signed(bank: &Bank, params: &Fields) {
    let path = |name: &str| bank.authority.path(name);
    let text = plain(&without(params.clone(), &["signature"]));
    let hex = openssl_text(&["dgst", "-sha256", "-r"], text.as_bytes());
    let hex = hex.split(' ').next().unwrap();
    std::fs::write(path("signature"), STANDARD.decode(&params["signature"]).unwrap()).unwrap();
    let public = openssl(&["x509", "-pubkey", "-noout", "-in", &path("customer.crt")], b"");
    std::fs::write(path("public.pem"), public).unwrap();
    let arguments = ["dgst", "-sha256", "-verify", &path("public.pem"), "-signature", &path("signature")];
    assert!(openssl_text(&arguments, hex.as_bytes()).contains("Verified OK"));
    assert!(params.values().all(|value| !value.trim().is_empty()), "{params:?}");
}

/// The fields that every request has.
fn common(bank: &Bank) -> Fields {
    let serial =
        openssl_text(&["x509", "-serial", "-noout", "-in", &bank.authority.path("customer.crt")], b"");
    let serial = serial.trim().trim_start_matches("serial=");
    // The whole number is drawn and has up to 160 bits; its low 128 are compared.
    let serial = u128::from_str_radix(serial.get(serial.len().saturating_sub(32)..).unwrap(), 16).unwrap();
    let cert_id = bank.pem_of("customer").serial_decimal();
    let low = cert_id
        .bytes()
        .fold(0_u128, |sum, digit| sum.wrapping_mul(10).wrapping_add(u128::from(digit - b'0')));
    assert_eq!(low, serial);
    fields(&[
        ("accessType", "0"),
        ("certId", &cert_id),
        ("encoding", "UTF-8"),
        ("merId", MER_ID),
        ("signMethod", "01"),
        ("version", "5.1.0"),
    ])
}

fn assert_sent(bank: &Bank, request: &Request<Bytes>, uri: &str, pairs: &[(&str, &str)]) {
    assert_eq!(request.uri(), uri);
    assert_eq!(without(sent(bank, request), &["signature"]), with(common(bank), pairs));
}
