//! Alipay's calls against a gateway played by hand: its replies are written and signed here.

mod attacks;
mod bills;
mod calls;
mod facade;
mod messages;
mod refunds;

use crate::support::{NOW, app_id, seller_id, stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response};
use payments::alipay::{Endpoint, Merchant};
use payments::sandbox::generate_key;
use payments::sign::{Signer as _, Verifier as _};
use payments::{Call, CallbackUrl, Error, PrivateKey, PublicKey, Reply};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(crate) struct Hand {
    /// Signs as the gateway.
    pub(crate) gateway_key: PrivateKey,
    pub(crate) merchant: Merchant,
    app_public: PublicKey,
}

pub(crate) static HAND: LazyLock<Hand> = LazyLock::new(|| {
    let (gateway_key, app_key) = (generate_key().unwrap(), generate_key().unwrap());
    let endpoint = Endpoint::parse("http://127.0.0.1:8070/gateway.do").unwrap();
    let app_public = app_key.public_key().unwrap();
    let alipay = gateway_key.public_key().unwrap();
    let merchant = Merchant::new(app_id(), seller_id(), endpoint, app_key, alipay);
    Hand { gateway_key, merchant, app_public }
});

impl Hand {
    pub(crate) fn sign(&self, content: &str) -> String {
        STANDARD.encode(self.gateway_key.sign(content.as_bytes()).unwrap())
    }

    /// The body of an honest reply with this content.
    pub(crate) fn body(&self, method: &str, content: &str) -> String {
        format!("{{\"{}\":{content},\"sign\":\"{}\"}}", root(method), self.sign(content))
    }

    /// What a call reads in a reply with this content.
    pub(crate) fn read<C>(&self, call: &C, method: &str, content: &str) -> Result<C::Output, Error>
    where
        C: Call<Merchant = Merchant>,
    {
        call.read(&self.merchant, &reply(self.body(method, content)))
    }

    /// The parameters of a request, as the gateway sees them, once the signature over all of them fits.
    pub(crate) fn sent(&self, request: &Request<Bytes>) -> Params {
        assert_eq!(request.method(), Method::POST);
        let query = request.uri().query().unwrap();
        let body = std::str::from_utf8(request.body()).unwrap();
        assert!(!query.contains("sign=") && !body.contains("charset="), "each stands in one place");
        self.admitted(&format!("{query}&{body}"))
    }

    pub(crate) fn asked<C: Call<Merchant = Merchant>>(&self, call: &C) -> Params {
        self.sent(&call.request(&self.merchant, stamp()).unwrap())
    }

    pub(crate) fn admitted(&self, form: &str) -> Params {
        let pairs = form_urlencoded::parse(form.as_bytes()).into_owned();
        let params: Params = pairs.collect();
        let signed = params.iter().filter(|(name, _)| *name != "sign");
        let canonical: Vec<_> = signed.map(|(name, value)| format!("{name}={value}")).collect();
        let sign = STANDARD.decode(&params["sign"]).unwrap();
        assert!(self.app_public.verify(canonical.join("&").as_bytes(), &sign));
        for (name, value) in [("app_id", app_id().as_str()), ("sign_type", "RSA2"), ("charset", "utf-8")] {
            assert_eq!(params[name], value);
        }
        assert_eq!(params["timestamp"], NOW.china_text());
        params
    }
}

pub(crate) type Params = BTreeMap<String, String>;

pub(crate) fn root(method: &str) -> String {
    format!("{}_response", method.replace('.', "_"))
}

pub(crate) fn reply(body: impl Into<Bytes>) -> Reply {
    Reply::new(Response::new(body.into()), NOW)
}

/// What a request tells in `biz_content`.
pub(crate) fn content(params: &Params) -> Value {
    serde_json::from_str(&params["biz_content"]).unwrap()
}

pub(crate) fn url(text: &str) -> CallbackUrl {
    CallbackUrl::parse(text).unwrap()
}

pub(crate) fn notify_url() -> CallbackUrl {
    url("https://shop.example/alipay/notify")
}

/// A refusal with these codes.
pub(crate) fn no(code: &str, sub_code: &str) -> String {
    format!(
        "{{\"code\":\"{code}\",\"msg\":\"x\",\"sub_code\":\"{sub_code}\",\"sub_msg\":\"买家\\n余额不足\"}}"
    )
}
