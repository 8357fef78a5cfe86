//! Certificates, PKCS#12, keys, chains, and the parts of Alipay that stand on them: downloads, encrypted content,
//! version 3. What is signed is signed here, so that inputs get past the signature.

use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use payments::alipay::{
    CertDownload, Certificates, ContentKey, Endpoint, Merchant, TradeQuery, V3TradeQuery, certificate_sn,
};
use payments::sign::Signer as _;
use payments::{
    AppId, Call, Certificate, Error, OutTradeNo, Pkcs12, PrivateKey, PublicKey, QueryOutcome, Reply,
    SellerId, UnixMillis,
};
use serde_json::Value;

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![
        certificate(),
        certificate_der(),
        bundle(),
        chain(),
        pfx(),
        private_key(),
        public_key(),
        content_key(),
        encrypted_content(),
        certificate_download(),
        v3_reply(),
        v3_body(),
    ]
}

const UNIONPAY: &str = include_str!("../../it/vectors/unionpay-certificates.json");
const ALIPAY: &str = include_str!("../../it/vectors/alipay-certificates.json");
/// While the certificates of the vectors were valid.
const THEN: UnixMillis = UnixMillis::from_millis(1_662_600_000_000);
const PEM_WORDS: &[&str] =
    &["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----", "\n", "=", "MII", "X509 "];
