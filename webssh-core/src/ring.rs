//! A bounded buffer of output, addressed by the sequence number of each byte.
//!
//! Bytes stay after they were sent: a browser that comes back can be given them again. Which of them may
//! be dropped for new ones, the caller says with each push.

use std::collections::VecDeque;

use bytes::BytesMut;

use crate::utf8::torn_head;

/// The smallest buffer worth allocating, in bytes.
const CAPACITY_MIN: usize = 512;

/// Output bytes `start..end`, never more than a fixed number of them.
#[derive(Debug)]
pub(crate) struct Ring {
    start: u64,
    bytes: VecDeque<u8>,
    bytes_max: usize,
    /// The most bytes held since the last [`Ring::trim`].
    peak: usize,
}

impl Ring {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { start: 0, bytes: VecDeque::new(), bytes_max, peak: 0 }
    }

    /// The number of the oldest byte held.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The number that the next pushed byte will have.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(count(self.bytes.len()))
    }

    /// How many bytes fit now, if those before byte `keep_from` may go.
    pub(crate) fn room(&self, keep_from: u64) -> usize {
        let kept = self.end() - keep_from.clamp(self.start, self.end());
        self.bytes_max - usize::try_from(kept).unwrap_or(self.bytes_max)
    }

    /// Takes all of `bytes`, or nothing when they do not fit. The oldest bytes go for them, but none from
    /// byte `keep_from` on.
    #[must_use]
    pub(crate) fn push(&mut self, bytes: &[u8], keep_from: u64) -> bool {
        if bytes.len() > self.room(keep_from) {
            return false;
        }
        // INVARIANT: `room` has counted the kept bytes, so what is over lies before them.
        let over = (self.bytes.len() + bytes.len()).saturating_sub(self.bytes_max);
        self.drop_front(over);
        grow(&mut self.bytes, bytes.len(), self.bytes_max);
        self.bytes.extend(bytes);
        self.peak = self.peak.max(self.bytes.len());
        true
    }

    /// Drops everything before byte `seq`.
    pub(crate) fn release(&mut self, seq: u64) {
        let gone = seq.clamp(self.start, self.end()) - self.start;
        self.drop_front(usize::try_from(gone).unwrap_or(usize::MAX));
    }

    /// Appends up to `len_max` bytes from byte `seq` on. Nothing is appended for a byte that is gone.
    pub(crate) fn append_to(&self, out: &mut BytesMut, seq: u64, len_max: usize) {
        let Some(skip) = seq.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok()) else {
            return;
        };
        let (front, back) = self.bytes.as_slices();
        let from_front = front.get(skip..).unwrap_or_default();
        let from_front = from_front.get(..len_max).unwrap_or(from_front);
        out.extend_from_slice(from_front);
        let from_back = back.get(skip.saturating_sub(front.len())..).unwrap_or_default();
        let rest = len_max - from_front.len();
        out.extend_from_slice(from_back.get(..rest).unwrap_or(from_back));
    }

    /// The first byte at or after `seq` that is held and does not lie inside a character that began before.
    pub(crate) fn char_edge(&self, seq: u64) -> u64 {
        let seq = seq.clamp(self.start, self.end());
        let mut head = BytesMut::new();
        self.append_to(&mut head, seq, 4);
        seq.saturating_add(count(torn_head(&head)))
    }

    /// Gives memory back that was not needed since the last call.
    pub(crate) fn trim(&mut self) {
        let needed = self.peak.max(CAPACITY_MIN);
        if self.bytes.capacity() >= needed.saturating_mul(2) {
            self.bytes.shrink_to(needed);
        }
        self.peak = self.bytes.len();
    }

    /// The bytes of memory behind this buffer.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    fn drop_front(&mut self, len: usize) {
        let len = len.min(self.bytes.len());
        self.bytes.drain(..len);
        self.start = self.start.saturating_add(count(len));
    }
}

