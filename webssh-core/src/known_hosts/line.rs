//! One line of a known_hosts file.

use super::key::HostKey;
use super::pattern::Names;

/// A usable line: names, a key, and whether the key is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    line: usize,
    names: Names,
    key: HostKey,
    revoked: bool,
}

/// Why a line was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// A `@cert-authority` line: host certificates are not supported.
    CertAuthority,
    /// Another word after `@`.
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

    /// The key.
    #[must_use]
    pub fn key(&self) -> &HostKey {
        &self.key
    }

    /// Whether the line says that the key must never be accepted.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.revoked
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
    let (revoked, names) = match first {
        "@revoked" => (true, fields.next()),
        "@cert-authority" => return Err(SkipReason::CertAuthority),
        _ if first.starts_with('@') => return Err(SkipReason::UnknownMarker),
        _ => (false, Some(first)),
    };
    let names = names.and_then(Names::parse).ok_or(SkipReason::Names)?;
    let algorithm = fields.next().ok_or(SkipReason::Key)?;
    let key = fields.next().and_then(HostKey::from_base64).ok_or(SkipReason::Key)?;
    if key.algorithm() != algorithm {
        return Err(SkipReason::Key);
    }
    Ok(Some(KnownHost { line: number, names, key, revoked }))
}
