//! Who a session or a token belongs to: any text, bounded, and its short fingerprint for keys.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};

/// The application's name for a user: 1 to 512 bytes of UTF-8, any characters.
///
/// It never becomes part of a key in a store, so `a:b`, `*` or a line break are harmless.
///
/// ```
/// use sso_core::UserId;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let user = UserId::new("张三:*{x}\n")?;
/// assert_eq!(user.as_str(), "张三:*{x}\n");
/// assert!(UserId::new("x".repeat(513)).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// The longest user id, in bytes.
    pub const BYTES_MAX: usize = 512;

    /// A user id from its text.
    ///
    /// # Errors
    /// `InvalidInput` if the text is empty or longer than [`UserId::BYTES_MAX`].
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "a user id must be 1 to 512 bytes long"));
        }
        Ok(Self(text))
    }

    /// The text as the application gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fingerprint under which stores keep all that belongs to this user.
    #[must_use]
    pub fn tag(&self) -> UserTag {
        let digest: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        let mut tag = [0; UserTag::BYTES];
        for (to, from) in tag.iter_mut().zip(digest) {
            *to = from;
        }
        UserTag(tag)
    }
}

impl FromStr for UserId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// The first 128 bits of SHA-256 of a user id, written as 32 lower-case hex digits.
///
/// Its first byte says which node of a Redis Cluster keeps the user. It is not a secret and not an identity: stores
/// compare the whole user id before they act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserTag([u8; Self::BYTES]);

impl UserTag {
    const BYTES: usize = 16;

    /// The tag as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Which of the 256 parts of a store the user belongs to: the first byte, the first two digits of the text.
    #[must_use]
    pub const fn bucket(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }

    /// Reads 32 lower-case hex digits and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != Self::BYTES || !rest.is_empty() {
            return None;
        }
        let mut tag = [0; Self::BYTES];
        for (to, [high, low]) in tag.iter_mut().zip(pairs) {
            *to = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(tag))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for UserTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