/// Makes place for `more` bytes: at least doubles the buffer, and goes above `bytes_max` only if it must.
pub(crate) fn grow(buffer: &mut VecDeque<u8>, more: usize, bytes_max: usize) {
    let needed = buffer.len().saturating_add(more);
    if needed > buffer.capacity() {
        let doubled = buffer.capacity().saturating_mul(2).max(CAPACITY_MIN).min(bytes_max);
        buffer.reserve_exact(needed.max(doubled) - buffer.len());
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

    const BYTES_MAX: usize = 100;

    fn copy(ring: &Ring, seq: u64, len_max: usize) -> Vec<u8> {
        let mut out = BytesMut::new();
        ring.append_to(&mut out, seq, len_max);
        out.to_vec()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// The ring answers as a plain vector of everything ever pushed would.
        #[test]
        fn behaves_like_the_whole_stream(
            steps in prop::collection::vec((0..5_u8, 0..130_usize, 0..130_usize), 1..80),
        ) {
            let mut ring = Ring::new(BYTES_MAX);
            let mut all: Vec<u8> = Vec::new();
            let mut start = 0_usize;
            for (step, n, back) in steps {
                match step {
                    0 | 1 => {
                        let bytes: Vec<u8> = (0..n).map(|i| u8::try_from((all.len() + i) % 251).unwrap()).collect();
                        let keep_from = all.len().saturating_sub(back);
                        let fits = all.len() - keep_from.max(start) + n <= BYTES_MAX;
                        prop_assert_eq!(ring.push(&bytes, count(keep_from)), fits);
                        if fits {
                            all.extend(bytes);
                            prop_assert!(ring.start() <= count(keep_from.max(start)), "nothing kept is dropped");
                            start = start.max(all.len().saturating_sub(BYTES_MAX));
                        }
                    }
                    2 => {
                        ring.release(count(start + n));
                        start = (start + n).min(all.len());
                    }
                    3 => ring.trim(),
                    _ => {
                        let from = start + n % (all.len() - start + 1);
                        let to = (from + back).min(all.len());
                        prop_assert_eq!(&copy(&ring, count(from), back)[..], &all[from..to]);
                    }
                }
                prop_assert_eq!((ring.start(), ring.end()), (count(start), count(all.len())));
                prop_assert_eq!(ring.room(0), BYTES_MAX - (all.len() - start));
                prop_assert_eq!(ring.room(u64::MAX), BYTES_MAX);
                prop_assert!(ring.memory() <= BYTES_MAX);
            }
        }
    }

    #[test]
    fn what_is_kept_is_not_dropped_and_what_is_gone_is_not_copied() {
        let mut ring = Ring::new(10);
        assert!(ring.push(b"0123456789", 0));
        assert!(!ring.push(b"ab", 1), "only one byte may go");
        assert!(ring.push(b"ab", 2));
        assert_eq!((ring.start(), ring.end()), (2, 12));
        assert_eq!(copy(&ring, 2, 99), b"23456789ab");
        assert_eq!(copy(&ring, 1, 99), b"", "byte 1 is gone");
        assert_eq!(copy(&ring, 12, 99), b"");
    }

    #[test]
    fn an_edge_lies_between_characters() {
        let mut ring = Ring::new(64);
        assert!(ring.push("a€b".as_bytes(), 0));
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(|seq| ring.char_edge(seq)), [0, 1, 4, 4, 4, 5, 5]);
    }

    #[test]
    fn memory_comes_with_output_and_goes_when_it_was_not_needed() {
        let mut ring = Ring::new(256 << 10);
        assert_eq!(ring.memory(), 0, "a silent shell costs nothing");
        assert!(ring.push(&[b'y'; 200 << 10], 0));
        ring.release(200 << 10);
        ring.trim();
        assert!(ring.memory() >= 200 << 10, "it was needed since the last call");
        assert!(ring.push(&[b'y'; 100], 0));
        ring.trim();
        assert!(ring.memory() <= 1024, "{}", ring.memory());
        assert_eq!(copy(&ring, 200 << 10, 200), [b'y'; 100]);
    }
}
