//! The terms of a sale, fixed once it is there.

use std::time::Duration;

use crate::error::{Error, Fault};
use crate::ids::{SaleId, SkuId};
use crate::quantity::Quantity;
use crate::time::UnixMillis;

/// The terms of one sale: what is sold, when, how much to one buyer, and how long to pay.
///
/// A buyer may have one unit and 15 minutes to pay unless told otherwise.
///
/// ```
/// use seckill::{Quantity, SaleConfig, SaleId, UnixMillis};
/// use std::time::Duration;
///
/// let opens = UnixMillis::new(1_700_000_000_000)?;
/// let closes = opens.plus(Duration::from_secs(3600));
/// let terms = SaleConfig::new(SaleId::new("phone")?, opens, closes, 10_000)?
///     .limit_per_buyer(Quantity::new(2)?)
///     .time_to_pay(Duration::from_secs(600))?;
/// assert_eq!(terms.stock(), 10_000);
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleConfig {
    id: SaleId,
    opens_at: UnixMillis,
    closes_at: UnixMillis,
    // INVARIANT: 1 to SKUS_MAX of them, no name twice.
    skus: Vec<(SkuId, u64)>,
    limit_per_buyer: Quantity,
    time_to_pay: Duration,
    eligible_only: bool,
    shards: u16,
}

impl SaleConfig {
    /// The largest stock of one unit.
    pub const STOCK_MAX: u64 = 1_000_000_000;
    /// The most units (SKU) of one sale.
    pub const SKUS_MAX: usize = 64;
    /// The most shards of one sale.
    pub const SHARDS_MAX: u16 = 64;
    /// The longest time to pay: seven days.
    pub const TIME_TO_PAY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Terms of a sale of `stock` units of one thing that is open from `opens_at` up to, and without,
    /// `closes_at`.
    ///
    /// # Errors
    /// `InvalidInput` when the sale would close before it opens or after the last time that has room
    /// for a time to pay, or when `stock` is not 1 to [`SaleConfig::STOCK_MAX`].
    pub fn new(id: SaleId, opens_at: UnixMillis, closes_at: UnixMillis, stock: u64) -> Result<Self, Error> {
        Self::of(id, opens_at, closes_at, &[(SkuId::ONLY, stock)])
    }

    /// Terms of a sale of several things, each with its stock.
    ///
    /// # Errors
    /// As [`SaleConfig::new`]; also when there are none, more than [`SaleConfig::SKUS_MAX`], or two of the
    /// same name.
    pub fn of(
        id: SaleId,
        opens_at: UnixMillis,
        closes_at: UnixMillis,
        skus: &[(SkuId, u64)],
    ) -> Result<Self, Error> {
        if closes_at <= opens_at {
            return Err(Fault::Window.into());
        }
        // INVARIANT: every deadline is a time, so none is ever cut short at the end of time.
        in_range("closing time in unix milliseconds", u128::from(closes_at.millis()), 0, closing_max())?;
        in_range("number of skus of a sale", wide(skus.len()), 1, narrow(wide(Self::SKUS_MAX)))?;
        for (index, (sku, stock)) in skus.iter().enumerate() {
            in_range("stock", u128::from(*stock), 1, Self::STOCK_MAX)?;
            if skus.iter().take(index).any(|(other, _)| other == sku) {
                return Err(Fault::SkuTwice { sku: sku.clone() }.into());
            }
        }
        let (limit_per_buyer, time_to_pay) = (Quantity::ONE, Duration::from_secs(15 * 60));
        let skus = skus.to_vec();
        Ok(Self {
            id,
            opens_at,
            closes_at,
            skus,
            limit_per_buyer,
            time_to_pay,
            eligible_only: false,
            shards: 1,
        })
    }

    /// Lets one buyer hold and pay up to `limit` units, all requests and all things together.
    #[must_use]
    pub fn limit_per_buyer(self, limit: Quantity) -> Self {
        Self { limit_per_buyer: limit, ..self }
    }

