//! The terms of a sale, fixed once it is open.

use std::time::Duration;

use crate::error::{Error, Fault};
use crate::ids::SaleId;
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
    stock: u64,
    limit_per_buyer: Quantity,
    time_to_pay: Duration,
}

impl SaleConfig {
    /// The largest stock, in units.
    pub const STOCK_MAX: u64 = 1_000_000_000;
    /// The longest time to pay: seven days.
    pub const TIME_TO_PAY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Terms of a sale of `stock` units that is open from `opens_at` up to, and without, `closes_at`.
    ///
    /// # Errors
    /// `InvalidInput` when the sale would close before it opens or after the last time that has room
    /// for a time to pay, or when `stock` is not 1 to [`SaleConfig::STOCK_MAX`].
    pub fn new(id: SaleId, opens_at: UnixMillis, closes_at: UnixMillis, stock: u64) -> Result<Self, Error> {
        if closes_at <= opens_at {
            return Err(Fault::Window.into());
        }
        // INVARIANT: every deadline is a time, so none is ever cut short at the end of time.
        in_range("closing time in unix milliseconds", u128::from(closes_at.millis()), 0, closing_max())?;
        in_range("stock", u128::from(stock), 1, Self::STOCK_MAX)?;
        let (limit_per_buyer, time_to_pay) = (Quantity::ONE, Duration::from_secs(15 * 60));
        Ok(Self { id, opens_at, closes_at, stock, limit_per_buyer, time_to_pay })
    }

    /// Lets one buyer hold and pay up to `limit` units, all requests together.
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

    /// Units for sale in all.
    pub fn stock(&self) -> u64 {
        self.stock
    }

    /// Units that one buyer may hold and pay.
    pub fn buyer_limit(&self) -> Quantity {
        self.limit_per_buyer
    }

    /// How long a reservation is kept.
    pub fn pay_within(&self) -> Duration {
        self.time_to_pay
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

fn in_range(what: &'static str, given: u128, min: u64, max: u64) -> Result<(), Error> {
    if (u128::from(min)..=u128::from(max)).contains(&given) {
        return Ok(());
    }
    Err(Fault::Range { what, given, min, max }.into())
}
