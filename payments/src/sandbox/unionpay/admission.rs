//! The gate: is this form complete, and signed twice hashed by the registered merchant?

use super::SandboxUnionpay;
use super::message;
use crate::form::{self, Params};
use crate::{UnixMillis, sign};
use bytes::Bytes;
use http::Request;

/// How far `txnTime` of a new trade or refund may be off, in seconds; the real gateway does not name its limit.
pub const TXN_TIME_SKEW_SECS_MAX: u64 = 3_600;

type Check = fn(&str) -> bool;

/// The common fields and what they have to be (manual: 报文要素).
const COMMON: [(&str, Check); 7] = [
    ("version", |value| value == "5.1.0"),
    ("encoding", |value| value == "UTF-8"),
    ("signMethod", |value| value == "01"),
    ("accessType", |value| value == "0"),
    ("txnType", |value| value.len() == 2),
    ("txnSubType", |value| value.len() == 2),
    ("txnTime", |value| UnixMillis::parse_china_digits(value).is_ok()),
];

/// Why the gateway refuses (manual: 应答码).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The text that should have been hashed and signed.
    pub(super) canonical: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), canonical: None }
    }

    /// A field is missing or has another shape.
    pub(super) fn field(name: &str) -> Self {
        Self::new("10", format!("报文格式错误[{name}]"))
    }
}

/// The fields of a signed request; blank ones are dropped, as the signature drops them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) Params);

impl Fields {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A field that has to fit.
    pub(super) fn fitting(&self, name: &str, check: Check) -> Result<&str, Refusal> {
        Some(self.text(name)).filter(|value| check(value)).ok_or_else(|| Refusal::field(name))
    }
}

/// Reads the form; what cannot be read is not answered with its own fields.
pub(super) fn read(request: &Request<Bytes>) -> Result<Fields, Refusal> {
    let params = form::decode(request.body()).and_then(form::params);
    let mut params = params.map_err(|_| Refusal::field("form"))?;
    params.retain(|_, value| !value.trim().is_empty());
    Ok(Fields(params))
}

/// Checks who sent the fields.
pub(super) fn admit(side: &SandboxUnionpay, fields: &Fields) -> Result<(), Refusal> {
    for (name, check) in COMMON {
        fields.fitting(name, check)?;
    }
    if fields.text("merId") != side.merchant.mer_id.as_str() {
        return Err(Refusal::new("31", "商户状态不正确[merId]"));
    }
    if fields.text("certId") != side.authority.merchant_cert_id {
        return Err(Refusal::new("11", "验证签名失败[certId]"));
    }
    let canonical = message::text(&fields.0);
    let digest = message::digest_of(&canonical);
    if !sign::verify_text(&side.merchant.public_key, &digest, fields.text("signature")) {
        let refusal = Refusal::new("11", "验证签名失败[9100004]");
        return Err(Refusal { canonical: Some(canonical), ..refusal });
    }
    // A reply repeats it without encoding: an ampersand outside of brackets would begin another field.
    let reserved = fields.text("reqReserved");
    let bracketed = reserved.starts_with('{') && reserved.find('}') == Some(reserved.len().saturating_sub(1));
    if reserved.contains(['&', '{', '}', '[', ']']) && !bracketed {
        return Err(Refusal::field("reqReserved"));
    }
    Ok(())
}

/// A number of the merchant: 8 to 40 letters and digits.
pub(super) fn order_id(fields: &Fields) -> Result<&str, Refusal> {
    fields.fitting("orderId", |id| {
        (8..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The merchant's time of a new trade or refund, which is now.
pub(super) fn txn_time(fields: &Fields, now: UnixMillis) -> Result<&str, Refusal> {
    let text = fields.text("txnTime");
    let at = UnixMillis::parse_china_digits(text).map_err(|_| Refusal::field("txnTime"))?;
    if at.as_millis().abs_diff(now.as_millis()) > TXN_TIME_SKEW_SECS_MAX * 1000 {
        return Err(Refusal::new("39", "交易不在受理时间范围内[txnTime]"));
    }
    Ok(text)
}
