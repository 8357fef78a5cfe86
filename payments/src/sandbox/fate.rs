//! What becomes of a refund at WeChat Pay and UnionPay, by the end of its number.

use super::book::RefundStage;

/// What becomes of a refund at WeChat Pay and UnionPay, by the end of its number: a shop has to see the odd cases too.
/// Alipay's refunds are done or refused at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundFate {
    /// `…ABNORMAL`, at WeChat Pay: the buyer's account takes no money; it waits for the merchant.
    Abnormal,
    /// `…CLOSED`: it is taken, and then no money moves.
    Closed,
    /// `…UNCLEAR`: the money moves, and the reply does not say so (500 `SYSTEM_ERROR`, `respCode=03`).
    Unclear,
    /// Anything else: it is taken, and done a moment later.
    Done,
}

impl RefundFate {
    /// Reads a refund number.
    #[must_use]
    pub fn find(refund_no: &str) -> Self {
        let ends = |word| refund_no.ends_with(word);
        match () {
            () if ends("ABNORMAL") => Self::Abnormal,
            () if ends("CLOSED") => Self::Closed,
            () if ends("UNCLEAR") => Self::Unclear,
            () => Self::Done,
        }
    }

    pub(super) const fn stage(self) -> RefundStage {
        match self {
            Self::Abnormal => RefundStage::Abnormal,
            Self::Closed => RefundStage::Closed,
            Self::Unclear | Self::Done => RefundStage::Succeeded,
        }
    }
}
