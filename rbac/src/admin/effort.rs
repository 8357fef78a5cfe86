//! A limit on how much is compared for one draft: deep hierarchies of open roles would else hold up everybody.

use std::cell::Cell;

use super::Refusal;

/// The most grants and rows that are compared for one draft.
const COMPARISONS_MAX: usize = 50_000_000;

/// What was compared so far.
#[derive(Debug, Default)]
pub(super) struct Effort(Cell<usize>);

impl Effort {
    /// Whether so much more may be compared.
    pub(super) fn spend(&self, comparisons: usize) -> Result<(), Refusal> {
        self.0.set(self.0.get().saturating_add(comparisons));
        if self.0.get() > COMPARISONS_MAX {
            return Err(Refusal::TooMuchToCompare { comparisons_max: COMPARISONS_MAX });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPARISONS_MAX, Effort, Refusal};

    #[test]
    fn no_more_is_compared_than_may_be() {
        let effort = Effort::default();
        assert_eq!(effort.spend(COMPARISONS_MAX), Ok(()));
        let over = Err(Refusal::TooMuchToCompare { comparisons_max: COMPARISONS_MAX });
        assert_eq!(effort.spend(1), over);
        assert_eq!(effort.spend(usize::MAX), over);
    }
}
