//! Numbers from a seed.

/// SplitMix64: the same seed, the same world.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(end).unwrap()).unwrap()
    }

    /// A length from 1 to `max`: often tiny, sometimes the longest.
    pub(crate) fn size(&mut self, max: usize) -> usize {
        match self.below(8) {
            0..4 => 1 + self.below(8.min(max)),
            4..7 => 1 + self.below(max.min(3000)),
            _ => max,
        }
    }
}
