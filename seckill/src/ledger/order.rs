//! One order of the ledger, and what an event does to it. No SQL is here.

use super::Place;
use crate::ids::ReservationId;
use crate::orders::{OrderChange, OrderEvent, OrderLines};
use crate::reservation::ReservationState;
use crate::time::UnixMillis;

/// What the ledger knows of one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// Which one it is. It tells the sale, the buyer and the request too.
    pub reservation: ReservationId,
    /// The shard that decides about it.
    pub shard: u16,
    /// What it is for.
    pub lines: OrderLines,
    /// Where it stands.
    pub state: ReservationState,
    /// The first time at which it may be returned unpaid.
    pub pay_until: UnixMillis,
    /// The step of the shard that brought it there.
    pub sequence: u64,
    /// When that was, by the clock of the store.
    pub updated_at: UnixMillis,
}

/// What an event did to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The order is new or stands elsewhere now. This comes once for each state that it reaches, and once at
    /// most for [`ReservationState::Paid`], whatever comes how often and in whatever order.
    Applied,
    /// The ledger knew as much, or more.
    Known,
    /// The ledger holds that the order is paid or gone for good, and the event says something else. So the
    /// sale went back in time, and was not reconciled yet. The ledger stays as it was.
    Contradicted {
        /// Where the order stands.
        recorded: ReservationState,
    },
    /// The event is about no order. Its step counts as seen.
    Noted,
}

impl Order {
    /// Where a reading goes on after this order.
    pub fn place(&self) -> Place {
        Place::of(self.pay_until, &self.reservation)
    }

    /// What `event` makes of what is `recorded`: the order as it has to be written, if it has to be, and the
    /// effect.
    ///
    /// A later step counts, and the end of an order counts whenever it comes: in a history that never went
    /// back in time nothing follows it, and in one that did a payment must not be lost.
    pub(super) fn take(
        recorded: Option<&Self>,
        event: &OrderEvent,
        order: &OrderChange,
    ) -> (Option<Self>, Effect) {
        let Some(state) = order.change.state() else { return (None, Effect::Known) };
        let next = |sequence| Self {
            reservation: order.reservation.clone(),
            shard: event.shard,
            lines: order.lines.clone(),
            state,
            pay_until: order.pay_until,
            sequence,
            updated_at: event.at,
        };
        let Some(old) = recorded else { return (Some(next(event.sequence)), Effect::Applied) };
        let is_later = event.sequence > old.sequence;
        if old.state == state {
            let raised = is_later.then(|| Self { sequence: event.sequence, ..old.clone() });
            (raised, Effect::Known)
        } else if is_end(old.state) && (is_later || is_end(state)) {
            (None, Effect::Contradicted { recorded: old.state })
        } else if !is_end(old.state) && (is_later || is_end(state)) {
            (Some(next(event.sequence.max(old.sequence))), Effect::Applied)
        } else {
            (None, Effect::Known)
        }
    }
}

/// Whether nothing changes such an order any more.
fn is_end(state: ReservationState) -> bool {
    matches!(state, ReservationState::Paid | ReservationState::Gone)
}
