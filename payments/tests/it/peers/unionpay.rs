//! UnionPay: the hash is signed twice, checked by the openssl command line, which knows no payments.

use super::draw::odd_text;
use crate::authority::{Authority, CA, LEAF};
use crate::support::{openssl, openssl_text, yuan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::unionpay::{
    Device, EncryptionKey, Endpoint, GatewayPay, Merchant, RawNotify, SigningKey, Trust,
};
use payments::{
    CallbackUrl, ErrorKind, Incoming, Order, OutTradeNo, SellerId, Subject, TradeStatus, UnixMillis,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fmt::Debug;

const MER_ID: &str = "777290058167151";
const NUMBER: &str = "COURSE0001";

type Fields = BTreeMap<String, String>;

struct World {
    authority: Authority,
    merchant: Merchant,
    /// A moment at which every certificate is valid.
    now: UnixMillis,
}

fn world() -> World {
    let authority = Authority::new();
    let root = authority.certificate("root", "/CN=Root CA", None, CA);
    let middle = authority.certificate("middle", "/CN=Middle CA", Some("root"), CA);
    let name = "/CN=041@8310000000083040@中国银联股份有限公司@00016495";
    let unionpay = authority.certificate("unionpay", name, Some("middle"), LEAF);
    let shop = authority.certificate("shop", "/CN=041@Z1@700000000000001:SIGN@1", Some("middle"), LEAF);
    let signing_key = SigningKey::new(authority.key("shop"), &shop).unwrap();
    let endpoint = Endpoint::parse("http://127.0.0.1:8070").unwrap();
    let trust = Trust::production(vec![middle], vec![root]);
    let merchant = Merchant::new(SellerId::parse(MER_ID).unwrap(), endpoint, signing_key, trust).unwrap();
    World { authority, merchant, now: unionpay.not_before().plus_secs(3600) }
}

/// Few: each starts openssl several times.
fn for_each<S: Strategy>(strategy: &S, check: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10) };
    config.max_shrink_iters = 20;
    let run = TestRunner::new(config).run(strategy, |value| {
        check(value);
        Ok(())
    });
    run.unwrap();
}

/// The lower-case hexadecimal SHA-256 of all fields but the signature, raw.
fn hashed(fields: &Fields) -> String {
    let signed = fields.iter().filter(|(name, _)| *name != "signature");
    let text = signed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let printed = openssl_text(&["dgst", "-sha256", "-r"], text.as_bytes());
    printed.split(' ').next().unwrap().to_owned()
}

/// Whether openssl verifies the signature of the fields with the shop's key.
fn verifies(world: &World, fields: &Fields) -> bool {
    let (key, signature) = (world.authority.key_path("shop"), world.authority.path("signature"));
    std::fs::write(&signature, STANDARD.decode(&fields["signature"]).unwrap()).unwrap();
    let arguments = ["dgst", "-sha256", "-prverify", &key, "-signature", &signature];
    // A signature that does not fit is a failure of the program; its words tell it from others.
    let printed = std::process::Command::new("openssl")
        .args(arguments)
        .arg(write(world, "hashed", &hashed(fields)))
        .output()
        .unwrap();
    match String::from_utf8_lossy(&printed.stdout).trim() {
        "Verified OK" => true,
        "Verification failure" | "Verification Failure" => false,
        _ => panic!("{printed:?}"),
    }
}

fn write(world: &World, name: &str, text: &str) -> String {
    let path = world.authority.path(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn openssl_verifies_forms() {
    let world = world();
    for_each(&"[a-z0-9%?&=+/.-]{0,20}", |query| {
        let back = CallbackUrl::parse("https://shop.example/unionpay/notify").unwrap();
        // Not every query is an address.
        let front = CallbackUrl::parse(&format!("https://shop.example/r?{query}")).unwrap_or(back.clone());
        let subject = Subject::parse("Rust 入门课").unwrap();
        let order = Order::new(OutTradeNo::parse(NUMBER).unwrap(), subject, yuan("88.00"));
        let pay = GatewayPay::new(order, Device::Computer, back, front.clone(), world.now);
        let form = pay.form(&world.merchant).unwrap();
        let mut fields: Fields =
            form.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(fields["frontUrl"], front.as_str());
        assert!(verifies(&world, &fields));
        fields.insert("txnAmt".to_owned(), "1".to_owned());
        assert!(!verifies(&world, &fields));
    });
}

#[test]
fn notifies_that_openssl_signs_are_verified() {
    let world = world();
    let pem = std::fs::read_to_string(world.authority.path("unionpay.crt")).unwrap();
    let (key, txn_time) = (world.authority.key_path("unionpay"), world.now.china_digits());
    for_each(&prop_oneof![2 => odd_text(), 1 => Just(String::new())], |text| {
        let fields = [
            ("accessType", "0"),
            ("bizType", "000201"),
            ("currencyCode", "156"),
            ("encoding", "UTF-8"),
            ("merId", MER_ID),
            ("orderId", NUMBER),
            ("queryId", "782209081322060674028"),
            // May be empty: then it is sent all the same, and not signed.
            ("reqReserved", &text),
            ("respCode", "00"),
            ("respMsg", "成功[0000000]"),
            ("signMethod", "01"),
            // With the line ends that UnionPay writes.
            ("signPubKeyCert", &pem.trim_end().replace('\n', "\r\n")),
            ("txnAmt", "8800"),
            ("txnSubType", "01"),
            ("txnTime", &txn_time),
            ("txnType", "01"),
            ("version", "5.1.0"),
        ];
        let mut fields: Fields =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut signed = fields.clone();
        signed.retain(|_, value| !value.is_empty());
        let signature = openssl(&["dgst", "-sha256", "-sign", &key], hashed(&signed).as_bytes());
        fields.insert("signature".to_owned(), STANDARD.encode(signature));
        let verify = |fields: &Fields| {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            RawNotify::parse(form.as_bytes()).unwrap().verify(&world.merchant, world.now)
        };
        let Incoming::Trade(notify) = verify(&fields).unwrap() else { panic!("{fields:?}") };
        assert_eq!((notify.amount(), notify.status()), (yuan("88.00"), TradeStatus::Paid));
        assert_eq!(notify.field("reqReserved"), Some(text.as_str()).filter(|text| !text.is_empty()));
        fields.insert("txnAmt".to_owned(), "1".to_owned());
        assert_eq!(verify(&fields).unwrap_err().kind(), ErrorKind::Unverified);
    });
}

#[test]
fn openssl_opens_encrypted_fields() {
    let world = world();
    let certificate = std::fs::read_to_string(world.authority.path("unionpay.crt")).unwrap();
    let key = EncryptionKey::of(&payments::Certificate::parse(certificate).unwrap()).unwrap();
    let path = world.authority.key_path("unionpay");
    for_each(&odd_text(), |text| {
        let sealed = STANDARD.decode(key.encrypt(&text).unwrap().as_str()).unwrap();
        let opened = openssl(&["pkeyutl", "-decrypt", "-inkey", &path], &sealed);
        assert_eq!(opened, text.as_bytes());
    });
}
