//! Checks a sale against its own records: nothing lost, nothing sold twice, no buyer over the limit.

use std::collections::HashMap;

use crate::ids::BuyerId;
use crate::lines::Picks;
use crate::outcome::Count;
use crate::reservation::ReservationState;

/// A sale's counters beside the sum of its records, shard by shard.
///
/// The records are those of the very step that the counters belong to, also while the sale goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// One for each shard; a sale that is not split is one.
    pub shards: Vec<ShardAudit>,
}

/// One shard of an [`Audit`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShardAudit {
    /// The counters of each thing on sale, in the order of the terms.
    pub counts: Vec<Count>,
    /// The same told by the records, in the same order.
    pub records: Vec<Tally>,
    /// Reservations that were paid too late, to be refunded.
    pub gone: u64,
    /// Buyers who hold and have paid more than the limit.
    pub over_limit: u64,
    /// The number of the step that this is true of.
    pub sequence: u64,
}

/// What the records of one thing on sale add up to, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// In held reservations.
    pub held: u64,
    /// In paid reservations.
    pub paid: u64,
}

/// Records as a store reads them out.
#[derive(Debug)]
pub(crate) struct Books {
    records: Vec<Tally>,
    gone: u64,
    /// Units that each buyer holds or has paid.
    units: HashMap<BuyerId, u64>,
}

impl Audit {
    /// Whether, in every shard and for every thing on sale, initial + added - withdrawn + moved = left + held +
    /// paid by the records, counters and records agree, nobody is above the limit, and no unit that left a
    /// shard is in two.
    pub fn conserved(&self) -> bool {
        self.shards.iter().all(ShardAudit::conserved) && self.moving().iter().all(|units| *units >= 0)
    }

    /// Units of each thing that are on their way between two shards.
    pub fn moving(&self) -> Vec<i64> {
        let mut moving = Vec::new();
        for shard in &self.shards {
            for (index, count) in shard.counts.iter().enumerate() {
                match moving.get_mut(index) {
                    Some(units) => *units -= count.moved,
                    None => moving.push(-count.moved),
                }
            }
        }
        moving
    }

    /// The counters of all shards together, in the order of the terms.
    pub fn total(&self) -> Vec<Count> {
        let mut total: Vec<Count> = Vec::new();
        for shard in &self.shards {
            add_counts(&mut total, &shard.counts);
        }
        total
    }

    /// Units for sale.
    pub fn left(&self) -> u64 {
        self.total().iter().map(|count| count.left).sum()
    }

    /// Units in held reservations, by the records.
    pub fn held(&self) -> u64 {
        self.tallies().map(|tally| tally.held).sum()
    }

    /// Units sold, by the records.
    pub fn paid(&self) -> u64 {
        self.tallies().map(|tally| tally.paid).sum()
    }

    /// Buyers above the limit.
    pub fn over_limit(&self) -> u64 {
        self.shards.iter().map(|shard| shard.over_limit).sum()
    }

    /// Reservations that were paid too late, to be refunded.
    pub fn gone(&self) -> u64 {
        self.shards.iter().map(|shard| shard.gone).sum()
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.shards.iter().flat_map(|shard| &shard.records)
    }
}

impl ShardAudit {
    /// As [`Audit::conserved`], of this shard.
    pub fn conserved(&self) -> bool {
        let sound = |(count, tally): (&Count, &Tally)| {
            let places = i128::from(count.left) + i128::from(tally.held) + i128::from(tally.paid);
            count.total() == places && count.held == tally.held && count.paid == tally.paid
        };
        self.counts.len() == self.records.len()
            && self.counts.iter().zip(&self.records).all(sound)
            && self.over_limit == 0
    }
}

impl Books {
    /// Empty books of a sale with so many things.
    pub(crate) fn new(skus: usize) -> Self {
        Self { records: vec![Tally::default(); skus], gone: 0, units: HashMap::new() }
    }

    /// Enters one reservation. What is not on sale is left out, and then the books do not balance.
    pub(crate) fn enter(&mut self, buyer: &BuyerId, picks: &Picks, state: ReservationState) {
        if state == ReservationState::Gone {
            self.gone += 1;
        }
        if !state.counts() {
            return;
        }
        *self.units.entry(buyer.clone()).or_default() += u64::from(picks.units());
        for (index, units) in picks.iter() {
            let Some(tally) = self.records.get_mut(index) else { continue };
            let place = if state == ReservationState::Paid { &mut tally.paid } else { &mut tally.held };
            *place += u64::from(units);
        }
    }

    /// Puts the books beside the counters.
    pub(crate) fn balance(self, counts: Vec<Count>, limit: u32, sequence: u64) -> ShardAudit {
        let over = self.units.values().filter(|units| **units > u64::from(limit)).count();
        let over_limit = u64::try_from(over).unwrap_or(u64::MAX);
        ShardAudit { counts, records: self.records, gone: self.gone, over_limit, sequence }
    }
}

/// Adds counters, thing by thing.
pub(crate) fn add_counts(total: &mut Vec<Count>, counts: &[Count]) {
    total.resize(total.len().max(counts.len()), Count::default());
    for (sum, count) in total.iter_mut().zip(counts) {
        sum.initial += count.initial;
        sum.added += count.added;
        sum.withdrawn += count.withdrawn;
        sum.moved += count.moved;
        sum.left += count.left;
        sum.held += count.held;
        sum.paid += count.paid;
    }
}
