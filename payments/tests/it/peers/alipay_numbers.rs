//! The numbers of certificates, by which Alipay's certificate mode names them.

use super::program::Peer;
use crate::authority::{Authority, CA, LEAF};
use payments::Certificate;
use payments::alipay::{certificate_sn, root_certificate_sn};
use serde_json::json;

/// A peer of Python reads these four names of an issuer and no others, in this order. No quotes and no plus signs: the
/// peers write them as they are, Alipay's own kit for Java escapes them as RFC 2253 says, and so is it done here.
const ROOTS: [&str; 3] = [
    "/C=CN/O=Ant Financial/OU=Certification Authority/CN=Ant Financial Certification Authority R1",
    "/C=CN/O=测试 公司/OU=a/CN=根 R2",
    "/C=CN/O=x/OU=y/CN=z",
];

fn numbers_are_the_same(peer: &Peer) {
    let authority = Authority::new();
    let mut bundle = Vec::new();
    for (turn, subject) in ROOTS.into_iter().enumerate() {
        let root = format!("root{turn}");
        bundle.push(authority.certificate(&root, subject, None, CA));
        // Each serial is drawn by openssl.
        for leaf in 0..4 {
            let certificate =
                authority.certificate(&format!("leaf{leaf}"), "/C=CN/CN=shop", Some(&root), LEAF);
            let theirs = peer.ask_text("alipay_sn", json!({"certificate": certificate.to_pem()}));
            assert_eq!(certificate_sn(&certificate), theirs, "{turn}");
        }
    }
    let text: String = bundle.iter().map(Certificate::to_pem).collect();
    let theirs = peer.ask_text("alipay_root_sn", json!({"bundle": text}));
    assert_eq!(root_certificate_sn(&bundle), theirs);
    assert_eq!(theirs.split('_').count(), ROOTS.len());
}

#[test]
fn numbers_of_npm_are_the_same() {
    Peer::js().iter().for_each(numbers_are_the_same);
}

#[test]
fn numbers_of_python_are_the_same() {
    Peer::py().iter().for_each(numbers_are_the_same);
}
