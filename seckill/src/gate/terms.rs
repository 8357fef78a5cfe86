//! The terms of a waiting room, fixed before the first buyer joins.

use std::time::Duration;

use super::draw::DrawSeed;
use super::fault::{GateFault, in_range, millis_in_range};
use crate::error::Error;
use crate::ids::SaleId;
use crate::time::UnixMillis;

/// How many buyers a waiting room lets in: `count` in each span, one after another at even distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pace {
    count: u32,
    per_millis: u64,
}

/// Who comes first among those who joined before the opening. Who joins later stands behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Who joined first.
    Arrival,
    /// Whom the draw at the opening puts first: being early, or a fast robot, is no advantage.
    Draw(DrawSeed),
}

/// The terms of one waiting room. Every server of the sale has to use the same.
///
/// Buyers come in order of arrival, keep their turn for 60 seconds, and are ten million at most, unless
/// told otherwise.
///
/// ```
/// use seckill::gate::{DrawSeed, Order, Pace, RoomTerms};
/// use seckill::{SaleId, UnixMillis};
/// use std::time::Duration;
///
/// let opens = UnixMillis::new(1_700_000_000_000)?;
/// let closes = opens.plus(Duration::from_secs(3600));
/// let pace = Pace::new(500, Duration::from_secs(1))?;
/// let terms = RoomTerms::new(SaleId::new("phone")?, opens, closes, pace)?
///     .order(Order::Draw(DrawSeed::new(&[7; 32])))
///     .patience(Duration::from_secs(30))?;
/// assert_eq!(terms.sale().as_str(), "phone");
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTerms {
    sale: SaleId,
    opens: UnixMillis,
    closes: UnixMillis,
    pace: Pace,
    order: Order,
    patience_millis: u64,
    places_max: u32,
}

impl Pace {
    /// The most buyers in one span.
    pub const COUNT_MAX: u32 = 1_000_000;
    /// The longest span: an hour.
    pub const PER_MAX: Duration = Duration::from_secs(3600);

    /// Lets `count` buyers in during each `per`, in whole milliseconds.
    ///
    /// # Errors
    /// `InvalidInput` when `count` is not 1 to [`Pace::COUNT_MAX`], or `per` not 1 ms to
    /// [`Pace::PER_MAX`].
    pub fn new(count: u32, per: Duration) -> Result<Self, Error> {
        in_range("count of the pace", count.into(), 1, Self::COUNT_MAX.into())?;
        let what = "span of the pace in ms";
        let per_millis = millis_in_range(what, per, Duration::from_millis(1), Self::PER_MAX)?;
        Ok(Self { count, per_millis })
    }

    /// Turns that have been called so many milliseconds after the opening.
    pub(super) fn called(self, elapsed: u64) -> u64 {
        // INVARIANT: a room is open for 30 days at most, so the product stays below 2^53.
        elapsed * u64::from(self.count) / self.per_millis
    }

    /// How many milliseconds after the opening a turn is called.
    pub(super) fn called_at(self, turn: u64) -> u64 {
        (turn * self.per_millis).div_ceil(self.count.into())
    }

    #[cfg(feature = "redis")]
    pub(super) fn count(self) -> u32 {
        self.count
    }

    #[cfg(feature = "redis")]
    pub(super) fn per_millis(self) -> u64 {
        self.per_millis
    }
}

impl RoomTerms {
    /// The longest time from opening to closing: 30 days.
    pub const OPEN_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
    /// The longest patience: a day.
    pub const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);
    /// The most numbers of one room.
    pub const PLACES_MAX: u32 = 100_000_000;

    /// A room that lets buyers in from `opens` on and is over at `closes`. Buyers may join before.
    ///
    /// # Errors
    /// `InvalidInput` when it closes before it opens, or is open for longer than
    /// [`RoomTerms::OPEN_MAX`].
    pub fn new(sale: SaleId, opens: UnixMillis, closes: UnixMillis, pace: Pace) -> Result<Self, Error> {
        let Some(open) = closes.millis().checked_sub(opens.millis()).filter(|open| *open > 0) else {
            return Err(GateFault::Window.into());
        };
        let least = Duration::from_millis(1);
        millis_in_range("time open in ms", Duration::from_millis(open), least, Self::OPEN_MAX)?;
        let (order, patience_millis, places_max) = (Order::Arrival, 60_000, 10_000_000);
        Ok(Self { sale, opens, closes, pace, order, patience_millis, places_max })
    }

    /// Orders those who joined before the opening.
    #[must_use]
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Keeps a turn for `span`, in whole milliseconds, after it was called. Who does not ask meanwhile has
    /// left, and joins behind the others on return.
    ///
    /// # Errors
    /// `InvalidInput` when it is under 1 ms or over [`RoomTerms::PATIENCE_MAX`].
    pub fn patience(self, span: Duration) -> Result<Self, Error> {
        let least = Duration::from_millis(1);
        let patience_millis = millis_in_range("patience in ms", span, least, Self::PATIENCE_MAX)?;
        Ok(Self { patience_millis, ..self })
    }

    /// Gives out at most so many numbers, and says `Full` after them.
    ///
    /// # Errors
    /// `InvalidInput` when it is not 1 to [`RoomTerms::PLACES_MAX`].
    pub fn places_max(self, places_max: u32) -> Result<Self, Error> {
        in_range("most places", places_max.into(), 1, Self::PLACES_MAX.into())?;
        Ok(Self { places_max, ..self })
    }

    /// The sale that the room is in front of.
    pub fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// When the first turn begins to run.
    pub fn opens(&self) -> UnixMillis {
        self.opens
    }

    /// The first time at which the room is over.
    pub fn closes(&self) -> UnixMillis {
        self.closes
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    pub(super) fn seed(&self) -> Option<&DrawSeed> {
        match &self.order {
            Order::Arrival => None,
            Order::Draw(seed) => Some(seed),
        }
    }

    pub(super) fn patience_millis(&self) -> u64 {
        self.patience_millis
    }

    pub(super) fn most_places(&self) -> u32 {
        self.places_max
    }
}
