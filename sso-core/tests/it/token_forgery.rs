//! Signatures that almost fit: padding, ranges, lengths, and other spellings of one signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256, Sha512};
use sso_core::{Algorithm, Issuer, KeySet, SigningKey, TokenRejected, Verifier};

use crate::token::{AUDIENCE, ISSUER, KEY, at, claims};
use crate::token_algorithms::openssl;

const MESSAGE: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.e30";

/// The ASN.1 prefix of a SHA-256 digest (RFC 8017, section 9.2, note 1).
const SHA256: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Applies the private key of RSA to a block of 256 bytes without looking at it.
fn raw_signature(block: &[u8]) -> Vec<u8> {
    let pem = KEY.to_pkcs8_pem().unwrap();
    openssl(
        &[("k", pem.as_bytes()), ("b", block)],
        &["pkeyutl", "-decrypt", "-inkey", "k", "-pkeyopt", "rsa_padding_mode:none", "-in", "b"],
    )
    .unwrap()
}

/// A block of 256 bytes: a start, as many bytes of filling as fit, an end.
fn block(start: &[u8], filling: u8, end: &[u8]) -> Vec<u8> {
    let room = 256 - start.len() - end.len();
    [start, &vec![filling; room], end].concat()
}

fn digest_info(prefix: &[u8], digest: &[u8]) -> Vec<u8> {
    [&[0], prefix, digest].concat()
}

#[test]
fn rsa_signatures_with_a_changed_padding_are_refused() {
    let accepts = |block: &[u8]| KEY.verifying_key().verifies(MESSAGE, &raw_signature(block));
    let digest = Sha256::digest(MESSAGE);
    let end = digest_info(&SHA256, &digest);
    let good = block(&[0, 1], 0xff, &end);
    assert!(accepts(&good), "the tools of this test make good signatures");

    // Any byte of the good block changed, sampled over all of its parts.
    for place in (0..256).step_by(16).chain([1, 2, 203, 204, 205, 206, 223, 224, 255]) {
        for bit in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[place] ^= bit;
            // A block above the modulus cannot be signed at all.
            if bad[0] < 0x80 {
                assert!(!accepts(&bad), "{place} {bit}");
            }
        }
    }
    let with_end = |end: &[u8]| block(&[0, 1], 0xff, end);
    let short = |more: usize| [&[0, 1][..], &[0xff; 8], &end, &vec![0; more]].concat();
    let mut long_form = SHA256.to_vec();
    long_form.splice(0..2, [0x30, 0x81, 0x31]);
    let mut without_null = SHA256.to_vec();
    without_null.splice(15..17, []);
    (without_null[1], without_null[3]) = (0x2f, 0x0b);
    let mut other_oid = SHA256;
    other_oid[14] = 3;
    for (what, bad) in [
        ("garbage behind the digest", short(256 - 10 - end.len())),
        ("garbage in front of the digest", with_end(&[&[0, 0xff][..], &end].concat())),
        ("no zero before the digest", with_end(&end[1..])),
        ("a digest without its kind", with_end(&digest_info(&[], &digest))),
        ("a length in long form", with_end(&digest_info(&long_form, &digest))),
        ("no parameters", with_end(&digest_info(&without_null, &digest))),
        ("the kind of another digest", with_end(&digest_info(&other_oid, &digest))),
        ("a longer digest", with_end(&digest_info(&SHA256, &Sha512::digest(MESSAGE)))),
        ("a digest cut off", with_end(&digest_info(&SHA256, &digest[..31]))),
        ("the padding of encryption", block(&[0, 2], 0xff, &end)),
        ("the padding of type 0", block(&[0, 0], 0, &end)),
        ("zeros as padding", block(&[0, 1], 0, &end)),
        ("no padding", block(&[], 0, &digest)),
        ("nothing but padding", block(&[0, 1], 0xff, &[])),
    ] {
        assert!(!accepts(&bad), "{what}");
    }
}

