//! Which host keys are accepted while a connection is made: by a file, by a person, or on first use.
//!
//! The rules are in [`KnownHosts`]; here they meet the clock, a store and a person. Feature `pump`.

mod file;
mod memory;

use std::fmt;
use std::sync::Arc;

use crate::dialogue::{Dialogue, HostQuestion};
use crate::error::Error;
use crate::known_hosts::{HostKey, HostVerdict, KnownHost, KnownHosts, of_key};
use crate::pump::BoxFuture;
pub use file::FileHosts;
pub use memory::MemoryHosts;

/// Where keys go that a person, or the first use, has vouched for.
pub trait HostStore: fmt::Debug + Send + Sync {
    /// What is on record about a host; lines about others do no harm.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be read, `InvalidInput` when it is too large.
    fn load<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<KnownHosts, Error>>;

    /// Puts a key on record, unless a line of any kind is about the host already: two first connections at
    /// the same time cannot both be the first. Once this answers [`Stored`](Added::Stored) the line stays.
    ///
    /// # Errors
    /// `InvalidInput` for a host or a key that makes no line, or when the store is full; `Unavailable` when
    /// it cannot be written.
    fn add<'a>(&'a self, host: &'a str, port: u16, key: &'a HostKey) -> BoxFuture<'a, Result<Added, Error>>;
}

/// What became of a key that was to be put on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Added {
    /// It is on record.
    Stored,
    /// Something else is: look again.
    Occupied,
}

/// Which host keys are accepted. A key that is on record is, always; one that contradicts the record never
/// is. The modes differ in what happens to a host that nothing is on record about.
///
/// ```
/// use std::sync::Arc;
/// use webssh_core::{HostKey, HostKeys, HostVerdict, KnownHosts, MemoryHosts, NoDialogue};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (first, second) = (b"\0\0\0\x0bssh-ed25519\0\0\0\x01a", b"\0\0\0\x0bssh-ed25519\0\0\0\x01b");
/// let (first, second) = (HostKey::from_blob(first)?, HostKey::from_blob(second)?);
///
/// let strict = HostKeys::strict(KnownHosts::parse("")?);
/// let verdict = strict.judge("lab.example.org", 22, &first, &NoDialogue).await?;
/// assert!(matches!(verdict, HostVerdict::Unknown { .. }));
///
/// let first_use = HostKeys::trust_on_first_use(Arc::new(MemoryHosts::default()));
/// assert_eq!(first_use.judge("lab.example.org", 22, &first, &NoDialogue).await?, HostVerdict::Known);
/// let verdict = first_use.judge("lab.example.org", 22, &second, &NoDialogue).await?;
/// assert!(matches!(verdict, HostVerdict::Changed { .. }));
/// # Ok::<(), webssh_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HostKeys {
    known: Arc<KnownHosts>,
    unknown: Unknown,
}

/// What happens to a host that nothing is on record about.
#[derive(Debug, Clone)]
enum Unknown {
    Refuse,
    Ask(Arc<dyn HostStore>),
    Store(Arc<dyn HostStore>),
}

/// A key as it is to be judged by itself.
struct Plain {
    key: HostKey,
    /// What the verdict is if the key is unknown by itself, and may not become known.
    final_word: Option<HostVerdict>,
}

impl HostKeys {
    /// Only what is on record.
    #[must_use]
    pub fn strict(known: KnownHosts) -> Self {
        Self { known: Arc::new(known), unknown: Unknown::Refuse }
    }

    /// What is on record, in `known` or in `store`; for other hosts the person is asked, with the
    /// fingerprint, and a yes is stored.
    #[must_use]
    pub fn ask(known: KnownHosts, store: Arc<dyn HostStore>) -> Self {
        Self { known: Arc::new(known), unknown: Unknown::Ask(store) }
    }

    /// The first key that a host shows is stored, and no other is accepted after it. Whoever stands in
    /// between at the first connection stays: use it where that cannot be. A host for which an authority is
    /// on record is not trusted without a certificate.
    #[must_use]
    pub fn trust_on_first_use(store: Arc<dyn HostStore>) -> Self {
        Self { known: Arc::default(), unknown: Unknown::Store(store) }
    }

