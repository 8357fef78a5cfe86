//! The text of a refresh token, its digest for stores, and how a child comes from its parent.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::refresh::names::{FamilyId, FamilyKey, decode};
use crate::user_id::{UserId, UserTag};

/// A refresh token: the user's tag, 128 random bits that its whole family shares, and 256 bits of its own.
///
/// Its text is `<32 hex digits>.<22 characters>.<43 characters>` of base64url. It is wiped from memory when it is
/// dropped, compared in constant time, and never printed by `Debug`.
///
/// A child's own bits are HMAC-SHA-256 of a random nonce under its parent's bits. So a store that keeps the nonce
/// and digests can give the same child to a client that lost the answer and shows the parent again, without
/// keeping a usable token. Neither the parent nor the nonce alone tells the child. Who has both a former token and
/// a copy of the store could compute the child until the next exchange replaces the nonce.
///
/// ```
/// use sso_core::{RefreshSecret, UserId};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = RefreshSecret::new(&UserId::new("alice")?, [1; 16], [7; 32]);
/// let text = secret.expose();
/// assert_eq!(text.len(), RefreshSecret::TEXT_BYTES);
/// assert_eq!(RefreshSecret::parse(&text), Some(secret));
/// assert_eq!(RefreshSecret::parse("alice"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RefreshSecret {
    tag: UserTag,
    handle: Zeroizing<[u8; 16]>,
    random: Zeroizing<[u8; 32]>,
}

impl RefreshSecret {
    /// How long the text is, always, in bytes.
    pub const TEXT_BYTES: usize = 99;

    /// The first secret of a family, from 48 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(user: &UserId, handle: [u8; 16], random: [u8; 32]) -> Self {
        Self { tag: user.tag(), handle: Zeroizing::new(handle), random: Zeroizing::new(random) }
    }

    /// Reads the text of a secret; `None` if it is not exactly such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        let (tag, rest) = text.split_once('.')?;
        let (handle, random) = rest.split_once('.')?;
        let tag = UserTag::parse(tag)?;
        Some(Self { tag, handle: Zeroizing::new(decode(handle)?), random: Zeroizing::new(decode(random)?) })
    }

    /// The text for the client. It belongs into the answer of a token endpoint and nowhere else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let handle = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.handle.as_slice()));
        let random = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.random.as_slice()));
        Zeroizing::new(format!("{}.{}.{}", self.tag, *handle, *random))
    }

    /// The key of this secret's family.
    #[must_use]
    pub fn family(&self) -> FamilyKey {
        FamilyKey::of(self.tag, FamilyId::of_handle(&self.handle))
    }

    /// What a store keeps of it. The secret cannot be computed from it.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.random.as_slice()).into())
    }

    /// The secret that this one is exchanged for under a nonce of 32 random bytes.
    #[must_use]
    pub fn child(&self, nonce: &[u8; 32]) -> Self {
        // A key is filled with zeros up to the block of the digest (RFC 2104, section 2).
        let mut key = Zeroizing::new([0; 64]);
        for (to, from) in key.iter_mut().zip(self.random.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new(key.as_slice().into());
        mac.update(b"gatehouse refresh child\0");
        mac.update(self.handle.as_slice());
        mac.update(nonce);
        let random = Zeroizing::new(mac.finalize().into_bytes().into());
        Self { tag: self.tag, handle: self.handle.clone(), random }
    }
}

impl PartialEq for RefreshSecret {
    fn eq(&self, other: &Self) -> bool {
        let handles = self.handle.ct_eq(other.handle.as_slice());
        self.tag == other.tag && bool::from(handles & self.random.ct_eq(other.random.as_slice()))
    }
}

impl Eq for RefreshSecret {}

impl fmt::Debug for RefreshSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSecret(..)")
    }
}

/// SHA-256 of a secret's own bits: what stores keep in place of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest as 43 characters of base64url.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alice() -> UserId {
        UserId::new("alice").unwrap()
    }

    #[test]
    fn a_child_depends_on_the_parent_the_family_and_the_nonce() {
        let parent = RefreshSecret::new(&alice(), [1; 16], [7; 32]);
        let child = parent.child(&[9; 32]);
        assert_eq!(child, parent.child(&[9; 32]));
        assert_eq!(child.family(), parent.family());
        let others = [
            parent.child(&[8; 32]),
            RefreshSecret::new(&alice(), [2; 16], [7; 32]).child(&[9; 32]),
            RefreshSecret::new(&alice(), [1; 16], [6; 32]).child(&[9; 32]),
            parent,
        ];
        for other in others {
            assert_ne!(other.digest(), child.digest());
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", RefreshSecret::new(&alice(), [1; 16], [7; 32])), "RefreshSecret(..)");
    }

    proptest! {
        #[test]
        fn a_secret_is_read_as_it_was_written(handle: [u8; 16], random: [u8; 32]) {
            let secret = RefreshSecret::new(&alice(), handle, random);
            prop_assert_eq!(RefreshSecret::parse(&secret.expose()), Some(secret));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "[0-9a-f]{32}\\.[A-Za-z0-9_=-]{22}\\.[A-Za-z0-9_.-]{43}|\\PC{0,120}") {
            if let Some(secret) = RefreshSecret::parse(&text) {
                let written = secret.expose();
                prop_assert_eq!(written.as_str(), text.as_str());
            }
        }
    }
}
