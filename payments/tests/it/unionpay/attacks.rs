//! Notifies that are not what they claim to be.

use super::bank::{
    Bank, CUSTOMER, Fields, UNIONPAY, form, order, paid, plain, queried, refunded, resigned, with, without,
};
use crate::authority::{CA, LEAF};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::sign::Signer;
use payments::unionpay::{FORM_BYTES_MAX, RawNotify, Trust};
use payments::{Error, ErrorKind, Incoming, UnixMillis};
use proptest::prelude::*;

fn received(bank: &Bank, body: &[u8], at: UnixMillis) -> Result<Incoming, Error> {
    RawNotify::parse(body)?.verify(&bank.merchant, at)
}

fn assert_unverified(bank: &Bank, lie: &str, fields: &Fields) {
    let error = received(bank, &form(fields), bank.now()).expect_err(lie);
    assert_eq!(error.kind(), ErrorKind::Unverified, "{lie}: {error}");
}

#[test]
fn notify_without_signature_or_certificate_is_refused() {
    let bank = Bank::new();
    let good = bank.signed(paid());
    assert!(received(&bank, &form(&good), bank.now()).is_ok());
    assert_unverified(&bank, "no signature", &without(good.clone(), &["signature"]));
    assert_unverified(&bank, "empty signature", &with(good.clone(), &[("signature", "")]));
    assert_unverified(&bank, "no base64", &with(good.clone(), &[("signature", "%%%")]));
    assert_unverified(&bank, "no certificate", &without(good, &["signPubKeyCert"]));
    // Signed as it is, so the missing certificate is the only fault.
    let key = bank.authority.key("unionpay");
    assert_unverified(&bank, "no certificate, signed", &resigned(&key, paid()));
    let broken = with(
        paid(),
        &[("signPubKeyCert", "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----")],
    );
    assert_unverified(&bank, "broken certificate", &resigned(&key, broken));
    let long = with(paid(), &[("signPubKeyCert", &"A".repeat(20_000))]);
    assert_unverified(&bank, "long certificate", &resigned(&key, long));
}

#[test]
fn any_change_breaks_the_signature() {
    let bank = Bank::new();
    let good = bank.signed(paid());
    for name in good.keys().filter(|name| !["signature", "signPubKeyCert"].contains(&name.as_str())) {
        let changed = with(good.clone(), &[(name, &format!("{}1", good[name]))]);
        let error = received(&bank, &form(&changed), bank.now()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unverified, "{name}");
        let error = received(&bank, &form(&without(good.clone(), &[name])), bank.now()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unverified, "{name}");
    }
    assert_unverified(&bank, "another field", &with(good, &[("extra", "1")]));
}

/// Version, method and encoding are ours; genuine signatures under others are refused all the same.
#[test]
fn notify_cannot_choose_a_weaker_method() {
    let bank = Bank::new();
    for (name, value) in [
        ("version", "5.0.0"),
        ("version", ""),
        ("signMethod", "11"),
        ("signMethod", "12"),
        ("signMethod", "21"),
        ("signMethod", ""),
        ("encoding", "GBK"),
    ] {
        assert_unverified(&bank, value, &bank.signed(with(paid(), &[(name, value)])));
    }
    for name in ["version", "signMethod", "encoding"] {
        assert_unverified(&bank, name, &bank.signed(without(paid(), &[name])));
    }
    // The text itself, hashed once, is what version 5.0.0 and every other gateway would sign.
    let key = bank.authority.key("unionpay");
    let text = with(paid(), &[("signPubKeyCert", bank.pem("unionpay").trim_end())]);
    let once = STANDARD.encode(key.sign(plain(&text).as_bytes()).unwrap());
    assert_unverified(&bank, "hashed once", &with(text, &[("signature", &once)]));
}

#[test]
fn notify_with_a_certificate_of_another_authority_is_refused() {
    let bank = Bank::new();
    let authority = &bank.authority;
    authority.same_key("customer", "forger");
    // The same names all the way up, and the forger's keys.
    authority.same_key("customer", "false_root");
    authority.certificate("false_root", "/CN=Root CA", None, CA);
    authority.certificate("forger", UNIONPAY, Some("false_root"), LEAF);
    assert_unverified(&bank, "other root", &bank.signed_by("forger", paid()));
    authority.certificate("forger", UNIONPAY, None, LEAF);
    assert_unverified(&bank, "signed by itself", &bank.signed_by("forger", paid()));
    // The certificate of UnionPay with the signature of somebody else.
    let genuine = with(paid(), &[("signPubKeyCert", bank.pem("unionpay").trim_end())]);
    assert_unverified(&bank, "borrowed certificate", &resigned(&authority.key("customer"), genuine));
}