    /// Judges the key, or the certificate, that a server presented. Nothing is sent to a server before this
    /// says [`Known`](HostVerdict::Known). It may take as long as a person takes to answer.
    ///
    /// # Errors
    /// Those of the store, and `InvalidInput` for a certificate that is malformed.
    pub async fn judge(
        &self,
        host: &str,
        port: u16,
        key: &HostKey,
        dialogue: &dyn Dialogue,
    ) -> Result<HostVerdict, Error> {
        let stored = self.stored(host, port).await?;
        let lines = self.lines(&stored, host, port);
        let plain = match plain(&lines, host, key)? {
            Ok(plain) => plain,
            Err(verdict) => return Ok(verdict),
        };
        let verdict = of_key(&lines, &plain.key);
        let (HostVerdict::Unknown { fingerprint }, None) = (&verdict, &plain.final_word) else {
            return Ok(plain.final_word.filter(|_| is_unknown(&verdict)).unwrap_or(verdict));
        };
        let (trusted, store) = match &self.unknown {
            Unknown::Refuse => return Ok(verdict),
            Unknown::Ask(store) => {
                let question = HostQuestion {
                    host: host.to_owned(),
                    port,
                    algorithm: plain.key.algorithm().to_owned(),
                    fingerprint: fingerprint.clone(),
                };
                (dialogue.trust(&question).await, store)
            }
            Unknown::Store(store) => (!lines.iter().any(|line| line.is_authority()), store),
        };
        if !trusted {
            return Ok(verdict);
        }
        match store.add(host, port, &plain.key).await? {
            Added::Stored => Ok(HostVerdict::Known),
            // Somebody was faster; what is on record now has the last word.
            Added::Occupied => {
                let stored = self.stored(host, port).await?;
                Ok(of_key(&self.lines(&stored, host, port), &plain.key))
            }
        }
    }

    /// The algorithms of the keys on record for a host, by their names in known_hosts. A backend that
    /// prefers them gets a key that can be compared. For an authority these are certificates, and come first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn on_record(&self, host: &str, port: u16) -> Result<Vec<String>, Error> {
        let stored = self.stored(host, port).await?;
        let lines = self.lines(&stored, host, port);
        let mut names: Vec<String> = Vec::new();
        if lines.iter().any(|line| line.is_authority()) {
            names.extend(certificate_algorithms());
        }
        for line in lines.iter().filter(|line| !line.is_authority() && !line.is_revoked()) {
            let name = line.key().algorithm();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    async fn stored(&self, host: &str, port: u16) -> Result<KnownHosts, Error> {
        match &self.unknown {
            Unknown::Refuse => Ok(KnownHosts::default()),
            Unknown::Ask(store) | Unknown::Store(store) => store.load(host, port).await,
        }
    }

    fn lines<'a>(&'a self, stored: &'a KnownHosts, host: &str, port: u16) -> Vec<&'a KnownHost> {
        self.known.matching(host, port).chain(stored.matching(host, port)).collect()
    }
}

fn is_unknown(verdict: &HostVerdict) -> bool {
    matches!(verdict, HostVerdict::Unknown { .. })
}

/// A plain key is judged by itself. So is the key in a certificate that no authority on record has signed,
/// or that is not good now, as OpenSSH does it; but then it does not become known by that.
#[cfg(feature = "host-certificates")]
fn plain(lines: &[&KnownHost], host: &str, key: &HostKey) -> Result<Result<Plain, HostVerdict>, Error> {
    use crate::known_hosts::{CertificateVerdict, HostCertificate};

    if !key.is_certificate() {
        return Ok(Ok(Plain { key: key.clone(), final_word: None }));
    }
    let certificate = HostCertificate::parse(key)?;
    let plain = |final_word| Ok(Plain { key: certificate.key().clone(), final_word });
    Ok(match certificate.judged(lines, host, unix_secs()) {
        CertificateVerdict::Trusted => Err(HostVerdict::Known),
        CertificateVerdict::Revoked { fingerprint } => Err(HostVerdict::Revoked { fingerprint }),
        CertificateVerdict::NoAuthority => plain(None),
        CertificateVerdict::Refused(fault) => {
            let fingerprint = certificate.key().fingerprint();
            plain(Some(HostVerdict::Certificate { fingerprint, fault }))
        }
    })
}

/// Without the feature a certificate is a key that nobody knows, and that does not become known.
#[cfg(not(feature = "host-certificates"))]
fn plain(_: &[&KnownHost], _: &str, key: &HostKey) -> Result<Result<Plain, HostVerdict>, Error> {
    let unknown = || HostVerdict::Unknown { fingerprint: key.fingerprint() };
    Ok(Ok(Plain { key: key.clone(), final_word: key.is_certificate().then(unknown) }))
}

#[cfg(feature = "host-certificates")]
fn certificate_algorithms() -> impl Iterator<Item = String> {
    crate::known_hosts::HostCertificate::algorithms().map(str::to_owned)
}

#[cfg(not(feature = "host-certificates"))]
fn certificate_algorithms() -> impl Iterator<Item = String> {
    std::iter::empty()
}

/// Seconds since 1970. Before that, nothing is valid yet.
#[cfg(feature = "host-certificates")]
fn unix_secs() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}
