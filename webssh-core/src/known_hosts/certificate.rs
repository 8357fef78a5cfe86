//! Host certificates of OpenSSH (PROTOCOL.certkeys): what one says, and whether to believe it.

use super::authority;
use super::blob::Blob;
use super::key::{Fingerprint, HostKey};
use super::line::KnownHost;
use super::pattern;
use super::verdict::CertificateFault;
use crate::error::{Error, Inner};

/// Certificate algorithms: the name in the blob, the name of the key inside, how many fields that key has.
const KINDS: [(&str, &str, usize); 5] = [
    ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2),
    ("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2),
];

/// The number that says "for hosts".
const FOR_HOSTS: u32 = 2;

/// The most names of one certificate, as in OpenSSH.
const PRINCIPALS_MAX: usize = 256;

/// A certificate that was read, and not yet believed: what it says is told by
/// [`KnownHosts::verdict_of_certificate`](super::KnownHosts::verdict_of_certificate) alone.
#[derive(Debug, Clone)]
pub struct HostCertificate {
    key: HostKey,
    kind: u32,
    principals: Vec<String>,
    valid_after: u64,
    valid_before: u64,
    has_critical_options: bool,
    authority: HostKey,
    signature: Vec<u8>,
    /// Everything before the signature.
    signed: Vec<u8>,
}

/// What the known hosts say about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum CertificateVerdict {
    /// An authority on record vouches for this host now: go on.
    Trusted,
    /// Whoever signed it is no authority on record for this host. Judge the key inside by itself.
    NoAuthority,
    /// The key inside, or the authority, was revoked: never accept it.
    Revoked {
        /// Of the key that was revoked.
        fingerprint: Fingerprint,
    },
    /// An authority on record signed it, or so it says, but it is not good for this host now.
    Refused(CertificateFault),
}

impl HostCertificate {
    /// The algorithms of host keys that are certificates, by their names in the blob.
    pub(crate) fn algorithms() -> impl Iterator<Item = &'static str> {
        KINDS.into_iter().map(|(name, _, _)| name)
    }

    /// Reads a certificate that a server presented as its host key.
    ///
    /// # Errors
    /// `InvalidInput` when the key is no certificate of a supported kind, or is malformed.
    pub fn parse(presented: &HostKey) -> Result<Self, Error> {
        let kind = KINDS.into_iter().find(|(name, _, _)| *name == presented.algorithm());
        let (_, plain, fields) = kind.ok_or(Inner::HostKey("it is no certificate of a supported kind"))?;
        read(presented.blob(), plain, fields)
            .ok_or_else(|| Inner::HostKey("its certificate is malformed").into())
    }

    /// The key inside, which is the host's own.
    #[must_use]
    pub fn key(&self) -> &HostKey {
        &self.key
    }

    /// The key of whoever is said to have signed.
    #[must_use]
    pub fn authority(&self) -> &HostKey {
        &self.authority
    }

    /// Judges by the lines about `host`.
    pub(crate) fn judged(&self, lines: &[&KnownHost], host: &str, unix_secs: u64) -> CertificateVerdict {
        let revoked = |key: &&HostKey| lines.iter().any(|line| line.is_revoked() && line.key() == *key);
        if let Some(key) = [&self.key, &self.authority].into_iter().find(revoked) {
            return CertificateVerdict::Revoked { fingerprint: key.fingerprint() };
        }
        if !lines.iter().any(|line| line.is_authority() && *line.key() == self.authority) {
            return CertificateVerdict::NoAuthority;
        }
        match self.fault(host, unix_secs) {
            None => CertificateVerdict::Trusted,
            Some(fault) => CertificateVerdict::Refused(fault),
        }
    }

    /// The signature is looked at first: before it nothing here is worth a word.
    fn fault(&self, host: &str, unix_secs: u64) -> Option<CertificateFault> {
        if let Err(fault) = authority::verify(&self.authority, &self.signed, &self.signature) {
            return Some(fault);
        }
        let name = host.to_ascii_lowercase();
        let good = [
            (self.kind == FOR_HOSTS, CertificateFault::NotForHosts),
            // No name at all would be good for every host.
            (self.principals.iter().any(|of| pattern::matches(of, &name)), CertificateFault::Name),
            (self.valid_after <= unix_secs, CertificateFault::NotYetValid),
            (unix_secs < self.valid_before, CertificateFault::Expired),
            (!self.has_critical_options, CertificateFault::CriticalOption),
        ];
        good.into_iter().find(|(holds, _)| !holds).map(|(_, fault)| fault)
    }
}

fn read(blob: &[u8], plain: &str, fields: usize) -> Option<HostCertificate> {
    let mut cursor = Blob::new(blob);
    let (_algorithm, _nonce) = (cursor.string()?, cursor.string()?);
    let key = inner_key(&mut cursor, plain, fields)?;
    let _serial = cursor.u64()?;
    let kind = cursor.u32()?;
    let _key_id = cursor.string()?;
    let principals = principals(cursor.string()?)?;
    let (valid_after, valid_before) = (cursor.u64()?, cursor.u64()?);
    let has_critical_options = !cursor.string()?.is_empty();
    let (_extensions, _reserved) = (cursor.string()?, cursor.string()?);
    let authority = HostKey::from_blob(cursor.string()?).ok()?;
    let signed = blob.strip_suffix(cursor.rest())?.to_vec();
    let signature = cursor.string()?.to_vec();
    let certificate = HostCertificate {
        key,
        kind,
        principals,
        valid_after,
        valid_before,
        has_critical_options,
        authority,
        signature,
        signed,
    };
    cursor.end(certificate)
}

/// The fields of the key stand in the certificate as they do in the key itself, without its name.
fn inner_key(cursor: &mut Blob<'_>, plain: &str, fields: usize) -> Option<HostKey> {
    let from = cursor.rest();
    for _ in 0..fields {
        cursor.string()?;
    }
    let raw = from.strip_suffix(cursor.rest())?;
    let name = u32::try_from(plain.len()).ok()?.to_be_bytes();
    HostKey::from_blob(&[&name, plain.as_bytes(), raw].concat()).ok()
}

fn principals(list: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut cursor = Blob::new(list);
    while !cursor.rest().is_empty() {
        if names.len() == PRINCIPALS_MAX {
            return None;
        }
        names.push(cursor.text()?.to_owned());
    }
    Some(names)
}
