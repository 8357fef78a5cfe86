//! Keys that are replaced by time or by command, shared by all servers of an issuer.
//!
//! The rule is in `rule`, the stores in `memory`, `directory` and `redis`.

pub(crate) mod directory;
pub(crate) mod memory;
pub(crate) mod policy;
mod record;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod rule;
#[cfg(feature = "redis")]
pub(crate) mod seal;
pub(crate) mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::key_ring::policy::KeyPolicy;
use crate::key_ring::rule::{Ring, Step, Wish};
use crate::key_ring::store::{KeptRing, KeyRingStore, Replaced};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::jwks::Jwks;
use crate::key_set::signing_key::SigningKey;
use crate::key_set::source::{KeySource, SigningSource};
use crate::off_thread::off_thread;
use crate::time::UnixMillis;

/// The keys of an issuer: one that signs, the next one, which everybody learns before its turn, and those that
/// have signed tokens which still live. A clone is the same ring.
///
/// All servers share a [`KeyRingStore`]. Each calls [`refresh`](Self::refresh) at least every
/// [`KeyPolicy::POLL_MAX`]: it loads what others have changed and, when it is time, turns the ring. Of several
/// servers that turn it at once, one wins and the others follow. While the store cannot be reached, a server goes on
/// with the keys that it has; if the store has lost the ring, a server that knows it puts it back.
///
/// An [`Issuer`](crate::Issuer), a [`Signer`](crate::Signer) or a [`Verifier`](crate::Verifier) that was made from
/// the ring follows it.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sso_core::{Algorithm, Issuer, KeyPolicy, KeyRing, MemoryKeyRingStore, Rotation, UnixMillis, Verifier};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let policy = KeyPolicy::new(Algorithm::Es256, Duration::from_secs(600))?;
/// let now = UnixMillis::now();
/// let ring = KeyRing::open(Arc::new(MemoryKeyRingStore::new()), policy, now).await?;
/// let issuer = Issuer::new("https://sso.example", &ring)?;
/// let verifier = Verifier::new("https://sso.example", "shop-api", &ring)?;
/// let before = ring.jwks()?;
///
/// // A month later the next key takes over. Whoever loaded the document before knows it already.
/// let later = now.saturating_add(Duration::from_secs(30 * 24 * 3600));
/// ring.refresh(later).await?;
/// let active = ring.keys().into_iter().find(|key| key.turn == sso_core::KeyTurn::Active { since: later });
/// assert!(active.is_some_and(|key| before.json.contains(&key.kid)));
/// assert_eq!(ring.keys().len(), 3);
/// # let _ = (issuer, verifier);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn KeyRingStore>,
    policy: KeyPolicy,
    known: Mutex<Known>,
    keys: KeySource,
    signing: SigningSource,
}

/// A ring and the text of it that a store has.
#[derive(Clone)]
struct Known {
    kept: KeptRing,
    ring: Ring,
}

/// One key of a ring, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingKey {
    /// Its name.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Whose turn it is.
    pub turn: KeyTurn,
}

/// Where a key stands in its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTurn {
    /// It is published and does not sign yet.
    Next {
        /// Since when it is published.
        since: UnixMillis,
    },
    /// It signs.
    Active {
        /// Since when.
        since: UnixMillis,
    },
    /// It signs no more; its tokens are still accepted.
    Retiring {
        /// When it leaves the ring.
        until: UnixMillis,
    },
}

/// What became of a command to rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rotation {
    /// The next key is active now.
    Done,
    /// Others may not have learned the next key yet, or too many keys are retiring: command it again at that time.
    /// If the active key is stolen, [`KeyRing::discard`] it instead.
    TooSoon {
        /// When it can be done.
        at: UnixMillis,
    },
}

/// What became of a command to discard a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Discarded {
    /// The key is gone, and no token of it is accepted any more on servers that have refreshed since.
    Done,
    /// The ring has no such key.
    NoSuchKey,
}

impl KeyRing {
    /// How often a server tries again when others change the ring at the same time.
    const TRIES_MAX: u32 = 16;

    /// Loads the ring of a store, or makes the first one.
    ///
    /// # Errors
    /// Those of the store; `Unavailable` if no key can be made.
    pub async fn open(
        store: Arc<dyn KeyRingStore>,
        policy: KeyPolicy,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let (known, _) = settle(&*store, &policy, || None, now, Wish::OnTime).await?;
        let keys = KeySource::with_document_age(known.ring.public()?, policy.jwks_max_age());
        let signing = known.ring.active().clone().into();
        Ok(Self { shared: Arc::new(Shared { store, policy, known: Mutex::new(known), keys, signing }) })
    }

    /// Loads what other servers have changed, and turns the ring if it is time.
    ///
    /// # Errors
    /// Those of the store; the ring goes on with the keys that it has.
    pub async fn refresh(&self, now: UnixMillis) -> Result<(), Error> {
        self.change(now, Wish::OnTime).await.map(|_| ())
    }