#[test]
fn notify_of_a_customer_of_the_same_authority_is_refused() {
    let bank = Bank::new();
    assert_unverified(&bank, "merchant", &bank.signed_by("customer", paid()));
    let authority = &bank.authority;
    for subject in [
        "/CN=041@中国银联股份有限公司@8310000000083040@00016495",
        "/CN=041@1@中国银联股份有限公司",
        "/CN=041@1@中国银联股份有限公司@1@1",
        "/CN=041@1@中国银联股份有限公司 @1",
        "/CN=中国银联股份有限公司",
        "/CN=041@1@00040000:SIGN@1",
        "/CN=041@Z@700000000000001:SIGN@3/O=041@1@中国银联股份有限公司@1",
        "/O=041@1@中国银联股份有限公司@1",
    ] {
        authority.same_key("customer", "trick");
        authority.certificate("trick", subject, Some("middle"), LEAF);
        assert_unverified(&bank, subject, &bank.signed_by("trick", paid()));
    }
    // A merchant's certificate is no authority for another one.
    authority.same_key("customer", "child");
    authority.certificate("child", UNIONPAY, Some("customer"), LEAF);
    let chain = format!("{}{}", bank.pem("child"), bank.pem("customer"));
    let fields = with(paid(), &[("signPubKeyCert", &chain)]);
    assert_unverified(&bank, "own chain", &resigned(&authority.key("child"), fields));
}

/// The name of the test environment's old certificates is nobody's in production.
#[test]
fn the_test_name_is_believed_in_the_test_environment_only() {
    for (bank, believed) in [(Bank::new(), false), (Bank::trusting(Trust::test), true)] {
        bank.authority.same_key("customer", "old");
        bank.authority.certificate("old", "/CN=041@Z12@00040000:SIGN@00000062", Some("middle"), LEAF);
        let body = form(&bank.signed_by("old", paid()));
        assert_eq!(received(&bank, &body, bank.now()).is_ok(), believed);
    }
}

/// A certificate that was verified is remembered, and still ends on its day.
#[test]
fn a_remembered_certificate_still_expires() {
    let bank = Bank::new();
    let body = form(&bank.signed(paid()));
    let certificate = bank.pem_of("unionpay");
    let begins = certificate.not_before();
    // Those above it were made a moment earlier, so they end a moment earlier.
    let ends = bank.root.not_after().min(bank.middle.not_after()).min(certificate.not_after());
    let second = |at: UnixMillis, more: bool| {
        let millis = if more { at.as_millis() + 1000 } else { at.as_millis() - 1000 };
        UnixMillis::from_millis(millis)
    };
    for _twice in 0..2 {
        assert!(received(&bank, &body, begins).is_ok());
        assert!(received(&bank, &body, ends).is_ok());
        for at in [second(begins, false), second(ends, true), UnixMillis::MAX, UnixMillis::from_millis(0)] {
            let error = received(&bank, &body, at).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unverified, "{at:?}");
        }
    }
}

/// The certificate above it ends first: what was proved with it is proved no more.
#[test]
fn a_remembered_certificate_ends_with_the_one_above_it() {
    let bank = Bank::new();
    let short = bank.short_lived_middle();
    let merchant = bank.trusting_middle(short.clone());
    let body = form(&bank.signed(paid()));
    let verify = |at| RawNotify::parse(&body).unwrap().verify(&merchant, at);
    let last = short.not_after();
    assert!(last < bank.pem_of("unionpay").not_after());
    for _twice in 0..2 {
        assert!(verify(bank.now()).is_ok() && verify(last).is_ok());
        assert_eq!(verify(last.plus_secs(1)).unwrap_err().kind(), ErrorKind::Unverified);
    }
}

/// The key is remembered with the certificate; a second message under it still needs its own signature.
#[test]
fn a_remembered_certificate_vouches_for_no_message() {
    let bank = Bank::new();
    let good = bank.signed(paid());
    assert!(received(&bank, &form(&good), bank.now()).is_ok());
    assert_unverified(&bank, "another amount", &with(good.clone(), &[("txnAmt", "1")]));
    let certificate = bank.pem("unionpay");
    let longer = with(good, &[("signPubKeyCert", &format!("{certificate}\r\n"))]);
    assert_unverified(&bank, "another text of the certificate", &longer);
}

