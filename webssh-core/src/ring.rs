//! A bounded buffer of output, addressed by the sequence number of each byte.
//!
//! Bytes stay until the terminal has consumed them, also after they were sent: a browser that comes
//! back can be given them again.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Output bytes `start..end`, never more than a fixed number of them.
#[derive(Debug)]
pub(crate) struct Ring {
    start: u64,
    bytes: VecDeque<u8>,
    bytes_max: usize,
}

impl Ring {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { start: 0, bytes: VecDeque::new(), bytes_max }
    }

    /// The number that the next pushed byte will have.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(count(self.bytes.len()))
    }

    /// How many bytes fit now.
    pub(crate) fn room(&self) -> usize {
        self.bytes_max - self.bytes.len()
    }

    /// Takes all of `bytes`, or nothing when they do not fit.
    #[must_use]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= self.room();
        if fits {
            self.bytes.extend(bytes);
        }
        fits
    }

    /// Drops everything before byte `seq`.
    pub(crate) fn release(&mut self, seq: u64) {
        let seq = seq.clamp(self.start, self.end());
        let gone = usize::try_from(seq - self.start).unwrap_or(usize::MAX);
        self.bytes.drain(..gone.min(self.bytes.len()));
        self.start = seq;
    }

    /// Copies up to `len_max` bytes from byte `seq` on.
    pub(crate) fn copy(&self, seq: u64, len_max: usize) -> Bytes {
        let skip = usize::try_from(seq.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let skip = skip.min(self.bytes.len());
        let len = len_max.min(self.bytes.len() - skip);
        let mut out = BytesMut::with_capacity(len);
        let (front, back) = self.bytes.as_slices();
        let from_front = front.get(skip..).unwrap_or_default();
        let from_back = back.get(skip.saturating_sub(front.len())..).unwrap_or_default();
        out.extend_from_slice(from_front.get(..len).unwrap_or(from_front));
        let rest = len - out.len();
        out.extend_from_slice(from_back.get(..rest).unwrap_or(from_back));
        out.freeze()
    }
}

/// A length as a distance between sequence numbers.
pub(crate) fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// The ring answers as a plain vector of everything ever pushed would.
        #[test]
        fn behaves_like_the_whole_stream(steps in prop::collection::vec((0..3_u8, 0..60_usize), 1..80)) {
            let mut ring = Ring::new(100);
            let mut all: Vec<u8> = Vec::new();
            let mut start = 0_usize;
            for (step, n) in steps {
                match step {
                    0 => {
                        let bytes: Vec<u8> = (0..n).map(|i| u8::try_from((all.len() + i) % 251).unwrap()).collect();
                        let fits = all.len() - start + n <= 100;
                        prop_assert_eq!(ring.push(&bytes), fits);
                        if fits { all.extend(bytes); }
                    }
                    1 => {
                        ring.release(count(start + n));
                        start = (start + n).min(all.len());
                    }
                    _ => {
                        let from = start + n % (all.len() - start + 1);
                        let to = (from + n).min(all.len());
                        prop_assert_eq!(&ring.copy(count(from), n)[..], &all[from..to]);
                    }
                }
                prop_assert_eq!(ring.end(), count(all.len()));
                prop_assert_eq!(ring.room(), 100 - (all.len() - start));
            }
        }
    }
}
