//! What the figures about WeChat Pay sign and verify: requests for QR codes, and notifies of paid orders.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as SealNonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use payments::sandbox::{generate_key, private_key_text};
use payments::sign::Signer as _;
use payments::wechat::{ApiV3Key, CertSerial, Credential, Endpoint, Merchant, Native, WechatKeys};
use payments::{AppId, Call as _, CallbackUrl, PrivateKey, SellerId};
use serde_json::json;

use super::{COUNT, NOW, PRICE_FEN, order, stamp};
use crate::Error;

/// Orders for WeChat Pay's QR codes, and the merchant who signs them.
pub(crate) struct WechatOrders {
    pub(crate) merchant: Merchant,
    pub(crate) all: Vec<WechatOrder>,
    key: PrivateKey,
}

/// One order, in all the forms in which a side may want it.
#[derive(Debug, Clone)]
pub(crate) struct WechatOrder {
    /// As our crate takes it.
    pub(crate) pay: Native,
    /// Path and query of the request.
    pub(crate) path: String,
    /// Its body.
    pub(crate) body: String,
    /// The whole header.
    pub(crate) authorization: String,
    /// What of it is the signature.
    pub(crate) signature: String,
}

/// WeChat Pay's notifies of paid orders, and the merchant who verifies them.
pub(crate) struct Notifies {
    pub(crate) merchant: Merchant,
    pub(crate) all: Vec<WechatNotify>,
    key: PrivateKey,
}

/// One notify, in both forms in which a side may want it.
#[derive(Debug, Clone)]
pub(crate) struct WechatNotify {
    pub(crate) number: String,
    pub(crate) request: http::Request<Bytes>,
    pub(crate) headers: BTreeMap<&'static str, String>,
    pub(crate) body: String,
}

impl WechatOrders {
    /// The merchant's number.
    pub(crate) const MCHID: &'static str = "1900000109";
    /// The merchant's certificate.
    pub(crate) const SERIAL: &'static str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";

    /// A new key, and orders of different numbers.
    pub(crate) fn draw() -> Result<Self, Error> {
        let key = generate_key()?;
        let merchant = wechat_merchant(&key, &key)?;
        let all = (0..COUNT).map(|number| WechatOrder::draw(number, &merchant)).collect::<Result<_, _>>()?;
        Ok(Self { merchant, all, key })
    }

    /// The private key, PKCS #8 in base64.
    pub(crate) fn key_text(&self) -> Result<String, Error> {
        Ok(private_key_text(&self.key)?.to_string())
    }

    /// The nonce of every request.
    pub(crate) fn nonce(&self) -> String {
        stamp().nonce.to_string()
    }
}

impl WechatOrder {
    fn draw(number: u32, merchant: &Merchant) -> Result<Self, Error> {
        let notify_url = CallbackUrl::parse("https://shop.example/wechat/notify")?;
        let pay = Native::new(order(number)?, notify_url);
        let request = pay.request(merchant, stamp())?;
        let authorization = header(&request).ok_or(Error::Key)?.to_owned();
        let (_, signature) = authorization.split_once("signature=\"").ok_or(Error::Key)?;
        let signature = signature.trim_end_matches('"').to_owned();
        let path = request.uri().path().to_owned();
        let body = String::from_utf8(request.into_body().to_vec()).map_err(|_| Error::Key)?;
        Ok(Self { pay, path, body, authorization, signature })
    }
}

/// The `Authorization` of a request.
pub(crate) fn header(request: &http::Request<Bytes>) -> Option<&str> {
    request.headers().get(http::header::AUTHORIZATION)?.to_str().ok()
}

fn wechat_merchant(key: &PrivateKey, wechat_key: &PrivateKey) -> Result<Merchant, Error> {
    Ok(Merchant::new(
        SellerId::parse(WechatOrders::MCHID)?,
        AppId::parse(Notifies::APP)?,
        Credential::new(CertSerial::parse(WechatOrders::SERIAL)?, key.clone()),
        ApiV3Key::parse(Notifies::API_KEY)?,
        WechatKeys::of_public_key(Notifies::KEY_ID, wechat_key.public_key()?)?,
        Endpoint::production(),
    ))
}

impl Notifies {
    const APP: &'static str = "wx2421b1c4370ec43b";
    /// The key that resources are sealed with.
    pub(crate) const API_KEY: &'static str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
    /// The key that notifies name.
    pub(crate) const KEY_ID: &'static str = "PUB_KEY_ID_0119000001092024123100";

    /// A new key of WeChat Pay's, and notifies of different orders.
    pub(crate) fn draw() -> Result<Self, Error> {
        let key = generate_key()?;
        let merchant = wechat_merchant(&key, &key)?;
        let all = (0..COUNT).map(|number| WechatNotify::draw(number, &key)).collect::<Result<_, _>>()?;
        Ok(Self { merchant, all, key })
    }

    /// The public key of WeChat Pay, SPKI in base64.
    pub(crate) fn public_key(&self) -> Result<String, Error> {
        Ok(self.key.public_key()?.to_base64()?)
    }

    /// How long a notify is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.all.first().map_or(0, |notify| notify.body.len())
    }
}

impl WechatNotify {
    fn draw(number: u32, key: &PrivateKey) -> Result<Self, Error> {
        let number = order(number)?.out_trade_no.to_string();
        let body = envelope(&number)?.to_string();
        let (secs, nonce) = ((NOW.as_millis() / 1000).to_string(), stamp().nonce.to_string());
        let signature = STANDARD.encode(key.sign(format!("{secs}\n{nonce}\n{body}\n").as_bytes())?);
        let headers = BTreeMap::from([
            ("wechatpay-timestamp", secs),
            ("wechatpay-nonce", nonce),
            ("wechatpay-signature", signature),
            ("wechatpay-serial", Notifies::KEY_ID.to_owned()),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
        ]);
        let mut request = http::Request::post("/wechat/notify");
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(body.clone()))?;
        Ok(Self { number, request, headers, body })
    }
}

/// The outer object of a notify with all the members that a real one has, its resource sealed.
fn envelope(number: &str) -> Result<serde_json::Value, Error> {
    let resource = json!({
        "mchid": WechatOrders::MCHID,
        "appid": Notifies::APP,
        "out_trade_no": number,
        "transaction_id": "4200000925202101284997714292",
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": "2026-09-22T00:00:00+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": PRICE_FEN, "payer_total": PRICE_FEN, "currency": "CNY", "payer_currency": "CNY"},
    });
    let cipher = UnboundKey::new(&AES_256_GCM, Notifies::API_KEY.as_bytes()).map_err(|_| Error::Key)?;
    let mut text = resource.to_string().into_bytes();
    let nonce = *b"fdasflkja484";
    LessSafeKey::new(cipher)
        .seal_in_place_append_tag(
            SealNonce::assume_unique_for_key(nonce),
            Aad::from(b"transaction"),
            &mut text,
        )
        .map_err(|_| Error::Key)?;
    Ok(json!({
        "id": "3119dfba-e649-5eec-ab1e-3412bc4d2e17",
        "create_time": "2026-09-22T00:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": STANDARD.encode(text),
            "associated_data": "transaction",
            "nonce": "fdasflkja484",
        },
    }))
}
