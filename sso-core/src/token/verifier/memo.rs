//! Headers that were read before: all tokens of a key have the same one, so its text is compared, not parsed again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::key_set::verifying_key::VerifyingKey;

/// Headers whose tokens were verified, and their keys. A clone is the same memo.
///
/// INVARIANT: a header comes in only after a signature over it was found right, so strangers cannot fill it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo(Arc<RwLock<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    generation: u64,
    headers: Vec<(Box<str>, Arc<str>, VerifyingKey)>,
}

impl Memo {
    /// As many as a key set has keys; a header of another spelling is parsed each time once it is full.
    const HEADERS_MAX: usize = 16;

    /// The kid and the key of a header, if it was kept while the keys were the same.
    pub(crate) fn find(&self, header: &str, generation: u64) -> Option<(Arc<str>, VerifyingKey)> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.headers.iter().find(|(text, ..)| **text == *header);
        found.filter(|_| kept.generation == generation).map(|(_, kid, key)| (kid.clone(), key.clone()))
    }

    /// Keeps a header that was parsed, for this generation of keys.
    pub(crate) fn keep(&self, header: &str, generation: u64, kid: &Arc<str>, key: &VerifyingKey) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.generation < generation {
            *kept = Kept { generation, headers: Vec::new() };
        }
        let is_known = kept.headers.iter().any(|(text, ..)| **text == *header);
        if kept.generation == generation && !is_known && kept.headers.len() < Self::HEADERS_MAX {
            kept.headers.push((header.into(), kid.clone(), key.clone()));
        }
    }
}
