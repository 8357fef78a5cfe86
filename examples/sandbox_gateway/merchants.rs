//! The one merchant of each gateway: fresh keys on both sides, and what the merchant configures, as JSON.

use std::error::Error;

use payments::sandbox::{
    MerchantRegistration, SandboxAlipay, SandboxKeys, SandboxUnionpay, SandboxWechat, UnionpayKeys,
    UnionpayRegistration, WechatRegistration, generate_key, private_key_text,
};
use payments::{AppId, SellerId, UnixMillis};
use serde_json::{Value, json};

const CERT_SERIAL: &str = "0C4AEF34B89340881BB2B25226393DC2E47F094B";
const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000001092026";

/// How gateways prove themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Alipay and WeChat Pay by bare public keys.
    Keys,
    /// Alipay and WeChat Pay by certificates, as UnionPay always does.
    Certificates,
}

type Made<T> = Result<(T, Value), Box<dyn Error>>;

pub(crate) fn alipay(origin: &str, mode: Mode, now: UnixMillis) -> Made<SandboxAlipay> {
    let (app_id, seller_id) = (AppId::parse("2026000000000001")?, SellerId::parse("2088000000000001")?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let alipay_public_key = theirs.public_key()?.to_base64()?;
    let merchant = MerchantRegistration {
        app_id: app_id.clone(),
        seller_id: seller_id.clone(),
        public_key: own.public_key()?,
    };
    let mut side = SandboxAlipay::new(theirs, merchant);
    if mode == Mode::Certificates {
        side = side.with_certificates(&SandboxKeys::generate()?, now)?;
    }
    let files = side.certificate_files();
    let configuration = json!({
        "gateway_url": format!("{origin}/gateway.do"),
        "app_id": app_id.as_str(),
        "seller_id": seller_id.as_str(),
        "merchant_private_key": private_key_text(&own)?.as_str(),
        "alipay_public_key": alipay_public_key,
        "app_certificate": files.as_ref().map(|files| &files.app),
        "alipay_certificate": files.as_ref().map(|files| &files.alipay),
        "root_certificates": files.as_ref().map(|files| &files.root),
    });
    Ok((side, configuration))
}

pub(crate) fn wechat(origin: &str, mode: Mode, now: UnixMillis) -> Made<SandboxWechat> {
    let (app_id, mchid) = (AppId::parse("wx0000000000000001")?, SellerId::parse("1900000001")?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let api_v3_key = api_v3_key()?;
    let public_key = theirs.public_key()?.to_base64()?;
    let merchant =
        WechatRegistration::new(app_id.clone(), mchid.clone(), CERT_SERIAL, own.public_key()?, api_v3_key)?;
    let (side, public_key) = match mode {
        Mode::Keys => (SandboxWechat::of_public_key(PUBLIC_KEY_ID, &theirs, merchant)?, Some(public_key)),
        Mode::Certificates => {
            let root = SandboxKeys::generate()?;
            (SandboxWechat::of_certificates(&root, &theirs, merchant, now)?, None)
        }
    };
    let configuration = json!({
        "origin": origin,
        "app_id": app_id.as_str(),
        "mchid": mchid.as_str(),
        "merchant_cert_serial": CERT_SERIAL,
        "merchant_private_key": private_key_text(&own)?.as_str(),
        "api_v3_key": str::from_utf8(&api_v3_key)?,
        "public_key_id": public_key.as_ref().map(|_| PUBLIC_KEY_ID),
        "public_key": public_key,
        "root_certificate": side.root_certificate(),
    });
    Ok((side, configuration))
}

pub(crate) fn unionpay(origin: &str, now: UnixMillis) -> Made<SandboxUnionpay> {
    let mer_id = SellerId::parse("777290058100001")?;
    let own = generate_key()?;
    let merchant = UnionpayRegistration { mer_id: mer_id.clone(), public_key: own.public_key()? };
    let side = SandboxUnionpay::new(UnionpayKeys::generate()?, merchant, now)?;
    let files = side.files();
    let configuration = json!({
        "origin": origin,
        "file_url": format!("{origin}/unionpay/file"),
        "mer_id": mer_id.as_str(),
        "merchant_private_key": private_key_text(&own)?.as_str(),
        "merchant_certificate": files.merchant,
        "root_certificate": files.root,
        "middle_certificate": files.middle,
    });
    Ok((side, configuration))
}

/// 32 visible characters.
fn api_v3_key() -> Result<[u8; 32], Box<dyn Error>> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(key.map(|byte| b'a' + byte % 26))
}
