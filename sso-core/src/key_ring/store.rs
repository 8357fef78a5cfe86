//! What a ring asks of the place where all servers of an issuer keep it.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::store::BoxFuture;

/// Keeps one ring, for all servers. Every verb is one atomic step.
///
/// [`MemoryKeyRingStore`](crate::MemoryKeyRingStore) is the specification.
///
/// # Errors
/// Every verb fails with `Unavailable` if the store does not answer, with `Corrupt` if it holds something else, and
/// with `Misuse` if it may not be read or if others could read it.
pub trait KeyRingStore: Send + Sync + fmt::Debug {
    /// The ring that is kept, if any.
    fn current<'a>(&'a self) -> BoxFuture<'a, Result<Option<KeptRing>, Error>>;

    /// Keeps another ring in place of the one of version `from`, 0 for none; does nothing if another one is kept.
    fn replace<'a>(&'a self, from: u64, ring: &'a KeptRing) -> BoxFuture<'a, Result<Replaced, Error>>;
}

/// A ring as text, with the private keys in it. It is wiped when it is dropped, and never printed.
#[derive(Clone)]
pub struct KeptRing {
    version: u64,
    text: Zeroizing<String>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// It is kept.
    Done,
    /// Somebody else was faster: look at what is kept now.
    Outrun,
}

impl Replaced {
    /// For those who look at what is kept in either case.
    pub(crate) fn ignore(self) {}
}

impl KeptRing {
    /// The longest text, in bytes: 16 large keys.
    pub const TEXT_BYTES_MAX: usize = 256 * 1024;

    /// A ring from what a store holds. The text is not read yet.
    ///
    /// # Errors
    /// `Corrupt` if it is longer than [`KeptRing::TEXT_BYTES_MAX`] or has the version 0.
    pub fn new(version: u64, text: Zeroizing<String>) -> Result<Self, Error> {
        if version == 0 || text.len() > Self::TEXT_BYTES_MAX {
            return Err(Error::new(ErrorKind::Corrupt, "the store holds something else than a key ring"));
        }
        Ok(Self { version, text })
    }

    /// How often the ring has changed; the first ring is 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The text, for a store that nobody else can read or that seals it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl PartialEq for KeptRing {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && bool::from(self.text.as_bytes().ct_eq(other.text.as_bytes()))
    }
}

impl Eq for KeptRing {}

impl fmt::Debug for KeptRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRing").field("version", &self.version).finish_non_exhaustive()
    }
}
