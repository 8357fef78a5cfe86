//! Why the sandbox refuses a request, in the words of the real gateway's code table.

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

    pub(super) fn message(&self) -> &'static str {
        match self.code {
            "40001" => "Missing Required Arguments",
            "40002" => "Invalid Arguments",
            "40004" => "Business Failed",
            _ => "Service Currently Unavailable",
        }
    }
}

impl fmt::Display for SandboxRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sandbox refuses with `{}` `{}`: {}", self.code, self.sub_code, self.remedy)
    }
}

impl std::error::Error for SandboxRefusal {}
