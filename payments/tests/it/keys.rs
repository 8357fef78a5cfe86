//! Keys in every shape, made by openssl at test time; signatures cross-checked with it, and between the backends.

use crate::support::{openssl, openssl_text};
use payments::sign::rust_crypto::{BlindedPrivateKey, PurePublicKey};
use payments::sign::{Signer, Verifier};
use payments::{ErrorKind, PrivateKey, PublicKey};
use proptest::prelude::*;

const MESSAGE: &[u8] = "app_id=9021000122682882&subject=Rust 入门课".as_bytes();

fn wrapped(base64: &str, columns: usize, line_end: &str) -> String {
    let bytes = base64.as_bytes().chunks(columns).map(|line| String::from_utf8(line.to_vec()).unwrap());
    bytes.collect::<Vec<_>>().join(line_end)
}

/// The PEM itself, and its base64 with many line lengths, bare and under a label that lies.
fn shapes(pem: &str) -> Vec<String> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut shapes = vec![pem.to_owned(), pem.replace('\n', "\r\n"), format!("\n  {pem}\n"), base64.clone()];
    shapes.extend([64, 76, 1000].map(|columns| wrapped(&base64, columns, "\n")));
    let lying = if pem.contains("PRIVATE") { "PRIVATE KEY" } else { "RSA PUBLIC KEY" };
    shapes.push(format!("-----BEGIN {lying}-----\n{}\n-----END {lying}-----\n", wrapped(&base64, 76, "\n")));
    shapes.push(base64.trim_end_matches('=').to_owned());
    shapes
}

#[test]
fn every_shape_is_the_same_key() {
    let pkcs1 = openssl_text(&["genrsa", "-traditional", "2048"], b"");
    assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
    let pkcs8 = openssl_text(&["pkcs8", "-topk8", "-nocrypt"], pkcs1.as_bytes());
    let spki = openssl_text(&["rsa", "-pubout"], pkcs1.as_bytes());
    let public_pkcs1 = openssl_text(&["rsa", "-RSAPublicKey_out"], pkcs1.as_bytes());

    let signature = PrivateKey::parse(&pkcs1).unwrap().sign(MESSAGE).unwrap();
    for text in shapes(&pkcs1).into_iter().chain(shapes(&pkcs8)) {
        assert_eq!(PrivateKey::parse(&text).unwrap().sign(MESSAGE).unwrap(), signature, "{text}");
        BlindedPrivateKey::parse(&text).unwrap();
    }
    for text in shapes(&spki).into_iter().chain(shapes(&public_pkcs1)) {
        let key = PublicKey::parse(&text).unwrap();
        assert!(key.verify(MESSAGE, &signature), "{text}");
        let base64: String = spki.lines().filter(|line| !line.starts_with("-----")).collect();
        assert_eq!(key.to_base64().unwrap(), base64);
        assert!(PurePublicKey::parse(&text).unwrap().verify(MESSAGE, &signature));
    }
    let own = PrivateKey::parse(&pkcs8).unwrap().public_key().unwrap();
    assert!(own.verify(MESSAGE, &signature) && !own.verify(b"other", &signature));
}

#[test]
fn openssl_and_both_backends_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for bits in ["2048", "3072"] {
        let pem = openssl_text(&["genrsa", bits], b"");
        let public = openssl_text(&["rsa", "-pubout"], pem.as_bytes());
        std::fs::write(path("key.pem"), &pem).unwrap();
        std::fs::write(path("public.pem"), &public).unwrap();

        let theirs = openssl(&["dgst", "-sha256", "-sign", &path("key.pem")], MESSAGE);
        let ours = PrivateKey::parse(&pem).unwrap().sign(MESSAGE).unwrap();
        assert_eq!(ours, theirs);
        assert_eq!(BlindedPrivateKey::parse(&pem).unwrap().sign(MESSAGE).unwrap(), theirs);

        std::fs::write(path("signature"), &ours).unwrap();
        let arguments = ["dgst", "-sha256", "-verify", &path("public.pem"), "-signature", &path("signature")];
        assert!(openssl_text(&arguments, MESSAGE).contains("Verified OK"));

        let (key, pure) = (PublicKey::parse(&public).unwrap(), PurePublicKey::parse(&public).unwrap());
        assert!(key.verify(MESSAGE, &theirs) && pure.verify(MESSAGE, &theirs));
        let sha1 = openssl(&["dgst", "-sha1", "-sign", &path("key.pem")], MESSAGE);
        for bad in [&sha1[..], &theirs[1..], b"", &[0; 256]] {
            assert!(!key.verify(MESSAGE, bad) && !pure.verify(MESSAGE, bad));
        }
    }
}