    /// Keeps a reservation for `span`, in whole milliseconds, before its units go back on sale.
    ///
    /// # Errors
    /// `InvalidInput` when it is under 1 ms or over [`SaleConfig::TIME_TO_PAY_MAX`].
    pub fn time_to_pay(self, span: Duration) -> Result<Self, Error> {
        let max = millis(Self::TIME_TO_PAY_MAX);
        in_range("time to pay in milliseconds", span.as_millis(), 1, max)?;
        Ok(Self { time_to_pay: Duration::from_millis(millis(span)), ..self })
    }

    /// Lets only buyers take part who bring a proof, see [`Reserve::eligible`](crate::Reserve::eligible).
    #[must_use]
    pub fn eligible_only(self) -> Self {
        Self { eligible_only: true, ..self }
    }

    /// Splits the sale over `shards` hash slots of a Redis Cluster. Buyers belong to a shard by a hash of
    /// their id; stock starts evenly split and moves to the buyers. Other stores keep the sale whole.
    ///
    /// # Errors
    /// `InvalidInput` when it is not 1 to [`SaleConfig::SHARDS_MAX`].
    pub fn shards(self, shards: u16) -> Result<Self, Error> {
        in_range("number of shards", u128::from(shards), 1, u64::from(Self::SHARDS_MAX))?;
        Ok(Self { shards, ..self })
    }

    /// The sale's name.
    pub fn id(&self) -> &SaleId {
        &self.id
    }

    /// The first time at which a request may win.
    pub fn opens_at(&self) -> UnixMillis {
        self.opens_at
    }

    /// The first time at which no request may win any more.
    pub fn closes_at(&self) -> UnixMillis {
        self.closes_at
    }

    /// What is sold, each with its units at the start.
    pub fn skus(&self) -> &[(SkuId, u64)] {
        &self.skus
    }

    /// Units for sale in all, at the start.
    pub fn stock(&self) -> u64 {
        self.skus.iter().map(|(_, stock)| stock).sum()
    }

    /// Units that one buyer may hold and pay.
    pub fn buyer_limit(&self) -> Quantity {
        self.limit_per_buyer
    }

    /// How long a reservation is kept.
    pub fn pay_within(&self) -> Duration {
        self.time_to_pay
    }

    /// Whether a buyer needs a proof to take part.
    pub fn requires_eligibility(&self) -> bool {
        self.eligible_only
    }

    /// Over how many hash slots the sale is split.
    pub fn shard_count(&self) -> u16 {
        self.shards
    }

    /// The position of a thing among those on sale.
    pub(crate) fn position(&self, sku: &SkuId) -> Option<usize> {
        self.skus.iter().position(|(name, _)| name == sku)
    }

    /// The position of a thing that may go unnamed where it is the only one.
    pub(crate) fn position_of(&self, sku: Option<&SkuId>) -> Result<usize, Error> {
        match sku {
            None if self.skus.len() == 1 => Ok(0),
            None => Err(Fault::SkuUnnamed { sale: self.id.clone() }.into()),
            Some(sku) => self
                .position(sku)
                .ok_or_else(|| Fault::SkuUnknown { sku: sku.clone(), sale: self.id.clone() }.into()),
        }
    }

    /// How long a reservation is kept, in milliseconds.
    #[cfg(feature = "redis")]
    pub(crate) fn pay_within_millis(&self) -> u64 {
        millis(self.time_to_pay)
    }
}

fn closing_max() -> u64 {
    UnixMillis::MAX.millis() - millis(SaleConfig::TIME_TO_PAY_MAX)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn wide(count: usize) -> u128 {
    u128::try_from(count).unwrap_or(u128::MAX)
}

fn narrow(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Passes a number that is within bounds.
pub(crate) fn in_range(what: &'static str, given: u128, min: u64, max: u64) -> Result<(), Error> {
    if (u128::from(min)..=u128::from(max)).contains(&given) {
        return Ok(());
    }
    Err(Fault::Range { what, given, min, max }.into())
}
