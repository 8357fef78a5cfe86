//! Opening a payment: JSAPI, Native, H5 and App (manual: 下单).

use super::handle::{CodeUrl, H5Url, OpenId, PrepayId};
use super::merchant::Merchant;
use super::reply;
use super::request::{self, limited, wechat_number};
use crate::error::{Cause, Error};
use crate::{Call, CallbackUrl, Effect, Order, Reply, Stake, Stamp, UnixMillis};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

const DESCRIPTION_BYTES_MAX: usize = 127;
const DESCRIPTION_RULE: &str = "WeChat Pay takes at most 127 bytes of UTF-8";
/// The gateway's own limits are 64 and 512; a little room costs nothing.
const PREPAY_ID_BYTES_MAX: usize = 128;
const LINK_BYTES_MAX: usize = 1024;

/// A payment inside WeChat: a web page there, or a mini program.
///
/// ```
/// # use payments::{CallbackUrl, Money, Order, OutTradeNo, Subject};
/// use payments::wechat::{Jsapi, OpenId};
/// # let number = OutTradeNo::parse("COURSE_0001")?;
/// # let order = Order::new(number, Subject::parse("Rust")?, Money::parse_yuan("88.00")?);
/// let notify_url = CallbackUrl::parse("https://shop.example/wechat/notify")?;
/// let pay = Jsapi::new(order, notify_url, OpenId::parse("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")?);
/// // client.call(&merchant, &pay).await?, then InvokeParams::jsapi(&merchant, &prepay_id, stamp)?
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jsapi {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify.
    pub notify_url: CallbackUrl,
    /// Who pays.
    pub openid: OpenId,
    /// After this moment the gateway takes no payment; without it seven days.
    pub expires_at: Option<UnixMillis>,
}

/// A payment by a QR code that the buyer scans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Native {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify.
    pub notify_url: CallbackUrl,
    /// After this moment the gateway takes no payment; without it seven days.
    pub expires_at: Option<UnixMillis>,
}

/// A payment from a telephone's browser, outside WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct H5 {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify.
    pub notify_url: CallbackUrl,
    /// The buyer's address.
    pub payer_ip: IpAddr,
    /// After this moment the gateway takes no payment; without it seven days.
    pub expires_at: Option<UnixMillis>,
}

/// A payment from an application, through WeChat's kit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct App {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify.
    pub notify_url: CallbackUrl,
    /// After this moment the gateway takes no payment; without it seven days.
    pub expires_at: Option<UnixMillis>,
}

impl Jsapi {
    /// A payment by this buyer, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, openid: OpenId) -> Self {
        Self { order, notify_url, openid, expires_at: None }
    }
}

impl Native {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl) -> Self {
        Self { order, notify_url, expires_at: None }
    }
}

impl H5 {
    /// A payment by a buyer at this address, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, payer_ip: IpAddr) -> Self {
        Self { order, notify_url, payer_ip, expires_at: None }
    }
}

impl App {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl) -> Self {
        Self { order, notify_url, expires_at: None }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    appid: &'a str,
    mchid: &'a str,
    description: &'a str,
    out_trade_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_expire: Option<String>,
    notify_url: &'a str,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<Payer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_info: Option<SceneInfo>,
}

#[derive(Serialize)]
struct Amount {
    total: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct Payer<'a> {
    openid: &'a str,
}

#[derive(Serialize)]
struct SceneInfo {
    payer_client_ip: IpAddr,
    h5_info: H5Info,
}

#[derive(Serialize)]
struct H5Info {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Deserialize)]
struct PrepayReply {
    prepay_id: String,
}

#[derive(Deserialize)]
struct CodeReply {
    code_url: String,
}

#[derive(Deserialize)]
struct H5Reply {
    h5_url: String,
}

