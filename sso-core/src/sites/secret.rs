//! What a client proves itself with, and what the registry keeps of it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::edge;
use crate::error::{Error, ErrorKind};

/// The secret of a client: text that a machine made, 32 to 256 visible ASCII characters.
///
/// It is wiped when it is dropped and never printed by `Debug`. Being random, it needs no slow hash.
///
/// ```
/// use sso_core::{ClientSecret, ClientSecretHash};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = ClientSecret::random()?;
/// let kept = secret.hash().to_text();
/// assert!(ClientSecretHash::parse(&kept)?.matches(secret.expose()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// The fewest characters of a secret.
    pub const CHARS_MIN: usize = 32;
    /// The most characters of a secret.
    pub const CHARS_MAX: usize = 256;

    /// A secret of 256 random bits, as 43 characters of base64url.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no random bytes.
    pub fn random() -> Result<Self, Error> {
        let random = Zeroizing::new(edge::random::<32>()?);
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()))))
    }

    /// A secret that was made elsewhere.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 32 to 256 visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, Error> {
        let fits = (Self::CHARS_MIN..=Self::CHARS_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(Zeroizing::new(text.to_owned())));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "a client secret must be 32 to 256 visible characters: let a machine make it",
        ))
    }

    /// The text, for the client's own configuration and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the registry keeps.
    #[must_use]
    pub fn hash(&self) -> ClientSecretHash {
        ClientSecretHash::of(&self.0)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// SHA-256 of a client's secret. The secret cannot be computed from it.
#[derive(Clone, Copy)]
pub struct ClientSecretHash([u8; 32]);

impl ClientSecretHash {
    /// Compared with when there is nobody: no text is known to have it.
    pub(crate) const NOBODY: Self = Self([0; 32]);

    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Reads 43 characters of base64url.
    ///
    /// # Errors
    /// `InvalidInput` if it is anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = || "the hash of a client secret is 43 characters of base64url";
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|source| Error::with_source(ErrorKind::InvalidInput, refused(), source))?;
        let hash = <[u8; 32]>::try_from(bytes).map_err(|_| Error::new(ErrorKind::InvalidInput, refused()))?;
        Ok(Self(hash))
    }

    /// The hash as 43 characters of base64url, for a configuration or a database.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether a text is the secret. The time it takes depends on the length of the text only.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        bool::from(self.0.ct_eq(&Self::of(text).0))
    }
}

impl fmt::Debug for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_matches_itself_only_and_is_not_printed() {
        let text = "0123456789abcdef0123456789abcdef";
        let secret = ClientSecret::new(text).unwrap();
        assert!(secret.hash().matches(text));
        assert!(!secret.hash().matches("0123456789abcdef0123456789abcdeF"));
        assert!(!secret.hash().matches(""));
        assert!(ClientSecret::new(text.trim_start_matches('0')).is_err());
        assert!(!format!("{secret:?}{:?}", secret.hash()).contains("0123"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{40,45}|\\PC{0,50}") {
            if let Ok(hash) = ClientSecretHash::parse(&text) {
                prop_assert_eq!(hash.to_text(), text);
            }
        }
    }
}
