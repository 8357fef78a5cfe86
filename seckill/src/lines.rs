//! What one request asks for: a quantity of the only thing on sale, or of several, all or nothing.

use std::sync::Arc;

use crate::config::SaleConfig;
use crate::error::{Error, Fault};
use crate::ids::SkuId;
use crate::quantity::Quantity;

/// The lines of a request: one quantity, or up to [`Lines::MAX`] of different units.
///
/// ```
/// use seckill::{Lines, Quantity, SkuId};
///
/// let two = Lines::from(Quantity::new(2)?);
/// let set = Lines::of(&[(SkuId::new("phone")?, Quantity::ONE), (SkuId::new("case")?, Quantity::new(2)?)])?;
/// assert_eq!((two.units(), set.units()), (2, 3));
/// # Ok::<(), seckill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Of the only thing that the sale sells.
    Only(Quantity),
    /// Sorted by name, no name twice, never empty.
    Named(Arc<[(SkuId, Quantity)]>),
}

/// Lines by the positions of their units in the terms, ascending; they say which counters a request moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Picks {
    One(u32, u32),
    /// The second box makes this as small as the other one: a sale keeps one of these for each win.
    Many(Box<Box<[(u32, u32)]>>),
}

impl Lines {
    /// The most lines of one request.
    pub const MAX: usize = 8;

    /// Lines of named units.
    ///
    /// # Errors
    /// `InvalidInput` when there are none, more than [`Lines::MAX`], or two of the same unit.
    pub fn of(lines: &[(SkuId, Quantity)]) -> Result<Self, Error> {
        let count = u128::try_from(lines.len()).unwrap_or(u128::MAX);
        let max = u64::try_from(Self::MAX).unwrap_or(u64::MAX);
        if lines.is_empty() || lines.len() > Self::MAX {
            return Err(
                Fault::Range { what: "number of lines in a request", given: count, min: 1, max }.into()
            );
        }
        let mut sorted = lines.to_vec();
        sorted.sort();
        for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
            if one.0 == next.0 {
                return Err(Fault::SkuTwice { sku: one.0.clone() }.into());
            }
        }
        Ok(Self(Form::Named(sorted.into())))
    }

    /// Units in all lines.
    pub fn units(&self) -> u32 {
        match &self.0 {
            Form::Only(quantity) => quantity.units(),
            Form::Named(lines) => lines.iter().map(|(_, quantity)| quantity.units()).sum(),
        }
    }

    /// The named lines, sorted by name; empty when the request names no unit.
    pub fn named(&self) -> &[(SkuId, Quantity)] {
        match &self.0 {
            Form::Only(_) => &[],
            Form::Named(lines) => lines,
        }
    }

    /// Which counters of the sale they move.
    ///
    /// # Errors
    /// `InvalidInput` when a unit is not on sale, or when none is named and the sale has several.
    pub(crate) fn picks(&self, terms: &SaleConfig) -> Result<Picks, Error> {
        match &self.0 {
            Form::Only(quantity) if terms.skus().len() == 1 => Ok(Picks::One(0, quantity.units())),
            Form::Only(_) => Err(Fault::SkuUnnamed { sale: terms.id().clone() }.into()),
            Form::Named(lines) => {
                let mut picks = Vec::with_capacity(lines.len());
                for (sku, quantity) in lines.iter() {
                    let index = terms.position(sku).and_then(|index| u32::try_from(index).ok());
                    picks.push((index.ok_or_else(|| unknown(terms, sku))?, quantity.units()));
                }
                picks.sort_unstable();
                Ok(Picks::from_sorted(picks))
            }
        }
    }
}

impl From<Quantity> for Lines {
    fn from(quantity: Quantity) -> Self {
        Self(Form::Only(quantity))
    }
}

impl Picks {
    fn from_sorted(picks: Vec<(u32, u32)>) -> Self {
        match *picks {
            [(index, units)] => Self::One(index, units),
            _ => Self::Many(Box::new(picks.into())),
        }
    }

    /// Positions and units.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let (one, many) = match self {
            Self::One(index, units) => (Some((*index, *units)), &[][..]),
            Self::Many(picks) => (None, &***picks),
        };
        let place = |(index, units)| (usize::try_from(index).unwrap_or(usize::MAX), units);
        one.into_iter().chain(many.iter().copied()).map(place)
    }

    /// Units in all lines.
    pub(crate) fn units(&self) -> u32 {
        self.iter().map(|(_, units)| units).sum()
    }

    /// The lines that these are, in a sale with such terms.
    #[cfg(feature = "redis")]
    pub(crate) fn lines(&self, terms: &SaleConfig) -> Option<Lines> {
        let mut lines = Vec::new();
        for (index, units) in self.iter() {
            let (sku, _) = terms.skus().get(index)?;
            lines.push((sku.clone(), Quantity::new(units).ok()?));
        }
        match (terms.skus().len(), &*lines) {
            (1, [(_, quantity)]) => Some((*quantity).into()),
            _ => Lines::of(&lines).ok(),
        }
    }

    /// The lines as the scripts write them: `<units>` of the first unit, `<index>*<units>` of another, with
    /// `+` between.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (index, units) in self.iter() {
            if !text.is_empty() {
                text.push('+');
            }
            if index > 0 {
                text.push_str(&format!("{index}*"));
            }
            text.push_str(&units.to_string());
        }
        text
    }

    /// Reads what [`Picks::to_text`] wrote; `None` for what it never writes.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut picks: Vec<(u32, u32)> = Vec::new();
        for line in text.split('+') {
            let (index, units) = line.split_once('*').unwrap_or(("0", line));
            let pick = (index.parse().ok()?, units.parse().ok()?);
            if picks.last().is_some_and(|last| last.0 >= pick.0) {
                return None;
            }
            picks.push(pick);
        }
        let picks = Self::from_sorted(picks);
        (picks.to_text() == text).then_some(picks)
    }
}

fn unknown(terms: &SaleConfig, sku: &SkuId) -> Error {
    Fault::SkuUnknown { sku: sku.clone(), sale: terms.id().clone() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn picks_survive_as_text(picks in proptest::collection::btree_map(0u32..64, 1u32..=10_000, 1..=8)) {
            let picks = Picks::from_sorted(picks.into_iter().collect());
            prop_assert_eq!(Picks::from_text(&picks.to_text()), Some(picks));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9+*]{0,10}") {
            if let Some(picks) = Picks::from_text(&text) {
                prop_assert_eq!(picks.to_text(), text);
            }
        }
    }
}
