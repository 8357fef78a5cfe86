//! The notify of a payment or a refund (manual: 支付成功回调通知, 退款结果回调通知), and the answer to it.

use super::certificates::Sealed;
use super::merchant::Merchant;
use super::refund_content::RefundContent;
use super::signature::SignatureHeaders;
use super::transaction::Transaction;
use crate::error::{Cause, Error};
use crate::notify::Notify;
use crate::refund::RefundNotify;
use crate::{Ack, Incoming, UnixMillis};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// The longest notify that is read, in bytes. A real one has about 1500.
pub const NOTIFY_BYTES_MAX: usize = 65_536;

const WHAT: &str = "wechat notify";

/// The answer to a notify, due within five seconds: 200 for what is recorded, 500 for what shall be sent again.
#[must_use]
pub fn ack_response(ack: Ack) -> Response<Bytes> {
    let (status, body) = match ack {
        Ack::Success => (StatusCode::OK, "{\"code\":\"SUCCESS\",\"message\":\"成功\"}"),
        Ack::Fail => (StatusCode::INTERNAL_SERVER_ERROR, "{\"code\":\"FAIL\",\"message\":\"失败\"}"),
    };
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A notify as it arrived, and not trusted. It shows nothing but can be verified.
///
/// ```no_run
/// # fn example(request: &http::Request<bytes::Bytes>, merchant: &payments::wechat::Merchant,
/// #     now: payments::UnixMillis) -> Result<(), payments::Error> {
/// use payments::Incoming;
/// use payments::wechat::RawNotify;
/// match RawNotify::parse(request)?.verify(merchant, now)? {
///     Incoming::Trade(notify) => println!("order {}", notify.out_trade_no()), // check, then settle
///     Incoming::Refund(notify) => println!("refund {}", notify.refund_no()),
///     _ => {}
/// }
/// # Ok(())
/// # }
/// ```
pub struct RawNotify<'a> {
    headers: &'a HeaderMap,
    body: &'a Bytes,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    resource_type: String,
    resource: Sealed,
}

impl<'a> RawNotify<'a> {
    /// Takes the request as it arrived: the body whole and unchanged.
    ///
    /// # Errors
    /// `InvalidInput` if it is no POST, or longer than [`NOTIFY_BYTES_MAX`].
    pub fn parse(request: &'a Request<Bytes>) -> Result<Self, Error> {
        let refused = |why| Cause::Shape { what: WHAT, why };
        if request.method() != Method::POST {
            return Err(refused("it is no POST").into());
        }
        if request.body().len() > NOTIFY_BYTES_MAX {
            return Err(refused("it is longer than 65536 bytes").into());
        }
        Ok(Self { headers: request.headers(), body: request.body() })
    }

    /// Verifies the signature over the raw body, then reads, then decrypts. Nothing is downloaded here: a serial
    /// that we do not have is an error ([`Error::unknown_certificate`]), to be answered with a failure, and only makes a
    /// refresh due.
    ///
    /// # Errors
    /// `Unverified` if the signature does not fit, is old, or is a probe; `PeerMisbehaved` if what WeChat Pay signed
    /// is no message about a trade or a refund.
    pub fn verify(self, merchant: &Merchant, received_at: UnixMillis) -> Result<Incoming, Error> {
        let signature = SignatureHeaders::read(WHAT, self.headers, received_at)?;
        signature.verify(&merchant.keys, self.body, received_at)?;
        let envelope: Envelope = json(self.body)?;
        if envelope.resource_type != "encrypt-resource" {
            return Err(field("resource_type"));
        }
        let plain = envelope.resource.open(merchant, WHAT)?;
        let kind = envelope.resource.original_type.as_deref();
        match (envelope.event_type.as_str(), kind) {
            ("TRANSACTION.SUCCESS", Some("transaction")) => {
                let report = json::<Transaction>(&plain)?.report(WHAT, Some(envelope.id))?;
                Ok(Incoming::Trade(Box::new(Notify::verified(report))))
            }
            ("REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED", Some("refund")) => {
                refund(&envelope.event_type, json(&plain)?)
            }
            _ => Err(field("event_type")),
        }
    }
}

fn refund(event: &str, mut content: RefundContent) -> Result<Incoming, Error> {
    if event.strip_prefix("REFUND.") != Some(content.state_word()) {
        return Err(field("refund_status"));
    }
    let mchid = content.mchid.take().ok_or_else(|| field("mchid"))?;
    Ok(Incoming::Refund(Box::new(RefundNotify::verified(content.report(WHAT, mchid)?))))
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|source| Cause::Json { what: WHAT, source }.into())
}

fn field(field: &'static str) -> Error {
    Cause::Field { what: WHAT, field, source: None }.into()
}

impl fmt::Debug for RawNotify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawNotify").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
