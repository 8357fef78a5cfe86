//! What is not learnt and what is not asked for: expired certificates, forged numbers, chains that lie.

use super::{QUERY, notify, paid, query};
use crate::alipay_mode::{DOWNLOAD, HOLDER, Mode};
use crate::authority::{Authority, CA, LEAF};
use payments::alipay::{CertDownload, Learned, RawNotify, certificate_sn};
use payments::sandbox::generate_key;
use payments::{Certificate, ErrorKind, UnixMillis};
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

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
