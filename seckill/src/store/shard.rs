//! One shard of a sale in this process: its keys, its slot, and the highest step that was seen of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::slot;
use crate::ids::SaleId;

/// The parts of a shard, in the order of `KEYS`.
pub(crate) const PARTS: [&str; 5] = ["numbers", "buyers", "wins", "changes", "restocks"];

/// One shard of a sale. Its keys carry one hash tag, so they are in one slot and a script sees them all.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) index: u16,
    pub(crate) slot: u16,
    keys: [String; 5],
    seen: AtomicU64,
}

impl Shard {
    /// Shard `index` of `count`.
    pub(crate) fn new(sale: &SaleId, index: u16, count: u16) -> Self {
        let tag = tag(sale, index, count);
        let slot = slot::of_tag(&tag);
        let keys = PARTS.map(|part| key(&tag, part));
        Self { index, slot, keys, seen: AtomicU64::new(0) }
    }

    /// The keys, in the order of [`PARTS`].
    pub(crate) fn keys(&self) -> &[String; 5] {
        &self.keys
    }

    /// The highest step that this process has seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Notes the step that an answer belongs to.
    pub(crate) fn see(&self, step: u64) {
        self.seen.fetch_max(step, Ordering::AcqRel);
    }
}

/// The hash tag of shard `index` of `count`. A sale that is whole has no number in it.
pub(crate) fn tag(sale: &SaleId, index: u16, count: u16) -> String {
    if count == 1 { format!("gh:sale:{sale}") } else { format!("gh:sale:{sale}:{index}") }
}

/// The key of one part of a shard.
pub(crate) fn key(tag: &str, part: &str) -> String {
    format!("{{{tag}}}:{part}")
}
