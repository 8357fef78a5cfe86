//! What the buyers were told, counted while they are told it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use seckill::{Error, Outcome, Refusal, Reservation};

/// A number that many callers raise.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counts of a sale under load.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Buyers who are through.
    pub(crate) buyers: Counter,
    pub(crate) won: Counter,
    pub(crate) replayed: Counter,
    pub(crate) sold_out: Counter,
    pub(crate) limit: Counter,
    /// Other refusals.
    pub(crate) refused: Counter,
    /// Times that the process was too busy to ask; the request was sent again.
    pub(crate) busy: Counter,
    /// Requests that were given up without a decision.
    pub(crate) undecided: Counter,
    /// Requests that won twice. There must be none.
    pub(crate) won_twice: Counter,
    pub(crate) paid: Counter,
    /// Paid after the time to pay, while there were units.
    pub(crate) retaken: Counter,
    /// Paid too late, to be refunded.
    pub(crate) gone: Counter,
    pub(crate) released: Counter,
    /// Winners who neither paid nor let go.
    pub(crate) let_go: Counter,
    /// Units that buyers were told are theirs.
    pub(crate) units_paid: Counter,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// Counts an answer, and gives the reservation in it.
    pub(crate) fn answer(&self, outcome: Outcome) -> Option<Reservation> {
        match outcome {
            Outcome::Reserved(reservation) => {
                if reservation.replayed { &self.replayed } else { &self.won }.one();
                return Some(reservation);
            }
            Outcome::Refused(Refusal::SoldOut) => self.sold_out.one(),
            Outcome::Refused(Refusal::LimitReached { .. }) => self.limit.one(),
            _ => self.refused.one(),
        }
        None
    }

    /// Counts an error by its kind.
    pub(crate) fn error(&self, error: &Error) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry(format!("{:?}", error.kind())).or_default() += 1;
    }

    /// Errors by kind.
    pub(crate) fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests decided.
    pub(crate) fn decisions(&self) -> u64 {
        [&self.won, &self.replayed, &self.sold_out, &self.limit, &self.refused]
            .into_iter()
            .map(Counter::now)
            .sum()
    }
}
