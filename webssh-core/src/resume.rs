//! The secret that brings a browser back into its session.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Proof that a browser owned a session before: 32 random bytes, made at the edge.
///
/// It is wiped when it is dropped, compared in constant time, and redacts itself.
///
/// ```
/// use webssh_core::ResumeToken;
///
/// let token = ResumeToken::from_bytes([7; 32]);
/// assert_eq!(token, ResumeToken::from_bytes([7; 32]));
/// assert_ne!(token, ResumeToken::none());
/// assert_eq!(format!("{token:?}"), "ResumeToken(…)");
/// ```
#[derive(Clone)]
pub struct ResumeToken(Zeroizing<[u8; Self::BYTES]>);

impl ResumeToken {
    /// The length of a token, in bytes.
    pub const BYTES: usize = 32;

    /// Takes 32 bytes from a cryptographic random number generator, or as they came over the wire.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Only zeros: what an observer gets. It resumes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::from_bytes([0; Self::BYTES])
    }

    /// The bytes, to be sent or hashed; they are a secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl PartialEq for ResumeToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for ResumeToken {}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(…)")
    }
}
