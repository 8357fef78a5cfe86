//! Refunds: what is asked for, where it stands, and what a gateway says about it, in the same steps of trust as a
//! notify.

pub(crate) mod books;

use crate::error::{Error, refused_value};
use crate::notify::{Channel, Mismatch, MismatchField, Verified, differs};
use crate::{Money, OutTradeNo, RefundNo, SellerId, Subject, TradeNo, UnixMillis};
use std::fmt;

/// A refund as it is asked for. The number is the whole identity: ask again under the same number after a failure
/// or a silence; a new number is a second refund.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// The merchant's number of this refund.
    pub refund_no: RefundNo,
    /// The order.
    pub out_trade_no: OutTradeNo,
    /// The gateway that took the money.
    pub channel: Channel,
    /// The gateway's number of the trade whose money goes back; an order paid twice has two.
    pub trade_no: TradeNo,
    /// What the trade brought in.
    pub paid: Money,
    /// What goes back: at most `paid`, together with all other refunds of the trade.
    pub amount: Money,
    /// What the buyer reads.
    pub reason: Option<Subject>,
}

impl Refund {
    /// A refund without a reason.
    #[must_use]
    pub fn new(
        refund_no: RefundNo,
        out_trade_no: OutTradeNo,
        (channel, trade_no): (Channel, TradeNo),
        paid: Money,
        amount: Money,
    ) -> Self {
        Self { refund_no, out_trade_no, channel, trade_no, paid, amount, reason: None }
    }

    /// The same refund with a reason.
    #[must_use]
    pub fn because(mut self, reason: Subject) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// Where a refund stands.
///
/// ```text
/// Requested ─> Processing ─> Succeeded
///     │            ├──> Abnormal ─> Succeeded   (the buyer's account did not take it: act at the gateway)
///     └────────────┴──> Closed                  (it did not happen: the money is still here)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundState {
    /// Recorded; the gateway may not know of it yet.
    Requested,
    /// The gateway took it and works on it.
    Processing,
    /// The money went back.
    Succeeded,
    /// The gateway cannot pay it out: the merchant has to act.
    Abnormal,
    /// It will not happen; the amount may be refunded under another number.
    Closed,
}

/// What a gateway says about a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefundStatus {
    /// It works on it.
    Processing,
    /// The money went back.
    Succeeded,
    /// It cannot be paid out.
    Abnormal,
    /// It will not happen.
    Closed,
}

/// What a status does to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundTransition {
    /// The refund moves to this state.
    Moved(RefundState),
    /// It was already known: nothing changes.
    Same,
    /// It contradicts what was known: nothing changes.
    Refused,
}

/// The whole rule. Money that went back is never called kept again; a closed refund that succeeds after all is
/// money that went back.
///
/// ```
/// use payments::{RefundState, RefundStatus, RefundTransition, apply_refund};
/// let moved = apply_refund(RefundState::Processing, RefundStatus::Succeeded);
/// assert_eq!(moved, RefundTransition::Moved(RefundState::Succeeded));
/// assert_eq!(apply_refund(RefundState::Succeeded, RefundStatus::Processing), RefundTransition::Refused);
/// ```
#[must_use]
pub const fn apply_refund(state: RefundState, status: RefundStatus) -> RefundTransition {
    use RefundState::{Abnormal, Closed, Processing, Requested, Succeeded};
    match (status, state) {
        (RefundStatus::Processing, Requested) => RefundTransition::Moved(Processing),
        (RefundStatus::Succeeded, Requested | Processing | Abnormal | Closed) => {
            RefundTransition::Moved(Succeeded)
        }
        (RefundStatus::Abnormal, Requested | Processing) => RefundTransition::Moved(Abnormal),
        (RefundStatus::Closed, Requested | Processing | Abnormal) => RefundTransition::Moved(Closed),
        (RefundStatus::Processing, Processing)
        | (RefundStatus::Succeeded, Succeeded)
        | (RefundStatus::Abnormal, Abnormal)
        | (RefundStatus::Closed, Closed) => RefundTransition::Same,
        (RefundStatus::Processing, Succeeded | Abnormal | Closed)
        | (RefundStatus::Abnormal, Succeeded | Closed)
        | (RefundStatus::Closed, Succeeded) => RefundTransition::Refused,
    }
}

impl RefundState {
    /// Every state, in the order of a refund's life.
    pub const ALL: [Self; 5] =
        [Self::Requested, Self::Processing, Self::Succeeded, Self::Abnormal, Self::Closed];

    /// The word that stores and logs use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Abnormal => "abnormal",
            Self::Closed => "closed",
        }
    }

    /// Reads the word that [`RefundState::code`] writes.
    ///
    /// # Errors
    /// `InvalidInput` for any other word.
    pub fn parse(code: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|state| state.code() == code);
        known.ok_or_else(|| refused_value("refund state", code, "this version does not know it"))
    }

    /// True while the gateway may still change it: ask it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Processing | Self::Abnormal)
    }
}

