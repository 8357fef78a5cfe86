//! Replies as the real gateway signs them: time, nonce and body, each on a line of its own (manual: 签名验证).

use super::SandboxWechat;
use super::refusal::Refusal;
use crate::error::{Cause, Error};
use crate::sandbox::book::Key;
use crate::sandbox::side::Desk;
use crate::sign;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

/// What a call found or did, and the trade that it is about.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) content: Content,
    pub(super) key: Option<Key>,
}

#[derive(Debug)]
pub(super) enum Content {
    Json(Value),
    /// Status 204; the empty body is signed.
    Nothing,
    /// A file is not signed: its digest was.
    File(Bytes),
}

/// The four headers of a signature, for replies and notifies.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) value: String,
    pub(super) serial: String,
}

impl Signature {
    pub(super) fn headers(&self) -> [(&'static str, &str); 5] {
        [
            ("wechatpay-timestamp", &self.timestamp),
            ("wechatpay-nonce", &self.nonce),
            ("wechatpay-signature", &self.value),
            ("wechatpay-serial", &self.serial),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"),
        ]
    }
}

/// Signs a body: for a reply to whoever asked for this key, or for a notify.
pub(super) fn sign(
    side: &SandboxWechat,
    reply_to: Option<Option<&str>>,
    body: &str,
    desk: &mut Desk<'_>,
) -> Result<Signature, Error> {
    let (nonce, timestamp) = (nonce(desk), (desk.now.as_millis() / 1000).to_string());
    let coin = desk.entropy.draw().first().copied().unwrap_or_default();
    let platform = side.platform();
    let key = match reply_to {
        Some(asked) => platform.reply_key(asked, desk.now, desk.speed, coin),
        None => platform.notify_key(desk.now, desk.speed, coin),
    };
    let (serial, key) =
        key.ok_or(Cause::Setup { what: "the sandbox of wechat pay", why: "it has no key to sign with" })?;
    let value = sign::sign_text(&key, &format!("{timestamp}\n{nonce}\n{body}\n"))?;
    Ok(Signature { timestamp, nonce, value, serial })
}

/// 32 letters and digits.
fn nonce(desk: &mut Desk<'_>) -> String {
    desk.entropy.hex(32).to_uppercase()
}

/// The reply to an admitted request.
pub(super) fn signed(
    side: &SandboxWechat,
    asked: Option<&str>,
    content: &Result<Content, Refusal>,
    desk: &mut Desk<'_>,
) -> Result<Response<Bytes>, Error> {
    let (status, body) = match content {
        Ok(Content::File(file)) => return Ok(download(file.clone())),
        Ok(Content::Nothing) => (StatusCode::NO_CONTENT, String::new()),
        Ok(Content::Json(value)) => (StatusCode::OK, value.to_string()),
        Err(refusal) => (refusal.status, refusal.body()),
    };
    let signature = sign(side, Some(asked), &body, desk)?;
    let request_id = format!("{}-0", desk.entropy.hex(32).to_uppercase());
    let mut response = json(status, body);
    let headers = response.headers_mut();
    for (name, value) in signature.headers().into_iter().chain([("request-id", request_id.as_str())]) {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).map_err(http::Error::from).map_err(Cause::from)?,
        );
    }
    Ok(response)
}

/// The gateway does not sign what it refuses before it knows who asks.
pub(super) fn unsigned(refusal: &Refusal) -> Response<Bytes> {
    json(refusal.status, refusal.body())
}

fn json(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn download(file: Bytes) -> Response<Bytes> {
    let mut response = Response::new(file);
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
