//! A reservation and the states it goes through.

use crate::ids::{BuyerId, RequestId, ReservationId};
use crate::quantity::Quantity;
use crate::time::UnixMillis;

/// Where a reservation stands. It starts held; one atomic step makes it paid or returned, never both.
///
/// ```text
/// Held ──paid──────────────▶ Paid
///   └──released, swept──▶ Returned ──paid late, units left──▶ Paid
///                             └──────paid late, none left───▶ Gone
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReservationState {
    /// Its units are kept for the buyer until the deadline.
    Held,
    /// Sold.
    Paid,
    /// Its units went back on sale: the buyer let go, or the time to pay was over.
    Returned,
    /// It was paid after its units were sold to others. The money goes back, and this stays so: a later
    /// notice of the same payment must not win what was refunded.
    Gone,
}

/// Units kept for one buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Its name, for `confirm` and `release`.
    pub id: ReservationId,
    /// For whom.
    pub buyer: BuyerId,
    /// How many units.
    pub quantity: Quantity,
    /// The first time at which it may be returned unpaid.
    pub pay_until: UnixMillis,
    /// Where it stands now. A replay may find it paid or returned.
    pub state: ReservationState,
    /// Whether this request had won before, so that nothing was taken now.
    pub replayed: bool,
}

/// One request for units.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reserve {
    /// Who asks.
    pub buyer: BuyerId,
    /// For how many units.
    pub quantity: Quantity,
    /// Which purchase this is.
    pub request: RequestId,
}

impl Reserve {
    /// The most requests that one call decides.
    pub const BATCH_MAX: usize = 256;

    /// A request of `buyer` for `quantity` units, named `request`.
    pub fn new(buyer: BuyerId, quantity: Quantity, request: RequestId) -> Self {
        Self { buyer, quantity, request }
    }
}

impl ReservationState {
    /// Whether its units count against the buyer's limit.
    pub fn counts(self) -> bool {
        matches!(self, Self::Held | Self::Paid)
    }
}