const KEY_WORDS: &[&str] =
    &["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "\n", "=", "MII"];
const DER_WORDS: &[&str] =
    &["\u{30}", "\u{2}\u{1}", "\u{3}", "\u{6}\u{3}U\u{1d}\u{13}", "\u{17}\u{d}", "\u{0}"];
const JSON_WORDS: &[&str] =
    &["{", "}", "\"", ":", ",", "\\", "null", "\"code\":\"10000\"", "alipay_cert_content"];
const PAID: &str = concat!(
    r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"1","total_amount":"88.00","#,
    r#""trade_status":"TRADE_SUCCESS"}"#
);

/// A merchant whose three certificates are one and the same, made by openssl.
struct Setup {
    merchant: Merchant,
    key: PrivateKey,
    pem: String,
    certificate: Certificate,
    pfx: Vec<u8>,
    key_texts: Vec<String>,
}

static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, pem) = (path("key"), path("pem"));
    let own = ["-days", "3650", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alipay"];
    openssl(&[&["req", "-x509", "-keyout", &key, "-out", &pem][..], &own].concat());
    let file = ["-inkey", &key, "-in", &pem, "-passout", "pass:x", "-iter", "1"];
    let pfx = openssl(&[&["pkcs12", "-export"][..], &file].concat());
    let read = |name: &str| std::fs::read_to_string(name).unwrap();
    let key_texts = vec![
        read(&key),
        text(openssl(&["rsa", "-traditional", "-in", &key])),
        text(openssl(&["pkcs8", "-topk8", "-in", &key, "-passout", "pass:x"])),
        text(openssl(&["rsa", "-pubout", "-in", &key])),
        text(openssl(&["rsa", "-RSAPublicKey_out", "-in", &key])),
    ];
    let (private, pem) = (PrivateKey::parse(&read(&key)).unwrap(), read(&pem));
    let certificate = Certificate::parse(&pem).unwrap();
    let files = Certificates::new(&pem, &pem, &pem, certificate.not_before()).unwrap();
    let (app_id, seller_id) = (AppId::parse("9021").unwrap(), SellerId::parse("2088").unwrap());
    let merchant =
        Merchant::with_certificates(app_id, seller_id, Endpoint::sandbox(), private.clone(), files).unwrap();
    let merchant = merchant.with_content_key(ContentKey::parse("aa4BtZ4tspm2wnXLb1ThQA==").unwrap());
    Setup { merchant, key: private, pem, certificate, pfx, key_texts }
});

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl does not start; install it with: apt-get install openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn lossy(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

fn vector(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

fn unionpay(name: &str) -> Certificate {
    let file = vector(UNIONPAY);
    Certificate::parse(file["certificates"][name]["pem"].as_str().unwrap()).unwrap()
}

fn kind(error: &Error) -> String {
    format!("{:?}", error.kind())
}

fn named<T>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| kind(&error), |_| "read".to_owned())
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

fn private_key() -> Target {
    Target {
        name: "private_key",
        seeds: SETUP.key_texts.iter().map(|text| text.clone().into_bytes()).chain([vec![]]).collect(),
        words: KEY_WORDS,
        bytes_max: 3000,
        run: |input| match PrivateKey::parse(&lossy(input)) {
            Ok(_) => "read".to_owned(),
            Err(error) if error.to_string().contains("encrypted with a password") => "encrypted".to_owned(),
            Err(error) => kind(&error),
        },
        reaches: &["read", "encrypted", "InvalidInput"],
    }
}

fn public_key() -> Target {
    Target {
        name: "public_key",
        seeds: SETUP.key_texts.iter().map(|text| text.clone().into_bytes()).chain([vec![]]).collect(),
        words: KEY_WORDS,
        bytes_max: 3000,
        run: |input| match PublicKey::parse(&lossy(input)) {
            Ok(key) => {
                let text = key.to_base64().unwrap();
                assert_eq!(PublicKey::parse(&text).unwrap().to_base64().unwrap(), text);
                "read".to_owned()
            }
            Err(error) => kind(&error),
        },
        reaches: &["read", "InvalidInput"],
    }
}

fn content_key() -> Target {
    Target {
        name: "content_key",
        seeds: vec![b"aa4BtZ4tspm2wnXLb1ThQA==".to_vec(), b" AAAA ".to_vec()],
        words: &["=", "A", "\n"],
        bytes_max: 60,
        run: |input| named(ContentKey::parse(&lossy(input))),
        reaches: &["read", "InvalidInput"],
    }
}

fn query<C: Call<Merchant = Merchant, Output = QueryOutcome>>(call: &C, response: Response<Bytes>) -> String {
    match call.read(&SETUP.merchant, &Reply::new(response, SETUP.certificate.not_before())) {
        Ok(QueryOutcome::Trade(_)) => "a trade".to_owned(),
        Ok(_) => "no trade".to_owned(),
        Err(error) => kind(&error),
    }
}

fn number() -> OutTradeNo {
    OutTradeNo::parse("COURSE_0001").unwrap()
}

/// The ciphertext as a signed reply brings it.
fn encrypted_content() -> Target {
    Target {
        name: "alipay_encrypted_content",
        seeds: vec![encrypted(PAID), encrypted("{}"), encrypted(""), vec![0; 16], vec![1; 5]],
        words: &["\u{0}", "\u{1}", "\u{10}"],
        bytes_max: 400,
        run: |input| {
            let content = format!("\"{}\"", STANDARD.encode(input));
            let sign = STANDARD.encode(SETUP.key.sign(content.as_bytes()).unwrap());
            let body = format!("{{\"alipay_trade_query_response\":{content},\"sign\":\"{sign}\"}}");
            query(&TradeQuery::new(number()), Response::new(Bytes::from(body)))
        },
        reaches: &["a trade", "PeerMisbehaved", "Unverified"],
    }
}

/// As the console's key encrypts it, by openssl.
fn encrypted(plaintext: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain");
    std::fs::write(&path, plaintext).unwrap();
    let (key, iv) = ("69ae01b59e2db299b6c275cb6f54e140", "0".repeat(32));
    openssl(&["enc", "-aes-128-cbc", "-K", key, "-iv", &iv, "-in", path.to_str().unwrap()])
}

fn certificate_download() -> Target {
    let reply = |content: &str| {
        format!("{{\"alipay_open_app_alipaycert_download_response\":{content},\"sign\":\"\"}}").into_bytes()
    };
    let pem = STANDARD.encode(&SETUP.pem);
    Target {
        name: "alipay_certificate_download",
        seeds: vec![
            reply(&format!("{{\"code\":\"10000\",\"alipay_cert_content\":\"{pem}\"}}")),
            reply("{\"code\":\"10000\",\"alipay_cert_content\":\"?\"}"),
            reply("{\"code\":\"40004\",\"sub_code\":\"isv.none\"}"),
            b"{\"error_response\":{\"code\":\"40002\"}}".to_vec(),
        ],
        words: JSON_WORDS,
        bytes_max: 4000,
        run: |input| {
            let sn = certificate_sn(&SETUP.certificate);
            let now = SETUP.certificate.not_before();
            let reply = Reply::new(Response::new(Bytes::copy_from_slice(input)), now);
            match CertDownload::new(&sn).unwrap().read(&SETUP.merchant, &reply) {
                Ok(trusted) => {
                    assert_eq!(trusted.certificate(), &SETUP.certificate);
                    "the certificate".to_owned()
                }
                Err(error) => kind(&error),
            }
        },
        reaches: &["the certificate", "PeerMisbehaved", "Unverified"],
    }
}

/// Lines: status, timestamp, nonce, certificate, signature (`!` for a good one); then the body.
fn v3_reply() -> Target {
    let lines = |text: &str, body: &str| format!("{text}\n{body}").into_bytes();
    Target {
        name: "alipay_v3_reply",
        seeds: vec![
            lines("200\n1790000000000\nabc\n\n!", PAID),
            lines("400\n1\na\n\n!", r#"{"code":"ACQ.TRADE_NOT_EXIST","message":""}"#),
            lines("400\n1\na\n\n!", r#"{"code":"ACQ.SYSTEM_ERROR","message":""}"#),
            lines("200\n1\na\n0123456789abcdef0123456789abcdef\n!", PAID),
            lines("500\n\n\n\n", ""),
            lines("200\n\n\n\nAAAA", "{}"),
        ],
        words: JSON_WORDS,
        bytes_max: 1000,
        run: |input| {
            let input = lossy(input);
            let mut lines = input.splitn(6, '\n');
            let mut line = || lines.next().unwrap_or_default();
            let (status, timestamp, nonce, sn, sign) = (line(), line(), line(), line(), line());
            let body = line();
            let sign = match sign {
                "!" => {
                    let text = format!("{timestamp}\n{nonce}\n{body}\n");
                    STANDARD.encode(SETUP.key.sign(text.as_bytes()).unwrap())
                }
                other => other.to_owned(),
            };
            let mut response = Response::builder()
                .status(status.parse::<u16>().unwrap_or(200).clamp(100, 999))
                .header("alipay-timestamp", timestamp)
                .header("alipay-nonce", nonce)
                .header("alipay-signature", sign);
            if !sn.is_empty() {
                response = response.header("alipay-sn", sn);
            }
            let Ok(response) = response.body(Bytes::from(body.to_owned())) else {
                return "no response".to_owned();
            };
            query(&V3TradeQuery::new(number()), response)
        },
        reaches: &["a trade", "no trade", "Unavailable", "Unverified"],
    }
}

/// A signed body.
fn v3_body() -> Target {
    Target {
        name: "alipay_v3_body",
        seeds: vec![
            PAID.into(),
            STANDARD.encode(encrypted(PAID)).into(),
            b"{}".to_vec(),
            b"AAAA".to_vec(),
            vec![0xff],
        ],
        words: JSON_WORDS,
        bytes_max: 1000,
        run: |input| {
            let text = [b"1\nn\n", input, b"\n"].concat();
            let response = Response::builder()
                .header("alipay-timestamp", "1")
                .header("alipay-nonce", "n")
                .header("alipay-signature", STANDARD.encode(SETUP.key.sign(&text).unwrap()))
                .body(Bytes::copy_from_slice(input));
            query(&V3TradeQuery::new(number()), response.unwrap())
        },
        reaches: &["a trade", "PeerMisbehaved", "Unverified"],
    }
}
