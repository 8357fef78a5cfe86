//! How many units one request asks for.

use crate::error::{Error, Fault};

/// Units of one request, or the most that one buyer may have: 1 to 10,000.
///
/// ```
/// use seckill::Quantity;
///
/// let two = Quantity::new(2)?;
/// assert_eq!(two.units(), 2);
/// assert!(Quantity::new(0).is_err());
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(1);
    /// The largest quantity.
    pub const MAX: Self = Self(10_000);

    /// Takes 1 to 10,000 units.
    ///
    /// # Errors
    /// `InvalidInput` for any other number.
    pub fn new(units: u32) -> Result<Self, Error> {
        if (Self::ONE.0..=Self::MAX.0).contains(&units) {
            return Ok(Self(units));
        }
        let (min, max) = (u64::from(Self::ONE.0), u64::from(Self::MAX.0));
        Err(Fault::Range { what: "quantity", given: u128::from(units), min, max }.into())
    }

    /// The number of units.
    pub fn units(self) -> u32 {
        self.0
    }
}
