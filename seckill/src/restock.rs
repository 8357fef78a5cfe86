//! Changes of the stock while a sale runs: units added, or unsold ones withdrawn.

use crate::ids::{RequestId, SkuId};
use crate::phase::Phase;

/// One change of the stock. Its id makes it safe to send again: it counts once.
///
/// ```
/// use seckill::{RequestId, Restock};
///
/// let more = Restock::add(RequestId::new("restock-1")?, 500);
/// assert_eq!(more.units, 500);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restock {
    /// Which change this is.
    pub id: RequestId,
    /// Of what; `None` for the only unit of the sale.
    pub sku: Option<SkuId>,
    /// Which way.
    pub direction: Direction,
    /// How many units: 1 to [`SaleConfig::STOCK_MAX`](crate::SaleConfig::STOCK_MAX).
    pub units: u64,
}

/// Which way units go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// New units come on sale.
    Add,
    /// Units that are neither held nor sold leave the sale, at most as many as are left.
    Withdraw,
}

/// The answer to a change of the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restocked {
    /// It is done, now or by an earlier call with the same id.
    Done {
        /// Units added or withdrawn; fewer than asked when fewer were left to withdraw.
        units: u64,
    },
    /// The sale takes no change now: it is a draft, closed or settled.
    Refused {
        /// Where it stands.
        phase: Phase,
    },
}

impl Restock {
    /// Adds `units` of the only thing on sale.
    pub fn add(id: RequestId, units: u64) -> Self {
        Self { id, sku: None, direction: Direction::Add, units }
    }

    /// Withdraws up to `units` of the only thing on sale.
    pub fn withdraw(id: RequestId, units: u64) -> Self {
        Self { id, sku: None, direction: Direction::Withdraw, units }
    }

    /// Names the unit, for a sale of several.
    #[must_use]
    pub fn of(self, sku: SkuId) -> Self {
        Self { sku: Some(sku), ..self }
    }
}
