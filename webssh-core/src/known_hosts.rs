//! Host keys and the known_hosts file: is this server the one it was before?
//!
//! The format is OpenSSH's (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain, wildcard and negated
//! patterns, `[host]:port`, hashed names (`|1|`), `@revoked` and `@cert-authority`. A line that cannot be
//! used is skipped and reported.

#[cfg(feature = "host-certificates")]
mod authority;
#[cfg(feature = "host-certificates")]
mod blob;
#[cfg(feature = "host-certificates")]
mod certificate;
mod key;
mod line;
mod pattern;
mod verdict;

use crate::error::{Error, Inner, quoted};
#[cfg(feature = "host-certificates")]
pub use certificate::{CertificateVerdict, HostCertificate};
pub use key::{Fingerprint, HostKey};
pub use line::{KnownHost, SkipReason};
pub(crate) use verdict::of_key;
pub use verdict::{CertificateFault, HostVerdict};

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

    /// The line, without its end, that says: this host has this key.
    ///
    /// ```
    /// use webssh_core::{HostKey, KnownHosts};
    ///
    /// let key = HostKey::from_blob(b"\0\0\0\x0bssh-ed25519\0\0\0\x01k")?;
    /// assert!(KnownHosts::line_for("Lab.example.org", 2222, &key)?.starts_with("[lab.example.org]:2222 ssh-ed25519 "));
    /// # Ok::<(), webssh_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` when the host has a character that means something else in the file, or the key is a
    /// certificate, which is no line.
    pub fn line_for(host: &str, port: u16, key: &HostKey) -> Result<String, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
        if !(1..=255).contains(&host.len()) || !host.bytes().all(plain) {
            let rule = "a line of known_hosts can hold a name or an address only";
            return Err(Inner::Target { part: "host", value: quoted(host), rule }.into());
        }
        if key.is_certificate() {
            return Err(Inner::HostKey("a certificate is not added to known_hosts: add its authority").into());
        }
        Ok(format!("{} {}", name_on_record(host, port), key.to_line_fields()))
    }

    /// The numbers of lines that were skipped, from 1, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(usize, SkipReason)] {
        &self.skipped
    }

    /// The lines that speak of this host and port, revocations and authorities among them.
    pub fn matching(&self, host: &str, port: u16) -> impl Iterator<Item = &KnownHost> {
        let name = name_on_record(host, port);
        self.hosts.iter().filter(move |line| line.is_about(&name))
    }

    /// Judges a plain key. A revocation outweighs everything, and any key on record suffices. The key of an
    /// authority is nobody's own, so its lines do not count here.
    pub fn verdict(&self, host: &str, port: u16, key: &HostKey) -> HostVerdict {
        of_key(&self.matching(host, port).collect::<Vec<_>>(), key)
    }

    /// Judges a certificate of a host at a time, given in seconds since 1970. Feature `host-certificates`.
    ///
    /// Only an authority on record for this host and port counts, only by a signature that is still safe
    /// (not RSA with SHA-1), and only for a name that the certificate spells out.
    #[cfg(feature = "host-certificates")]
    pub fn verdict_of_certificate(
        &self,
        host: &str,
        port: u16,
        certificate: &HostCertificate,
        unix_secs: u64,
    ) -> CertificateVerdict {
        let lines: Vec<_> = self.matching(host, port).collect();
        certificate.judged(&lines, host, unix_secs)
    }

    /// A file of nothing but the lines about this host and port.
    #[cfg(feature = "pump")]
    pub(crate) fn about(&self, host: &str, port: u16) -> Self {
        Self { hosts: self.matching(host, port).cloned().collect(), skipped: Vec::new() }
    }
}

/// The name under which a host stands in the file: the port is part of it unless it is 22.
fn name_on_record(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}
