//! A request, the reservation it may win, and the states that goes through.

use crate::config::SaleConfig;
use crate::eligible::Eligible;
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, RequestId, ReservationId};
use crate::lines::Lines;
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
    /// Its name, for `confirm` and `release`. It tells the buyer and the request too.
    pub id: ReservationId,
    /// What it holds.
    pub lines: Lines,
    /// The first time at which it may be returned unpaid.
    pub pay_until: UnixMillis,
    /// Where it stands now. A replay may find it paid or returned.
    pub state: ReservationState,
    /// Whether this request had won before, so that nothing was taken now.
    pub replayed: bool,
}

/// One request for units.
///
/// ```
/// use seckill::{BuyerId, Quantity, RequestId, Reserve};
///
/// let request = Reserve::new(BuyerId::new("ann")?, Quantity::ONE, RequestId::new("r-00000001")?);
/// assert_eq!(request.lines.units(), 1);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reserve {
    /// Who asks.
    pub buyer: BuyerId,
    /// For what: all of it or nothing.
    pub lines: Lines,
    /// Which purchase this is.
    pub request: RequestId,
    /// The proof that the buyer may take part, for a sale that requires one.
    pub eligible: Option<Eligible>,
    /// Whether an earlier answer to this request may have been lost. A request marked so is always decided
    /// by the store, even while the process knows the sale to be sold out.
    pub retry: bool,
}

impl Reserve {
    /// The most requests that one call decides.
    pub const BATCH_MAX: usize = 256;
    /// The most reservations of one buyer in one sale, returned ones among them.
    pub const PER_BUYER_MAX: usize = 64;

    /// A request of `buyer` for `lines` (a [`Quantity`](crate::Quantity) will do), named `request`.
    pub fn new(buyer: BuyerId, lines: impl Into<Lines>, request: RequestId) -> Self {
        Self { buyer, lines: lines.into(), request, eligible: None, retry: false }
    }

    /// Brings the proof that the buyer may take part.
    #[must_use]
    pub fn eligible(self, proof: Eligible) -> Self {
        Self { eligible: Some(proof), ..self }
    }

    /// Says that this request was sent before and its answer may have been lost.
    #[must_use]
    pub fn again(self) -> Self {
        Self { retry: true, ..self }
    }

    /// Whether the buyer may take part in a sale with such terms at all.
    pub(crate) fn may_take_part(&self, terms: &SaleConfig) -> bool {
        let proven = |proof: &Eligible| proof.is_of(terms.id(), &self.buyer);
        !terms.requires_eligibility() || self.eligible.as_ref().is_some_and(proven)
    }
}

impl ReservationState {
    /// Whether its units count against the buyer's limit.
    pub fn counts(self) -> bool {
        matches!(self, Self::Held | Self::Paid)
    }

    /// Its letter in the records of a store.
    #[cfg(feature = "redis")]
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Held => 'H',
            Self::Paid => 'P',
            Self::Returned => 'R',
            Self::Gone => 'G',
        }
    }

    /// The state with this letter.
    #[cfg(feature = "redis")]
    pub(crate) fn from_letter(letter: char) -> Option<Self> {
        [Self::Held, Self::Paid, Self::Returned, Self::Gone]
            .into_iter()
            .find(|state| state.letter() == letter)
    }
}

/// The error of a batch that is too large.
pub(crate) fn batch_error(requests: &[Reserve]) -> Option<Error> {
    if requests.len() <= Reserve::BATCH_MAX {
        return None;
    }
    let given = u128::try_from(requests.len()).unwrap_or(u128::MAX);
    let max = u64::try_from(Reserve::BATCH_MAX).unwrap_or(u64::MAX);
    Some(Fault::Range { what: "number of requests in one call", given, min: 0, max }.into())
}