fn body<'a>(
    merchant: &'a Merchant,
    order: &'a Order,
    notify_url: &'a CallbackUrl,
    expires_at: Option<UnixMillis>,
) -> Result<Body<'a>, Error> {
    let subject = order.subject.as_str();
    Ok(Body {
        appid: merchant.app_id.as_str(),
        mchid: merchant.mchid.as_str(),
        description: limited("subject", subject, DESCRIPTION_BYTES_MAX, DESCRIPTION_RULE)?,
        out_trade_no: wechat_number(&order.out_trade_no)?,
        time_expire: expires_at.map(UnixMillis::china_rfc3339),
        notify_url: notify_url.as_str(),
        amount: Amount { total: order.amount.minor(), currency: order.amount.currency().code() },
        payer: None,
        scene_info: None,
    })
}

/// The same number with the same parameters opens the same trade again.
fn effect(order: &Order) -> Effect {
    Effect::Idempotent(Stake::Trade(order.out_trade_no.clone()))
}

fn fallback(merchant: &Merchant) -> Option<String> {
    merchant.endpoint.fallback().map(ToOwned::to_owned)
}

fn prepay_id(merchant: &Merchant, reply: &Reply) -> Result<PrepayId, Error> {
    let id = reply::content::<PrepayReply>(merchant, reply)?.success()?.prepay_id;
    // It becomes a line of a signed text, so it holds no line end.
    text("prepay_id", id, PREPAY_ID_BYTES_MAX).map(PrepayId)
}

fn text(field: &'static str, text: String, bytes_max: usize) -> Result<String, Error> {
    let fits = (1..=bytes_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text) } else { Err(Cause::Field { what: reply::WHAT, field, source: None }.into()) }
}

impl Call for Jsapi {
    type Merchant = Merchant;
    type Output = PrepayId;

    fn effect(&self) -> Effect {
        effect(&self.order)
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let mut body = body(merchant, &self.order, &self.notify_url, self.expires_at)?;
        body.payer = Some(Payer { openid: self.openid.as_str() });
        request::post(merchant, "/v3/pay/transactions/jsapi", &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<PrepayId, Error> {
        prepay_id(merchant, reply)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        fallback(merchant)
    }
}

impl Call for App {
    type Merchant = Merchant;
    type Output = PrepayId;

    fn effect(&self) -> Effect {
        effect(&self.order)
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let body = body(merchant, &self.order, &self.notify_url, self.expires_at)?;
        request::post(merchant, "/v3/pay/transactions/app", &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<PrepayId, Error> {
        prepay_id(merchant, reply)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        fallback(merchant)
    }
}

impl Call for Native {
    type Merchant = Merchant;
    type Output = CodeUrl;

    fn effect(&self) -> Effect {
        effect(&self.order)
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let body = body(merchant, &self.order, &self.notify_url, self.expires_at)?;
        request::post(merchant, "/v3/pay/transactions/native", &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<CodeUrl, Error> {
        let url = reply::content::<CodeReply>(merchant, reply)?.success()?.code_url;
        text("code_url", url, LINK_BYTES_MAX).map(CodeUrl)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        fallback(merchant)
    }
}

impl Call for H5 {
    type Merchant = Merchant;
    type Output = H5Url;

    fn effect(&self) -> Effect {
        effect(&self.order)
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let mut body = body(merchant, &self.order, &self.notify_url, self.expires_at)?;
        let h5_info = H5Info { kind: "Wap" };
        body.scene_info = Some(SceneInfo { payer_client_ip: self.payer_ip, h5_info });
        request::post(merchant, "/v3/pay/transactions/h5", &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<H5Url, Error> {
        let url = reply::content::<H5Reply>(merchant, reply)?.success()?.h5_url;
        let url = text("h5_url", url, LINK_BYTES_MAX)?;
        // The browser is sent there, so it leads to a web page: `javascript:` never gets that far.
        if url.starts_with("https://")
            || url.starts_with("http://127.0.0.1")
            || url.starts_with("http://localhost")
        {
            return Ok(H5Url(url));
        }
        Err(Cause::Field { what: reply::WHAT, field: "h5_url", source: None }.into())
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        fallback(merchant)
    }
}