#[test]
fn duplicate_parameters_are_refused() {
    let bank = Bank::new();
    let mut body = form(&bank.signed(paid()));
    body.extend(b"&txnAmt=1");
    assert_eq!(received(&bank, &body, bank.now()).unwrap_err().kind(), ErrorKind::InvalidInput);
    let mut body = b"orderId=OTHER0001&".to_vec();
    body.extend(form(&bank.signed(paid())));
    assert_eq!(received(&bank, &body, bank.now()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// The signed text does not say where a value ends.
#[test]
fn a_value_cannot_swallow_or_spit_out_parameters() {
    let bank = Bank::new();
    let good = bank.signed(paid());
    let mut merged = without(good.clone(), &["settleAmt"]);
    merged.insert("respMsg".into(), format!("{}&settleAmt={}", good["respMsg"], good["settleAmt"]));
    assert_unverified(&bank, "merged", &merged);
    let mut open = with(paid(), &[("reqReserved", "{x")]);
    open = bank.signed(open);
    let mut merged = without(open.clone(), &["respCode"]);
    merged.insert("reqReserved".into(), format!("{{x&respCode={}", open["respCode"]));
    assert_unverified(&bank, "merged behind an open bracket", &merged);
    // The signature fits both, and only one of them tells the amount.
    let told = bank.signed(with(paid(), &[("traceTime", "{"), ("txnAmt", "}")]));
    let mut swallowed = without(told.clone(), &["traceTime", "txnAmt"]);
    swallowed.insert("traceTime".into(), "{&txnAmt=}".into());
    assert_eq!(plain(&without(told, &["signature"])), plain(&without(swallowed.clone(), &["signature"])));
    assert_unverified(&bank, "swallowed by a list", &swallowed);
}

/// The `+` of base64 is a space in a form: a notify that was not encoded is not what was signed.
#[test]
fn an_unencoded_plus_is_not_repaired() {
    let bank = Bank::new();
    let fields = bank.signed(paid());
    assert!(fields["accNo"].contains('+'));
    let certificate =
        form_urlencoded::byte_serialize(fields["signPubKeyCert"].as_bytes()).collect::<String>();
    let unencoded = plain(&with(fields, &[("signPubKeyCert", &certificate)]));
    assert_eq!(received(&bank, unencoded.as_bytes(), bank.now()).unwrap_err().kind(), ErrorKind::Unverified);
}

/// Replies have the same key. "00" in the reply to a query says that the query went well, not that money came.
#[test]
fn a_reply_is_no_notify() {
    let bank = Bank::new();
    assert_unverified(&bank, "query reply", &bank.signed(queried("05")));
    assert_unverified(&bank, "app reply", &bank.signed(with(paid(), &[("tn", "782209081322060674028")])));
    assert_unverified(&bank, "file reply", &bank.signed(with(refunded(), &[("fileContent", "eJw=")])));
}

#[test]
fn long_and_broken_bodies_are_refused() {
    let bank = Bank::new();
    let long = [form(&bank.signed(paid())), b"&x=".to_vec(), vec![b'a'; FORM_BYTES_MAX]].concat();
    for body in [&long[..], b"", b"a=%zz", b"a=%ff", b"a b=1", b"=1", &b"a=1&".repeat(200)] {
        let error = received(&bank, body, bank.now()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unverified), "{error}");
    }
}

/// A notify that is genuine for another shop of the same authority and gateway is told apart by its numbers.
#[test]
fn a_notify_of_another_merchant_is_genuine_and_not_ours() {
    let bank = Bank::new();
    let fields = bank.signed(with(paid(), &[("merId", "898340183980105")]));
    let incoming = received(&bank, &form(&fields), bank.now()).unwrap();
    let Incoming::Trade(notify) = incoming else { panic!("{incoming:?}") };
    assert!(notify.check(&bank.merchant.expected(&order())).is_err());
}

/// The subject of a test certificate is what the tests say it is.
#[test]
fn the_authority_writes_the_names_as_given() {
    let bank = Bank::new();
    let name = |subject: &str| subject.split('/').nth(1).unwrap().trim_start_matches("CN=").to_owned();
    assert_eq!(bank.pem_of("unionpay").subject_common_name(), Some(name(UNIONPAY).as_str()));
    assert_eq!(bank.pem_of("customer").subject_common_name(), Some(name(CUSTOMER).as_str()));
    assert!(
        bank.pem_of("unionpay")
            .verify_chain(std::slice::from_ref(&bank.middle), std::slice::from_ref(&bank.root), bank.now())
            .is_ok()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(RawNotify::parse(&body).is_err());
    }

    #[test]
    fn any_signed_fields_are_answered(
        changes in proptest::collection::btree_map("[a-zA-Z]{1,10}|txnAmt|txnType|respCode|orderId", ".{0,12}", 0..6),
    ) {
        let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        BANK.with(|bank| {
            let fields = bank.signed(with(paid(), &changes));
            if let Err(error) = received(bank, &form(&fields), bank.now()) {
                assert!(matches!(error.kind(), ErrorKind::Unverified | ErrorKind::PeerMisbehaved), "{error}");
            }
        });
    }
}

thread_local! {
    static BANK: Bank = Bank::new();
}
