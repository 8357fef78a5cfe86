//! Certificate mode: which certificates of Alipay are trusted, and how a new one comes in beside them.
//!
//! A certificate is trusted because a chain leads from it to the configured root bundle and it names the same holder
//! as the configured one. The certificates of merchants come from the same CA, so the chain alone proves nothing.

use super::cert_sn::{certificate_sn, is_sn, root_certificate_sn};
use super::learning::Learning;
use crate::error::{Cause, Error};
use crate::sign::Verifier;
use crate::x509::Trust;
use crate::{Certificate, PublicKey, UnixMillis};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Certificates of Alipay that are kept at once: the configured one, and new ones while they overlap.
const KNOWN_MAX: usize = 4;

const APP: &str = "app certificate";
const ALIPAY: &str = "alipay certificate";
const ROOT: &str = "alipay root bundle";

/// The certificates of one application: our own, Alipay's, and the roots of Alipay's.
///
/// They are the three files that Alipay's console offers: `appCertPublicKey_<app id>.crt`,
/// `alipayCertPublicKey_RSA2.crt`, `alipayRootCert.crt`.
///
/// ```no_run
/// # fn example(app_id: payments::AppId, seller_id: payments::SellerId, app_key: payments::PrivateKey,
/// # app: &str, alipay: &str, root: &str, now: payments::UnixMillis) -> Result<(), payments::Error> {
/// use payments::alipay::{Certificates, Endpoint, Merchant};
/// let certificates = Certificates::new(app, alipay, root, now)?;
/// let merchant = Merchant::with_certificates(app_id, seller_id, Endpoint::sandbox(), app_key, certificates)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Certificates {
    app: Certificate,
    app_sn: String,
    root_sn: String,
    roots: Vec<Certificate>,
    /// Intermediates from our own file.
    intermediates: Vec<Certificate>,
    /// The common name of the configured certificate: Alipay's company and our seller id.
    holder: String,
    known: ArcSwap<Known>,
    learning: Mutex<Learning>,
}

/// The certificates that verify, the newest first. Readers never wait for one that comes in.
#[derive(Debug, Clone)]
struct Known(Vec<TrustedCertificate>);

/// A certificate of Alipay that a chain to our roots vouches for.
#[derive(Debug, Clone)]
pub struct TrustedCertificate {
    sn: String,
    certificate: Certificate,
    key: PublicKey,
}

impl Certificates {
    /// Reads the three files, and checks that our certificate and Alipay's are valid now.
    ///
    /// # Errors
    /// `InvalidInput` if a file cannot be read; `Unverified` if Alipay's certificate has no chain to the roots.
    pub fn new(app: &str, alipay: &str, roots: &str, now: UnixMillis) -> Result<Self, Error> {
        let refused = |what, why| Error::from(Cause::Certificate { what, why });
        let app = Certificate::parse(app)?;
        app.public_key()?;
        if !app.is_valid_at(now) {
            return Err(refused(APP, "it is not valid now; have a new one issued in Alipay's console"));
        }
        let roots = Certificate::parse_bundle(roots)?.certificates;
        let root_sn = root_certificate_sn(&roots);
        if root_sn.is_empty() {
            return Err(refused(ROOT, "it holds no RSA certificate"));
        }
        let mut members = Certificate::parse_bundle(alipay)?.certificates.into_iter();
        let leaf = members.next().ok_or_else(|| refused(ALIPAY, "it holds no certificate"))?;
        let holder = leaf.subject_common_name().ok_or_else(|| refused(ALIPAY, "it names no holder"))?;
        let intermediates: Vec<_> = members.collect();
        let trust = Trust { roots: &roots, configured: &intermediates, given: &[], sha1: false };
        trust.check(&leaf, now)?;
        Ok(Self {
            app_sn: certificate_sn(&app),
            holder: holder.to_owned(),
            known: ArcSwap::from_pointee(Known(vec![TrustedCertificate::of(leaf)?])),
            learning: Mutex::default(),
            app,
            root_sn,
            roots,
            intermediates,
        })
    }

    /// The number of our own certificate (`app_cert_sn`).
    #[must_use]
    pub fn app_cert_sn(&self) -> &str {
        &self.app_sn
    }

