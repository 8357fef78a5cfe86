//! A merchant, the keys of a pretended WeChat Pay, and messages signed with them the way the manual says.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as SealNonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use payments::sandbox::generate_key;
use payments::sign::Signer as _;
use payments::store::BoxFuture;
use payments::wechat::{ApiV3Key, CertSerial, Credential, Endpoint, Merchant, WechatKeys};
use payments::{
    AppId, Client, Edge, Error, Money, Nonce, Order, OutTradeNo, PrivateKey, Reply, Retry, SellerId, Stamp,
    Subject, Transport, TransportError, UnixMillis,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use crate::support::NOW;
pub(crate) const NUMBER: &str = "COURSE_0001";
pub(crate) const MCHID: &str = "1900000109";
pub(crate) const APP: &str = "wx2421b1c4370ec43b";
pub(crate) const KEY_ID: &str = "PUB_KEY_ID_0119000001092024123100";
pub(crate) const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
pub(crate) const MERCHANT_SERIAL: &str = "0C4AEF34B89340881BB2B25226393DC2E47F094B";

/// One merchant in public key mode, and both sides' private keys.
pub(crate) struct World {
    pub(crate) merchant_key: PrivateKey,
    pub(crate) wechat_key: PrivateKey,
    pub(crate) merchant: Merchant,
}

pub(crate) fn world() -> World {
    let wechat_key = generate_key().unwrap();
    let keys = WechatKeys::of_public_key(KEY_ID, wechat_key.public_key().unwrap()).unwrap();
    world_of(wechat_key, keys)
}

pub(crate) fn world_of(wechat_key: PrivateKey, keys: WechatKeys) -> World {
    let merchant_key = generate_key().unwrap();
    let merchant = merchant_of(&merchant_key, keys, Endpoint::production());
    World { merchant_key, wechat_key, merchant }
}

pub(crate) fn merchant_of(key: &PrivateKey, keys: WechatKeys, endpoint: Endpoint) -> Merchant {
    Merchant::new(
        SellerId::parse(MCHID).unwrap(),
        AppId::parse(APP).unwrap(),
        Credential::new(CertSerial::parse(MERCHANT_SERIAL).unwrap(), key.clone()),
        ApiV3Key::parse(API_KEY).unwrap(),
        keys,
        endpoint,
    )
}

pub(crate) fn stamp(now: UnixMillis) -> Stamp {
    Stamp { now, nonce: Nonce::from_bytes([7; 16]) }
}

pub(crate) fn order() -> Order {
    let subject = Subject::parse("Rust 入门课 \"<1>\"").unwrap();
    Order::new(OutTradeNo::parse(NUMBER).unwrap(), subject, Money::parse_yuan("88.00").unwrap())
}

/// A message of WeChat Pay's, still to be signed; tests change it on the way.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl World {
    /// A message signed now with the public key's private half.
    pub(crate) fn signed(&self, status: u16, body: impl Into<Vec<u8>>) -> Message {
        Message::signed(status, body.into(), &self.wechat_key, KEY_ID, NOW)
    }

    pub(crate) fn reply(&self, status: u16, body: &Value) -> Reply {
        self.signed(status, body.to_string()).reply(NOW)
    }

    /// A notify about this resource.
    pub(crate) fn notify(&self, event: &str, kind: &str, resource: &Value) -> Message {
        self.signed(200, envelope(event, kind, &resource.to_string()).to_string())
    }
}

impl Message {
    pub(crate) fn signed(status: u16, body: Vec<u8>, key: &PrivateKey, serial: &str, at: UnixMillis) -> Self {
        let secs = (at.as_millis() / 1000).to_string();
        Self::signed_text(status, body, key, serial, &secs)
    }

    pub(crate) fn signed_text(
        status: u16,
        body: Vec<u8>,
        key: &PrivateKey,
        serial: &str,
        secs: &str,
    ) -> Self {
        let nonce = "c5ac7061fccab6bf3e254dcf98995b8c";
        let text = [secs.as_bytes(), b"\n", nonce.as_bytes(), b"\n", &body, b"\n"].concat();
        let signature = STANDARD.encode(key.sign(&text).unwrap());
        let headers = vec![
            ("wechatpay-timestamp", secs.to_owned()),
            ("wechatpay-nonce", nonce.to_owned()),
            ("wechatpay-signature", signature),
            ("wechatpay-serial", serial.to_owned()),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
        ];
        Self { status: StatusCode::from_u16(status).unwrap(), body, headers }
    }

    /// The same message with another value of a header; none removes it.
    pub(crate) fn with(&self, name: &'static str, value: Option<&str>) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(known, _)| *known != name);
        changed.headers.extend(value.map(|value| (name, value.to_owned())));
        changed
    }

    /// The same message with one more header.
    pub(crate) fn and(&self, name: &'static str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.push((name, value.to_owned()));
        changed
    }

    pub(crate) fn unsigned(&self) -> Self {
        Self { headers: Vec::new(), ..self.clone() }
    }

