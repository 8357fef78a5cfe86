//! Rotation: a certificate that is not known yet is downloaded once it is met in a reply, and readers see no gap.

use super::{QUERY, notify, paid, query};
use crate::alipay_mode::{DOWNLOAD, Mode};
use crate::support::{app_id, seller_id};
use payments::alipay::{Endpoint, Learned, Merchant, RawNotify};
use payments::sandbox::generate_key;
use payments::{ErrorKind, QueryOutcome};
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn a_new_certificate_is_learnt_from_a_reply() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (new_pem, new) = mode.alipay("new");
    let (old_sn, new_sn) = (mode.sn("alipay"), mode.sn("new"));
    let (fake, client) = mode.gateway("new");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    fake.certificates.lock().unwrap().insert(new_sn.clone(), new_pem);

    // The bare client says which one is missing.
    let error = client.call(&merchant, &query()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
    assert_eq!(error.unknown_certificate(), Some(new_sn.as_str()));
    assert!(
        RawNotify::parse(notify(&mode.authority.key("new"), None).as_bytes())
            .unwrap()
            .verify(&merchant, mode.now)
            .is_err()
    );

    let answer = merchant.call(&client, &query()).await.unwrap().known().unwrap();
    assert!(matches!(answer, QueryOutcome::Trade(_)));
    assert_eq!((fake.asked_for(QUERY), fake.asked_for(DOWNLOAD)), (3, 1));
    assert_eq!(merchant.certificates().unwrap().alipay_cert_sns(), [new_sn.clone(), old_sn.clone()]);
    let newest = &merchant.certificates().unwrap().alipay_certificates()[0];
    assert_eq!((newest.sn(), newest.certificate()), (new_sn.as_str(), &new));
    assert_eq!(merchant.learn_certificate(&client, &new_sn).await.unwrap(), Learned::Known);
    assert_eq!(fake.asked_for(DOWNLOAD), 1);

    // Both verify while they overlap, each under its own name only.
    for (name, sn) in [("alipay", &old_sn), ("new", &new_sn)] {
        let key = mode.authority.key(name);
        for named in [None, Some(sn.as_str())] {
            RawNotify::parse(notify(&key, named).as_bytes()).unwrap().verify(&merchant, mode.now).unwrap();
        }
        let other = if name == "new" { &old_sn } else { &new_sn };
        let swapped = RawNotify::parse(notify(&key, Some(other)).as_bytes()).unwrap();
        assert_eq!(swapped.verify(&merchant, mode.now).unwrap_err().kind(), ErrorKind::Unverified);
    }
}

/// A notify that names a new certificate: one query of any trade in this process makes it known.
#[tokio::test]
async fn a_query_makes_the_certificate_of_a_notify_known() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let (new_pem, _) = mode.alipay("new");
    let sn = mode.sn("new");
    let (fake, client) = mode.gateway("new");
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    fake.certificates.lock().unwrap().insert(sn.clone(), new_pem);
    let body = notify(&mode.authority.key("new"), Some(&sn));
    let verify = || RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, mode.now);
    let error = verify().unwrap_err();
    assert_eq!(error.unknown_certificate(), Some(sn.as_str()));
    assert!(fake.asked.lock().unwrap().is_empty());
    merchant.call(&client, &query()).await.unwrap().known().unwrap();
    assert!(verify().is_ok());
    // A number of another shape is no number.
    let odd = notify(&mode.authority.key("new"), Some("../../etc"));
    let error = RawNotify::parse(odd.as_bytes()).unwrap().verify(&merchant, mode.now).unwrap_err();
    assert_eq!((error.kind(), error.unknown_certificate()), (ErrorKind::Unverified, None));
}

#[tokio::test]
async fn key_mode_downloads_nothing() {
    let mode = Mode::new();
    let (fake, client) = mode.gateway("alipay");
    let key = mode.authority.key("alipay").public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), Endpoint::production(), generate_key().unwrap(), key);
    fake.contents.lock().unwrap().insert(QUERY.to_owned(), paid());
    // The key decides, whatever certificate the reply names.
    merchant.call(&client, &query()).await.unwrap().known().unwrap();
    let sn = mode.sn("alipay");
    let refused = merchant.learn_certificate(&client, &sn).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misuse);
    assert!(merchant.certificates().is_none());
}

/// Readers see the old certificates or the new ones, never none.
#[test]
fn rotation_under_readers() {
    let mode = Mode::new();
    let merchant = mode.merchant();
    let body = notify(&mode.authority.key("alipay"), None);
    let (pem, _) = mode.alipay("new");
    let sn = mode.sn("new");
    let (fake, client) = mode.gateway("new");
    fake.certificates.lock().unwrap().insert(sn.clone(), pem);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut read = 0_u32;
                    while !done.load(Ordering::SeqCst) || read < 50 {
                        RawNotify::parse(body.as_bytes()).unwrap().verify(&merchant, mode.now).unwrap();
                        read += 1;
                    }
                    read
                })
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let learned = runtime.block_on(merchant.learn_certificate(&client, &sn)).unwrap();
        assert_eq!(learned, Learned::Known);
        done.store(true, Ordering::SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() >= 50));
    });
    assert_eq!(merchant.certificates().unwrap().alipay_cert_sns().len(), 2);
}
