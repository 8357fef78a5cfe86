//! Private keys sealed for a store that others can read: AES-256-GCM under a key of the application.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::edge;
use crate::error::{Error, ErrorKind};

/// A key of 256 bits that seals what a store must not learn. All servers have the same one, from the place where the
/// application keeps its secrets.
///
/// ```
/// use sso_core::SealKey;
///
/// assert_eq!(format!("{:?}", SealKey::new([7; 32])), "SealKey(..)");
/// ```
#[derive(Clone)]
pub struct SealKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl SealKey {
    /// A key from 32 bytes of a cryptographic random source.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self { bytes: Zeroizing::new(random) }
    }

    /// Seals a text together with the name of its place, so that it cannot be put anywhere else.
    pub(crate) fn seal(&self, place: &str, text: &str) -> Result<String, Error> {
        let nonce = edge::random::<NONCE_LEN>()?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(text.as_bytes());
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut *sealed)
            .map_err(|source| Error::with_source(ErrorKind::Unavailable, "nothing can be sealed", source))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Zeroizing<String>, Error> {
        let strange = || Error::new(ErrorKind::Corrupt, "what the store holds was not sealed here");
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| strange())?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(strange)?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let text = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut rest)
            .map_err(|source| {
                Error::with_source(
                    ErrorKind::Misuse,
                    "what the store holds is sealed with another key, or was changed: give all servers one seal key",
                    source,
                )
            })?;
        std::str::from_utf8(text).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| strange())
    }

    fn cipher(&self) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_slice())
            .map(LessSafeKey::new)
            .map_err(|source| Error::with_source(ErrorKind::Unavailable, "nothing can be sealed", source))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_only() {
        let key = SealKey::new([1; 32]);
        let sealed = key.seal("a", "private").unwrap();
        assert_eq!(*key.open("a", &sealed).unwrap(), "private");
        assert_ne!(key.seal("a", "private").unwrap(), sealed, "a nonce is used once");
        assert_eq!(key.open("b", &sealed).unwrap_err().kind(), ErrorKind::Misuse);
        assert_eq!(SealKey::new([2; 32]).open("a", &sealed).unwrap_err().kind(), ErrorKind::Misuse);
    }

    proptest! {
        #[test]
        fn any_text_is_opened_without_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,60}") {
            prop_assert!(SealKey::new([1; 32]).open("a", &text).is_err());
        }
    }
}
