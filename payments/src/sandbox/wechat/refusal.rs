//! Why WeChat Pay's gateway refuses a request: the status and the words of its code table.

use crate::sandbox::book::No;
use http::StatusCode;
use serde_json::{Value, json};

/// A refusal as the reply carries it: a status, and `{code, message, detail}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    detail: Option<Value>,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, detail: None }
    }

    /// Who asks is not proved.
    pub(super) const fn sign(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "SIGN_ERROR", message)
    }

    /// The signature does not fit these five lines.
    pub(super) fn mismatch(method: &str, url: &str, canonical: &str) -> Self {
        let detail = json!({
            "field": "signature",
            "issue": "sign not match",
            "location": "authorization",
            "sign_information": {
                "method": method,
                "url": url,
                "sign_message_length": canonical.len(),
                "truncated_sign_message": canonical.chars().take(200).collect::<String>(),
            },
            "sandbox_canonical": canonical,
        });
        Self { detail: Some(detail), ..Self::sign("签名错误，请检查后再试") }
    }

    /// A member of the body, the query or a header breaks its rule.
    pub(super) fn parameter(field: &'static str, issue: &'static str) -> Self {
        let detail = json!({ "field": field, "issue": issue });
        Self {
            detail: Some(detail),
            ..Self::new(StatusCode::BAD_REQUEST, "PARAM_ERROR", "参数错误，请检查后再试")
        }
    }

    /// The request contradicts what the gateway knows.
    pub(super) const fn request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// Another code of the table.
    pub(super) const fn of(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self::new(status, code, message)
    }

    /// Nothing has this number.
    pub(super) const fn missing(message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_NOT_EXISTS", message)
    }

    /// The outcome is unknown: the merchant has to ask again with the same number.
    pub(super) const fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "SYSTEM_ERROR", "系统异常，请用相同参数重试")
    }

    pub(super) fn body(&self) -> String {
        let mut body = json!({ "code": self.code, "message": self.message });
        if let (Some(detail), Some(body)) = (&self.detail, body.as_object_mut()) {
            body.insert("detail".to_owned(), detail.clone());
        }
        body.to_string()
    }
}

/// For the calls about a trade; refunds have words of their own.
impl From<No> for Refusal {
    fn from(no: No) -> Self {
        match no {
            No::Unknown => Self::new(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在"),
            No::Paid => Self::new(StatusCode::BAD_REQUEST, "ORDERPAID", "该订单已支付"),
            No::Closed => Self::new(StatusCode::BAD_REQUEST, "ORDER_CLOSED", "该订单已关闭"),
            No::Failed => Self::new(StatusCode::FORBIDDEN, "TRADE_ERROR", "交易失败，请换单号重新下单"),
            No::NotPaid => Self::request("订单未支付"),
            No::OtherTerms => Self::request("请求重入时，参数与首次请求时不一致"),
            No::Exceeds => Self::request("申请退款金额超过可退金额"),
            No::TooManyRefunds => Self::request("退款次数超过限制"),
            No::TokenUsed | No::Full => Self::failed(),
        }
    }
}
