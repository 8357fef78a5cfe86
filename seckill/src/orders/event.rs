//! What happened in a sale, one thing at a time, as its streams tell it.

use std::fmt;

use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::{RequestId, ReservationId, SaleId};
use crate::lines::{Lines, Picks};
use crate::phase::Phase;
use crate::reservation::ReservationState;
use crate::restock::Direction;
use crate::time::UnixMillis;

/// One thing that happened in one shard of a sale.
///
/// The same event may come twice, and later ones may come first: what is done with it has to be done once,
/// by `sale`, `shard`, `sequence` and reservation. A [`Ledger`](crate::ledger::Ledger) does that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OrderEvent {
    /// In which sale.
    pub sale: SaleId,
    /// In which of its shards, counted from 0.
    pub shard: u16,
    /// Which step of the shard this was. A step may be several events, of different reservations.
    pub sequence: u64,
    /// When it was decided, by the clock of the store.
    pub at: UnixMillis,
    /// What happened.
    pub kind: EventKind,
}

/// What an [`OrderEvent`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A reservation changed.
    Order(OrderChange),
    /// Stock was added or withdrawn.
    Stock {
        /// The position of the unit in the terms.
        sku: usize,
        /// Which way.
        direction: Direction,
        /// How many units.
        units: u64,
        /// The id of the change.
        change: RequestId,
    },
    /// The sale took a step. What time does by itself, as opening, is no event: a sale that opens by its
    /// time was last told to be [`Phase::Warmed`].
    Stage(Phase),
    /// Unsold units moved to or from another shard.
    Moved {
        /// The position of the unit in the terms.
        sku: usize,
        /// [`Direction::Add`] when they came, [`Direction::Withdraw`] when they went.
        direction: Direction,
        /// The other shard.
        other: u16,
        /// How many units.
        units: u64,
        /// The number of the transfer between the two shards.
        number: u64,
    },
}

/// What became of one reservation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OrderChange {
    /// What happened to it.
    pub change: Change,
    /// Which one it is. It tells the buyer and the request too.
    pub reservation: ReservationId,
    /// What it is for.
    pub lines: OrderLines,
    /// The first time at which it may be returned unpaid.
    pub pay_until: UnixMillis,
}

/// The ways in which a reservation changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// Won: its units are held.
    Reserved,
    /// Paid in time.
    Paid,
    /// Paid late, while there were units for it.
    Retaken,
    /// Given back by the buyer.
    Released,
    /// Returned when the time to pay was over.
    Expired,
    /// Paid too late: the money has to go back.
    Gone,
    /// Put back by a recovery, in the state that the ledger had, when the entry tells it.
    Restored(Option<ReservationState>),
}

/// The lines of a reservation by the positions of their units in the terms, ascending, no position twice.
///
/// Its text is that of the streams: `<units>` of position 0, `<position>*<units>` of another, `+` between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderLines(Picks);

/// One line of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OrderLine {
    /// The position of the unit in the terms.
    pub sku: usize,
    /// How many units of it.
    pub units: u32,
}

impl OrderEvent {
    /// What happened in step `sequence` of shard `shard`.
    pub fn new(sale: SaleId, shard: u16, sequence: u64, at: UnixMillis, kind: EventKind) -> Self {
        Self { sale, shard, sequence, at, kind }
    }

    /// The reservation that changed, if the event is about one.
    pub fn order(&self) -> Option<&OrderChange> {
        match &self.kind {
            EventKind::Order(order) => Some(order),
            _ => None,
        }
    }
}

impl OrderChange {
    /// What became of `reservation`.
    pub fn new(change: Change, reservation: ReservationId, lines: OrderLines, pay_until: UnixMillis) -> Self {
        Self { change, reservation, lines, pay_until }
    }
}

impl Change {
    /// The state that it leads to; `None` when the event does not tell.
    pub fn state(self) -> Option<ReservationState> {
        match self {
            Self::Reserved => Some(ReservationState::Held),
            Self::Paid | Self::Retaken => Some(ReservationState::Paid),
            Self::Released | Self::Expired => Some(ReservationState::Returned),
            Self::Gone => Some(ReservationState::Gone),
            Self::Restored(state) => state,
        }
    }
}

impl OrderLines {
    /// Reads what `Display` wrote.
    ///
    /// ```
    /// use seckill::orders::OrderLines;
    ///
    /// let lines = OrderLines::parse("2+3*1")?;
    /// assert_eq!((lines.units(), lines.iter().count()), (3, 2));
    /// # Ok::<(), seckill::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let given = || Error::shown(text);
        let rule = "1 to 8 lines of a sale as its streams write them";
        Self::read(text).ok_or_else(|| Fault::Text { what: "lines", given: given(), rule }.into())
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let picks = Picks::from_text(text)?;
        let is_line = |(sku, units)| sku < SaleConfig::SKUS_MAX && crate::Quantity::new(units).is_ok();
        let fits = picks.iter().count() <= Lines::MAX && picks.iter().all(is_line);
        fits.then_some(Self(picks))
    }

    /// The same, as the rule counts.
    pub(crate) fn picks(&self) -> &Picks {
        &self.0
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = OrderLine> + '_ {
        self.0.iter().map(|(sku, units)| OrderLine { sku, units })
    }

    /// Units in all lines.
    pub fn units(&self) -> u32 {
        self.0.units()
    }

    /// The lines with the names that the terms give; `None` when the terms have no such position.
    pub fn named(&self, terms: &SaleConfig) -> Option<Lines> {
        self.0.lines(terms)
    }
}

impl fmt::Display for OrderLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_text())
    }
}
