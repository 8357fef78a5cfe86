//! What a sale answers. Every expected no is here, with what the buyer may do about it.

use crate::reservation::Reservation;
use crate::time::UnixMillis;

/// The answer to a request for units.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The units are the buyer's until the deadline. Also the answer to a repeated request that had won;
    /// then [`Reservation::replayed`] is set.
    Reserved(Reservation),
    /// Not this time. A refusal is not remembered: the same request id is decided anew.
    Refused(Refusal),
}

/// Why a request did not win, in the order in which the rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Too early.
    NotOpen {
        /// When to come back.
        opens_at: UnixMillis,
    },
    /// Too late.
    Closed,
    /// The buyer would have more than the limit.
    LimitReached {
        /// The most units for one buyer.
        limit: u32,
        /// Units that the buyer holds or has paid.
        held: u32,
    },
    /// Fewer units are left than asked for. Some may come back while reservations are held.
    SoldOut,
}

/// The answer to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirm {
    /// Paid in time.
    Confirmed,
    /// It was paid before; nothing changed.
    AlreadyPaid,
    /// Paid after the deadline, and the units were still to be had. The sale stands.
    Retaken,
    /// Paid after the units were sold to others, or over the buyer's limit. Refund it.
    Gone,
}

/// The answer to a buyer who lets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// The units are on sale again.
    Released,
    /// They went back before; nothing changed.
    AlreadyReturned,
    /// It is paid, so it stays sold. A refund is another matter than a release.
    AlreadyPaid,
}

/// What one sweep gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Reservations returned.
    pub returned: u32,
    /// Units in them.
    pub units: u64,
    /// Whether more reservations are overdue: sweep again.
    pub more: bool,
}

/// Whether `open_sale` made the sale or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened {
    /// The stock is loaded now.
    Created,
    /// The sale was there with the same terms; nothing changed.
    Already,
}

/// The counters of a sale, read in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaleState {
    /// Units for sale now.
    pub left: u64,
    /// Units in held reservations, overdue ones among them until they are swept.
    pub held: u64,
    /// Units sold.
    pub paid: u64,
    /// Calls that changed the sale so far. A number below one seen before means that the store went
    /// back in time.
    pub sequence: u64,
}

impl Swept {
    /// The most reservations that one sweep returns.
    pub const SWEEP_MAX: u32 = 256;
}
