//! Certificates: real ones of the three gateways, and the ways in which a chain can lie.

use crate::authority::{Authority, CA, Issue, LEAF};
use crate::support::openssl;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::{BUNDLE_CERTIFICATES_MAX, Certificate, ErrorKind, Pkcs12, PrivateKey, PublicKey, UnixMillis};
use proptest::prelude::*;
use serde_json::Value;

const ALIPAY: &str = include_str!("vectors/alipay-certificates.json");
const WECHAT: &str = include_str!("vectors/wechat-crypto.json");
const UNIONPAY: &str = include_str!("vectors/unionpay-certificates.json");

/// Before the certificates of the tests begin, while they hold, and after their ten years.
const BEFORE: UnixMillis = UnixMillis::from_millis(946_684_800_000);
const AFTER: UnixMillis = UnixMillis::from_millis(4_102_444_800_000);

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn at(rfc3339: &str) -> UnixMillis {
    UnixMillis::parse_rfc3339(rfc3339).unwrap()
}

fn during(certificate: &Certificate) -> UnixMillis {
    certificate.not_before().plus_secs(60)
}

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

#[test]
fn chains_that_hold_and_chains_that_lie() {
    let authority = Authority::new();
    let root = authority.certificate("root", "/CN=root", None, CA);
    let middle = authority.certificate("middle", "/CN=middle", Some("root"), CA);
    let deeper = authority.certificate("deeper", "/CN=deeper", Some("middle"), CA);
    let leaf = authority.certificate("leaf", "/CN=gateway", Some("deeper"), LEAF);
    let now = during(&leaf);
    let given = [deeper.clone(), middle.clone()];
    leaf.verify_chain(&given, std::slice::from_ref(&root), now).unwrap();
    // An intermediate may be configured as a root.
    leaf.verify_chain(&[], std::slice::from_ref(&deeper), now).unwrap();

    // The same names under another CA.
    let elsewhere = Authority::elsewhere();
    std::fs::copy(authority.key_path("leaf"), elsewhere.path("leaf.key")).unwrap();
    for name in ["merchant", "mute", "usage", "critical", "forged"] {
        authority.same_key("leaf", name);
    }
    let other_root = elsewhere.certificate("root", "/CN=root", None, CA);
    let forged = elsewhere.certificate("leaf", "/CN=gateway", Some("root"), LEAF);
    assert!(forged.is_signed_by(&other_root));
    // A merchant of the same CA signs for the gateway: its certificate says nothing about being a CA, or says no.
    let merchant = authority.certificate("merchant", "/CN=merchant", Some("deeper"), LEAF);
    let mute = authority.certificate("mute", "/CN=mute", Some("deeper"), &[]);
    let no_usage = authority.certificate(
        "usage",
        "/CN=usage",
        Some("deeper"),
        &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature"],
    );
    let critical = authority.certificate(
        "critical",
        "/CN=critical",
        Some("deeper"),
        &[CA[0], CA[1], "nameConstraints=critical,permitted;DNS:example.com"],
    );
    let mut lies = vec![(forged, vec![other_root, middle.clone(), deeper.clone()])];
    for (name, issuer) in
        [("merchant", merchant), ("mute", mute), ("usage", no_usage), ("critical", critical)]
    {
        let forged = authority.certificate("forged", "/CN=gateway", Some(name), LEAF);
        assert!(forged.is_signed_by(&issuer), "{name}");
        lies.push((forged, vec![issuer, deeper.clone(), middle.clone()]));
    }
    for (forged, given) in lies {
        let refused = forged.verify_chain(&given, std::slice::from_ref(&root), now).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unverified);
    }

    for (moment, words) in [(BEFORE, "not valid yet"), (AFTER, "expired")] {
        let refused = leaf.verify_chain(&given, std::slice::from_ref(&root), moment).unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    assert!(leaf.is_valid_at(leaf.not_before()) && leaf.is_valid_at(leaf.not_after()));
}

#[test]
fn every_member_has_to_be_valid() {
    let authority = Authority::new();
    let short = |name: &str, subject: &str, issuer: Option<&str>| {
        let issue = Issue { name, subject, issuer, extensions: CA, digest: "sha256", days: "1" };
        Certificate::parse(authority.issue(issue)).unwrap()
    };
    let root = authority.certificate("root", "/CN=root", None, CA);
    let middle = short("middle", "/CN=middle", Some("root"));
    let leaf = authority.certificate("leaf", "/CN=leaf", Some("middle"), LEAF);
    let (now, later) = (during(&leaf), during(&leaf).plus_secs(2 * 86_400));
    let [middles, roots] = [&middle, &root].map(std::slice::from_ref);
    leaf.verify_chain(middles, roots, now).unwrap();
    assert!(leaf.verify_chain(middles, roots, later).is_err());

    let root = short("root", "/CN=root", None);
    let leaf = authority.certificate("leaf", "/CN=leaf", Some("root"), LEAF);
    leaf.verify_chain(&[], std::slice::from_ref(&root), during(&leaf)).unwrap();
    assert!(leaf.verify_chain(&[], &[root], later).is_err());
}

