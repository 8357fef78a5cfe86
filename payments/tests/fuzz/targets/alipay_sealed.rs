//! The parts of Alipay that stand on certificates and keys of content: encrypted content, downloads, version 3. What is
//! signed is signed here, so that inputs get past the signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use payments::alipay::{CertDownload, Merchant, TradeQuery, V3TradeQuery, certificate_sn};
use payments::sign::Signer as _;
use payments::{Call, OutTradeNo, QueryOutcome, Reply};

use super::answer::{kind, lossy};
use super::openssl::{SETUP, openssl};
use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![encrypted_content(), certificate_download(), v3_reply(), v3_body()]
}

const JSON_WORDS: &[&str] =
    &["{", "}", "\"", ":", ",", "\\", "null", "\"code\":\"10000\"", "alipay_cert_content"];
const PAID: &str = concat!(
    r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"1","total_amount":"88.00","#,
    r#""trade_status":"TRADE_SUCCESS"}"#
);

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
