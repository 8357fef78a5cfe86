//! What a sale answers. Every expected no is here, with what the buyer may do about it.

use std::time::Duration;

use crate::ids::SkuId;
use crate::phase::Phase;
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

/// Why a request did not win.
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
    /// The sale stands still for a while. Come back.
    Paused,
    /// The buyer would have more than the limit.
    LimitReached {
        /// The most units for one buyer.
        limit: u32,
        /// Units that the buyer holds or has paid.
        held: u32,
    },
    /// The buyer has made so many reservations in this sale, returned ones among them, that there are no more.
    TooMany {
        /// The most reservations of one buyer.
        max: u32,
    },
    /// Fewer units are left than asked for. Some may come back while reservations are held.
    SoldOut,
    /// The sale is not for everybody, and the request brings no proof for this sale and this buyer.
    NotEligible,
    /// Too many requests wait in this process. Nothing was decided.
    Busy {
        /// When to ask again.
        retry_after: Duration,
    },
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Swept {
    /// Reservations returned.
    pub returned: u32,
    /// Units in them.
    pub units: u64,
    /// Whether more reservations are overdue: sweep again.
    pub more: bool,
}

/// Whether a sale was made or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened {
    /// The sale is there now.
    Created,
    /// The sale was there with the same terms; nothing changed.
    Already,
}

/// The counters of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaleState {
    /// Where the sale stands.
    pub phase: Phase,
    /// The counters of each thing on sale, in the order of the terms; of all shards together.
    pub skus: Vec<(SkuId, Count)>,
    /// Steps that changed the sale so far, of all shards together. A number below one seen before means
    /// that the store went back in time.
    pub sequence: u64,
}

/// The counters of one thing on sale, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Count {
    /// When the sale was loaded.
    pub initial: u64,
    /// Added since.
    pub added: u64,
    /// Withdrawn since.
    pub withdrawn: u64,
    /// Came from other shards less went to other shards. Over all shards, less than zero by what is on its
    /// way between two of them.
    pub moved: i64,
    /// For sale now.
    pub left: u64,
    /// In held reservations, overdue ones among them until they are swept.
    pub held: u64,
    /// Sold.
    pub paid: u64,
}

impl SaleState {
    /// Units for sale now.
    pub fn left(&self) -> u64 {
        self.skus.iter().map(|(_, count)| count.left).sum()
    }

    /// Units in held reservations.
    pub fn held(&self) -> u64 {
        self.skus.iter().map(|(_, count)| count.held).sum()
    }

    /// Units sold.
    pub fn paid(&self) -> u64 {
        self.skus.iter().map(|(_, count)| count.paid).sum()
    }
}

impl Count {
    /// Units that the sale is answerable for: initial and added, less withdrawn, and moved.
    pub fn total(&self) -> i128 {
        i128::from(self.initial) + i128::from(self.added) - i128::from(self.withdrawn)
            + i128::from(self.moved)
    }
}

impl Swept {
    /// The most reservations that one sweep looks at.
    pub const SWEEP_MAX: u32 = 256;
}
