//! The state machine of an order: one pure function from a state and an event to a transition.

use crate::error::{Error, refused_value};

/// Where an order stands. Money once received never becomes "not paid" again.
///
/// ```text
/// Created ─> Pending ─> Paid ─> PartiallyRefunded ─> Refunded
///    │          │                      ▲                ▲
///    │       Unknown ─> (as Pending)   │                │
///    └──────────┴─> Closed, Failed ─> PaidLate ─────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TradeState {
    /// Recorded; nobody was sent to a gateway yet.
    Created,
    /// The buyer was sent to a gateway.
    Pending,
    /// A call was sent and no answer came: the gateway may or may not have a trade. Query it.
    Unknown,
    /// The money is here.
    Paid,
    /// A part of the money of the trade that paid first was given back.
    PartiallyRefunded,
    /// The money of the trade that paid first was given back in full. Money of a further trade
    /// ([`PaidTwice`](crate::Settlement::PaidTwice)) is not counted here: it may still be held.
    Refunded,
    /// Given up by the merchant before any money came.
    Closed,
    /// The gateway says that the payment failed.
    Failed,
    /// The money came after the order was closed or had failed: give it back, or reopen by hand.
    PaidLate,
}

/// Something that happens to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TradeEvent {
    /// The buyer is sent to a gateway.
    Submitted,
    /// A call that may have created or paid a trade was not answered.
    OutcomeUnknown,
    /// A checked message says that the buyer paid.
    Paid,
    /// The merchant gives the order up.
    Closed,
    /// A checked message says that the payment failed.
    Failed,
    /// A part of the money of the first trade went back.
    PartlyRefunded,
    /// The money of the first trade went back in full.
    Refunded,
}

/// What an event does to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// The order moves to this state.
    Moved(TradeState),
    /// The event was already known: nothing changes.
    Same,
    /// The event does not fit the state: nothing changes.
    Refused,
}

/// The whole rule. A late payment is never lost: it moves a closed or failed order to `PaidLate`.
///
/// ```
/// use payments::{TradeEvent, TradeState, Transition, apply};
/// assert_eq!(apply(TradeState::Pending, TradeEvent::Paid), Transition::Moved(TradeState::Paid));
/// assert_eq!(apply(TradeState::Closed, TradeEvent::Paid), Transition::Moved(TradeState::PaidLate));
/// assert_eq!(apply(TradeState::Paid, TradeEvent::Closed), Transition::Refused);
/// ```
#[must_use]
pub const fn apply(state: TradeState, event: TradeEvent) -> Transition {
    use TradeState::{
        Closed, Created, Failed, Paid, PaidLate, PartiallyRefunded, Pending, Refunded, Unknown,
    };
    match (event, state) {
        (TradeEvent::Submitted, Created) => Transition::Moved(Pending),
        (TradeEvent::OutcomeUnknown, Created | Pending) => Transition::Moved(Unknown),
        (TradeEvent::Paid, Created | Pending | Unknown) => Transition::Moved(Paid),
        (TradeEvent::Paid, Closed | Failed) => Transition::Moved(PaidLate),
        (TradeEvent::Closed, Created | Pending | Unknown) => Transition::Moved(Closed),
        (TradeEvent::Failed, Created | Pending | Unknown) => Transition::Moved(Failed),
        (TradeEvent::PartlyRefunded, Paid | PaidLate) => Transition::Moved(PartiallyRefunded),
        (TradeEvent::Refunded, Paid | PaidLate | PartiallyRefunded) => Transition::Moved(Refunded),
        (TradeEvent::Submitted, Pending | Unknown)
        | (TradeEvent::OutcomeUnknown, Unknown)
        | (TradeEvent::Paid, Paid | PaidLate | PartiallyRefunded | Refunded)
        | (TradeEvent::Closed, Closed)
        | (TradeEvent::Failed, Failed)
        | (TradeEvent::PartlyRefunded, PartiallyRefunded)
        | (TradeEvent::Refunded, Refunded) => Transition::Same,
        (TradeEvent::Submitted | TradeEvent::OutcomeUnknown, _)
        | (TradeEvent::Closed | TradeEvent::Failed, _)
        | (TradeEvent::PartlyRefunded | TradeEvent::Refunded, _) => Transition::Refused,
    }
}

impl TradeState {
    /// Every state, in the order of a trade's life.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Pending,
        Self::Unknown,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Closed,
        Self::Failed,
        Self::PaidLate,
    ];

    /// The word that stores and logs use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::PaidLate => "paid_late",
        }
    }

    /// Reads the word that [`TradeState::code`] writes.
    ///
    /// # Errors
    /// `InvalidInput` for any other word.
    pub fn parse(code: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|state| state.code() == code);
        known.ok_or_else(|| refused_value("trade state", code, "this version does not know it"))
    }

    /// True while the gateway may still know better: ask it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [TradeEvent; 7] = [
        TradeEvent::Submitted,
        TradeEvent::OutcomeUnknown,
        TradeEvent::Paid,
        TradeEvent::Closed,
        TradeEvent::Failed,
        TradeEvent::PartlyRefunded,
        TradeEvent::Refunded,
    ];

    #[test]
    fn an_event_applied_twice_changes_nothing_the_second_time() {
        for state in TradeState::ALL {
            for event in EVENTS {
                if let Transition::Moved(next) = apply(state, event) {
                    assert_eq!(apply(next, event), Transition::Same, "{state:?} {event:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_paid_can_be_refunded() {
        for state in TradeState::ALL {
            if let Transition::Moved(paid) = apply(state, TradeEvent::Paid) {
                assert_eq!(apply(paid, TradeEvent::Refunded), Transition::Moved(TradeState::Refunded));
            }
        }
    }

    #[test]
    fn money_received_is_never_forgotten() {
        let had_money =
            |state: TradeState| !state.is_open() && !matches!(state, TradeState::Closed | TradeState::Failed);
        for state in TradeState::ALL.into_iter().filter(|state| had_money(*state)) {
            for event in EVENTS {
                if let Transition::Moved(next) = apply(state, event) {
                    assert!(had_money(next), "{state:?} {event:?} {next:?}");
                }
            }
        }
    }

    #[test]
    fn codes_are_read_back() {
        for state in TradeState::ALL {
            assert_eq!(TradeState::parse(state.code()).unwrap(), state);
        }
        assert!(TradeState::parse("PAID").is_err());
    }
}
