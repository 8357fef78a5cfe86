//! One buyer's reservations in one sale.

use crate::ids::RequestId;
use crate::lines::Picks;
use crate::reservation::{ReservationState, Reserve};
use crate::time::UnixMillis;

/// The reservations of a buyer, in the order of winning. There is always a first: most buyers have one.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    first: Record,
    #[expect(
        clippy::box_collection,
        reason = "most buyers have none, and each account has the place for it"
    )]
    more: Option<Box<Vec<Record>>>,
}

/// One reservation.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) request: RequestId,
    pub(crate) picks: Picks,
    pub(crate) pay_until: UnixMillis,
    pub(crate) state: ReservationState,
}

impl Account {
    /// An account with its first reservation.
    pub(crate) fn new(first: Record) -> Self {
        Self { first, more: None }
    }

    /// Adds a reservation, and returns its place.
    pub(crate) fn push(&mut self, record: Record) -> usize {
        let more = self.more.get_or_insert_default();
        more.push(record);
        more.len()
    }

    /// All reservations.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(&self.first).chain(self.more.iter().flat_map(|more| more.iter()))
    }

    /// All reservations, to move them.
    pub(crate) fn records_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        std::iter::once(&mut self.first).chain(self.more.iter_mut().flat_map(|more| more.iter_mut()))
    }

    /// The reservation that this request won.
    pub(crate) fn record(&self, request: &RequestId) -> Option<&Record> {
        self.records().find(|record| record.request == *request)
    }

    /// The same, to move it.
    pub(crate) fn record_mut(&mut self, request: &RequestId) -> Option<&mut Record> {
        self.records_mut().find(|record| record.request == *request)
    }

    /// Units held and paid.
    pub(crate) fn units(&self) -> u32 {
        self.records().filter(|record| record.state.counts()).map(|record| record.picks.units()).sum()
    }

    /// Whether no further reservation is made for this buyer.
    pub(crate) fn is_full(&self) -> bool {
        self.records().count() >= Reserve::PER_BUYER_MAX
    }
}

impl Record {
    /// Whether it is held and its time to pay is over.
    pub(crate) fn is_overdue(&self, now: UnixMillis) -> bool {
        self.state == ReservationState::Held && self.pay_until <= now
    }
}
