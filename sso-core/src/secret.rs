//! The secret that a browser holds, and the key under which a store finds its session.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::session::SessionId;
use crate::user_id::{UserId, UserTag};

/// What a client shows to be recognised: the user's tag and 256 random bits.
///
/// Its text is `<32 hex digits>.<43 characters of base64url>`. It is wiped from memory when it is dropped,
/// compared in constant time, and never printed by `Debug`.
///
/// ```
/// use sso_core::{SessionSecret, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = SessionSecret::new(&UserId::new("alice")?, [7; 32]);
/// let text = secret.expose();
/// assert_eq!(text.len(), SessionSecret::TEXT_BYTES);
/// assert_eq!(SessionSecret::parse(&text), Some(secret));
/// assert_eq!(SessionSecret::parse("alice"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionSecret {
    tag: UserTag,
    random: Zeroizing<[u8; 32]>,
}

impl SessionSecret {
    /// How long the text is, always, in bytes.
    pub const TEXT_BYTES: usize = 76;

    /// A secret for a user from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(user: &UserId, random: [u8; 32]) -> Self {
        Self { tag: user.tag(), random: Zeroizing::new(random) }
    }

    /// Reads the text of a secret; `None` if it is not exactly such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        let (tag, random) = text.split_once('.')?;
        let tag = UserTag::parse(tag)?;
        // The room is for what base64 may ask, one group more than it fills.
        let mut room = Zeroizing::new([0; 33]);
        let filled = URL_SAFE_NO_PAD.decode_slice(random, room.as_mut_slice()).ok()?;
        let random = room.get(..filled)?.try_into().ok()?;
        Some(Self { tag, random: Zeroizing::new(random) })
    }

    /// The text for the client. Whoever holds it is signed in: it belongs into a cookie and nowhere else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let random = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.random.as_slice()));
        Zeroizing::new(format!("{}.{}", self.tag, *random))
    }

    /// The next secret of the same user's session, from 32 other bytes of a cryptographic random source.
    #[must_use]
    pub fn rotate(&self, random: [u8; 32]) -> Self {
        Self { tag: self.tag, random: Zeroizing::new(random) }
    }

    /// The key of this secret's session. The secret cannot be computed from it.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        // The tag is part of it: a text with another tag in front of the same random part opens nothing.
        let digest = Sha256::new().chain_update(self.tag.as_bytes()).chain_update(self.random.as_slice());
        SessionKey { tag: self.tag, digest: digest.finalize().into() }
    }
}

impl PartialEq for SessionSecret {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag && bool::from(self.random.ct_eq(other.random.as_slice()))
    }
}

impl Eq for SessionSecret {}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// Where a store keeps a session: the user's tag, and SHA-256 of the tag and the secret's random part.
///
/// A copy of a store holds keys only, and no key can be turned back into a cookie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    tag: UserTag,
    digest: [u8; 32],
}

impl SessionKey {
    /// The tag of the user whom the session belongs to.
    #[must_use]
    pub fn tag(&self) -> UserTag {
        self.tag
    }

    /// The digest as 43 characters of base64url.
    #[must_use]
    pub fn digest_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest)
    }

    /// Some bits of the digest: enough to tell most sessions apart.
    #[cfg(feature = "redis")]
    pub(crate) fn fingerprint(&self) -> u64 {
        self.digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// The public name of a session that begins under this key.
    #[must_use]
    pub fn id(&self) -> SessionId {
        SessionId::from_digest_text(&self.digest_text())
    }
}
