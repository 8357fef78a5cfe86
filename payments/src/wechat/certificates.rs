//! `GET /v3/certificates`: the platform certificates, encrypted with the API v3 key.

use super::keys::KeyName;
use super::merchant::Merchant;
use super::reply::{self, REPLY_BYTES_MAX};
use super::request;
use super::serial::CertSerial;
use super::signature::{SignatureHeaders, is_signed};
use crate::error::{Cause, Error};
use crate::{Call, Certificate, Effect, PublicKey, Reply, Stamp, UnixMillis, aead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

const WHAT: &str = "wechat certificates";
/// Two overlap while they rotate; more than this is no list of certificates.
const CERTIFICATES_MAX: usize = 16;
pub(crate) const ALGORITHM: &str = "AEAD_AES_256_GCM";

/// Downloads the platform certificates (manual: 获取平台证书列表). Most applications want
/// [`Merchant::refresh_certificates`], which also limits how often it happens.
///
/// The first download cannot be verified with a key that is already known. It is trusted in three steps: every
/// certificate opens with the API v3 key, which only the merchant and WeChat Pay have; it leads to a root, if roots
/// are given; and the reply as a whole is signed by one of the certificates in it. A reply that names a known key is
/// verified with that key before anything of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Certificates;

/// One platform certificate.
#[derive(Debug, Clone)]
pub struct PlatformCertificate {
    serial: CertSerial,
    key: PublicKey,
    certificate: Certificate,
}

#[derive(Deserialize)]
struct Listing {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    serial_no: String,
    encrypt_certificate: Sealed,
}

/// What the API v3 key opens: `AEAD_AES_256_GCM`, in certificates and in notifies.
#[derive(Deserialize)]
pub(crate) struct Sealed {
    pub(crate) algorithm: String,
    pub(crate) nonce: String,
    pub(crate) associated_data: Option<String>,
    pub(crate) ciphertext: String,
    pub(crate) original_type: Option<String>,
}

impl Sealed {
    /// Opens the text; lengths are checked first.
    pub(crate) fn open(
        &self,
        merchant: &Merchant,
        what: &'static str,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let field = |field| Cause::Field { what, field, source: None };
        if self.algorithm != ALGORITHM {
            return Err(field("algorithm").into());
        }
        let ciphertext = STANDARD.decode(&self.ciphertext).map_err(|_| field("ciphertext"))?;
        let aad = self.associated_data.as_deref().unwrap_or_default();
        aead::open(merchant.api_v3_key.bytes(), self.nonce.as_bytes(), aad.as_bytes(), &ciphertext)
    }
}

impl PlatformCertificate {
    pub(crate) fn of_parts(serial: CertSerial, key: PublicKey, certificate: Certificate) -> Self {
        Self { serial, key, certificate }
    }

    /// Its serial.
    #[must_use]
    pub fn serial(&self) -> &CertSerial {
        &self.serial
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(crate) fn is_valid_at(&self, at: UnixMillis) -> bool {
        self.certificate.is_valid_at(at)
    }
}

impl Call for Certificates {
    type Merchant = Merchant;
    type Output = Vec<PlatformCertificate>;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request::get(merchant, "/v3/certificates", stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<Vec<PlatformCertificate>, Error> {
        let (headers, body, at) = (reply.response.headers(), reply.response.body(), reply.received_at);
        let first = reply.response.status() == http::StatusCode::OK
            && is_signed(headers)
            && body.len() <= REPLY_BYTES_MAX;
        if first {
            let signature = SignatureHeaders::read(WHAT, headers, at)?;
            let name = signature.key_name()?;
            if merchant.keys.find(&name, at).is_none() {
                return bootstrap(merchant, &signature, &name, body, at);
            }
        }
        let listing = reply::content::<Listing>(merchant, reply)?.success()?;
        opened(merchant, listing, at)
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

/// The list proves itself: see [`Certificates`].
fn bootstrap(
    merchant: &Merchant,
    signature: &SignatureHeaders<'_>,
    name: &KeyName<'_>,
    body: &[u8],
    at: UnixMillis,
) -> Result<Vec<PlatformCertificate>, Error> {
    let unproved = |why| Cause::Unverified { what: WHAT, why };
    let listing: Listing = serde_json::from_slice(body)
        .map_err(|_| unproved("it is signed with no key of ours and holds no certificates"))?;
    let certificates = opened(merchant, listing, at)?;
    let signer = certificates.iter().find(|known| KeyName::Certificate(known.serial.clone()) == *name);
    let signer = signer.ok_or_else(|| unproved("it is signed with no certificate of ours or of its own"))?;
    signature.verify_by(&signer.key, body)?;
    Ok(certificates)
}

/// Every certificate of the list that is valid now.
fn opened(merchant: &Merchant, listing: Listing, at: UnixMillis) -> Result<Vec<PlatformCertificate>, Error> {
    let field = |field, source| Cause::Field { what: WHAT, field, source };
    if listing.data.is_empty() || listing.data.len() > CERTIFICATES_MAX {
        return Err(field("data", None).into());
    }
    let mut certificates = Vec::with_capacity(listing.data.len());
    for entry in listing.data {
        let pem = entry.encrypt_certificate.open(merchant, WHAT)?;
        let unreadable = |error| field("ciphertext", Some(Box::new(error)));
        let certificate = Certificate::parse(pem.as_slice()).map_err(unreadable)?;
        let certificate = PlatformCertificate::new(&certificate).map_err(unreadable)?;
        if CertSerial::parse(&entry.serial_no).ok().as_ref() != Some(&certificate.serial) {
            return Err(field("serial_no", None).into());
        }
        if certificate.is_valid_at(at) {
            merchant.keys.check_root(&certificate.certificate, at)?;
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(field("data", None).into());
    }
    Ok(certificates)
}
