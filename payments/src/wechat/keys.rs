//! The keys that WeChat Pay signs with: platform certificates by serial, public keys by id, both at once.
//!
//! The set is swapped whole under its readers. Downloads are the affair of `refresh`; this file only knows when one
//! is due.

use super::certificates::PlatformCertificate;
use super::serial::CertSerial;
use crate::error::{Cause, Error, refused_value};
use crate::{Certificate, PublicKey, UnixMillis};
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The least time between two downloads, whatever asks for them: forged messages cannot make us ask more often.
const PAUSE_SECS: u64 = 600;
/// The same while no certificate is valid: until one comes nothing that is signed with one can be proved.
const NONE_PAUSE_SECS: u64 = 30;
/// A download is due after this time: a new certificate appears ten days before the old one goes.
const FRESH_SECS: u64 = 6 * 3600;
const ID_PREFIX: &str = "PUB_KEY_ID_";
const ID_CHARS_MAX: usize = 64;

/// The keys of WeChat Pay that a merchant trusts.
///
/// - Public key mode, for every new merchant: [`WechatKeys::of_public_key`] with the id from the merchant platform.
///   Nothing is ever downloaded.
/// - Certificate mode: [`WechatKeys::downloading`], then [`Merchant::refresh_certificates`](super::Merchant).
/// - Both, while a merchant moves from certificates to the public key: `downloading().with_public_key(..)`.
pub struct WechatKeys {
    set: ArcSwap<KeySet>,
    downloads: bool,
    roots: Vec<Certificate>,
    refresh: Mutex<RefreshState>,
}

#[derive(Clone, Default)]
struct KeySet {
    public_keys: Vec<(String, PublicKey)>,
    certificates: Vec<PlatformCertificate>,
}

/// The key that a message or a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyName<'a> {
    PublicKey(&'a str),
    Certificate(CertSerial),
}

#[derive(Debug, Default)]
struct RefreshState {
    running: bool,
    tried_at: Option<UnixMillis>,
    succeeded_at: Option<UnixMillis>,
    /// A message named a certificate that we do not have. It may be forged.
    asked_for: bool,
}

/// Whether a download may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It may, and nobody else's may until [`WechatKeys::finish`].
    Begun,
    Running,
    TooSoon(UnixMillis),
    NotDue,
    NotUsed,
}

impl<'a> KeyName<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        if text.starts_with(ID_PREFIX) {
            return Some(Self::PublicKey(text));
        }
        CertSerial::parse(text).ok().map(Self::Certificate)
    }
}

impl WechatKeys {
    /// The one public key of this id (`PUB_KEY_ID_...`, `微信支付公钥ID`).
    ///
    /// # Errors
    /// `InvalidInput` if the id has another shape.
    pub fn of_public_key(id: &str, key: PublicKey) -> Result<Self, Error> {
        Self::empty(false).with_public_key(id, key)
    }

    /// No key yet: platform certificates are downloaded and refreshed.
    #[must_use]
    pub fn downloading() -> Self {
        Self::empty(true)
    }

    /// These platform certificates, from files; they are refreshed by download later.
    ///
    /// # Errors
    /// `InvalidInput` if one has no usable key.
    pub fn of_certificates(certificates: &[Certificate]) -> Result<Self, Error> {
        let keys = Self::empty(true);
        let certificates =
            certificates.iter().map(PlatformCertificate::new).collect::<Result<Vec<_>, _>>()?;
        keys.replace_certificates(&certificates);
        Ok(keys)
    }

    /// The same keys and a public key: both verify, and requests ask for replies signed with the public key.
    ///
    /// # Errors
    /// `InvalidInput` if the id has another shape.
    pub fn with_public_key(self, id: &str, key: PublicKey) -> Result<Self, Error> {
        self.add_public_key(id, key)?;
        Ok(self)
    }

    /// The same keys; certificates that are downloaded must lead to one of these roots (`Tenpay.com Root CA`).
    /// Without roots a download is trusted because it opens with the API v3 key.
    #[must_use]
    pub fn with_roots(mut self, roots: Vec<Certificate>) -> Self {
        self.roots = roots;
        self
    }

    /// Adds a public key, or replaces the one of the same id, under all readers.
    ///
    /// # Errors
    /// `InvalidInput` if the id has another shape.
    pub fn add_public_key(&self, id: &str, key: PublicKey) -> Result<(), Error> {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !id.starts_with(ID_PREFIX) || id.len() == ID_PREFIX.len() || id.len() > ID_CHARS_MAX || !plain {
            return Err(refused_value("public key id", id, "give the id that begins with `PUB_KEY_ID_`"));
        }
        let entry = (id.to_owned(), key);
        self.set.rcu(|set| {
            let mut set = KeySet::clone(set);
            set.public_keys.retain(|(known, _)| known != id);
            set.public_keys.push(entry.clone());
            set
        });
        Ok(())
    }

