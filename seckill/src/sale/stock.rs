//! The counters of a sale, and the one way in which units go from one place to another.

use crate::lines::Picks;
use crate::outcome::Count;
use crate::reservation::ReservationState;

/// Counters by position.
// INVARIANT: for each thing, `Count::total` == left + held + paid.
#[derive(Debug, Clone)]
pub(crate) struct Stock(Vec<Count>);

impl Stock {
    /// Nothing loaded yet, of so many things.
    pub(crate) fn empty(skus: usize) -> Self {
        Self(vec![Count::default(); skus])
    }

    /// Loads what each thing starts with.
    pub(crate) fn load(&mut self, initial: impl Iterator<Item = u64>) {
        for (count, units) in self.0.iter_mut().zip(initial) {
            *count = Count { initial: units, left: units, ..Count::default() };
        }
    }

    /// The counters.
    pub(crate) fn counts(&self) -> &[Count] {
        &self.0
    }

    /// Whether every line can be taken.
    pub(crate) fn has(&self, picks: &Picks) -> bool {
        picks
            .iter()
            .all(|(index, units)| self.0.get(index).is_some_and(|count| count.left >= u64::from(units)))
    }

    /// Moves the units of a reservation from the place of one state to that of another. They are there:
    /// the caller has looked at the record, or asked [`Stock::has`].
    pub(crate) fn shift(&mut self, picks: &Picks, from: ReservationState, to: ReservationState) {
        for (index, units) in picks.iter() {
            let Some(count) = self.0.get_mut(index) else { continue };
            // Added first: returned and gone share a place, which may hold fewer units than these.
            *place(count, to) += u64::from(units);
            *place(count, from) -= u64::from(units);
        }
    }

    /// Brings new units on sale.
    pub(crate) fn add(&mut self, index: usize, units: u64) {
        if let Some(count) = self.0.get_mut(index) {
            count.added += units;
            count.left += units;
        }
    }

    /// Takes unsold units off the sale, as many as are left, and returns how many.
    pub(crate) fn withdraw(&mut self, index: usize, units: u64) -> u64 {
        let Some(count) = self.0.get_mut(index) else { return 0 };
        let taken = units.min(count.left);
        count.withdrawn += taken;
        count.left -= taken;
        taken
    }
}

fn place(count: &mut Count, state: ReservationState) -> &mut u64 {
    match state {
        ReservationState::Held => &mut count.held,
        ReservationState::Paid => &mut count.paid,
        ReservationState::Returned | ReservationState::Gone => &mut count.left,
    }
}
