//! Real certificates of the three gateways: their serials, their keys, their chains.

use super::{UNIONPAY, at, during, file, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::{Certificate, ErrorKind, Pkcs12, PrivateKey, PublicKey};

const ALIPAY: &str = include_str!("../vectors/alipay-certificates.json");
const WECHAT: &str = include_str!("../vectors/wechat-crypto.json");

#[test]
fn alipay_certificates_are_read() {
    let file = file(ALIPAY);
    for case in file["leaf"].as_array().unwrap() {
        let certificate = Certificate::parse(text(case, "pem")).unwrap();
        assert_eq!(certificate.issuer_text(), text(case, "issuer"));
        assert_eq!(certificate.serial_decimal(), text(case, "serial"));
        let key = PublicKey::parse(text(case, "public_key")).unwrap();
        assert_eq!(certificate.public_key().unwrap().to_base64().unwrap(), key.to_base64().unwrap());
    }
    for case in file["root"].as_array().unwrap() {
        let bundle = Certificate::parse_bundle(text(case, "pem")).unwrap();
        let members = u64::try_from(bundle.certificates.len() + bundle.skipped).unwrap();
        assert_eq!(members, case["members"].as_u64().unwrap());
        // SM2 and elliptic curve members are read, and give no RSA key.
        assert!(bundle.certificates.iter().any(|member| member.public_key().is_err()));
    }
}

#[test]
fn alipay_chain_of_production_holds() {
    let file = file(ALIPAY);
    let case =
        |id: &str| file["leaf"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap().clone();
    let roots = Certificate::parse_bundle(text(&file["root"][0], "pem")).unwrap().certificates;
    let members = Certificate::parse_bundle(text(&case("easysdk-alipay"), "pem")).unwrap().certificates;
    let [leaf, intermediate] = &members[..] else { panic!("two members") };
    let then = at("2022-09-08T00:00:00+08:00");
    leaf.verify_chain(std::slice::from_ref(intermediate), &roots, then).unwrap();
    assert!(leaf.verify_chain(&[], &roots, then).is_err());
    assert!(leaf.verify_chain(&members, &roots[..1], then).is_err());
    let late = leaf.verify_chain(&members, &roots, at("2024-01-01T00:00:00+08:00")).unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");

    // The sandbox's intermediate does not say that it is a CA, and merchants' certificates look the same.
    let members = Certificate::parse_bundle(text(&case("yansongda-alipay"), "pem")).unwrap().certificates;
    let old = Certificate::parse_bundle(text(&file["root"][1], "pem")).unwrap().certificates;
    let [leaf, intermediate] = &members[..] else { panic!("two members") };
    assert!(leaf.is_signed_by(intermediate));
    assert!(leaf.verify_chain(&members, &old, during(leaf)).is_err());
}

#[test]
fn wechat_serials_have_whole_bytes() {
    let file = file(WECHAT);
    let cases = file["serial"].as_array().unwrap();
    for case in cases {
        let certificate = Certificate::parse(text(case, "pem")).unwrap();
        assert_eq!(certificate.serial_hex(), text(case, "serial"), "{}", case["id"]);
    }
    assert_eq!(cases.len(), 7);
    assert!(cases.iter().any(|case| text(case, "serial").starts_with('0')));
}

#[test]
fn wechat_fields_are_decrypted() {
    for case in file(WECHAT)["oaep"].as_array().unwrap() {
        let key = PrivateKey::parse(text(case, "private_key")).unwrap();
        let ciphertext = STANDARD.decode(text(case, "ciphertext")).unwrap();
        assert_eq!(*key.decrypt_oaep_sha1(&ciphertext).unwrap(), text(case, "plaintext").as_bytes());
        let mut broken = ciphertext.clone();
        broken[9] ^= 1;
        for bad in [&broken[..], &ciphertext[1..], b""] {
            assert_eq!(key.decrypt_oaep_sha1(bad).unwrap_err().kind(), ErrorKind::Unverified);
        }
    }
}

#[test]
fn unionpay_chain_and_pfx() {
    let file = file(UNIONPAY);
    let read = |name: &str| Certificate::parse(text(&file["certificates"][name], "pem")).unwrap();
    let (root, middle) = (read("acp_test_root"), read("acp_test_middle"));
    let (signer, merchant) = (read("unionpay_test_signer_2020"), read("acp_test_sign"));
    for (name, case) in file["certificates"].as_object().unwrap() {
        assert_eq!(read(name).serial_decimal(), text(case, "serial"));
    }
    let then = at("2022-09-08T00:00:00+08:00");
    assert_eq!(signer.subject_common_name().unwrap(), "041@8310000000083040@中国银联股份有限公司@00016495");
    let [middles, roots, merchants] = [&middle, &root, &merchant].map(std::slice::from_ref);
    signer.verify_chain(middles, roots, then).unwrap();
    for refused in [
        signer.verify_chain(middles, roots, at("2026-01-01T00:00:00+08:00")),
        signer.verify_chain(middles, roots, at("2019-01-01T00:00:00+08:00")),
        signer.verify_chain(middles, merchants, then),
        signer.verify_chain(&[], roots, then),
        signer.verify_chain(merchants, roots, then),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unverified);
    }

    let pfx = STANDARD.decode(text(&file, "pfx")).unwrap();
    let identity = Pkcs12::parse(&pfx, text(&file, "pfx_password")).unwrap();
    assert_eq!(identity.certificate, merchant);
    let key = PrivateKey::parse(text(&file, "private_key")).unwrap().public_key().unwrap();
    assert_eq!(identity.key.public_key().unwrap().to_base64().unwrap(), key.to_base64().unwrap());
    for (bytes, password) in [(&pfx[..], "000001"), (&pfx[..], ""), (&pfx[..900], "000000"), (b"", "")] {
        assert_eq!(Pkcs12::parse(bytes, password).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(format!("{identity:?}"), format!("Pkcs12 {{ certificate: {merchant:?}, .. }}"));
}
