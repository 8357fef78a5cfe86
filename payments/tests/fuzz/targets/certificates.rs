//! Certificates, bundles, chains and PKCS#12.

use std::sync::LazyLock;

use payments::alipay::certificate_sn;
use payments::{Certificate, Pkcs12, UnixMillis};
use serde_json::Value;

use super::answer::{kind, named};
use super::openssl::SETUP;
use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![certificate(), certificate_der(), bundle(), chain(), pfx()]
}

const UNIONPAY: &str = include_str!("../../it/vectors/unionpay-certificates.json");
const ALIPAY: &str = include_str!("../../it/vectors/alipay-certificates.json");
/// While the certificates of the vectors were valid.
const THEN: UnixMillis = UnixMillis::from_millis(1_662_600_000_000);
const PEM_WORDS: &[&str] =
    &["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----", "\n", "=", "MII", "X509 "];
const DER_WORDS: &[&str] =
    &["\u{30}", "\u{2}\u{1}", "\u{3}", "\u{6}\u{3}U\u{1d}\u{13}", "\u{17}\u{d}", "\u{0}"];

fn vector(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

fn unionpay(name: &str) -> Certificate {
    let file = vector(UNIONPAY);
    Certificate::parse(file["certificates"][name]["pem"].as_str().unwrap()).unwrap()
}

/// Everything that a certificate is asked: none of it panics, and the two serials are one number.
fn asked(certificate: &Certificate) {
    let again = Certificate::from_der(certificate.der()).unwrap();
    assert_eq!(&again, certificate);
    let (hex, decimal) = (certificate.serial_hex(), certificate.serial_decimal());
    assert!(hex.len() % 2 == 0 && !decimal.is_empty());
    if let Ok(number) = u128::from_str_radix(&hex, 16) {
        assert_eq!(number.to_string(), decimal);
    }
    assert_eq!(certificate_sn(certificate).len(), 32);
    let _asked = (certificate.subject_common_name(), certificate.issuer_text().len());
    let _valid = certificate.is_valid_at(THEN);
}

fn certificate() -> Target {
    let cases = vector(ALIPAY);
    let pem = cases["leaf"][0]["pem"].as_str().unwrap();
    Target {
        name: "certificate",
        seeds: vec![pem.into(), unionpay("acp_test_root").der().to_vec(), SETUP.pem.clone().into(), vec![]],
        words: PEM_WORDS,
        bytes_max: 4000,
        run: |input| {
            let answer = Certificate::parse(input);
            answer.iter().for_each(asked);
            named(answer)
        },
        reaches: &["read", "InvalidInput"],
    }
}

fn certificate_der() -> Target {
    let names = ["acp_test_root", "acp_test_sign", "unionpay_test_signer_2020"];
    Target {
        name: "certificate_der",
        seeds: names.iter().map(|name| unionpay(name).der().to_vec()).chain([vec![0x30]]).collect(),
        words: DER_WORDS,
        bytes_max: 3000,
        run: |input| {
            let answer = Certificate::from_der(input);
            answer.iter().for_each(|certificate| {
                assert_eq!(certificate.der(), input);
                asked(certificate);
            });
            named(answer)
        },
        reaches: &["read", "InvalidInput"],
    }
}

fn bundle() -> Target {
    let cases = vector(ALIPAY);
    Target {
        name: "certificate_bundle",
        seeds: vec![cases["root"][0]["pem"].as_str().unwrap().into(), SETUP.pem.repeat(3).into(), vec![]],
        words: PEM_WORDS,
        bytes_max: 8000,
        run: |input| match Certificate::parse_bundle(input) {
            Ok(bundle) => {
                bundle.certificates.iter().for_each(asked);
                format!("{} read, {} skipped", bundle.certificates.len().min(4), bundle.skipped.min(4))
            }
            Err(error) => kind(&error),
        },
        reaches: &["4 read, 0 skipped", "3 read, 0 skipped", "InvalidInput"],
    }
}

/// Only the certificate as it was signed has a chain.
fn chain() -> Target {
    Target {
        name: "certificate_chain",
        seeds: vec![
            unionpay("unionpay_test_signer_2020").der().to_vec(),
            unionpay("acp_test_middle").der().to_vec(),
            SETUP.certificate.der().to_vec(),
        ],
        words: DER_WORDS,
        bytes_max: 3000,
        run: |input| {
            static KNOWN: LazyLock<[Certificate; 4]> = LazyLock::new(|| {
                ["acp_test_root", "acp_test_middle", "acp_test_sign", "unionpay_test_signer_2020"]
                    .map(unionpay)
            });
            let [root, middle, merchant, signer] = &*KNOWN;
            let Ok(leaf) = Certificate::from_der(input) else { return "no certificate".to_owned() };
            let given = [merchant.clone(), leaf.clone(), middle.clone()];
            let answer = leaf.verify_chain(&given, std::slice::from_ref(root), THEN);
            if answer.is_ok() {
                assert!(
                    [signer, middle, merchant, root].contains(&&leaf),
                    "a changed certificate has a chain"
                );
            }
            named(answer)
        },
        reaches: &["read", "Unverified"],
    }
}

fn pfx() -> Target {
    Target {
        name: "pfx",
        seeds: vec![SETUP.pfx.clone(), vec![0x30, 0x80], vec![]],
        words: DER_WORDS,
        bytes_max: 4000,
        run: |input| named(Pkcs12::parse(input, "x")),
        reaches: &["read", "InvalidInput"],
    }
}