#[test]
fn a_signature_has_the_length_of_its_key() {
    for algorithm in
        [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256]
    {
        let key = SigningKey::generate(algorithm).unwrap();
        let good = key.sign(MESSAGE).unwrap();
        let accepts = |signature: &[u8]| key.verifying_key().verifies(MESSAGE, signature);
        assert!(accepts(&good));
        for bad in [
            vec![],
            vec![0],
            good[1..].to_vec(),
            good[..good.len() - 1].to_vec(),
            [&[0][..], &good].concat(),
            [&good[..], &[0]].concat(),
            [&good[..], &good].concat(),
            vec![0; good.len()],
            vec![0xff; good.len()],
            good.iter().rev().copied().collect(),
        ] {
            assert!(!accepts(&bad), "{algorithm} {}", bad.len());
        }
    }
}

/// CVE-2022-21449, and numbers outside of the range.
#[test]
fn ecdsa_signatures_out_of_range_are_refused() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (zero, mut one, mut below) = ([0; 32], [0; 32], order);
    one[31] = 1;
    below[31] -= 1;
    let good = key.sign(MESSAGE).unwrap();
    let (r, s) = good.split_at(32);
    let halves: [&[u8]; 7] = [&zero, &one, &order, &below, &[0xff; 32], r, s];
    for left in halves {
        for right in halves {
            let signature = [left, right].concat();
            assert_eq!(key.verifying_key().verifies(MESSAGE, &signature), signature == good);
        }
    }
    // Nor is the form of other protocols one of tokens.
    let pem = key.to_pkcs8_pem().unwrap();
    let asn1 =
        openssl(&[("k", pem.as_bytes()), ("m", MESSAGE)], &["dgst", "-sha256", "-sign", "k", "m"]).unwrap();
    assert_eq!(asn1[0], 0x30);
    assert!(!key.verifying_key().verifies(MESSAGE, &asn1));
}

/// RFC 8032, section 5.1.7: `S` is below the order of the group, or there were many signatures of one text.
#[test]
fn an_ed25519_signature_has_one_form() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = key.sign(MESSAGE).unwrap();
    let mut carry = 0;
    for (byte, more) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (u8::try_from(sum % 256).unwrap(), sum / 256);
    }
    assert_eq!(carry, 0);
    assert!(!key.verifying_key().verifies(MESSAGE, &signature));
}

#[test]
fn base64url_is_strict_in_all_parts() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
    let token = Issuer::new(ISSUER, &keys).unwrap().issue(&claims(at(0))).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap();
    assert!(verifier.verify(&token, at(0)).is_ok());
    let parts: Vec<&str> = token.split('.').collect();
    for place in 0..3 {
        let part = parts[place];
        let (left, right) = part.split_at(part.len() / 2);
        let (short, _) = part.split_at(part.len() - 1);
        let mut changed = vec![
            format!("{part}="),
            format!("{part}=="),
            format!("{part} "),
            format!("\t{part}"),
            format!("{left}\n{right}"),
            format!("{left}\0{right}"),
            format!("+{short}"),
            format!("{short}/"),
            format!("{short}ä"),
            format!("{part}A"),
        ];
        // Spare bits at the end say the same and are another text.
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
            let other = format!("{short}{last}");
            if other != part {
                changed.push(other);
            }
        }
        for changed in changed {
            let mut parts = parts.clone();
            parts[place] = &changed;
            let bad = parts.join(".");
            assert!(verifier.verify(&bad, at(0)).is_err(), "{place} {changed:?}");
        }
    }
}

#[test]
fn a_known_header_does_not_make_a_signature_right() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::Es256).unwrap());
    let token = Issuer::new(ISSUER, &keys).unwrap().issue(&claims(at(0))).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &keys).unwrap();
    assert!(verifier.verify(&token, at(0)).is_ok());
    let (header, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}"));
    assert_eq!(verifier.verify(&forged, at(0)), Err(TokenRejected::BadSignature));
    assert!(verifier.verify(&token, at(0)).is_ok());
}