    /// The number of the root bundle (`alipay_root_cert_sn`).
    #[must_use]
    pub fn root_cert_sn(&self) -> &str {
        &self.root_sn
    }

    /// The numbers of Alipay's certificates that are known, the newest first. Each verifies until it expires.
    #[must_use]
    pub fn alipay_cert_sns(&self) -> Vec<String> {
        self.known.load().0.iter().map(|known| known.sn.clone()).collect()
    }

    /// Alipay's certificates that are known, the newest first. Write a new one into the file that the application
    /// starts with.
    #[must_use]
    pub fn alipay_certificates(&self) -> Vec<TrustedCertificate> {
        self.known.load().0.clone()
    }

    /// When the first of our own and Alipay's newest certificate ends: warn some weeks before.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        let newest = self.known.load().0.first().map(|known| known.certificate.not_after());
        newest.map_or(self.app.not_after(), |alipay| alipay.min(self.app.not_after()))
    }

    /// The certificate of our own key.
    pub(super) fn app(&self) -> &Certificate {
        &self.app
    }

    /// The key of the certificate that a message names, if it is valid at this moment. A message without a number fits
    /// any that is. An unknown number is an error that names it, so that it can be learnt.
    pub(super) fn verifier(&self, sn: Option<&str>, at: UnixMillis) -> Result<Arc<dyn Verifier>, Error> {
        let refused = |why| Err(Cause::Unverified { what: ALIPAY, why }.into());
        let known = self.known.load();
        let Some(sn) = sn else {
            let valid = known.0.iter().filter(|known| known.certificate.is_valid_at(at));
            return Ok(Arc::new(AnyOf(valid.map(|known| known.key.clone()).collect())));
        };
        match known.0.iter().find(|known| known.sn == sn) {
            Some(named) if named.certificate.is_valid_at(at) => Ok(Arc::new(named.key.clone())),
            Some(_) => refused("it is not valid at this moment"),
            None if is_sn(sn) => Err(Cause::UnknownCertificate { sn: sn.to_owned() }.into()),
            None => refused("its number has not 32 hexadecimal digits"),
        }
    }

    /// Checks a certificate that was asked for by its number: chain, dates, holder.
    pub(super) fn check(&self, sn: &str, pem: &[u8], now: UnixMillis) -> Result<TrustedCertificate, Error> {
        let refused = |why| Error::from(Cause::Unverified { what: ALIPAY, why });
        let members = Certificate::parse_bundle(pem).map_err(|_| refused("it cannot be read"))?.certificates;
        let Some((leaf, given)) = members.split_first() else { return Err(refused("it cannot be read")) };
        if certificate_sn(leaf) != sn {
            return Err(refused("it is another one than was asked for"));
        }
        if leaf.subject_common_name() != Some(&self.holder) {
            return Err(refused("it belongs to another holder; configure it if Alipay changed its name"));
        }
        let trust = Trust { roots: &self.roots, configured: &self.intermediates, given, sha1: false };
        trust.check(leaf, now)?;
        TrustedCertificate::of(leaf.clone())
    }

    /// Takes a new certificate beside the known ones. The oldest goes if there are too many.
    pub(super) fn learn(&self, trusted: &TrustedCertificate) {
        self.known.rcu(|known| {
            let others = known.0.iter().filter(|known| known.sn != trusted.sn).cloned();
            Known(std::iter::once(trusted.clone()).chain(others).take(KNOWN_MAX).collect())
        });
    }

    /// True if messages that name this certificate can be verified, until it expires.
    #[must_use]
    pub fn knows(&self, sn: &str) -> bool {
        self.known.load().0.iter().any(|known| known.sn == sn)
    }

    pub(super) fn learning(&self) -> MutexGuard<'_, Learning> {
        // The limiter holds numbers and times; each of its methods leaves them whole.
        self.learning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of all certificates that are valid.
#[derive(Debug)]
struct AnyOf(Vec<PublicKey>);

impl Verifier for AnyOf {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| key.verify(message, signature))
    }
}

impl TrustedCertificate {
    fn of(certificate: Certificate) -> Result<Self, Error> {
        Ok(Self { sn: certificate_sn(&certificate), key: certificate.public_key()?, certificate })
    }

    /// Its number.
    #[must_use]
    pub fn sn(&self) -> &str {
        &self.sn
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}
