//! Encrypted content: the vector, openssl both ways, encrypt then sign, verify before decrypting.

use crate::support::{app_id, number, openssl, order, page_pay, seller_id, stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use payments::alipay::{ContentKey, Endpoint, Merchant, TradeQuery};
use payments::sandbox::generate_key;
use payments::sign::{Signer, Verifier};
use payments::{Call, Error, ErrorKind, PrivateKey, QueryOutcome, Reply};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

const VECTOR: &str = include_str!("vectors/alipay-aes.json");

struct Side {
    merchant: Merchant,
    app_key: PrivateKey,
    alipay_key: PrivateKey,
    /// The content key, as hexadecimal digits for openssl.
    hex: String,
}

fn side() -> Side {
    let file: Value = serde_json::from_str(VECTOR).unwrap();
    let text = file["key"].as_str().unwrap();
    let (app_key, alipay_key) = (generate_key().unwrap(), generate_key().unwrap());
    let alipay = alipay_key.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), Endpoint::production(), app_key.clone(), alipay)
        .with_content_key(ContentKey::parse(text).unwrap());
    let hex = STANDARD.decode(text).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    Side { merchant, app_key, alipay_key, hex }
}

impl Side {
    fn openssl(&self, direction: &str, input: &[u8]) -> Vec<u8> {
        let iv = "0".repeat(32);
        openssl(&["enc", "-aes-128-cbc", direction, "-K", &self.hex, "-iv", &iv], input)
    }

    /// A reply whose content is this text as it stands, signed.
    fn read(&self, content: &str) -> Result<QueryOutcome, Error> {
        self.read_signed(content, &self.alipay_key.sign(content.as_bytes()).unwrap())
    }

    fn read_signed(&self, content: &str, signature: &[u8]) -> Result<QueryOutcome, Error> {
        let sign = STANDARD.encode(signature);
        let body = format!("{{\"alipay_trade_query_response\":{content},\"sign\":\"{sign}\"}}");
        let call = TradeQuery::new(number("COURSE_0001"));
        call.read(&self.merchant, &Reply::new(Response::new(Bytes::from(body)), stamp().now))
    }

    fn encrypted(&self, plaintext: &str) -> String {
        format!("\"{}\"", STANDARD.encode(self.openssl("-e", plaintext.as_bytes())))
    }
}

const PAID: &str = r#"{"code":"10000","out_trade_no":"COURSE_0001","trade_no":"2026112322001","total_amount":"88.00","trade_status":"TRADE_SUCCESS"}"#;

#[test]
fn the_vector_and_openssl_agree() {
    let (file, side) = (serde_json::from_str::<Value>(VECTOR).unwrap(), side());
    let text = |name: &str| file[name].as_str().unwrap();
    let encrypted = side.openssl("-e", text("plaintext").as_bytes());
    assert_eq!(STANDARD.encode(encrypted), text("ciphertext"));
}

#[test]
fn a_request_is_encrypted_and_then_signed() {
    let side = side();
    let redirect = page_pay(order("COURSE_0001", "88.00")).redirect(&side.merchant, stamp()).unwrap();
    let mut params: BTreeMap<String, String> =
        form_urlencoded::parse(redirect.query().as_bytes()).into_owned().collect();
    assert_eq!(params["encrypt_type"], "AES");
    let plain = side.openssl("-d", &STANDARD.decode(&params["biz_content"]).unwrap());
    let plain: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(plain["out_trade_no"], "COURSE_0001");
    assert_eq!(plain["subject"], "Rust 入门课 + \"<1>'");

    let sign = STANDARD.decode(params.remove("sign").unwrap()).unwrap();
    let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(side.app_key.public_key().unwrap().verify(text.join("&").as_bytes(), &sign));
}

#[test]
fn a_reply_is_verified_with_its_quotes_and_then_decrypted() {
    let side = side();
    assert!(matches!(side.read(&side.encrypted(PAID)).unwrap(), QueryOutcome::Trade(_)));
    let not_found = r#"{"code":"40004","msg":"Business Failed","sub_code":"ACQ.TRADE_NOT_EXIST"}"#;
    assert!(matches!(side.read(&side.encrypted(not_found)).unwrap(), QueryOutcome::NotFound));
    // A signed reply that is not encrypted is Alipay's too: some refusals come so.
    assert!(matches!(side.read(not_found).unwrap(), QueryOutcome::NotFound));

    // The signature covers the quotes.
    let content = side.encrypted(PAID);
    let unquoted = side.alipay_key.sign(content.trim_matches('"').as_bytes()).unwrap();
    assert_eq!(side.read_signed(&content, &unquoted).unwrap_err().kind(), ErrorKind::Unverified);
    // Whoever flips a bit of the ciphertext meets the signature, never the padding.
    let signature = side.alipay_key.sign(content.as_bytes()).unwrap();
    let flipped =
        content.replacen(content.get(1..2).unwrap(), if content.starts_with("\"A") { "B" } else { "A" }, 1);
    let error = side.read_signed(&flipped, &signature).unwrap_err();
    assert!(error.to_string().contains("signature"), "{error}");
}

#[test]
fn signed_but_unreadable_content() {
    let side = side();
    for content in ["\"\"", "\"AAAA\"", "\"not base64\"", &format!("\"{}\"", STANDARD.encode([7; 32]))] {
        assert_eq!(side.read(content).unwrap_err().kind(), ErrorKind::Unverified, "{content}");
    }
    let plain = Side { merchant: without_key(&side), ..self::side() };
    let content = side.encrypted(PAID);
    let error = plain.read_signed(&content, &side.alipay_key.sign(content.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("content key"), "{error}");
}

fn without_key(side: &Side) -> Merchant {
    let alipay = side.alipay_key.public_key().unwrap();
    Merchant::new(app_id(), seller_id(), Endpoint::production(), side.app_key.clone(), alipay)
}

#[test]
fn keys_that_are_refused() {
    for text in ["", "AAAA", "not base64", "aa4BtZ4tspm2wnXLb1ThQA==AA", &STANDARD.encode([7; 32])] {
        let error = ContentKey::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
    }
    ContentKey::parse(" aa4BtZ4tspm2wnXLb1ThQA==\n").unwrap();
    assert!(!format!("{:?}", side().merchant).contains("aa4B"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_signed_content_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..64), text in "\\PC{0,24}") {
        thread_local!(static SIDE: Side = side());
        SIDE.with(|side| {
            let base64 = format!("\"{}\"", STANDARD.encode(&bytes));
            prop_assert!(side.read(&base64).is_err());
            prop_assert!(side.read(&serde_json::to_string(&text).unwrap()).is_err());
            Ok(())
        })?;
    }
}
