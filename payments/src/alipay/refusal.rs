//! What a signed reply says instead of success, and whose fault that is.
//!
//! The codes are those of the manual's page of common codes (公共错误码) and of each call's own table (业务错误码).

use crate::ErrorKind;
use crate::error::{Cause, Error, quoted};

/// A signed answer with another code than 10000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: String,
    sub_code: String,
    message: String,
}

/// The call was understood, and the answer is no.
const BUSINESS: &str = "40004";
/// The buyer is asked for a password or a fingerprint (bar code only).
const BUYER_CONFIRMS: &str = "10003";
/// The gateway did not finish; what it did is not known.
const UNAVAILABLE: &str = "20000";
/// Too many calls: nothing was done, later it may be.
const TOO_MANY_CALLS: &str = "40005";

/// A value of ours is not taken: another one may be.
const VALUES: &[&str] = &[
    "CONTEXT_INCONSISTENT",
    "DISCORDANT_REPEAT_REQUEST",
    "EXIST_FORBIDDEN_WORD",
    "INVALID_PARAMETER",
    "NOW_TIME_AFTER_EXPIRE_TIME_ERROR",
    "TOTAL_FEE_EXCEED",
];
/// The application or its contract is not ready for the call.
const SETUP: &[&str] = &[
    "ACCESS_FORBIDDEN",
    "INVALID_STORE_ID",
    "MERCHANT_AGREEMENT_INVALID",
    "MERCHANT_AGREEMENT_NOT_EXIST",
    "PARTNER_ERROR",
    "SELLER_BEEN_BLOCKED",
    "SUB_MERCHANT_CREATE_FAIL",
    "SUB_MERCHANT_TYPE_INVALID",
];

impl Refusal {
    pub(super) fn new(code: &str, sub_code: &str, message: &str) -> Self {
        Self { code: quoted(code), sub_code: quoted(sub_code), message: quoted(message) }
    }

    /// A refusal of version 3, which has one code: what the form gateway calls the sub code.
    pub(super) fn business(code: &str, message: &str) -> Self {
        Self::new(BUSINESS, code, message)
    }

    /// True if the call may have had its effect all the same.
    pub(super) fn is_unknown(&self) -> bool {
        self.fault() == Some(ErrorKind::Unavailable)
    }

    /// True if the buyer still has to confirm.
    pub(crate) fn asks_buyer(&self) -> bool {
        self.code == BUYER_CONFIRMS
    }

    /// True if the sub code is one of these, given without their prefix.
    pub(crate) fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name())
    }

    /// True if the gateway decided: nobody made a mistake, and nothing happened.
    pub(crate) fn is_decision(&self) -> bool {
        self.fault().is_none()
    }

    /// The sub code, or the code where there is none, and the gateway's words.
    pub(crate) fn into_words(self) -> (String, String) {
        let code = if self.sub_code.is_empty() { self.code } else { self.sub_code };
        (code, self.message)
    }

    /// The manual writes `ACQ.` for most sub codes, `AQC.` for one, and nothing for some.
    fn name(&self) -> &str {
        let name = self.sub_code.as_str();
        name.strip_prefix("ACQ.").or_else(|| name.strip_prefix("AQC.")).unwrap_or(name)
    }

    /// None if the gateway only says no.
    fn fault(&self) -> Option<ErrorKind> {
        let theirs = self.sub_code.starts_with("isp.") || self.sub_code.starts_with("aop.");
        let busy = matches!(self.code.as_str(), UNAVAILABLE | TOO_MANY_CALLS);
        if theirs || busy || self.name() == "SYSTEM_ERROR" {
            return Some(ErrorKind::Unavailable);
        }
        if self.is_one_of(VALUES) {
            return Some(ErrorKind::InvalidInput);
        }
        let business = self.code == BUSINESS && !self.sub_code.starts_with("isv.");
        (!business || self.is_one_of(SETUP)).then_some(ErrorKind::Misuse)
    }
}

/// A no that the call has no value for is about the number that was given: it is used up, or nothing is there.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = refusal.fault().unwrap_or(ErrorKind::InvalidInput);
        let (code, message) = refusal.into_words();
        Cause::Gateway { kind, code, message }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is() {
        for (code, sub_code, kind) in [
            ("20000", "isp.unknow-error", ErrorKind::Unavailable),
            ("20000", "", ErrorKind::Unavailable),
            ("40004", "ACQ.SYSTEM_ERROR", ErrorKind::Unavailable),
            ("40004", "AQC.SYSTEM_ERROR", ErrorKind::Unavailable),
            ("40004", "aop.ACQ.SYSTEM_ERROR", ErrorKind::Unavailable),
            ("40005", "isv.app-call-limited", ErrorKind::Unavailable),
            ("40002", "isv.invalid-app-id", ErrorKind::Misuse),
            ("40004", "isv.unknown", ErrorKind::Misuse),
            ("40006", "isv.insufficient-isv-permissions", ErrorKind::Misuse),
            ("40004", "ACQ.ACCESS_FORBIDDEN", ErrorKind::Misuse),
            ("40004", "ACQ.INVALID_PARAMETER", ErrorKind::InvalidInput),
            ("40004", "ACQ.TRADE_HAS_SUCCESS", ErrorKind::InvalidInput),
            ("77777", "", ErrorKind::Misuse),
        ] {
            let error = Error::from(Refusal::new(code, sub_code, "no"));
            assert_eq!(error.kind(), kind, "{code} {sub_code}");
            let shown = if sub_code.is_empty() { code } else { sub_code };
            assert_eq!(error.gateway_code(), Some(shown));
        }
    }

    #[test]
    fn only_a_business_answer_is_a_decision() {
        assert!(Refusal::new("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH", "").is_decision());
        assert!(Refusal::new("40004", "TRADE_NOT_EXIST", "").is_decision());
        for (code, sub_code) in [("40004", "ACQ.SYSTEM_ERROR"), ("40002", ""), ("10003", ""), ("", "")] {
            assert!(!Refusal::new(code, sub_code, "").is_decision(), "{code} {sub_code}");
        }
        assert!(Refusal::new("40004", "ACQ.TRADE_NOT_EXIST", "").is_one_of(&["TRADE_NOT_EXIST"]));
        assert!(!Refusal::new("40004", "", "").is_one_of(&["TRADE_NOT_EXIST"]));
    }
}
