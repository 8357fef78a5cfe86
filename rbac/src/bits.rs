//! Sets of small numbers, one bit each: one growing set, and where in a row of words a bit stands.

use crate::policy::lists::{index, place};

/// A set of indices. Absent words are zero, so an empty set owns no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct BitSet {
    words: Vec<u64>,
}

const BITS: u32 = u64::BITS;

/// The word that a bit stands in.
#[inline]
pub(crate) fn word_of(bit: u32) -> usize {
    place(bit / BITS)
}

/// The bit within its word.
#[inline]
pub(crate) const fn mask_of(bit: u32) -> u64 {
    1 << (bit % BITS)
}

/// How many words so many bits take.
pub(crate) const fn words_for(bits: usize) -> usize {
    bits.div_ceil(64)
}

/// The members of a row of words in rising order.
pub(crate) fn members(words: impl IntoIterator<Item = u64>) -> impl Iterator<Item = u32> {
    words.into_iter().enumerate().flat_map(|(at, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(index(at) * BITS + bit)
        })
    })
}

impl BitSet {
    /// Room for so many bits.
    pub(crate) fn with_room(bits: usize) -> Self {
        Self { words: vec![0; words_for(bits)] }
    }

    /// True if the index is new.
    pub(crate) fn insert(&mut self, index: u32) -> bool {
        let at = word_of(index);
        if at >= self.words.len() {
            self.words.resize(at.saturating_add(1), 0);
        }
        let Some(word) = self.words.get_mut(at) else { return false };
        let new = *word & mask_of(index) == 0;
        *word |= mask_of(index);
        new
    }

    #[inline]
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.words.get(word_of(index)).is_some_and(|word| word & mask_of(index) != 0)
    }

    pub(crate) fn into_words(self) -> Vec<u64> {
        self.words
    }

    /// The members in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        members(self.words.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::BitSet;

    #[test]
    fn a_set_holds_what_was_put_in_across_word_borders() {
        let members = [0, 1, 63, 64, 65, 127, 128, 1000];
        let mut set = BitSet::default();
        assert!(members.iter().all(|&index| set.insert(index)));
        assert!(!members.iter().any(|&index| set.insert(index)));
        assert_eq!(set.iter().collect::<Vec<_>>(), members);
        assert!((0..2000).all(|index| set.contains(index) == members.contains(&index)));
    }
}