    fn header_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    pub(crate) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.header_map();
        response
    }

    pub(crate) fn reply(&self, at: UnixMillis) -> Reply {
        Reply::new(self.response(), at)
    }

    pub(crate) fn request(&self) -> Request<Bytes> {
        let mut request = Request::post("/wechat/notify").body(Bytes::from(self.body.clone())).unwrap();
        *request.headers_mut() = self.header_map();
        request
    }

    /// Every change that must break the signature, with its name.
    pub(crate) fn forgeries(&self) -> Vec<(&'static str, Self)> {
        let mut forged = Vec::new();
        for name in ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial"] {
            let value = self.headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
            forged.push(("removed", self.with(name, None)));
            forged.push(("empty", self.with(name, Some(""))));
            forged.push(("twice", self.and(name, &value)));
            forged.push(("changed", self.with(name, Some(&format!("{value}1")))));
        }
        let serial = "wechatpay-serial";
        forged.push(("unknown id", self.with(serial, Some("PUB_KEY_ID_0119000001092024123199"))));
        forged.push(("unknown serial", self.with(serial, Some("5157F09EFDC096DE15EBE81A47057A7232F1B8E1"))));
        let kind = "wechatpay-signature-type";
        forged.push(("downgrade", self.with(kind, Some("WECHATPAY2-SHA1-RSA2048"))));
        forged.push(("sm2", self.with(kind, Some("WECHATPAY2-SM2-WITH-SM3"))));
        forged.push(("type twice", self.and(kind, "WECHATPAY2-SHA256-RSA2048")));
        let signature =
            self.headers.iter().find(|(name, _)| *name == "wechatpay-signature").unwrap().1.clone();
        let probe = format!("WECHATPAY/SIGNTEST/{signature}");
        forged.push(("probe", self.with("wechatpay-signature", Some(&probe))));
        forged.push(("no base64", self.with("wechatpay-signature", Some("not+base64!"))));
        forged.push(("short", self.with("wechatpay-signature", Some("AAAA"))));
        let mut body = self.clone();
        body.body.push(b' ');
        forged.push(("body", body));
        forged
    }
}

/// The outer object of a notify, its resource sealed with the API v3 key.
pub(crate) fn envelope(event: &str, kind: &str, resource: &str) -> Value {
    json!({
        "id": "3119dfba-e649-5eec-ab1e-3412bc4d2e17",
        "create_time": "2026-09-22T00:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": sealed(API_KEY, kind, resource.as_bytes()),
    })
}

pub(crate) fn sealed(key: &str, kind: &str, plain: &[u8]) -> Value {
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).unwrap());
    let mut text = plain.to_vec();
    let nonce = b"fdasflkja484";
    let aad = Aad::from(kind.as_bytes());
    cipher.seal_in_place_append_tag(SealNonce::assume_unique_for_key(*nonce), aad, &mut text).unwrap();
    json!({
        "original_type": kind,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": STANDARD.encode(text),
        "associated_data": kind,
        "nonce": "fdasflkja484",
    })
}

/// A paid transaction; a coupon of 8.00 yuan was used.
pub(crate) fn transaction() -> Value {
    json!({
        "appid": APP,
        "mchid": MCHID,
        "out_trade_no": NUMBER,
        "transaction_id": "4200000925202101284997714292",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": "2026-09-22T00:00:00+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 8800, "payer_total": 8000, "currency": "CNY", "payer_currency": "CNY"},
    })
}

/// The same object with other members.
pub(crate) fn with(mut object: Value, members: &[(&str, Value)]) -> Value {
    for (path, value) in members {
        let (outer, inner) =
            path.split_once('.').map_or((*path, None), |(outer, inner)| (outer, Some(inner)));
        let slot = match inner {
            None => &mut object[outer],
            Some(inner) => &mut object[outer][inner],
        };
        *slot = value.clone();
    }
    object
}

type Answer = Box<dyn Fn(&Request<Bytes>) -> Result<Response<Bytes>, TransportError> + Send + Sync>;

/// Answers in the process and keeps what was sent.
pub(crate) struct Wire {
    answer: Answer,
    pub(crate) sent: Mutex<Vec<Request<Bytes>>>,
    millis: AtomicU64,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(
        now: UnixMillis,
        answer: impl Fn(&Request<Bytes>) -> Result<Response<Bytes>, TransportError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let millis = AtomicU64::new(now.as_millis());
        Arc::new(Self { answer: Box::new(answer), sent: Mutex::new(Vec::new()), millis })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let (transport, edge): (Arc<dyn Transport>, Arc<dyn Edge>) = (self.clone(), self.clone());
        Client::new(transport, edge)
    }

    pub(crate) fn once(self: &Arc<Self>) -> Client {
        self.client().with_retry(Retry::NONE)
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.millis.fetch_add(secs * 1000, Ordering::SeqCst);
    }

    pub(crate) fn uris(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|request| request.uri().to_string()).collect()
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let answer = (self.answer)(&request);
        self.sent.lock().unwrap().push(request);
        Box::pin(std::future::ready(answer))
    }

    fn pause(&self, _millis: u64) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Edge for Wire {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([9; 16])
    }
}