#[test]
fn length_loops_and_crowds() {
    let authority = Authority::new();
    let root = authority.certificate("root", "/CN=root", None, CA);
    // A CA that allows no further CA below it.
    let narrow = ["basicConstraints=critical,CA:TRUE,pathlen:0", CA[1]];
    let middle = authority.certificate("middle", "/CN=middle", Some("root"), &narrow);
    let direct = authority.certificate("direct", "/CN=direct", Some("middle"), LEAF);
    let deeper = authority.certificate("deeper", "/CN=deeper", Some("middle"), CA);
    let leaf = authority.certificate("leaf", "/CN=leaf", Some("deeper"), LEAF);
    let (roots, now) = (std::slice::from_ref(&root), during(&leaf));
    let given = [middle, deeper];
    for (name, key) in
        [("left", "leaf"), ("right", "direct"), ("lost", "leaf"), ("crowd", "root"), ("in_crowd", "leaf")]
    {
        authority.same_key(key, name);
    }
    direct.verify_chain(&given, roots, now).unwrap();
    assert!(leaf.verify_chain(&given, roots, now).is_err());

    // Two CAs that certify each other, and no root above them.
    authority.certificate("left", "/CN=left", None, CA);
    let right = authority.certificate("right", "/CN=right", Some("left"), CA);
    let left = authority.certificate("left", "/CN=left", Some("right"), CA);
    let lost = authority.certificate("lost", "/CN=lost", Some("left"), LEAF);
    assert!(lost.is_signed_by(&left) && left.is_signed_by(&right) && right.is_signed_by(&left));
    assert!(lost.verify_chain(&[left, right], roots, now).is_err());

    // A crowd of CAs with one name and one key, each of which could have issued each other one.
    authority.certificate("crowd", "/CN=crowd", None, CA);
    let crowd: Vec<Certificate> =
        (0..20).map(|_| authority.certificate("crowd", "/CN=crowd", Some("crowd"), CA)).collect();
    let in_crowd = authority.certificate("in_crowd", "/CN=in_crowd", Some("crowd"), LEAF);
    let thousand: Vec<Certificate> = crowd.iter().cycle().take(1000).cloned().collect();
    let refused = in_crowd.verify_chain(&thousand, roots, now).unwrap_err();
    assert!(refused.to_string().contains("too many"), "{refused}");
}

#[test]
fn chain_depth_and_digests() {
    let authority = Authority::new();
    let root = authority.certificate("0", "/CN=0", None, CA);
    let mut given = Vec::new();
    for (depth, digest) in ["sha1", "sha384", "sha512", "sha256", "sha256"].iter().enumerate() {
        let (name, issuer) = ((depth + 1).to_string(), depth.to_string());
        // One key for all of them keeps the test short.
        authority.same_key("0", &name);
        let subject = format!("/CN={name}");
        let issue = Issue {
            name: &name,
            subject: &subject,
            issuer: Some(&issuer),
            extensions: CA,
            digest,
            days: "3650",
        };
        given.push(Certificate::parse(authority.issue(issue)).unwrap());
    }
    let leaf = |issuer: &str| authority.certificate("leaf", "/CN=leaf", Some(issuer), LEAF);
    let (four, five) = (leaf("4"), leaf("5"));
    let now = during(&five);
    four.verify_chain(&given, std::slice::from_ref(&root), now).unwrap();
    assert!(five.verify_chain(&given, std::slice::from_ref(&root), now).is_err());

    let weak = Issue {
        name: "leaf",
        subject: "/CN=leaf",
        issuer: Some("0"),
        extensions: LEAF,
        digest: "md5",
        days: "3650",
    };
    let weak = Certificate::parse(authority.issue(weak)).unwrap();
    assert!(weak.verify_chain(&[], &[root], now).is_err());
}

/// One bit of each byte, and every bit of the bytes before the signature, which it does not cover: the parser or the
/// signature refuses the change.
#[test]
fn a_flipped_bit_breaks_the_chain() {
    let file = file(UNIONPAY);
    let read = |name: &str| Certificate::parse(text(&file["certificates"][name], "pem")).unwrap();
    let (signer, then) = (read("unionpay_test_signer_2020"), at("2022-09-08T00:00:00+08:00"));
    let (middles, roots) = ([read("acp_test_middle")], [read("acp_test_root")]);
    let length = signer.der().len();
    for place in 0..length {
        let uncovered = (length - 285..length - 255).contains(&place);
        for bit in if uncovered { 0..8 } else { place % 8..place % 8 + 1 } {
            let mut der = signer.der().to_vec();
            der[place] ^= 1_u8 << bit;
            if let Ok(changed) = Certificate::from_der(&der) {
                assert!(changed.verify_chain(&middles, &roots, then).is_err(), "bit {bit} of byte {place}");
            }
        }
    }
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
