//! One part of the memory: two generations of entries, of which the older one goes when the younger one is full.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use crate::claims::Claims;
use crate::key_set::source::KeySource;
use crate::token::Verified;
use crate::token::verifier::Proof;

/// SHA-256 of the text of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenDigest(pub(crate) [u8; 32]);

/// A token that was verified, and with which key.
pub(crate) struct Kept {
    pub(crate) claims: Arc<Verified<Claims>>,
    pub(crate) proof: Proof,
}

/// Entries of tokens, at most twice `half`.
pub(crate) struct Shard {
    half: usize,
    young: Entries,
    old: Entries,
}

type Entries = HashMap<TokenDigest, Kept, BuildHasherDefault<FirstBytes>>;

impl Shard {
    pub(crate) fn new(half: usize) -> Self {
        Self { half, young: Entries::default(), old: Entries::default() }
    }

    /// The claims of a token whose key is still one of the keys.
    pub(crate) fn find(&mut self, digest: &TokenDigest, keys: &KeySource) -> Option<Arc<Verified<Claims>>> {
        if !self.young.contains_key(digest) {
            // Used again: it lives on with the young.
            let kept = self.old.remove(digest)?;
            self.keep(*digest, kept);
        }
        let kept = self.young.get_mut(digest)?;
        if kept.proof.generation != keys.generation() && !kept.proof.holds_again(keys) {
            self.young.remove(digest);
            return None;
        }
        Some(kept.claims.clone())
    }

    pub(crate) fn keep(&mut self, digest: TokenDigest, kept: Kept) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, kept);
    }

    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

impl Proof {
    /// Whether the key is still there under its name, now that the keys have changed.
    fn holds_again(&mut self, keys: &KeySource) -> bool {
        self.generation = keys.generation();
        keys.current().find(&self.kid) == Some(&self.key)
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// The first bytes of a digest are as good as any hash of it: only tokens that an issuer signed come in.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
