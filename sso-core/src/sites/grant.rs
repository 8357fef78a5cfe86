//! One-shot grants: a secret that a browser carries to a client, and what the store keeps for it.
//!
//! A ticket and an authorization code are both such grants. What they must be presented with is one digest.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::refresh::names::ClientId;
use crate::session::SessionId;
use crate::user_id::UserId;

/// What a browser carries: the session's public name and 256 random bits.
///
/// Its text is `<16 characters>.<43 characters>` of base64url. It is wiped when it is dropped, compared in
/// constant time and never printed by `Debug`.
#[derive(Clone)]
pub struct GrantSecret {
    session: SessionId,
    random: Zeroizing<[u8; 32]>,
}

impl GrantSecret {
    /// How long the text is, always, in bytes.
    pub const TEXT_BYTES: usize = 60;

    /// A secret from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(session: SessionId, random: [u8; 32]) -> Self {
        Self { session, random: Zeroizing::new(random) }
    }

    /// Reads the text of a secret; `None` if it is not exactly such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        let (session, random) = text.split_once('.')?;
        let session = session_id(session)?;
        let mut room = Zeroizing::new([0; 33]);
        let filled = URL_SAFE_NO_PAD.decode_slice(random, room.as_mut_slice()).ok()?;
        let random = room.get(..filled)?.try_into().ok()?;
        Some(Self { session, random: Zeroizing::new(random) })
    }

    /// The text for the browser.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let random = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.random.as_slice()));
        Zeroizing::new(format!("{}.{}", self.session, *random))
    }

    /// Where a store keeps the grant.
    #[must_use]
    pub fn key(&self) -> GrantKey {
        GrantKey { session: self.session.clone(), digest: Sha256::digest(self.random.as_slice()).into() }
    }
}

impl PartialEq for GrantSecret {
    fn eq(&self, other: &Self) -> bool {
        self.session == other.session && bool::from(self.random.ct_eq(other.random.as_slice()))
    }
}

impl Eq for GrantSecret {}

impl fmt::Debug for GrantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantSecret(..)")
    }
}

/// The public name of a session from its text; `None` if it is none.
pub(crate) fn session_id(text: &str) -> Option<SessionId> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (text.len() == SessionId::CHARS && text.bytes().all(word)).then(|| SessionId::from_digest_text(text))
}

/// Where a store keeps a grant: its session and SHA-256 of the secret's random part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    session: SessionId,
    digest: [u8; 32],
}

impl GrantKey {
    /// The session in which the grant was given.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// The digest as 43 characters of base64url.
    #[must_use]
    pub fn digest_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest)
    }

    /// The first and the last key that a grant of a session can have.
    pub(crate) fn all_of(session: &SessionId) -> (Self, Self) {
        let key = |digest| Self { session: session.clone(), digest };
        (key([0; 32]), key([u8::MAX; 32]))
    }
}

/// What a grant must be presented with, besides by its client: its kind, the address that it was sent to, and
/// the challenge that the client gave beforehand (RFC 7636). One SHA-256 over all three.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GrantBinding([u8; 32]);

impl GrantBinding {
    /// The binding of a kind of grant. An absent challenge is another one than any that is there.
    #[must_use]
    pub fn new(kind: GrantKind, return_url: &str, challenge: Option<&str>) -> Self {
        let kind = match kind {
            GrantKind::Ticket => "ticket",
            GrantKind::Code => "code",
        };
        let mut digest = Sha256::new();
        for part in [kind, return_url, challenge.unwrap_or_default()] {
            digest.update(part.as_bytes());
            // No part holds a zero byte that could move the border: addresses and challenges are visible ASCII.
            digest.update([0]);
        }
        Self(digest.finalize().into())
    }

    /// The binding as 43 characters of base64url.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for GrantBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantBinding(..)")
    }
}

/// What a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrantKind {
    /// For a site of the house: see [`Tickets`](crate::Tickets).
    Ticket,
    /// For an OAuth client: an authorization code (RFC 6749, section 4.1).
    Code,
}

/// A grant that is not in a store yet.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Where it will be kept.
    pub(crate) key: GrantKey,
    /// Who may present it.
    pub(crate) client: ClientId,
    /// What it must be presented with.
    pub(crate) binding: GrantBinding,
    /// Who is signed in.
    pub(crate) user: UserId,
    /// What the presenter learns, as JSON.
    pub(crate) body: String,
    /// How long it can be redeemed.
    pub(crate) life: Duration,
    /// How long to remember who took part in the session.
    pub(crate) session_kept: Duration,
}

impl NewGrant {
    /// The longest body, in bytes.
    pub const BODY_BYTES_MAX: usize = 8 * 1024;
    /// The longest life.
    pub const LIFE_MAX: Duration = Duration::from_secs(600);

    /// How long it is remembered who took part in a session, unless [`session_kept`](Self::session_kept) says
    /// otherwise: a day.
    pub const SESSION_KEPT_DEFAULT: Duration = Duration::from_secs(24 * 3600);

    /// A grant for a client, kept under a key.
    ///
    /// # Errors
    /// `InvalidInput` if the body is longer than [`NewGrant::BODY_BYTES_MAX`] or the life is not 1 ms to
    /// [`NewGrant::LIFE_MAX`].
    pub fn new(
        key: GrantKey,
        client: ClientId,
        binding: GrantBinding,
        user: UserId,
        body: String,
        life: Duration,
    ) -> Result<Self, Error> {
        if body.len() > Self::BODY_BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "a grant carries at most 8192 bytes"));
        }
        if life < Duration::from_millis(1) || life > Self::LIFE_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "a grant lives 1 ms to ten minutes"));
        }
        Ok(Self { key, client, binding, user, body, life, session_kept: Self::SESSION_KEPT_DEFAULT })
    }

    /// Remembers for so long who took part in the session: at least as long as it can last.
    #[must_use]
    pub fn session_kept(mut self, kept: Duration) -> Self {
        self.session_kept = kept;
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_binding_is_of_its_kind_its_address_and_its_challenge() {
        let of = GrantBinding::new;
        let all = [
            of(GrantKind::Ticket, "https://a/", None),
            of(GrantKind::Code, "https://a/", None),
            of(GrantKind::Code, "https://b/", None),
            of(GrantKind::Code, "https://a/", Some("x")),
            of(GrantKind::Code, "https://a/x", None),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(all.iter().skip(place + 1).all(|other| one != other), "{place}");
        }
        assert!(of(GrantKind::Code, "https://a/", None) == all[1]);
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(name in "[A-Za-z0-9_-]{16}", random in any::<[u8; 32]>()) {
            let secret = GrantSecret::new(session_id(&name).unwrap(), random);
            prop_assert_eq!(secret.expose().len(), GrantSecret::TEXT_BYTES);
            prop_assert_eq!(GrantSecret::parse(&secret.expose()), Some(secret));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{16}[.][A-Za-z0-9_-]{43}|\\PC{0,70}") {
            if let Some(secret) = GrantSecret::parse(&text) {
                prop_assert_eq!(secret.expose().to_string(), text);
            }
        }
    }
}
