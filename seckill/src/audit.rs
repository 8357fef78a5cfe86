//! Checks a sale against its own records: nothing lost, nothing sold twice, no buyer over the limit.

use std::collections::HashMap;

use crate::ids::BuyerId;
use crate::outcome::SaleState;
use crate::quantity::Quantity;
use crate::reservation::ReservationState;

/// A sale's counters beside the sum of its records, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// Units when the sale was opened.
    pub initial: u64,
    /// Units for sale now.
    pub left: u64,
    /// Units in held reservations.
    pub held: u64,
    /// Units sold.
    pub paid: u64,
    /// Buyers whose count is over the limit.
    pub over_limit: u64,
    /// The same told by the records. `None` when the sale changed while they were read: audit again
    /// when it is quiet.
    pub records: Option<Tally>,
}

/// What the records add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Units in held reservations.
    pub held: u64,
    /// Units in paid reservations.
    pub paid: u64,
    /// Reservations that were paid too late, to be refunded.
    pub gone: u64,
    /// Buyers whose count differs from their reservations.
    pub miscounted: u64,
}

/// Counts and records as a store reads them out.
#[derive(Debug)]
pub(crate) struct Books {
    counts: HashMap<BuyerId, u64>,
    tally: Tally,
    units: HashMap<BuyerId, u64>,
}

impl Audit {
    /// Whether every unit is in exactly one place and the records agree with the counters.
    pub fn conserved(&self) -> bool {
        let sum = self.left.checked_add(self.held).and_then(|sum| sum.checked_add(self.paid));
        let agrees =
            |tally: Tally| tally.held == self.held && tally.paid == self.paid && tally.miscounted == 0;
        sum == Some(self.initial) && self.records.is_none_or(agrees)
    }
}

impl Books {
    /// Books with the counts by buyer, and no reservation yet.
    pub(crate) fn new(counts: HashMap<BuyerId, u64>) -> Self {
        Self { counts, tally: Tally::default(), units: HashMap::new() }
    }

    /// Enters one reservation.
    pub(crate) fn enter(&mut self, buyer: &BuyerId, quantity: Quantity, state: ReservationState) {
        let units = u64::from(quantity.units());
        match state {
            ReservationState::Held => self.tally.held += units,
            ReservationState::Paid => self.tally.paid += units,
            ReservationState::Gone => self.tally.gone += 1,
            ReservationState::Returned => {}
        }
        if state.counts() {
            *self.units.entry(buyer.clone()).or_default() += units;
        }
    }

    /// Balances the books. `quiet` says that nothing changed while they were written.
    pub(crate) fn balance(self, initial: u64, limit: Quantity, state: SaleState, quiet: bool) -> Audit {
        let limit = u64::from(limit.units());
        let over = self.counts.values().filter(|count| **count > limit).count();
        let missing = self.units.keys().filter(|buyer| !self.counts.contains_key(*buyer)).count();
        let differing = self
            .counts
            .iter()
            .filter(|(buyer, count)| self.units.get(*buyer).copied().unwrap_or(0) != **count)
            .count();
        let miscounted = wide(missing + differing);
        let SaleState { left, held, paid, .. } = state;
        let records = quiet.then_some(Tally { miscounted, ..self.tally });
        Audit { initial, left, held, paid, over_limit: wide(over), records }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
