//! Keys: what is encrypted for UnionPay alone, and what the shop signs with.

use super::sent;
use crate::support::{openssl_text, stamp};
use crate::unionpay::bank::{
    Bank, MER_ID, fields, notify_url, order, return_url, submitted_at, with, without,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::unionpay::{Device, EncryptionCertificate, EncryptionKey, GatewayPay, SigningKey};
use payments::{Call, ErrorKind};

/// What is encrypted for UnionPay is decrypted by openssl with the key of the certificate.
#[test]
fn a_card_number_is_for_unionpay_alone() {
    let bank = Bank::new();
    let call = EncryptionCertificate;
    let params = sent(&bank, &call.request(&bank.merchant, stamp()).unwrap());
    assert_eq!((params["txnType"].as_str(), params["certType"].as_str()), ("95", "01"));
    assert!((8..=40).contains(&params["orderId"].len()));

    let told = fields(&[
        ("certType", "01"),
        ("encoding", "UTF-8"),
        ("encryptPubKeyCert", &bank.pem("unionpay")),
        ("merId", MER_ID),
        ("respCode", "00"),
        ("signMethod", "01"),
        ("txnType", "95"),
        ("version", "5.1.0"),
    ]);
    let key = call.read(&bank.merchant, &bank.reply(told.clone())).unwrap();
    assert_eq!(key.cert_id(), bank.pem_of("unionpay").serial_decimal());
    let account = key.encrypt("6226388000000095").unwrap();
    assert_ne!(account, key.encrypt("6226388000000095").unwrap());
    assert!(!format!("{account:?}").contains(account.as_str()));
    std::fs::write(bank.authority.path("field"), STANDARD.decode(account.as_str()).unwrap()).unwrap();
    let decrypt = ["pkeyutl", "-decrypt", "-inkey", &bank.authority.path("unionpay.key")];
    let input = ["-in", &bank.authority.path("field"), "-pkeyopt", "rsa_padding_mode:pkcs1"];
    assert_eq!(openssl_text(&[&decrypt[..], &input[..]].concat(), b""), "6226388000000095");
    assert!(key.encrypt(&"9".repeat(245)).is_ok() && key.encrypt(&"9".repeat(246)).is_err());

    let pay = GatewayPay::new(order(), Device::Computer, notify_url(), return_url(), submitted_at());
    let form = pay.from_account(account.clone()).form(&bank.merchant).unwrap();
    assert!(form.fields().any(|field| field == ("accNo", account.as_str())));
    assert!(form.fields().any(|field| field == ("encryptCertId", key.cert_id())));

    for (name, value) in
        [("encryptPubKeyCert", "x"), ("encryptPubKeyCert", ""), ("certType", "02"), ("respCode", "10")]
    {
        assert!(
            call.read(&bank.merchant, &bank.reply(with(told.clone(), &[(name, value)]))).is_err(),
            "{name}"
        );
    }
    let nobodys = call.read(&bank.merchant, &bank.reply(without(told, &["merId"]))).unwrap_err();
    assert_eq!(nobodys.kind(), ErrorKind::PeerMisbehaved);
    assert!(EncryptionKey::of(&bank.pem_of("unionpay")).is_ok());
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let bank = Bank::new();
    let key = bank.authority.key("customer");
    assert!(SigningKey::new(key.clone(), &bank.pem_of("customer")).is_ok());
    let error = SigningKey::new(key, &bank.pem_of("unionpay")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
