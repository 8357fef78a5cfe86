//! Which key signs: certificates that follow each other, a public key, and both at once.

use super::{KEY_ID, MCHID, NUMBER, Shop, is_signed_by, json_of, loopback, opened, registration, shop};
use crate::support::NOW;
use bytes::Bytes;
use http::Response;
use payments::Certificate;
use payments::sandbox::{SandboxKeys, SandboxWechat, WechatSigner, generate_key};
use std::collections::BTreeSet;

const DAY_MILLIS: u64 = 86_400_000;

/// Replies to the same question: the serials that they name, all of them proved by that certificate.
fn signers(shop: &Shop, keys: &[(String, payments::PublicKey)], asked: Option<&str>) -> BTreeSet<String> {
    let path = format!("/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={MCHID}");
    let ask = || {
        let mut request = shop.request("GET", &path, "");
        if let Some(asked) = asked {
            request.headers_mut().insert("wechatpay-serial", asked.parse().unwrap());
        }
        let response = shop.loopback.exchange(request);
        let serial = response.headers()["wechatpay-serial"].to_str().unwrap().to_owned();
        let (_, key) = keys.iter().find(|(known, _)| *known == serial).unwrap();
        assert!(is_signed_by(key, response.headers(), response.body()));
        serial
    };
    (0..24).map(|_| ask()).collect()
}

/// The listed certificates, opened with the API v3 key.
fn listed(shop: &Shop) -> Vec<Certificate> {
    let response = shop.loopback.exchange(shop.request("GET", "/v3/certificates", ""));
    let list = json_of(&response);
    let all = list["data"].as_array().unwrap().iter().map(|entry| {
        let certificate = Certificate::parse(opened(&entry["encrypt_certificate"])).unwrap();
        assert_eq!(entry["serial_no"], certificate.serial_hex());
        assert_eq!(entry["expire_time"], certificate.not_after().china_rfc3339());
        certificate
    });
    all.collect()
}

#[test]
fn certificates_rotate_with_an_overlap_and_a_key_moves_in() {
    let [root, first, second, public] = std::array::from_fn(|_| SandboxKeys::generate().unwrap());
    let key = generate_key().unwrap();
    let wechat = SandboxWechat::of_certificates(&root, &first, registration(&key), NOW).unwrap();
    let wechat = wechat.with_public_key(KEY_ID, &public).unwrap();
    let root = Certificate::parse(wechat.root_certificate().unwrap()).unwrap();
    let shop = Shop { key, gateway_key: first.public_key().unwrap(), loopback: loopback(wechat) };
    let wechat = shop.loopback.sandbox().wechat().unwrap();
    let [old] = &listed(&shop)[..] else { panic!() };
    assert!(old.verify_chain(&[], std::slice::from_ref(&root), NOW).is_ok());
    assert!(old.serial_hex().starts_with("0C"));

    wechat.rotate_certificate(&second, NOW).unwrap();
    let both = listed(&shop);
    let mut keys: Vec<_> =
        both.iter().map(|found| (found.serial_hex(), found.public_key().unwrap())).collect();
    keys.push((KEY_ID.to_owned(), public.public_key().unwrap()));
    let (old, new) = (keys[0].0.clone(), keys[1].0.clone());
    assert_eq!(signers(&shop, &keys, None), BTreeSet::from([old.clone()]), "the new one is only listed");
    assert_eq!(signers(&shop, &keys, Some(KEY_ID)), BTreeSet::from([KEY_ID.to_owned()]));
    shop.loopback.advance_millis(5 * DAY_MILLIS);
    assert_eq!(signers(&shop, &keys, Some(&old)), BTreeSet::from([old.clone(), new.clone()]), "both sign");
    shop.loopback.advance_millis(5 * DAY_MILLIS);
    assert_eq!(signers(&shop, &keys, Some(&new)), BTreeSet::from([new.clone()]));
    assert_eq!(listed(&shop).len(), 1);
    let mut late = shop.request("GET", "/v3/certificates", "");
    late.headers_mut().insert("wechatpay-serial", old.parse().unwrap());
    assert_eq!(shop.loopback.exchange(late).status(), 400, "a key that is gone cannot be asked for");

    let shop = Shop { gateway_key: second.public_key().unwrap(), ..shop };
    let told_by = |shop: &Shop| {
        shop.loopback.notifies(&Response::new(Bytes::new())).remove(0).headers()["wechatpay-serial"].clone()
    };
    shop.pay();
    assert_eq!(told_by(&shop), new.as_str());
    shop.loopback.sandbox().wechat().unwrap().sign_notifies(WechatSigner::PublicKey);
    shop.refund("R1", 1);
    assert_eq!(told_by(&shop), KEY_ID);
}

#[test]
fn a_merchant_with_a_public_key_has_no_certificates() {
    let shop = shop();
    let (status, error) = shop.send("GET", "/v3/certificates", &serde_json::Value::Null);
    assert_eq!((status.as_u16(), error["code"].as_str()), (404, Some("RESOURCE_NOT_EXISTS")));
    let (key, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    for id in ["", "PUB_KEY_ID_", "KEY_1", "PUB_KEY_ID_\n"] {
        assert!(SandboxWechat::of_public_key(id, &keys, registration(&key)).is_err(), "{id}");
    }
    let printed = format!("{:?} {:?}", shop.loopback.sandbox(), registration(&key));
    assert!(!printed.contains("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"), "{printed}");
}