    /// Lets the next key take over before its time.
    ///
    /// # Errors
    /// Those of the store. After a transient error the outcome is unknown; the command can be repeated.
    pub async fn rotate(&self, now: UnixMillis) -> Result<Rotation, Error> {
        Ok(match self.change(now, Wish::Rotate).await? {
            Some(Step::TooSoon { at }) => Rotation::TooSoon { at },
            _ => Rotation::Done,
        })
    }

    /// Removes a key at once, whatever its turn, because it is known to be stolen: its tokens are refused from now
    /// on. If it is the active one, the next one takes over.
    ///
    /// # Errors
    /// Those of the store. After a transient error the outcome is unknown; the command can be repeated.
    pub async fn discard(&self, kid: &str, now: UnixMillis) -> Result<Discarded, Error> {
        Ok(match self.change(now, Wish::Discard(kid.to_owned())).await? {
            Some(Step::NoSuchKey) => Discarded::NoSuchKey,
            _ => Discarded::Done,
        })
    }

    /// The keys of the ring: the active one, the next one, then those that retire, oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<RingKey> {
        let known = self.known();
        known.ring.turns().map(|(key, turn)| RingKey::new(key, turn)).collect()
    }

    /// The document for `/.well-known/jwks.json`, with the time that the policy lets others keep it.
    ///
    /// # Errors
    /// As [`PublicKeySet::jwks`](crate::PublicKeySet::jwks).
    pub fn jwks(&self) -> Result<Jwks, Error> {
        self.shared.keys.jwks()
    }

    /// The policy of this server. All servers of a ring should have the same.
    #[must_use]
    pub fn policy(&self) -> &KeyPolicy {
        &self.shared.policy
    }

    async fn change(&self, now: UnixMillis, wish: Wish) -> Result<Option<Step>, Error> {
        let Shared { store, policy, .. } = &*self.shared;
        let mine = || Some(self.known().clone());
        let (known, refused) = settle(&**store, policy, mine, now, wish).await?;
        self.adopt(known)?;
        Ok(refused)
    }

    /// Takes over a ring, unless a call beside this one has taken over a later one.
    fn adopt(&self, known: Known) -> Result<(), Error> {
        let mut mine = self.known();
        if known.kept.version() < mine.kept.version() {
            return Ok(());
        }
        // Verifiers learn a key before anything is signed with it.
        self.shared.keys.replace(known.ring.public()?);
        if self.shared.signing.current().kid() != known.ring.active().kid() {
            self.shared.signing.replace(known.ring.active().clone());
        }
        *mine = known;
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings the store's ring up to date and carries the wish out; what was refused of it.
///
/// What is returned was read from the store: a ring of which nobody knows whether it won is never used.
async fn settle(
    store: &dyn KeyRingStore,
    policy: &KeyPolicy,
    mine: impl Fn() -> Option<Known>,
    now: UnixMillis,
    mut wish: Wish,
) -> Result<(Known, Option<Step>), Error> {
    for _ in 0..KeyRing::TRIES_MAX {
        let theirs = store.current().await?;
        let version = theirs.as_ref().map_or(0, KeptRing::version);
        let mine = mine();
        if let Some(lost) = mine.as_ref().filter(|mine| mine.kept.version() > version) {
            // The store has lost what it once kept: a replica took over, or somebody cleared it.
            store.replace(version, &lost.kept).await?.ignore();
            continue;
        }
        let Some(kept) = theirs else {
            let first = first_ring(policy.algorithm(), now).await?;
            store.replace(0, &record::write(&first)?).await?.ignore();
            continue;
        };
        let ring = match mine {
            Some(mine) if mine.kept == kept => mine.ring,
            _ => record::read(&kept)?,
        };
        let next = match rule::step(&ring, policy, now, &wish) {
            Step::Stay => return Ok((Known { kept, ring }, None)),
            refused @ (Step::TooSoon { .. } | Step::NoSuchKey) => {
                return Ok((Known { kept, ring }, Some(refused)));
            }
            Step::Shed(next) => next,
            Step::Turn(turn) => turn.with(fresh(policy.algorithm()).await?),
        };
        if store.replace(version, &record::write(&next)?).await? == Replaced::Done {
            wish = Wish::OnTime;
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "the key ring changed too often while it was changed").transient())
}

async fn fresh(algorithm: Algorithm) -> Result<SigningKey, Error> {
    off_thread(move || SigningKey::generate(algorithm)).await
}

async fn first_ring(algorithm: Algorithm, now: UnixMillis) -> Result<Ring, Error> {
    Ok(Ring::first(fresh(algorithm).await?, fresh(algorithm).await?, now))
}

impl RingKey {
    fn new(key: &SigningKey, turn: KeyTurn) -> Self {
        Self { kid: key.kid().to_owned(), algorithm: key.algorithm(), turn }
    }
}

impl From<&KeyRing> for KeySource {
    fn from(ring: &KeyRing) -> Self {
        ring.shared.keys.clone()
    }
}

impl From<&KeyRing> for SigningSource {
    fn from(ring: &KeyRing) -> Self {
        ring.shared.signing.clone()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("store", &self.shared.store)
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}
