//! One line of a known_hosts file.

use super::key::HostKey;
use super::pattern::Names;

/// A usable line: names, a key, and what the line says of that key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    line: usize,
    names: Names,
    key: HostKey,
    marker: Marker,
}

/// The word after `@`, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

/// Why a line was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// A word after `@` that is neither `revoked` nor `cert-authority`.
    UnknownMarker,
    /// The names are missing or are no hash.
    Names,
    /// The key is missing, is not base64, or has another algorithm than the line says.
    Key,
}

impl KnownHost {
    /// The number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The key: of the host, or of the authority that signs for it.
    #[must_use]
    pub fn key(&self) -> &HostKey {
        &self.key
    }

    /// Whether the line says that the key must never be accepted (`@revoked`).
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.marker == Marker::Revoked
    }

    /// Whether the key signs certificates of hosts (`@cert-authority`). It is no host's own key then.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.marker == Marker::Authority
    }

    /// Whether the key is the host's own.
    pub(super) fn is_plain(&self) -> bool {
        self.marker == Marker::None
    }

    pub(super) fn is_about(&self, name: &str) -> bool {
        self.names.contain(name)
    }
}

/// Reads one line; comments and blank lines are `None`.
pub(super) fn parse(number: usize, line: &str) -> Result<Option<KnownHost>, SkipReason> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let Some(first) = fields.next().filter(|first| !first.starts_with('#')) else {
        return Ok(None);
    };
    let (marker, names) = match first {
        "@revoked" => (Marker::Revoked, fields.next()),
        "@cert-authority" => (Marker::Authority, fields.next()),
        _ if first.starts_with('@') => return Err(SkipReason::UnknownMarker),
        _ => (Marker::None, Some(first)),
    };
    let names = names.and_then(Names::parse).ok_or(SkipReason::Names)?;
    let algorithm = fields.next().ok_or(SkipReason::Key)?;
    let key = fields.next().and_then(HostKey::from_base64).ok_or(SkipReason::Key)?;
    if key.algorithm() != algorithm {
        return Err(SkipReason::Key);
    }
    Ok(Some(KnownHost { line: number, names, key, marker }))
}
