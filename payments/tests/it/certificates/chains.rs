//! Chains that hold, and the ways in which one can lie.

use super::{UNIONPAY, at, during, file, text};
use crate::authority::{Authority, CA, Issue, LEAF};
use payments::{Certificate, ErrorKind, UnixMillis};

/// Before the certificates of the tests begin, while they hold, and after their ten years.
const BEFORE: UnixMillis = UnixMillis::from_millis(946_684_800_000);
const AFTER: UnixMillis = UnixMillis::from_millis(4_102_444_800_000);

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
