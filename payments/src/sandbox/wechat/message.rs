//! A notify: the resource sealed with the API v3 key, the whole body signed (manual: 支付成功回调, 退款结果回调).

use super::refunds::{self, word};
use super::reply::{self, Signature};
use super::{SandboxWechat, trades};
use crate::error::{Cause, Error};
use crate::sandbox::book::{RefundStage, Trade};
use crate::sandbox::notices::{About, Notice, Trick};
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Currency, Money, aead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};

/// What a probe's signature begins with: the gateway sends such messages on purpose and wants to see them refused.
const PROBE: &str = "WECHATPAY/SIGNTEST/";
const NONCE_CHARS: usize = 12;

/// What there is to say, and to whom.
struct Event<'a> {
    url: &'a CallbackUrl,
    event_type: String,
    original_type: &'static str,
    summary: &'static str,
    resource: Value,
}

/// The notify as it goes out now; none if the merchant gave no address, or this gateway tells nothing of it.
pub(super) fn notify(
    side: &SandboxWechat,
    notice: &Notice,
    desk: &mut Desk<'_>,
) -> Result<Option<Request<Bytes>>, Error> {
    let wrong = notice.trick == Trick::WrongAmount;
    let event = match &notice.about {
        About::Payment => payment(side, notice, wrong, desk)?,
        About::Refund(number) => refund(side, &notice.trade, number, wrong)?,
        // The merchant closed it, or let it time out: WeChat Pay sends nothing.
        About::Closed => None,
    };
    let Some(event) = event else { return Ok(None) };
    let body = json!({
        "id": id(&notice.event_id),
        "create_time": notice.made_at.china_rfc3339(),
        "resource_type": "encrypt-resource",
        "event_type": event.event_type,
        "summary": event.summary,
        "resource": sealed(side, event.original_type, event.original_type, &event.resource, desk)?,
    });
    let body = body.to_string();
    let signed = if notice.trick == Trick::Forged { "another text" } else { &body };
    let mut signature = reply::sign(side, None, signed, desk)?;
    if notice.trick == Trick::Probe {
        signature.value.insert_str(0, PROBE);
    }
    request(event.url, &signature, body).map(Some)
}

fn payment<'a>(
    side: &SandboxWechat,
    notice: &'a Notice,
    wrong: bool,
    desk: &Desk<'_>,
) -> Result<Option<Event<'a>>, Error> {
    let trade = &notice.trade;
    let total = told(trade.terms.amount, wrong)?;
    let resource = trades::transaction(side, trade, total, desk.now);
    Ok(trade.terms.notify_url.as_ref().map(|url| Event {
        url,
        event_type: "TRANSACTION.SUCCESS".to_owned(),
        original_type: "transaction",
        summary: "支付成功",
        resource,
    }))
}

fn refund<'a>(
    side: &SandboxWechat,
    trade: &'a Trade,
    number: &str,
    wrong: bool,
) -> Result<Option<Event<'a>>, Error> {
    let Some(refund) = trade.refund(number).filter(|refund| refund.stage != RefundStage::Processing) else {
        return Ok(None);
    };
    let resource = refunds::notice(side, trade, refund, told(refund.amount, wrong)?);
    let summary = match refund.stage {
        RefundStage::Succeeded | RefundStage::Processing => "退款成功",
        RefundStage::Closed => "退款关闭",
        RefundStage::Abnormal => "退款异常",
    };
    Ok(refund.notify_url.as_ref().map(|url| Event {
        url,
        event_type: format!("REFUND.{}", word(refund.stage)),
        original_type: "refund",
        summary,
        resource,
    }))
}

/// The amount, or another one.
fn told(amount: Money, wrong: bool) -> Result<Money, Error> {
    let other = if amount.minor() == 1 { 2 } else { 1 };
    if wrong { Money::from_minor(other, Currency::Cny) } else { Ok(amount) }
}

/// What only the merchant can open (RFC 5116 section 5.2).
pub(super) fn sealed(
    side: &SandboxWechat,
    original_type: &str,
    associated_data: &str,
    content: &(impl ToString + ?Sized),
    desk: &mut Desk<'_>,
) -> Result<Value, Error> {
    let nonce = desk.entropy.hex(NONCE_CHARS);
    let (key, aad) = (&side.merchant.api_v3_key, associated_data.as_bytes());
    let sealed = aead::seal(key, nonce.as_bytes(), aad, content.to_string().as_bytes())?;
    Ok(json!({
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": STANDARD.encode(sealed),
        "associated_data": associated_data,
        "nonce": nonce,
    }))
}

fn request(url: &CallbackUrl, signature: &Signature, body: String) -> Result<Request<Bytes>, Error> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "*/*")
        .header(header::USER_AGENT, "Mozilla/4.0");
    let request =
        signature.headers().into_iter().fold(request, |request, (name, value)| request.header(name, value));
    Ok(request.body(Bytes::from(body)).map_err(Cause::from)?)
}

/// 32 digits with the four dashes of a UUID.
fn id(digits: &str) -> String {
    let mut id = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}
