//! Refunds of one trade: never more than came in, one refund a number.

use super::{No, Stage, Trade};
use crate::{CallbackUrl, Money, UnixMillis};

/// The most refunds of one trade, as WeChat Pay has it.
const REFUNDS_MAX: usize = 50;

/// One refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Refund {
    pub(in crate::sandbox) refund_no: String,
    /// The gateway's number.
    pub(in crate::sandbox) refund_id: String,
    pub(in crate::sandbox) amount: Money,
    pub(in crate::sandbox) reason: String,
    pub(in crate::sandbox) notify_url: Option<CallbackUrl>,
    pub(in crate::sandbox) stage: RefundStage,
    pub(in crate::sandbox) created_at: UnixMillis,
    pub(in crate::sandbox) ended_at: Option<UnixMillis>,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum RefundStage {
    Processing,
    Succeeded,
    /// Nothing went back and nothing will, unless it is tried again.
    Closed,
    /// The money could not be paid out and waits.
    Abnormal,
}

/// A refund to be taken.
#[derive(Debug)]
pub(in crate::sandbox) struct NewRefund {
    pub(in crate::sandbox) refund_no: String,
    pub(in crate::sandbox) refund_id: String,
    pub(in crate::sandbox) amount: Money,
    pub(in crate::sandbox) reason: String,
    pub(in crate::sandbox) notify_url: Option<CallbackUrl>,
    pub(in crate::sandbox) stage: RefundStage,
}

/// Whether the number was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum RefundTaken {
    New,
    /// The refund is the one that was asked for before.
    Same,
}

impl Trade {
    /// The refund of this number.
    pub(in crate::sandbox) fn refund(&self, refund_no: &str) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.refund_no == refund_no)
    }

    /// Fen that went back.
    pub(in crate::sandbox) fn refunded_fen(&self) -> i64 {
        self.fen(|stage| stage == RefundStage::Succeeded)
    }

    /// What no refund has claimed yet; none if that is nothing.
    pub(in crate::sandbox) fn refundable(&self) -> Option<Money> {
        let rest = self.terms.amount.minor() - self.fen(|stage| stage != RefundStage::Closed);
        Money::from_minor(rest, self.terms.amount.currency()).ok()
    }

    pub(super) fn fen(&self, counts: impl Fn(RefundStage) -> bool) -> i64 {
        self.refunds.iter().filter(|refund| counts(refund.stage)).map(|refund| refund.amount.minor()).sum()
    }
}

pub(super) fn take(trade: &mut Trade, new: NewRefund, now: UnixMillis) -> Result<RefundTaken, No> {
    if trade.stage != Stage::Paid {
        return Err(No::NotPaid);
    }
    if let Some(old) = trade.refund(&new.refund_no) {
        return if old.amount == new.amount { Ok(RefundTaken::Same) } else { Err(No::OtherTerms) };
    }
    if trade.refundable().is_none_or(|rest| new.amount.minor() > rest.minor()) {
        return Err(No::Exceeds);
    }
    if trade.refunds.len() >= REFUNDS_MAX {
        return Err(No::TooManyRefunds);
    }
    trade.refunds.push(Refund {
        refund_no: new.refund_no,
        refund_id: new.refund_id,
        amount: new.amount,
        reason: new.reason,
        notify_url: new.notify_url,
        stage: new.stage,
        created_at: now,
        ended_at: (new.stage != RefundStage::Processing).then_some(now),
    });
    Ok(RefundTaken::New)
}

pub(super) fn advance(
    trade: &mut Trade,
    refund_no: &str,
    stage: RefundStage,
    now: UnixMillis,
) -> Result<(), No> {
    let rest = trade.refundable().map_or(0, Money::minor);
    let refund = trade.refunds.iter_mut().find(|refund| refund.refund_no == refund_no);
    let refund = refund.ok_or(No::Unknown)?;
    if refund.stage == RefundStage::Succeeded && stage != RefundStage::Succeeded {
        return Err(No::Paid);
    }
    // A closed refund claims nothing; before it comes back, its amount has to be there still.
    if refund.stage == RefundStage::Closed && stage != RefundStage::Closed && refund.amount.minor() > rest {
        return Err(No::Exceeds);
    }
    refund.stage = stage;
    refund.ended_at = (stage != RefundStage::Processing).then_some(now);
    Ok(())
}
