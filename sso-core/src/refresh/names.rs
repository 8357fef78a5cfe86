//! The names around a family: its own, its client's, and the words of its scope.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::user_id::{UserId, UserTag};

/// The public name of a family: 128 bits of the digest of what its secrets share, as 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId([u8; 16]);

impl FamilyId {
    pub(crate) fn of_handle(handle: &[u8; 16]) -> Self {
        let digest: [u8; 32] = Sha256::digest(handle).into();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Self(id)
    }

    /// Reads a name; `None` if it is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FamilyId({self})")
    }
}

/// Exactly sixteen bytes of strict base64url.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The room is for what base64 may ask, a group more than it fills.
    let mut room = zeroize::Zeroizing::new([0; 36]);
    let filled = URL_SAFE_NO_PAD.decode_slice(text, room.as_mut_slice()).ok()?;
    room.get(..filled)?.try_into().ok()
}

/// Where a store keeps a family: the user's tag and the family's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyKey {
    tag: UserTag,
    id: FamilyId,
}

impl FamilyKey {
    /// The key of a user's family, as a list named it.
    #[must_use]
    pub fn new(user: &UserId, id: FamilyId) -> Self {
        Self::of(user.tag(), id)
    }

    pub(crate) const fn of(tag: UserTag, id: FamilyId) -> Self {
        Self { tag, id }
    }

    /// The tag of the user whom the family belongs to.
    #[must_use]
    pub fn tag(&self) -> UserTag {
        self.tag
    }

    /// The family's name.
    #[must_use]
    pub fn id(&self) -> FamilyId {
        self.id
    }
}

/// The name of a client (RFC 6749, section 2.2): 1 to 256 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The longest client id, in bytes.
    pub const BYTES_MAX: usize = 256;

    /// A client id from its text.
    ///
    /// # Errors
    /// `InvalidInput` if the text is empty or longer than [`ClientId::BYTES_MAX`].
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidInput, "a client id must be 1 to 256 bytes long"));
        }
        Ok(Self(text))
    }

    /// The text as the application gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is granted: words with one space between them (RFC 6749, section 3.3), each once.
///
/// ```
/// use sso_core::Scope;
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let granted = Scope::new("read write")?;
/// assert!(granted.covers(&Scope::new("write")?));
/// assert!(!granted.covers(&Scope::new("write admin")?));
/// assert!(Scope::new("read  write").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(String);

impl Scope {
    /// The longest scope, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// A scope from its text.
    ///
    /// # Errors
    /// `InvalidInput` if the text is empty or longer than [`Scope::BYTES_MAX`], if a word is empty, comes twice or
    /// holds anything but printable ASCII without `"` and `\`.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        let mut words: Vec<&str> = text.split(' ').collect();
        let are_plain = words.iter().all(|word| !word.is_empty() && word.bytes().all(plain));
        words.sort_unstable();
        if !are_plain || text.len() > Self::BYTES_MAX || words.array_windows().any(|[one, next]| one == next)
        {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a scope must be words of printable ASCII, each once, with one space between them, at most 1024 bytes",
            ));
        }
        Ok(Self(text))
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every word of another scope is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.split(' ').all(|word| self.0.split(' ').any(|ours| ours == word))
    }
}