#[test]
fn what_is_no_key_is_refused_without_showing_it() {
    let weak = openssl_text(&["genrsa", "1024"], b"");
    let short = openssl_text(&["genrsa", "2047"], b"");
    let elliptic = openssl_text(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], b"");
    let good = openssl_text(&["genrsa", "2048"], b"");
    let encrypted = openssl_text(&["pkcs8", "-topk8", "-passout", "pass:x"], good.as_bytes());
    let old = openssl_text(&["rsa", "-traditional", "-aes128", "-passout", "pass:x"], good.as_bytes());
    let public = openssl_text(&["rsa", "-pubout"], good.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, &good).unwrap();
    let subject = ["req", "-x509", "-new", "-subj", "/CN=shop", "-key", path.to_str().unwrap()];
    let certificate = openssl_text(&subject, b"");

    let cut = good.get(..good.len() / 2).unwrap();
    for text in [&weak, &short, &elliptic, &encrypted, &old, &public, &certificate, cut, "", "AAAA", "ключ"]
    {
        let error = PrivateKey::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for line in text.lines().filter(|line| line.len() > 16) {
            assert!(!format!("{error} {error:?}").contains(line));
        }
        assert!(BlindedPrivateKey::parse(text).is_err());
    }
    let weak_public = openssl_text(&["rsa", "-pubout"], weak.as_bytes());
    let short_public = openssl_text(&["rsa", "-pubout"], short.as_bytes());
    for text in [&weak_public, &short_public, &certificate, "", "AAAA"] {
        assert_eq!(PublicKey::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(PurePublicKey::parse(text).is_err());
    }
    assert_eq!(format!("{:?}", PrivateKey::parse(&good).unwrap()), "PrivateKey(redacted)");
    assert_eq!(format!("{:?}", BlindedPrivateKey::parse(&good).unwrap()), "BlindedPrivateKey(redacted)");
}

#[test]
fn an_encrypted_key_says_what_to_do() {
    let good = openssl_text(&["genrsa", "2048"], b"");
    let pkcs8 = openssl_text(&["pkcs8", "-topk8", "-passout", "pass:x"], good.as_bytes());
    let bare: String = pkcs8.lines().filter(|line| !line.starts_with("-----")).collect();
    let old = openssl_text(&["rsa", "-traditional", "-aes128", "-passout", "pass:x"], good.as_bytes());
    for text in [&pkcs8, &bare, &old] {
        let error = PrivateKey::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("openssl pkey"), "{error}");
    }
}

#[test]
fn encryption_agrees_with_openssl_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem").to_str().unwrap().to_owned();
    let pem = openssl_text(&["genrsa", "2048"], b"");
    std::fs::write(&path, &pem).unwrap();
    let key = PrivateKey::parse(&pem).unwrap();
    let public = key.public_key().unwrap();
    let padding = |name: &str| format!("rsa_padding_mode:{name}");
    let (oaep, pkcs1) = (padding("oaep"), padding("pkcs1"));
    let run = |what: &str, padding: &str, input: &[u8]| {
        openssl(&["pkeyutl", what, "-inkey", &path, "-pkeyopt", padding], input)
    };
    for length in [0, 1, 30, 214] {
        let plain = &MESSAGE.repeat(5)[..length];
        let theirs = run("-decrypt", &oaep, &public.encrypt_oaep_sha1(plain).unwrap());
        assert_eq!(theirs, plain);
        assert_eq!(*key.decrypt_oaep_sha1(&run("-encrypt", &oaep, plain)).unwrap(), plain);
    }
    for length in [1, 245] {
        let plain = &MESSAGE.repeat(6)[..length];
        assert_eq!(run("-decrypt", &pkcs1, &public.encrypt_pkcs1v15(plain).unwrap()), plain);
    }
    // The other padding, and other keys, do not decrypt.
    assert_eq!(
        key.decrypt_oaep_sha1(&run("-encrypt", &pkcs1, b"x")).unwrap_err().kind(),
        ErrorKind::Unverified
    );
    for error in [public.encrypt_oaep_sha1(&[1; 215]), public.encrypt_pkcs1v15(&[1; 246])] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Random texts as the three gateways sign them: sorted pairs, five lines, a digest in hexadecimal digits.
    #[test]
    fn both_backends_write_the_same_bytes(
        pairs in "[a-z_]{1,8}=\\PC{0,30}(&[a-z_]{1,8}=\\PC{0,30}){0,3}",
        lines in "(GET|POST)\n/v3/[a-z/]{1,20}\n[0-9]{10}\n[A-Z0-9]{32}\n\\PC{0,60}\n",
        digest in "[0-9a-f]{64}",
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        thread_local!(static KEYS: (PrivateKey, BlindedPrivateKey, PublicKey, PurePublicKey) = {
            let pem = openssl_text(&["genrsa", "2048"], b"");
            let public = openssl_text(&["rsa", "-pubout"], pem.as_bytes());
            (
                PrivateKey::parse(&pem).unwrap(),
                BlindedPrivateKey::parse(&pem).unwrap(),
                PublicKey::parse(&public).unwrap(),
                PurePublicKey::parse(&public).unwrap(),
            )
        });
        KEYS.with(|(key, blinded, public, pure)| {
            for message in [pairs.as_bytes(), lines.as_bytes(), digest.as_bytes(), &bytes] {
                let signature = key.sign(message).unwrap();
                prop_assert_eq!(&blinded.sign(message).unwrap(), &signature);
                prop_assert!(public.verify(message, &signature) && pure.verify(message, &signature));
            }
            Ok(())
        })?;
    }


    #[test]
    fn any_text_is_answered(text in "(-----BEGIN [A-Z ]{0,12}-----\n)?[A-Za-z0-9+/=\n ]{0,80}(-----END)?.{0,8}") {
        prop_assert!(PrivateKey::parse(&text).is_err());
        prop_assert!(PublicKey::parse(&text).is_err());
    }
}