    /// The ids and serials of all keys.
    #[must_use]
    pub fn serials(&self) -> Vec<String> {
        let set = self.set.load();
        let ids = set.public_keys.iter().map(|(id, _)| id.clone());
        ids.chain(set.certificates.iter().map(|known| known.serial().to_string())).collect()
    }

    /// The platform certificates, to be kept in files for the next start.
    #[must_use]
    pub fn certificates(&self) -> Vec<PlatformCertificate> {
        self.set.load().certificates.clone()
    }

    fn empty(downloads: bool) -> Self {
        Self {
            set: ArcSwap::from_pointee(KeySet::default()),
            downloads,
            roots: Vec::new(),
            refresh: Mutex::new(RefreshState::default()),
        }
    }

    /// The key of this name. A certificate outside its dates is as good as none.
    pub(crate) fn find(&self, name: &KeyName<'_>, at: UnixMillis) -> Option<PublicKey> {
        let set = self.set.load();
        match name {
            KeyName::PublicKey(id) => {
                set.public_keys.iter().find(|(known, _)| known == id).map(|(_, key)| key.clone())
            }
            KeyName::Certificate(serial) => {
                let mut known = set.certificates.iter().filter(|known| known.is_valid_at(at));
                known.find(|known| known.serial() == serial).map(|known| known.key().clone())
            }
        }
    }

    /// The key that requests name: the newest public key, else the valid certificate that lasts longest.
    pub(crate) fn preferred(&self, at: UnixMillis) -> Option<(String, PublicKey)> {
        let set = self.set.load();
        if let Some((id, key)) = set.public_keys.last() {
            return Some((id.clone(), key.clone()));
        }
        let valid = set.certificates.iter().filter(|known| known.is_valid_at(at));
        let newest = valid.max_by_key(|known| known.certificate().not_after())?;
        Some((newest.serial().to_string(), newest.key().clone()))
    }

    /// What the gateway lists is the whole truth: it lists the old and the new certificate while they overlap, and no
    /// longer lists one that is withdrawn.
    pub(crate) fn replace_certificates(&self, certificates: &[PlatformCertificate]) {
        self.set
            .rcu(|set| KeySet { public_keys: set.public_keys.clone(), certificates: certificates.to_vec() });
    }

    /// True if the roots, where there are some, vouch for a downloaded certificate.
    pub(crate) fn check_root(&self, certificate: &Certificate, at: UnixMillis) -> Result<(), Error> {
        if self.roots.is_empty() {
            return Ok(());
        }
        crate::x509::check_chain(certificate, &[], &self.roots, at)
    }

    /// A message named a key that we do not have. Only a certificate can be downloaded, and only where certificates
    /// are used at all.
    pub(crate) fn note_unknown(&self, name: &KeyName<'_>) {
        if self.downloads && matches!(name, KeyName::Certificate(_)) {
            self.state().asked_for = true;
        }
    }

    /// Takes the one turn to download, if it may be taken now.
    pub(crate) fn begin(&self, at: UnixMillis, only_if_due: bool) -> Begin {
        if !self.downloads {
            return Begin::NotUsed;
        }
        let has_valid = self.set.load().certificates.iter().any(|known| known.is_valid_at(at));
        let mut state = self.state();
        let stale = state.succeeded_at.is_none_or(|last| last.plus_secs(FRESH_SECS) <= at);
        if only_if_due && has_valid && !state.asked_for && !stale {
            return Begin::NotDue;
        }
        if state.running {
            return Begin::Running;
        }
        let pause_secs = if has_valid { PAUSE_SECS } else { NONE_PAUSE_SECS };
        let next = state.tried_at.map(|last| last.plus_secs(pause_secs)).filter(|next| at < *next);
        if let Some(next) = next {
            return Begin::TooSoon(next);
        }
        state.running = true;
        state.tried_at = Some(at);
        Begin::Begun
    }

    /// Gives the turn back.
    pub(crate) fn finish(&self) {
        self.state().running = false;
    }

    /// The download that began at this moment succeeded.
    pub(crate) fn succeed(&self, at: UnixMillis) {
        let mut state = self.state();
        state.succeeded_at = Some(at);
        state.asked_for = false;
    }

    /// A poisoned lock holds plain flags: they are as good as before.
    fn state(&self) -> MutexGuard<'_, RefreshState> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlatformCertificate {
    /// A certificate with its key and its canonical serial.
    ///
    /// # Errors
    /// `InvalidInput` if it has no RSA key of 2048 bits or more.
    pub fn new(certificate: &Certificate) -> Result<Self, Error> {
        let serial = CertSerial::parse(&certificate.serial_hex()).map_err(|_| Cause::Certificate {
            what: "platform certificate",
            why: "its serial is zero or too long",
        })?;
        Ok(Self::of_parts(serial, certificate.public_key()?, certificate.clone()))
    }
}

/// Ids and serials only.
impl fmt::Debug for WechatKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatKeys")
            .field("serials", &self.serials())
            .field("downloads", &self.downloads)
            .finish_non_exhaustive()
    }
}
