//! How a file that grows leaves the page cache behind it.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

/// The system is told after so many bytes.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// Follows a file that grows, and advises the system on what is behind its end.
#[derive(Debug, Default)]
pub(super) struct Trail {
    grown: Grown,
    /// The advice may have to wait for a slow disk. The file does not: it is told the rest afterwards.
    advising: Option<JoinHandle<()>>,
}

/// How far a file has grown.
#[derive(Debug, Default)]
struct Grown {
    written: u64,
    /// Up to here the system was told.
    told: u64,
}

impl Trail {
    /// `bytes` were appended.
    pub(super) fn grow(&mut self, file: &Arc<File>, bytes: usize) {
        self.grown.by(bytes);
        if self.advising.as_ref().is_none_or(JoinHandle::is_finished) {
            let told = self.grown.take().map(|range| (range, Arc::clone(file)));
            self.advising = told.map(|(range, file)| spawn_blocking(move || advise(&file, &range)));
        }
    }
}

impl Grown {
    fn by(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The range to advise on, once there is another piece. Its new part is not on the disk yet, and the advice begins
    /// to write it; the piece before was begun the last time, and leaves the cache.
    fn take(&mut self) -> Option<Range<u64>> {
        let pieces = self.written - self.written % PIECE_BYTES;
        if pieces == self.told {
            return None;
        }
        let before = std::mem::replace(&mut self.told, pieces);
        Some(before.saturating_sub(PIECE_BYTES)..pieces)
    }
}

/// A file system that does not take the advice keeps its pages, and the file is none the worse.
#[cfg(target_os = "linux")]
fn advise(file: &File, range: &Range<u64>) {
    let len = std::num::NonZeroU64::new(range.end - range.start);
    let _taken = rustix::fs::fadvise(file, range.start, len, rustix::fs::Advice::DontNeed);
}

/// Other systems write when they like.
#[cfg(not(target_os = "linux"))]
fn advise(_file: &File, _range: &Range<u64>) {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Every whole piece is named when it is complete, and once more with the next one.
        #[test]
        fn whole_pieces_are_named_twice(sizes in prop::collection::vec(0..12_000_000_usize, 1..40)) {
            let (mut grown, mut written, mut named) = (Grown::default(), 0_u64, 0_u64);
            for size in sizes {
                written += u64::try_from(size).unwrap();
                let complete = written / PIECE_BYTES * PIECE_BYTES;
                grown.by(size);
                match grown.take() {
                    None => prop_assert_eq!(complete, named),
                    Some(range) => {
                        prop_assert!(complete > named);
                        prop_assert_eq!(range, named.saturating_sub(PIECE_BYTES)..complete);
                        named = complete;
                    }
                }
            }
        }
    }
}
