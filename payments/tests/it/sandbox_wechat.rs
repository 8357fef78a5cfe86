//! WeChat Pay's side of the sandbox, asked with requests that are signed here by hand.

mod admission;
mod keys;
mod notices;
mod trades;

use crate::loopback::Loopback;
use crate::support::NOW;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use payments::sandbox::{Sandbox, SandboxKeys, SandboxWechat, WechatRegistration, generate_key};
use payments::sign::{Signer as _, Verifier as _};
use payments::{AppId, PrivateKey, PublicKey, SellerId};
use serde_json::{Value, json};

const MCHID: &str = "1900000109";
const APP: &str = "wx2421b1c4370ec43b";
const SERIAL: &str = "0C4AEF34B89340881BB2B25226393DC2E47F094B";
const KEY_ID: &str = "PUB_KEY_ID_0119000001092026";
const API_KEY: &[u8; 32] = b"a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
const NUMBER: &str = "COURSE_0001";
const REFUNDS: &str = "/v3/refund/domestic/refunds";

/// A merchant that signs by hand, and the gateway.
struct Shop {
    key: PrivateKey,
    /// What the gateway signs with.
    gateway_key: PublicKey,
    loopback: Loopback,
}

fn registration(key: &PrivateKey) -> WechatRegistration {
    let (app, mchid) = (AppId::parse(APP).unwrap(), SellerId::parse(MCHID).unwrap());
    WechatRegistration::new(app, mchid, SERIAL, key.public_key().unwrap(), *API_KEY).unwrap()
}

fn loopback(wechat: SandboxWechat) -> Loopback {
    Loopback::new(Sandbox::new("http://127.0.0.1:8070").unwrap().with_wechat(wechat), NOW)
}

fn shop() -> Shop {
    let (key, keys) = (generate_key().unwrap(), SandboxKeys::generate().unwrap());
    let wechat = SandboxWechat::of_public_key(KEY_ID, &keys, registration(&key)).unwrap();
    Shop { key, gateway_key: keys.public_key().unwrap(), loopback: loopback(wechat) }
}

/// The parts of an `Authorization` header, so that a test can change one.
#[derive(Clone)]
struct Parts {
    mchid: String,
    serial: String,
    secs: u64,
    nonce: String,
}

impl Shop {
    fn parts(&self) -> Parts {
        let secs = self.loopback.now().as_millis() / 1000;
        Parts {
            mchid: MCHID.into(),
            serial: SERIAL.into(),
            secs,
            nonce: "593BEC0C930BF1AFEB40B4A08C8FB242".into(),
        }
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Request<Bytes> {
        self.request_of(&self.parts(), method, path, body)
    }

    fn request_of(&self, parts: &Parts, method: &str, path: &str, body: &str) -> Request<Bytes> {
        let Parts { mchid, serial, secs, nonce } = parts;
        let text = format!("{method}\n{path}\n{secs}\n{nonce}\n{body}\n");
        let signature = STANDARD.encode(self.key.sign(text.as_bytes()).unwrap());
        let authorization = format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{secs}\",serial_no=\"{serial}\""
        );
        let request = Request::builder().method(method).uri(path).header("authorization", authorization);
        let request = request.header("accept", "application/json").header("user-agent", "shop");
        request.header("content-type", "application/json").body(Bytes::from(body.to_owned())).unwrap()
    }

    /// Sends it; the reply has to be signed.
    fn send(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.loopback.exchange(self.request(method, path, &body));
        assert!(is_signed_by(&self.gateway_key, response.headers(), response.body()));
        (response.status(), json_of(&response))
    }

    fn native(&self, changes: &[(&str, Value)]) -> (StatusCode, Value) {
        self.send("POST", "/v3/pay/transactions/native", &order(changes))
    }

    fn query(&self) -> (StatusCode, Value) {
        self.send("GET", &format!("/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={MCHID}"), &Value::Null)
    }

    /// Opens the order by its QR code and pays on the cashier page.
    fn pay(&self) {
        let (status, opened) = self.native(&[]);
        assert_eq!(status, 200, "{opened}");
        let address = opened["code_url"].as_str().unwrap();
        let path = address.strip_prefix("http://127.0.0.1:8070").unwrap();
        assert_eq!(self.loopback.get(path).status(), 200);
        let token = path.strip_prefix("/cashier/").unwrap();
        assert_eq!(self.loopback.post("/cashier/pay", &format!("token={token}")).status(), 200);
    }

    fn refund(&self, number: &str, fen: i64) -> (StatusCode, Value) {
        self.send("POST", REFUNDS, &refund(number, fen))
    }

    /// The notifies that are due, acknowledged.
    fn notifies(&self) -> Vec<Request<Bytes>> {
        self.loopback.notifies(&Response::new(Bytes::new()))
    }
}

/// An order of 88.00 yuan, with members changed; null removes one.
fn order(changes: &[(&str, Value)]) -> Value {
    let mut order = json!({
        "appid": APP,
        "mchid": MCHID,
        "description": "Rust 入门课",
        "out_trade_no": NUMBER,
        "notify_url": "https://shop.example/wechat/notify",
        "amount": {"total": 8800, "currency": "CNY"},
    });
    for (name, value) in changes {
        let members = order.as_object_mut().unwrap();
        members.remove(*name);
        if !value.is_null() {
            members.insert((*name).to_owned(), value.clone());
        }
    }
    order
}

fn refund(number: &str, fen: i64) -> Value {
    json!({
        "out_trade_no": NUMBER,
        "out_refund_no": number,
        "notify_url": "https://shop.example/wechat/refund",
        "amount": {"refund": fen, "total": 8800, "currency": "CNY"},
    })
}

fn json_of(response: &Response<Bytes>) -> Value {
    if response.body().is_empty() { Value::Null } else { serde_json::from_slice(response.body()).unwrap() }
}

/// The signature of a reply or a notify, by the rule of the manual, written here a second time.
fn is_signed_by(key: &PublicKey, headers: &http::HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message =
        [text("wechatpay-timestamp").as_bytes(), text("wechatpay-nonce").as_bytes(), body, b""].join(&b'\n');
    STANDARD.decode(text("wechatpay-signature")).is_ok_and(|signature| key.verify(&message, &signature))
}

/// What the API v3 key opens.
fn opened(resource: &Value) -> Vec<u8> {
    let text = |name: &str| resource[name].as_str().unwrap();
    assert_eq!(text("algorithm"), "AEAD_AES_256_GCM");
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_KEY).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(text("nonce").as_bytes()).unwrap();
    let mut sealed = STANDARD.decode(text("ciphertext")).unwrap();
    cipher.open_in_place(nonce, Aad::from(text("associated_data").as_bytes()), &mut sealed).unwrap().to_vec()
}