/// A message about a refund; `S` says how far it is trusted, as for [`Notify`](crate::Notify).
pub struct RefundNotify<S> {
    report: RefundReport,
    stage: S,
}

/// It is about our seller, our order, our refund and our amount.
#[derive(Debug, Clone)]
pub struct RefundChecked {
    refund_no: RefundNo,
    out_trade_no: OutTradeNo,
}

/// The facts of a verified message about a refund, gathered by a gateway module.
pub(crate) struct RefundReport {
    pub(crate) channel: Channel,
    pub(crate) seller_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) trade_no: Option<TradeNo>,
    pub(crate) refund_no: String,
    pub(crate) amount: Money,
    pub(crate) status: RefundStatus,
    /// When the money went back, if the gateway says so.
    pub(crate) succeeded_at: Option<UnixMillis>,
}

/// What a message must say to be about our refund. Take it from our own store and configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "five fields, all of them needed; a new one must break callers"
)]
pub struct ExpectedRefund {
    /// The gateway.
    pub channel: Channel,
    /// The party that pays the money back.
    pub seller_id: SellerId,
    /// Our order.
    pub out_trade_no: OutTradeNo,
    /// Our refund.
    pub refund_no: RefundNo,
    /// What goes back.
    pub amount: Money,
}

impl RefundNotify<Verified> {
    // INVARIANT: callers have verified the signature over every byte that `report` was read from.
    pub(crate) fn verified(report: RefundReport) -> Self {
        Self { report, stage: Verified(()) }
    }

    /// The refund number that the message names; parse it and look the refund up.
    #[must_use]
    pub fn refund_no(&self) -> &str {
        &self.report.refund_no
    }

    /// Compares the message with what we asked for.
    ///
    /// # Errors
    /// The first field that differs: an expected answer.
    pub fn check(self, expected: &ExpectedRefund) -> Result<RefundNotify<RefundChecked>, Mismatch> {
        let found = &self.report;
        differs(MismatchField::Channel, expected.channel.code(), found.channel.code())?;
        differs(MismatchField::SellerId, expected.seller_id.as_str(), &found.seller_id)?;
        differs(MismatchField::OutTradeNo, expected.out_trade_no.as_str(), &found.out_trade_no)?;
        differs(MismatchField::RefundNo, expected.refund_no.as_str(), &found.refund_no)?;
        differs(MismatchField::Amount, &expected.amount.to_string(), &found.amount.to_string())?;
        let (refund_no, out_trade_no) = (expected.refund_no.clone(), expected.out_trade_no.clone());
        Ok(RefundNotify { report: self.report, stage: RefundChecked { refund_no, out_trade_no } })
    }
}

impl RefundNotify<RefundChecked> {
    /// The refund that this is about.
    #[must_use]
    pub fn refund_no(&self) -> &RefundNo {
        &self.stage.refund_no
    }

    /// The order that this is about.
    #[must_use]
    pub fn out_trade_no(&self) -> &OutTradeNo {
        &self.stage.out_trade_no
    }
}

impl<S> RefundNotify<S> {
    /// The gateway.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.report.channel
    }

    /// What goes back.
    #[must_use]
    pub fn amount(&self) -> Money {
        self.report.amount
    }

    /// What happened to the refund.
    #[must_use]
    pub fn status(&self) -> RefundStatus {
        self.report.status
    }

    /// The gateway's number of the trade whose money goes back, if the message names it.
    #[must_use]
    pub fn trade_no(&self) -> Option<&TradeNo> {
        self.report.trade_no.as_ref()
    }

    /// When the money went back, if the gateway says so.
    #[must_use]
    pub fn succeeded_at(&self) -> Option<UnixMillis> {
        self.report.succeeded_at
    }
}

/// Numbers and status only.
impl<S> fmt::Debug for RefundNotify<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefundNotify")
            .field("channel", &self.report.channel)
            .field("out_trade_no", &self.report.out_trade_no)
            .field("refund_no", &self.report.refund_no)
            .field("amount", &self.report.amount)
            .field("status", &self.report.status)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [RefundStatus; 4] =
        [RefundStatus::Processing, RefundStatus::Succeeded, RefundStatus::Abnormal, RefundStatus::Closed];

    #[test]
    fn a_status_told_twice_changes_nothing_the_second_time() {
        for state in RefundState::ALL {
            for status in STATUSES {
                if let RefundTransition::Moved(next) = apply_refund(state, status) {
                    assert_eq!(apply_refund(next, status), RefundTransition::Same, "{state:?} {status:?}");
                }
            }
        }
    }

    #[test]
    fn money_that_went_back_stays_back() {
        for status in STATUSES {
            let moved = apply_refund(RefundState::Succeeded, status);
            assert!(!matches!(moved, RefundTransition::Moved(_)), "{status:?}");
        }
        for state in RefundState::ALL {
            assert_ne!(apply_refund(state, RefundStatus::Succeeded), RefundTransition::Refused, "{state:?}");
            assert_eq!(RefundState::parse(state.code()).unwrap(), state);
        }
    }
}
