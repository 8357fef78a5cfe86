//! A fair draw: a permutation of 1 to n from a seed, one place at a time, without a list of n places.
//!
//! It is a Feistel network over the next power of four, walked until it lands inside (Black and Rogaway,
//! "Ciphers with Arbitrary Finite Domains", 2002). The numbers stay below 2^53, so that Redis Lua draws
//! the same.

use std::fmt;

use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 8;

/// The seed of a draw.
///
/// To let everybody check the draw, publish the SHA-256 of the 32 bytes before buyers join, and the bytes
/// when the sale is over. Who knows the bytes early can tell which number will be first, so `Debug` does
/// not print them.
///
/// ```
/// use seckill::gate::DrawSeed;
///
/// let seed = DrawSeed::new(&[7; 32]); // 32 random bytes
/// let mut ranks: Vec<_> = (1..=1000).filter_map(|number| seed.rank(number, 1000)).collect();
/// assert_ne!(ranks, (1..=1000).collect::<Vec<_>>());
/// ranks.sort();
/// assert_eq!(ranks, (1..=1000).collect::<Vec<_>>());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DrawSeed {
    keys: [u32; ROUNDS],
}

impl DrawSeed {
    /// A seed from 32 bytes of a cryptographic random source.
    pub fn new(seed: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::digest(seed).into();
        let mut keys = [0; ROUNDS];
        let (words, _) = digest.as_chunks::<4>();
        keys.iter_mut().zip(words).for_each(|(key, word)| *key = u32::from_be_bytes(*word));
        Self { keys }
    }

    /// The place that `number` draws among `of`, both counted from 1; `None` when `number` is not one of
    /// them.
    pub fn rank(&self, number: u32, of: u32) -> Option<u32> {
        let mut at = u64::from(number.checked_sub(1)?);
        if number > of {
            return None;
        }
        let half = half_bits(of);
        // The network permutes, so a walk from inside comes back inside.
        loop {
            at = self.pass(at, half);
            if at < u64::from(of) {
                return u32::try_from(at).ok()?.checked_add(1);
            }
        }
    }

    #[cfg(feature = "redis")]
    pub(super) fn keys(&self) -> [u32; ROUNDS] {
        self.keys
    }

    fn pass(&self, at: u64, half: u32) -> u64 {
        let mask = (1 << half) - 1;
        let (mut left, mut right) = (at >> half, at & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right, key.into()) & mask));
        }
        left << half | right
    }
}

/// Half the bits of the smallest power of four that has room for `of`.
fn half_bits(of: u32) -> u32 {
    (1..16).find(|half| 1u64 << (2 * half) >= u64::from(of)).unwrap_or(16)
}

/// Stirs 16 bits with a key into 32. No product passes 2^48.
fn mix(right: u64, key: u64) -> u64 {
    let word = (right * 0x9e37_79b1 + key) & 0xffff_ffff;
    let word = word ^ (word >> 15);
    let word = ((word & 0xffff) * 0x85eb_ca6b + (word >> 16)) & 0xffff_ffff;
    word ^ (word >> 13)
}

impl fmt::Debug for DrawSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawSeed(..)")
    }
}
