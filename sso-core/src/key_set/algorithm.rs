//! The algorithms of signatures (RFC 7518, section 3.1; RFC 8037, section 3.1).

use std::fmt;

/// How a key signs. It belongs to the key; what the header of a token says must agree with it.
///
/// ```
/// use sso_core::Algorithm;
///
/// assert_eq!(Algorithm::Rs256.name(), "RS256");
/// assert_eq!(Algorithm::parse("ES256"), Some(Algorithm::Es256));
/// assert_eq!(Algorithm::parse("none"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: verifies fastest, and everybody knows it.
    #[default]
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// ECDSA on P-256 with SHA-256: small keys and signatures. Whoever has a token can write a second one that says
    /// the same, so name tokens by their `jti`, not by their text.
    Es256,
    /// Ed25519: signs fastest.
    EdDsa,
    /// HMAC with SHA-256: whoever verifies can sign as well, so both must be the same party.
    Hs256,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa, Self::Hs256];

    /// The name in headers and key sets.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of a name, letter by letter; nothing for `none` and for any other name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
