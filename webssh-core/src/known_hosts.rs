//! Host keys and the known_hosts file: is this server the one it was before?
//!
//! The format is OpenSSH's (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain, wildcard and negated
//! patterns, `[host]:port`, hashed names (`|1|`) and `@revoked`. A line that cannot be used is skipped
//! and reported, `@cert-authority` lines among them.

mod key;
mod line;
mod pattern;

use crate::error::{Error, Inner};
pub use key::{Fingerprint, HostKey};
pub use line::{KnownHost, SkipReason};

/// A parsed known_hosts file.
///
/// ```
/// use webssh_core::{HostVerdict, KnownHosts};
///
/// # let text = "[127.0.0.1]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
/// let hosts = KnownHosts::parse(text)?;
/// let seen = hosts.matching("127.0.0.1", 2222).next().unwrap().key();
/// assert!(matches!(hosts.verdict("127.0.0.1", 2222, seen), HostVerdict::Known));
/// assert!(matches!(hosts.verdict("127.0.0.1", 22, seen), HostVerdict::Unknown { .. }));
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    hosts: Vec<KnownHost>,
    skipped: Vec<(usize, SkipReason)>,
}

/// What the file says about a key that a server presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum HostVerdict {
    /// The key is on record for this host: go on.
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
    /// The key was revoked: never accept it.
    Revoked {
        /// Of the key that was presented.
        fingerprint: Fingerprint,
    },
}

impl KnownHosts {
    /// The longest text that is read, in bytes.
    pub const BYTES_MAX: usize = 4 * 1024 * 1024;

    /// Reads the text of a known_hosts file.
    ///
    /// # Errors
    /// `InvalidInput` when the text is longer than [`BYTES_MAX`](Self::BYTES_MAX). Lines that cannot be
    /// used are no error: see [`skipped`](Self::skipped).
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > Self::BYTES_MAX {
            return Err(Inner::KnownHostsTooLarge { bytes: text.len(), bytes_max: Self::BYTES_MAX }.into());
        }
        let mut read = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            match line::parse(number, line) {
                Ok(Some(host)) => read.hosts.push(host),
                Ok(None) => {}
                Err(reason) => read.skipped.push((number, reason)),
            }
        }
        Ok(read)
    }

    /// The numbers of lines that were skipped, from 1, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(usize, SkipReason)] {
        &self.skipped
    }

    /// The lines that speak of this host and port, revocations among them.
    pub fn matching(&self, host: &str, port: u16) -> impl Iterator<Item = &KnownHost> {
        let name = name_on_record(host, port);
        self.hosts.iter().filter(move |line| line.is_about(&name))
    }

    /// Judges a key. A revocation outweighs everything, and any key on record suffices.
    pub fn verdict(&self, host: &str, port: u16, key: &HostKey) -> HostVerdict {
        let fingerprint = key.fingerprint();
        let (revoked, known): (Vec<_>, Vec<_>) =
            self.matching(host, port).partition(|line| line.is_revoked());
        if revoked.iter().any(|line| line.key() == key) {
            return HostVerdict::Revoked { fingerprint };
        }
        if known.iter().any(|line| line.key() == key) {
            return HostVerdict::Known;
        }
        if known.is_empty() {
            return HostVerdict::Unknown { fingerprint };
        }
        HostVerdict::Changed {
            fingerprint,
            known: known.iter().map(|line| line.key().fingerprint()).collect(),
        }
    }
}

/// The name under which a host stands in the file: the port is part of it unless it is 22.
fn name_on_record(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}
