//! A growing set of small numbers, one bit each. Absent words are zero, so an empty set owns no memory.

/// A set of indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BitSet {
    words: Vec<u64>,
}

const BITS: usize = 64;

impl BitSet {
    pub(crate) fn insert(&mut self, index: usize) {
        let at = index / BITS;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (index % BITS);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, index: usize) -> bool {
        self.words.get(index / BITS).is_some_and(|word| word >> (index % BITS) & 1 == 1)
    }

    pub(crate) fn union(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// The members in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        let bits = |word: u64| (0..BITS).filter(move |bit| word >> bit & 1 == 1);
        self.words.iter().enumerate().flat_map(move |(at, &word)| bits(word).map(move |bit| at * BITS + bit))
    }
}

#[cfg(test)]
mod tests {
    use super::BitSet;

    #[test]
    fn a_set_holds_what_was_put_in_across_word_borders() {
        let members = [0, 1, 63, 64, 65, 127, 128, 1000];
        let mut set = BitSet::default();
        members.iter().for_each(|&index| set.insert(index));
        assert_eq!(set.iter().collect::<Vec<_>>(), members);
        assert!((0..2000).all(|index| set.contains(index) == members.contains(&index)));
    }

    #[test]
    fn a_union_grows_and_loses_nothing() {
        let (mut short, mut long) = (BitSet::default(), BitSet::default());
        short.insert(3);
        long.insert(300);
        let mut other_way = long.clone();
        other_way.union(&short);
        short.union(&long);
        assert_eq!(short, other_way);
        assert_eq!(short.iter().collect::<Vec<_>>(), [3, 300]);
    }
}
