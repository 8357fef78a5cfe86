//! Certificates around UnionPay: a root, a middle one, those that sign and encrypt, and the merchant's own.

use crate::error::{Cause, Error};
use crate::sandbox::generate_key;
use crate::sandbox::issuer::{Attribute, Issuer, Name, NewCertificate, Role, pem, serial_of};
use crate::{PrivateKey, PublicKey, UnixMillis};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

const DAY_SECS: u64 = 86_400;
const VALID_SECS: u64 = 5 * 365 * DAY_SECS;
const COMPANY: &str = "中国银联股份有限公司";

/// The keys of the sandbox of UnionPay.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "four keys, all of them needed; a new one must break callers")]
pub struct UnionpayKeys {
    /// The authority's root.
    pub root: PrivateKey,
    /// The authority between the root and everybody else.
    pub middle: PrivateKey,
    /// What UnionPay signs with.
    pub sign: PrivateKey,
    /// What secret fields are encrypted for.
    pub encrypt: PrivateKey,
}

/// The files that a merchant of the sandbox configures, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnionpayFiles {
    /// `acp_prod_root.cer`: the root.
    pub root: String,
    /// `acp_prod_middle.cer`: the middle certificate.
    pub middle: String,
    /// The certificate of the merchant's own key; its serial is the `certId` of every request.
    pub merchant: String,
}

/// Which certificate UnionPay's messages carry. All of them hold the key that signs, so only a merchant that checks
/// the certificate sees the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnionpayCertificate {
    /// UnionPay's own.
    Genuine,
    /// UnionPay's own of last year.
    Expired,
    /// The same names, from another authority.
    OtherAuthority,
    /// From the right authority, for another customer of it: a merchant.
    OtherCustomer,
}

/// Everything that was issued.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) files: UnionpayFiles,
    pub(super) merchant_cert_id: String,
    pub(super) encrypt_pem: String,
    encrypt_cert_id: String,
    encrypt: PrivateKey,
    pub(super) sign: PrivateKey,
    genuine: String,
    expired: String,
    other_authority: String,
    other_customer: String,
}

impl UnionpayKeys {
    /// Fresh keys.
    ///
    /// # Errors
    /// `Misuse` if the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let (root, middle, sign, encrypt) =
            (generate_key()?, generate_key()?, generate_key()?, generate_key()?);
        Ok(Self { root, middle, sign, encrypt })
    }
}

impl Authority {
    /// Issues everything, from a day ago, so that a slow clock does not refuse it.
    pub(super) fn issue(
        keys: UnionpayKeys,
        mer_id: &str,
        merchant: &PublicKey,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let root = Issuer { name: name("Sandbox ACS CA"), key: keys.root };
        let middle = Issuer { name: name("Sandbox ACS OCA31"), key: keys.middle };
        // The same name over a key that the root never saw.
        let foreign = Issuer { name: middle.name.clone(), key: keys.encrypt.clone() };
        let year_ago = UnixMillis::from_millis(now.as_millis().saturating_sub(365 * DAY_SECS * 1000));
        let yesterday = UnixMillis::from_millis(now.as_millis().saturating_sub(DAY_SECS * 1000));
        let valid = (yesterday, now.plus_secs(VALID_SECS));
        let issue = |issuer: &Issuer, subject: &Name, key: &PublicKey, first: u8, role, (from, until)| {
            let serial = serial_of(key, first)?;
            let new = NewCertificate { subject, key, serial, not_before: from, not_after: until, role };
            Ok::<_, Error>((pem(&issuer.issue(&new)?), serial.to_string()))
        };
        let company = name(&format!("041@Z2026@{COMPANY}@00000001"));
        let customer = name(&format!("041@Z2026@{mer_id}:SIGN@00000003"));
        let encrypting = name("041@Z2026@00040000:ENCRYPT@00000005");
        let (sign, encrypt) = (keys.sign.public_key()?, keys.encrypt.public_key()?);
        let leaf = |issuer, subject, first, dates| issue(issuer, subject, &sign, first, Role::Leaf, dates);
        let root_key = root.key.public_key()?;
        let middle_key = middle.key.public_key()?;
        let (merchant_pem, merchant_cert_id) = issue(&middle, &customer, merchant, 0x40, Role::Leaf, valid)?;
        let (encrypt_pem, encrypt_cert_id) = issue(&middle, &encrypting, &encrypt, 0x45, Role::Leaf, valid)?;
        Ok(Self {
            files: UnionpayFiles {
                root: issue(&root, &root.name, &root_key, 1, Role::Authority, valid)?.0,
                middle: issue(&root, &middle.name, &middle_key, 2, Role::Authority, valid)?.0,
                merchant: merchant_pem,
            },
            merchant_cert_id,
            encrypt_pem,
            encrypt_cert_id,
            genuine: leaf(&middle, &company, 0x41, valid)?.0,
            expired: leaf(&middle, &company, 0x42, (year_ago, yesterday))?.0,
            other_authority: leaf(&foreign, &company, 0x43, valid)?.0,
            other_customer: leaf(&middle, &customer, 0x44, valid)?.0,
            encrypt: keys.encrypt,
            sign: keys.sign,
        })
    }

    pub(super) fn certificate(&self, which: UnionpayCertificate) -> &str {
        match which {
            UnionpayCertificate::Genuine => &self.genuine,
            UnionpayCertificate::Expired => &self.expired,
            UnionpayCertificate::OtherAuthority => &self.other_authority,
            UnionpayCertificate::OtherCustomer => &self.other_customer,
        }
    }

    /// True if a field was encrypted for the certificate of this number (RSAES-PKCS1-v1_5, RFC 8017 section 7.2).
    pub(super) fn opens(&self, cert_id: &str, sealed: &[u8]) -> bool {
        cert_id == self.encrypt_cert_id && self.opened(sealed).is_ok_and(|text| !text.is_empty())
    }

    fn opened(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let refused =
            || Cause::Unverified { what: "encrypted field", why: "it does not decrypt with our key" };
        let pkcs8: Pkcs8V1Der<'static> = self.encrypt.0.as_der().map_err(|_| refused())?;
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| refused())?;
        let key = Pkcs1PrivateDecryptingKey::new(key).map_err(|_| refused())?;
        let mut text = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(sealed, &mut text).map(|text| text.len()).map_err(|_| refused())?;
        text.truncate(length);
        Ok(text)
    }
}

fn name(common_name: &str) -> Name {
    let part = |attribute, text: &str| (attribute, text.to_owned());
    Name(vec![
        part(Attribute::Country, "CN"),
        part(Attribute::Organization, "Sandbox Certification Authority"),
        part(Attribute::CommonName, common_name),
    ])
}
