//! What a file says about a key that a server presented.

use std::fmt;

use super::key::{Fingerprint, HostKey};
use super::line::KnownHost;

/// Whether a server is the one it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum HostVerdict {
    /// The key is on record for this host, or an authority on record vouches for it: go on.
    Known,
    /// Nothing is on record for this host. Compare the fingerprint over another channel, then add it.
    Unknown {
        /// Of the key that was presented.
        fingerprint: Fingerprint,
    },
    /// Other keys are on record: the server was rebuilt, or somebody stands in between.
    Changed {
        /// Of the key that was presented.
        fingerprint: Fingerprint,
        /// Of the keys on record.
        known: Vec<Fingerprint>,
    },
    /// The key, or the authority that signed for it, was revoked: never accept it.
    Revoked {
        /// Of the key that was revoked.
        fingerprint: Fingerprint,
    },
    /// An authority on record has signed, but the certificate is not good for this host now, and the key in
    /// it is not on record by itself: renew the certificate.
    Certificate {
        /// Of the key that was presented.
        fingerprint: Fingerprint,
        /// What is wrong.
        fault: CertificateFault,
    },
}

/// What is wrong with a host certificate of an authority on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The kind of signature is not supported, or not safe any more.
    SignatureAlgorithm,
    /// The signature is not the authority's.
    Signature,
    /// It is a certificate for users.
    NotForHosts,
    /// It is for other names, or for none.
    Name,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// It demands something that this crate does not know.
    CriticalOption,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignatureAlgorithm => "its kind of signature is not accepted",
            Self::Signature => "its signature is wrong",
            Self::NotForHosts => "it is for users",
            Self::Name => "it is for another name",
            Self::NotYetValid => "it is not valid yet",
            Self::Expired => "it has expired",
            Self::CriticalOption => "it has an unknown critical option",
        })
    }
}

/// A line for a log or a page.
impl fmt::Display for HostVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("the host key is known"),
            Self::Unknown { fingerprint } => write!(f, "host key {fingerprint} is not on record"),
            Self::Changed { fingerprint, known } => {
                write!(f, "host key {fingerprint} is not the one on record")?;
                known.iter().try_for_each(|key| write!(f, ", {key}"))
            }
            Self::Revoked { fingerprint } => write!(f, "host key {fingerprint} was revoked"),
            Self::Certificate { fingerprint, fault } => {
                write!(f, "the certificate of host key {fingerprint} is refused: {fault}")
            }
        }
    }
}

/// Judges a plain key by the lines about its host.
pub(crate) fn of_key(lines: &[&KnownHost], key: &HostKey) -> HostVerdict {
    let fingerprint = key.fingerprint();
    if lines.iter().any(|line| line.is_revoked() && line.key() == key) {
        return HostVerdict::Revoked { fingerprint };
    }
    let known: Vec<&HostKey> = lines.iter().filter(|line| line.is_plain()).map(|line| line.key()).collect();
    if known.contains(&key) {
        return HostVerdict::Known;
    }
    if known.is_empty() {
        return HostVerdict::Unknown { fingerprint };
    }
    HostVerdict::Changed { fingerprint, known: known.into_iter().map(HostKey::fingerprint).collect() }
}
