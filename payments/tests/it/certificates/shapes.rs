//! The shapes in which certificates and their keys come: PKCS#12, PEM with and without armour, bundles, any bytes.

use crate::authority::{Authority, CA, Issue, LEAF};
use crate::support::openssl;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::{BUNDLE_CERTIFICATES_MAX, Certificate, ErrorKind, Pkcs12};
use proptest::prelude::*;

#[test]
fn pfx_files_of_openssl() {
    let authority = Authority::new();
    let leaf = authority.certificate("leaf", "/CN=shop", None, LEAF);
    authority.certificate("other", "/CN=other", None, LEAF);
    let (key, certificate) = (authority.key_path("leaf"), authority.path("leaf.crt"));
    let export = |extra: &[&str]| {
        let mut arguments = vec!["pkcs12", "-export", "-inkey", &key, "-in", &certificate];
        arguments.extend(["-passout", "pass:geheim"].iter().chain(extra));
        openssl(&arguments, b"")
    };
    let old = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    for pfx in [export(&[]), export(&old)] {
        let identity = Pkcs12::parse(&pfx, "geheim").unwrap();
        assert_eq!(identity.certificate, leaf);
        assert!(identity.chain.is_empty());
        assert!(Pkcs12::parse(&pfx, "falsch").is_err());
    }
    // Without a MAC nothing says who put the file together.
    assert!(Pkcs12::parse(&export(&["-nomac"]), "geheim").is_err());
    let other = authority.path("other.crt");
    let keyless = ["pkcs12", "-export", "-nokeys", "-in", &other, "-passout", "pass:geheim"];
    assert!(Pkcs12::parse(&openssl(&keyless, b""), "geheim").is_err());
}

#[test]
fn every_shape_is_the_same_certificate() {
    let authority = Authority::new();
    let pem = authority.issue(Issue {
        name: "leaf",
        subject: "/C=CN/O=测试/CN=商户@1",
        issuer: None,
        extensions: LEAF,
        digest: "sha256",
        days: "3650",
    });
    let expected = Certificate::parse(&pem).unwrap();
    assert_eq!(expected.subject_common_name(), Some("商户@1"));
    assert_eq!(expected.to_pem(), pem);
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let armoured = |lines: &str| {
        format!("Bag Attributes\n-----BEGIN CERTIFICATE-----{lines}-----END CERTIFICATE-----\n")
    };
    let columns = |columns: usize, end: &str| -> String {
        base64
            .as_bytes()
            .chunks(columns)
            .map(|line| format!("{}{end}", str::from_utf8(line).unwrap()))
            .collect()
    };
    for text in [
        base64.clone(),
        armoured(&base64),
        armoured(&format!("\r\n{}", columns(76, "\r\n"))),
        armoured(&format!("\n\n{}", columns(1, "\n\n"))),
        format!("# root\n{}{pem}", armoured(&base64)),
    ] {
        assert_eq!(Certificate::parse(&text).unwrap(), expected, "{text}");
    }
    assert_eq!(Certificate::parse(STANDARD.decode(&base64).unwrap()).unwrap(), expected);

    let der = expected.der();
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err(), "{length} bytes");
    }
    assert!(Certificate::from_der(&[der, &[0]].concat()).is_err());
    let request = pem.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    assert!(Certificate::parse_bundle(&request).is_err());
}

#[test]
fn a_bundle_skips_what_it_cannot_read() {
    let authority = Authority::new();
    let pem = authority.issue(Issue {
        name: "root",
        subject: "/CN=root",
        issuer: None,
        extensions: CA,
        digest: "sha256",
        days: "3650",
    });
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bundle = Certificate::parse_bundle(format!("{broken}{pem}\n\ntext\n{broken}{pem}")).unwrap();
    assert_eq!((bundle.certificates.len(), bundle.skipped), (2, 2));
    assert!(Certificate::parse_bundle(broken).is_err());
    assert!(Certificate::parse_bundle("").is_err());
    assert!(Certificate::parse_bundle(pem.repeat(BUNDLE_CERTIFICATES_MAX)).is_ok());
    assert_eq!(Certificate::parse_bundle(pem.repeat(1000)).unwrap_err().kind(), ErrorKind::InvalidInput);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "(-----BEGIN CERTIFICATE-----)?[A-Za-z0-9+/=\n ]{0,60}(-----END CERTIFICATE-----)?") {
        prop_assert!(Certificate::from_der(&bytes).is_err() && Certificate::parse(&bytes).is_err());
        prop_assert!(Certificate::parse(&text).is_err() && Certificate::parse_bundle(&text).is_err());
        prop_assert!(Pkcs12::parse(&bytes, &text).is_err());
    }
}
