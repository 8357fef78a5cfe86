//! What the buyer's telephone needs to open the cashier: the prepay id, signed once more (manual: 调起支付签名).

use super::handle::PrepayId;
use super::merchant::Merchant;
use crate::Stamp;
use crate::error::{Cause, Error};
use crate::sign;
use serde::Serialize;

/// Signed parameters for `WeixinJSBridge`, `wx.requestPayment` or the kit of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeParams(Params);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Params {
    Jsapi(JsapiParams),
    App(AppParams),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsapiParams {
    app_id: String,
    time_stamp: String,
    nonce_str: String,
    package: String,
    sign_type: &'static str,
    pay_sign: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AppParams {
    appid: String,
    partnerid: String,
    prepayid: String,
    package: &'static str,
    noncestr: String,
    timestamp: String,
    sign: String,
}

/// Four lines, each with its end.
pub(crate) fn message(app_id: &str, secs: &str, nonce: &str, last: &str) -> String {
    format!("{app_id}\n{secs}\n{nonce}\n{last}\n")
}

impl InvokeParams {
    /// For a page inside WeChat, or a mini program.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub fn jsapi(merchant: &Merchant, prepay_id: &PrepayId, stamp: Stamp) -> Result<Self, Error> {
        let package = format!("prepay_id={prepay_id}");
        let Signed { app_id, secs, nonce, sign } = signed(merchant, &package, stamp)?;
        Ok(Self(Params::Jsapi(JsapiParams {
            app_id,
            time_stamp: secs,
            nonce_str: nonce,
            package,
            sign_type: "RSA",
            pay_sign: sign,
        })))
    }

    /// For an application on a telephone.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub fn app(merchant: &Merchant, prepay_id: &PrepayId, stamp: Stamp) -> Result<Self, Error> {
        let Signed { app_id, secs, nonce, sign } = signed(merchant, prepay_id.as_str(), stamp)?;
        Ok(Self(Params::App(AppParams {
            appid: app_id,
            partnerid: merchant.mchid.to_string(),
            prepayid: prepay_id.to_string(),
            package: "Sign=WXPay",
            noncestr: nonce,
            timestamp: secs,
            sign,
        })))
    }

    /// The object to hand over, as JSON.
    ///
    /// # Errors
    /// `Misuse` if it cannot be written, which no text shows.
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.0).map_err(Cause::from)?)
    }
}

struct Signed {
    app_id: String,
    secs: String,
    nonce: String,
    sign: String,
}

fn signed(merchant: &Merchant, last: &str, stamp: Stamp) -> Result<Signed, Error> {
    let (app_id, nonce) = (merchant.app_id.to_string(), stamp.nonce.to_string());
    let secs = (stamp.now.as_millis() / 1000).to_string();
    let sign = sign::sign_text(&*merchant.credential.signer, &message(&app_id, &secs, &nonce, last))?;
    Ok(Signed { app_id, secs, nonce, sign })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the manual; the file names it.
    #[test]
    fn vectors() {
        let file = include_str!("../../tests/it/vectors/wechat-sign.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let mut genuine = 0;
        for case in file["pay_sign"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let id = text("prepay_id");
            let package = format!("prepay_id={id}");
            let last = if text("id") == "official-jsapi" { package.as_str() } else { id };
            let lines = message(text("app_id"), text("secs"), text("nonce"), last);
            assert_eq!(lines, text("message"));
            let key = crate::PublicKey::parse(text("public_key")).unwrap();
            let fits = sign::verify_text(&key, &lines, text("signature"));
            assert_eq!(fits, case["genuine"].as_bool().unwrap(), "{}", text("id"));
            genuine += u32::from(fits);
        }
        assert_eq!(genuine, 2);
    }
}
