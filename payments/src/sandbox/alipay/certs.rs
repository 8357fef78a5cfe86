//! Certificate mode: the gateway's root, its own certificates old and new, and the merchant's.

use super::refusal::SandboxRefusal;
use crate::error::Error;
use crate::sandbox::issuer::{Attribute, Issuer, Name, NewCertificate, Role, pem};
use crate::{PrivateKey, PublicKey, UnixMillis};
use md5::{Digest as _, Md5};

const YEAR_SECS: u64 = 365 * 86_400;

/// The three files that the gateway's console offers to a merchant in certificate mode, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateFiles {
    /// `appCertPublicKey_<app id>.crt`: the merchant's certificate.
    pub app: String,
    /// `alipayCertPublicKey_RSA2.crt`: the gateway's, the newest.
    pub alipay: String,
    /// `alipayRootCert.crt`: the root.
    pub root: String,
}

/// What the gateway has issued.
#[derive(Debug)]
pub(super) struct Certs {
    issuer: Issuer,
    holder: Name,
    /// The newest last; each stays valid when the next one comes.
    own: Vec<Own>,
    serial: u64,
    pub(super) app_sn: String,
    pub(super) root_sn: String,
    app_pem: String,
    root_pem: String,
}

#[derive(Debug)]
struct Own {
    sn: String,
    key: PrivateKey,
    pem: String,
}

impl Certs {
    /// Issues the root, the gateway's first certificate, and the merchant's.
    pub(super) fn issue(
        root: PrivateKey,
        own: PrivateKey,
        app_id: &str,
        app: &PublicKey,
        seller_id: &str,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let issuer = Issuer { name: name("Sandbox Certification Authority R1"), key: root };
        let root_key = issuer.key.public_key()?;
        let root_der = issuer.issue(&certificate(&issuer.name, &root_key, 1, now, Role::Authority))?;
        let app_der = issuer.issue(&certificate(&name(app_id), app, 2, now, Role::Leaf))?;
        let mut certs = Self {
            app_sn: sn(&issuer.name, 2),
            root_sn: sn(&issuer.name, 1),
            holder: name(&format!("支付宝(中国)网络技术有限公司-{seller_id}")),
            issuer,
            own: Vec::new(),
            serial: 2,
            app_pem: pem(&app_der),
            root_pem: pem(&root_der),
        };
        certs.rotate(own, now)?;
        Ok(certs)
    }

    /// A new certificate of the gateway: it signs from now on, and the old one can still be downloaded.
    pub(super) fn rotate(&mut self, key: PrivateKey, now: UnixMillis) -> Result<(), Error> {
        let public = key.public_key()?;
        let serial = self.serial + 1;
        let der = self.issuer.issue(&certificate(&self.holder, &public, serial, now, Role::Leaf))?;
        self.own.push(Own { sn: sn(&self.issuer.name, serial), key, pem: pem(&der) });
        self.serial = serial;
        Ok(())
    }

    /// The key that signs now, and its certificate's number.
    pub(super) fn signing(&self) -> Option<(PrivateKey, String)> {
        self.own.last().map(|own| (own.key.clone(), own.sn.clone()))
    }

    /// A certificate of the gateway by its number, as PEM.
    pub(super) fn find(&self, sn: &str) -> Option<&str> {
        self.own.iter().find(|own| own.sn == sn).map(|own| own.pem.as_str())
    }

    pub(super) fn files(&self) -> CertificateFiles {
        CertificateFiles {
            app: self.app_pem.clone(),
            alipay: self.own.last().map(|own| own.pem.clone()).unwrap_or_default(),
            root: self.root_pem.clone(),
        }
    }

    /// What a merchant in certificate mode has to send.
    pub(super) fn check(&self, app_sn: &str, root_sn: &str) -> Result<(), SandboxRefusal> {
        for (sent, known, missing, invalid) in [
            (app_sn, &self.app_sn, "isv.missing-app-cert-sn", "isv.invalid-app-cert-sn"),
            (root_sn, &self.root_sn, "isv.missing-alipay-root-cert-sn", "isv.invalid-alipay-root-cert-sn"),
        ] {
            if sent.is_empty() {
                return Err(SandboxRefusal::missing(missing, "send both serials in certificate mode"));
            }
            if sent != known {
                let remedy = "the number is md5 over issuer and decimal serial of the console's file";
                return Err(SandboxRefusal::invalid(invalid, remedy));
            }
        }
        Ok(())
    }
}

/// Issued a day ago, so that a slow clock does not refuse it.
fn certificate<'a>(
    subject: &'a Name,
    key: &'a PublicKey,
    serial: u64,
    now: UnixMillis,
    role: Role,
) -> NewCertificate<'a> {
    let not_before = UnixMillis::from_millis(now.as_millis().saturating_sub(86_400_000));
    NewCertificate { subject, key, serial, not_before, not_after: now.plus_secs(5 * YEAR_SECS), role }
}

fn name(common_name: &str) -> Name {
    let part = |attribute, text: &str| (attribute, text.to_owned());
    Name(vec![
        part(Attribute::Country, "CN"),
        part(Attribute::Organization, "Sandbox Financial"),
        part(Attribute::Unit, "Certification Authority"),
        part(Attribute::CommonName, common_name),
    ])
}

/// The number of a certificate: MD5 over the issuer's name and the serial in decimal digits.
fn sn(issuer: &Name, serial: u64) -> String {
    let digest = Md5::digest(format!("{}{serial}", issuer.text()));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
