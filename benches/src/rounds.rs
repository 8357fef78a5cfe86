//! Interleaved rounds and what is read out of them.

use crate::timing::median;

/// The pairs of one run, ours and the peer's, in the unit of the figure.
///
/// Both sides of a pair ran right after each other, so they saw the same machine.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    ours: Vec<f64>,
    peer: Vec<f64>,
}

impl Rounds {
    /// The rounds of `pairs`, ours first.
    pub fn from_pairs(pairs: &[(f64, f64)]) -> Self {
        Self {
            ours: pairs.iter().map(|pair| pair.0).collect(),
            peer: pairs.iter().map(|pair| pair.1).collect(),
        }
    }

    /// How many pairs.
    pub fn count(&self) -> usize {
        self.ours.len()
    }

    /// The median of ours.
    pub fn ours(&self) -> f64 {
        median(self.ours.iter().copied())
    }

    /// The median of the peer's.
    pub fn peer(&self) -> f64 {
        median(self.peer.iter().copied())
    }

    /// The smallest and the largest ratio of a pair.
    pub fn ratio_range(&self) -> (f64, f64) {
        let ratios = || self.ours.iter().zip(&self.peer).map(|(ours, peer)| ours / peer);
        (ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_is_over_pairs() {
        let rounds = Rounds::from_pairs(&[(10.0, 5.0), (9.0, 9.0), (12.0, 4.0)]);
        assert_eq!((rounds.count(), rounds.ratio_range()), (3, (1.0, 3.0)));
    }
}
