//! What UnionPay says on its own, and the certificates in it.

use super::{BACK, MER_ID, NUMBER, Shop, is_signed, shop};
use crate::support::NOW;
use http::StatusCode;
use payments::sandbox::{AfterAttempt, Mischief, Switch, UnionpayCertificate, retry_delays_secs};
use payments::{Certificate, Channel};

fn unionpay(shop: &Shop) -> &payments::sandbox::SandboxUnionpay {
    shop.loopback.sandbox().unionpay().unwrap()
}

#[test]
fn a_payment_and_a_refund_are_told() {
    let shop = shop();
    shop.pay();
    let [(url, paid)] = &shop.notifies()[..] else { panic!() };
    assert_eq!(url, "https://shop.example/unionpay/notify");
    assert!(is_signed(paid));
    for (name, value) in [
        ("merId", MER_ID),
        ("orderId", NUMBER),
        ("txnTime", "20260921221320"),
        ("txnType", "01"),
        ("txnAmt", "8800"),
        ("currencyCode", "156"),
        ("respCode", "00"),
        ("settleDate", "0921"),
    ] {
        assert_eq!(paid[name], value, "{name}");
    }
    let refund = shop.back("04", "REFUND0001", "100", &paid["queryId"]);
    let reply = shop.call(BACK, &refund);
    let [(url, told)] = &shop.notifies()[..] else { panic!() };
    assert_eq!((url.as_str(), &told["queryId"]), ("https://shop.example/unionpay/refund", &reply["queryId"]));
    assert!(is_signed(told));
    assert_eq!((told["orderId"].as_str(), told["reqReserved"].as_str()), ("REFUND0001", NUMBER));
    assert_eq!((told["txnType"].as_str(), &told["origQryId"]), ("04", &paid["queryId"]));
}

#[test]
fn the_retry_table_is_the_gateways() {
    let shop = shop();
    shop.pay();
    let sandbox = shop.loopback.sandbox();
    for secs in retry_delays_secs(Channel::Unionpay) {
        let delivery = sandbox.due(shop.loopback.now()).remove(0);
        let now = shop.loopback.now();
        let after = sandbox.answered(delivery.id, Some((StatusCode::FOUND, b"ok")), now);
        assert_eq!(after, AfterAttempt::Again(now.plus_secs(*secs)));
        shop.loopback.advance_millis(secs * 1000);
    }
    let last = sandbox.due(shop.loopback.now()).remove(0);
    let received = Some((StatusCode::OK, &b"anything"[..]));
    assert_eq!(sandbox.answered(last.id, received, shop.loopback.now()), AfterAttempt::Acknowledged);
}

#[test]
fn wrong_messages_come_before_the_honest_one() {
    for mischief in [Mischief::Forged, Mischief::WrongAmount, Mischief::Duplicate, Mischief::Probe] {
        let shop = shop();
        shop.loopback.sandbox().misbehave(None, mischief, Switch::On);
        shop.pay();
        let mut sent = shop.notifies();
        assert!(is_signed(&sent.pop().unwrap().1));
        let Some((_, odd)) = sent.pop() else {
            assert_eq!(mischief, Mischief::Probe, "only WeChat Pay probes");
            continue;
        };
        assert_eq!(is_signed(&odd), mischief != Mischief::Forged, "{mischief:?}");
        assert_eq!(odd["txnAmt"] == "8800", mischief != Mischief::WrongAmount);
    }
}

#[test]
fn a_busy_gateway_signs_that_it_is() {
    let shop = shop();
    shop.loopback.sandbox().misbehave(None, Mischief::Busy, Switch::On);
    assert_eq!(shop.query(NUMBER, &shop.now())["respCode"], "06");
}

#[test]
fn only_one_certificate_proves_unionpay() {
    let shop = shop();
    let files = unionpay(&shop).files().clone();
    let read = |pem: &str| Certificate::parse(pem).unwrap();
    let (root, middle) = (read(&files.root), read(&files.middle));
    let chain = |certificate: &Certificate| {
        certificate.verify_chain(std::slice::from_ref(&middle), std::slice::from_ref(&root), NOW).is_ok()
    };
    assert!(chain(&middle) && chain(&read(&files.merchant)));
    assert!(!chain(&root) || root.is_signed_by(&root));
    for (which, chained, company) in [
        (UnionpayCertificate::Genuine, true, true),
        (UnionpayCertificate::Expired, false, true),
        (UnionpayCertificate::OtherAuthority, false, true),
        (UnionpayCertificate::OtherCustomer, true, false),
    ] {
        unionpay(&shop).present(which);
        // The signature is right whichever certificate stands there: only its own proof tells them apart.
        let reply = shop.query(NUMBER, &shop.now());
        let certificate = read(&reply["signPubKeyCert"]);
        assert_eq!(chain(&certificate), chained, "{which:?}");
        let name = certificate.subject_common_name().unwrap();
        assert_eq!(name.split('@').nth(2) == Some("中国银联股份有限公司"), company, "{name}");
        assert_eq!(certificate.is_valid_at(NOW), which != UnionpayCertificate::Expired);
        assert_eq!(certificate.is_signed_by(&middle), which != UnionpayCertificate::OtherAuthority);
    }
}
