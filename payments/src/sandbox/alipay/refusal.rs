//! Why Alipay's gateway refuses a request, in the words of its code table.

use crate::sandbox::book::No;
use serde_json::{Map, Value};
use std::fmt;

/// A refusal with the gateway's codes. If the signature is the reason, it shows the text that should be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRefusal {
    /// `40001` missing, `40002` invalid, `40004` business, `20000` the sandbox itself failed.
    pub code: &'static str,
    /// The finer code, such as `isv.invalid-signature` or `ACQ.TRADE_HAS_SUCCESS`.
    pub sub_code: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// The text that the merchant should have signed, as the sandbox reads the request.
    pub canonical: Option<String>,
}

impl SandboxRefusal {
    pub(super) const fn missing(sub_code: &'static str, remedy: &'static str) -> Self {
        Self { code: "40001", sub_code, remedy, canonical: None }
    }

    pub(super) const fn invalid(sub_code: &'static str, remedy: &'static str) -> Self {
        Self { code: "40002", sub_code, remedy, canonical: None }
    }

    pub(super) const fn business(sub_code: &'static str, remedy: &'static str) -> Self {
        Self { code: "40004", sub_code, remedy, canonical: None }
    }

    pub(super) const fn failed(remedy: &'static str) -> Self {
        Self { code: "20000", sub_code: "isp.unknow-error", remedy, canonical: None }
    }

    /// A parameter of `biz_content` that breaks its rule.
    pub(super) const fn parameter(remedy: &'static str) -> Self {
        Self::business("ACQ.INVALID_PARAMETER", remedy)
    }

    pub(super) fn message(&self) -> &'static str {
        match self.code {
            "40001" => "Missing Required Arguments",
            "40002" => "Invalid Arguments",
            "40004" => "Business Failed",
            _ => "Service Currently Unavailable",
        }
    }

    /// The refusal as the content of a reply.
    pub(super) fn content(&self) -> Map<String, Value> {
        let members = [
            ("code", self.code),
            ("msg", self.message()),
            ("sub_code", self.sub_code),
            ("sub_msg", self.remedy),
        ];
        let mut content: Map<_, _> =
            members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        if let Some(canonical) = &self.canonical {
            content.insert("sandbox_canonical".to_owned(), Value::from(canonical.as_str()));
        }
        content
    }
}

impl From<No> for SandboxRefusal {
    fn from(no: No) -> Self {
        match no {
            No::Unknown => Self::business("ACQ.TRADE_NOT_EXIST", "no trade has this number"),
            No::Paid => Self::business("ACQ.TRADE_HAS_SUCCESS", "the trade is paid already"),
            No::Closed | No::Failed => {
                Self::business("ACQ.TRADE_HAS_CLOSE", "the trade is closed: make a new order")
            }
            No::NotPaid => Self::business("ACQ.TRADE_STATUS_ERROR", "the trade is not in that state"),
            No::OtherTerms => {
                let remedy = "this number was used on other terms: take a new one";
                Self::business("ACQ.CONTEXT_INCONSISTENT", remedy)
            }
            No::Exceeds => Self::business(
                "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
                "the refunds of a trade never exceed what came in",
            ),
            No::TooManyRefunds => Self::business("ACQ.REFUND_CHARGE_ERROR", "a trade takes 50 refunds"),
            No::TokenUsed => Self::business("ACQ.CASHIER_PAGE_USED", "start again at the shop"),
            No::Full => Self::failed("the sandbox is full: start it again"),
        }
    }
}

impl fmt::Display for SandboxRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sandbox refuses with `{}` `{}`: {}", self.code, self.sub_code, self.remedy)
    }
}

impl std::error::Error for SandboxRefusal {}
