//! Certificate mode: the numbers agree, and a new certificate is learnt.

use super::{House, NUMBER, endpoint, house_of, registration, trade};
use crate::support::{NOW, app_id, number, seller_id};
use payments::alipay::{Certificates, Merchant, V3TradeQuery};
use payments::sandbox::{SandboxAlipay, SandboxKeys, generate_key};
use payments::{ErrorKind, Gateway as _, QueryOutcome, TradeStatus};

fn certified(rotate: bool) -> House {
    let (own, keys, root) =
        (generate_key().unwrap(), SandboxKeys::generate().unwrap(), SandboxKeys::generate().unwrap());
    let side = SandboxAlipay::new(keys, registration(&own)).with_certificates(&root, NOW).unwrap();
    let files = side.certificate_files().unwrap();
    let certificates = Certificates::new(&files.app, &files.alipay, &files.root, NOW).unwrap();
    let merchant = Merchant::with_certificates(app_id(), seller_id(), endpoint(), own, certificates).unwrap();
    if rotate {
        side.rotate_certificate(&SandboxKeys::generate().unwrap(), NOW).unwrap();
        assert_ne!(side.certificate_files().unwrap().alipay, files.alipay);
    }
    house_of(side, merchant)
}

#[tokio::test]
async fn certificate_mode_numbers_agree() {
    let house = certified(false);
    assert_eq!(house.paid().await.status(), TradeStatus::Paid);
    assert_eq!(house.query().await, Some(TradeStatus::Paid));
    let query = V3TradeQuery::new(number(NUMBER));
    let client = house.gateway.client();
    let answer = house.gateway.merchant().call(client, &query).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
}

#[tokio::test]
async fn a_new_certificate_is_learned_from_a_call() {
    let house = certified(true);
    let known = || house.gateway.merchant().certificates().unwrap().alipay_cert_sns().len();
    assert_eq!(known(), 1);
    assert_eq!(house.query().await, None);
    assert_eq!(known(), 2);
    assert_eq!(house.paid().await.status(), TradeStatus::Paid);
}

#[tokio::test]
async fn certificate_mode_and_key_mode_are_apart() {
    let (own, keys, root) =
        (generate_key().unwrap(), SandboxKeys::generate().unwrap(), SandboxKeys::generate().unwrap());
    let alipay = keys.public_key().unwrap();
    let side = SandboxAlipay::new(keys, registration(&own)).with_certificates(&root, NOW).unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint(), own, alipay);
    let house = house_of(side, merchant);
    let error = house.gateway.query(&trade()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert!(error.gateway_code().unwrap().contains("isv.missing-app-cert-sn"), "{error}");
}
