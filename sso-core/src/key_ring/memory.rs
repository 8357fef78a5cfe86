//! A ring in this process: for one server, and the specification of the other stores.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::key_ring::store::{KeptRing, KeyRingStore, Replaced};
use crate::store::BoxFuture;

/// Keeps a ring until the process ends.
///
/// ```
/// use sso_core::{KeyRingStore, MemoryKeyRingStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// assert_eq!(MemoryKeyRingStore::new().current().await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryKeyRingStore {
    kept: Mutex<Option<KeptRing>>,
}

impl MemoryKeyRingStore {
    /// A store that keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Option<KeptRing>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyRingStore for MemoryKeyRingStore {
    fn current<'a>(&'a self) -> BoxFuture<'a, Result<Option<KeptRing>, Error>> {
        Box::pin(async move { Ok(self.kept().clone()) })
    }

    fn replace<'a>(&'a self, from: u64, ring: &'a KeptRing) -> BoxFuture<'a, Result<Replaced, Error>> {
        Box::pin(async move {
            let mut kept = self.kept();
            if kept.as_ref().map_or(0, KeptRing::version) != from {
                return Ok(Replaced::Outrun);
            }
            *kept = Some(ring.clone());
            Ok(Replaced::Done)
        })
    }
}
