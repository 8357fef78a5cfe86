//! What `respCode` and `origRespCode` mean (appendix 5 of the platform's interface specification).

use super::names;
use crate::error::{Cause, Error, ErrorKind, quoted};
use crate::form::Params;
use crate::{RefundStatus, TradeStatus};

/// The order number and `txnTime` were used before.
pub(super) const DUPLICATE: &str = "12";
/// There is no such trade.
pub(super) const NOT_FOUND: &str = "34";
/// There is no settlement file of this day.
pub(super) const NO_FILE: &str = "98";

/// Done; `A6` is done with a defect between the banks, the money came all the same.
pub(super) fn is_good(code: &str) -> bool {
    matches!(code, "00" | "A6")
}

/// Nobody knows yet: a later query does. `42` is money that was taken after the time limit, and what becomes of it is
/// not said; `70` is a buyer who is still typing.
fn is_open(code: &str) -> bool {
    matches!(code, "03" | "04" | "05" | "42" | "70")
}

/// Closed for now, busy, asked too often, and the general error: none of them says that nothing happened.
fn is_unsaid(code: &str) -> bool {
    matches!(code, "02" | "06" | "37" | "99")
}

/// What the code of a payment says about the trade.
pub(super) fn trade_status(code: &str) -> TradeStatus {
    match code {
        code if is_good(code) => TradeStatus::Paid,
        code if is_open(code) => TradeStatus::Waiting,
        _ => TradeStatus::Failed,
    }
}

/// What the code of a refund or an undo says about it. It is closed only by a code that says so: a closed refund may be
/// asked for again under another number.
pub(super) fn refund_status(code: &str) -> RefundStatus {
    match code {
        code if is_good(code) => RefundStatus::Succeeded,
        code if is_open(code) || is_unsaid(code) => RefundStatus::Processing,
        _ => RefundStatus::Closed,
    }
}

/// The refusal that a verified reply holds.
pub(super) fn refusal(fields: &Params) -> Error {
    let text = |name| fields.get(name).map(String::as_str).unwrap_or_default();
    let code = text(names::RESP_CODE);
    Cause::Gateway { kind: kind(code), code: quoted(code), message: quoted(text(names::RESP_MSG)) }.into()
}

/// Whose fault a refusal is. A code that does not say that nothing happened counts as an unknown outcome.
fn kind(code: &str) -> ErrorKind {
    match code {
        code if is_open(code) || is_unsaid(code) => ErrorKind::Unavailable,
        // Format, signature, missing fields, the merchant's state and rights.
        "10" | "11" | "13" | "31" | "32" | "43" => ErrorKind::Misuse,
        _ => ErrorKind::InvalidInput,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Error {
        refusal(&Params::from([("respCode".to_owned(), code.to_owned())]))
    }

    #[test]
    fn codes_by_their_meaning() {
        for (code, trade, refund) in [
            ("00", TradeStatus::Paid, RefundStatus::Succeeded),
            ("A6", TradeStatus::Paid, RefundStatus::Succeeded),
            ("03", TradeStatus::Waiting, RefundStatus::Processing),
            ("04", TradeStatus::Waiting, RefundStatus::Processing),
            ("05", TradeStatus::Waiting, RefundStatus::Processing),
            ("42", TradeStatus::Waiting, RefundStatus::Processing),
            ("70", TradeStatus::Waiting, RefundStatus::Processing),
            ("02", TradeStatus::Failed, RefundStatus::Processing),
            ("06", TradeStatus::Failed, RefundStatus::Processing),
            ("37", TradeStatus::Failed, RefundStatus::Processing),
            ("99", TradeStatus::Failed, RefundStatus::Processing),
            ("36", TradeStatus::Failed, RefundStatus::Closed),
            ("01", TradeStatus::Failed, RefundStatus::Closed),
            ("", TradeStatus::Failed, RefundStatus::Closed),
            ("000", TradeStatus::Failed, RefundStatus::Closed),
        ] {
            assert_eq!((trade_status(code), refund_status(code)), (trade, refund), "{code}");
        }
    }

    #[test]
    fn a_refusal_names_the_culprit() {
        for code in ["02", "03", "04", "05", "06", "37", "42", "70", "99"] {
            assert!(refused(code).is_transient(), "{code}");
        }
        assert_eq!(refused("11").kind(), ErrorKind::Misuse);
        assert_eq!(refused("33").kind(), ErrorKind::InvalidInput);
        assert_eq!(refused("33").gateway_code(), Some("33"));
    }
}
