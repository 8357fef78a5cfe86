//! X.509 certificates as values (RFC 5280): read leniently from PEM, and asked strictly. The chain stands in `chain`.
//!
//! Signatures are checked over the bytes as sent, by aws-lc-rs; what is parsed is never written again for that.

mod chain;
mod parts;
mod pem;

pub(crate) use chain::{Trust, check_chain};

use self::parts::Parts;
use crate::error::{Cause, Error};
use crate::{PublicKey, UnixMillis};
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
};
use std::fmt;
use std::sync::Arc;

/// The longest certificate that is read, in bytes of DER. Those of the gateways have about 1500.
pub const CERTIFICATE_BYTES_MAX: usize = 16_384;
/// The longest bundle that is read, in bytes of PEM.
pub const BUNDLE_BYTES_MAX: usize = 524_288;
/// The most certificates of one bundle. Alipay's root bundle has four.
pub const BUNDLE_CERTIFICATES_MAX: usize = 64;

const WHAT: &str = "certificate";
const NO_CERTIFICATE: Cause =
    Cause::Certificate { what: WHAT, why: "give one X.509 certificate as PEM, base64 or DER" };
const NOT_RSA: Cause = Cause::Certificate { what: WHAT, why: "its key is no RSA key of 2048 to 8192 bits" };

/// An X.509 certificate. Cloning shares it.
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example(pem: &str) -> Result<(), payments::Error> {
/// let certificate = payments::Certificate::parse(pem)?;
/// println!("{} until {}", certificate.serial_hex(), certificate.not_after().china_text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

/// Certificates of one file, and how many of its members could not be read.
///
/// Alipay's root bundle holds members of algorithms that few libraries know; they are no reason to refuse the rest.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CertificateBundle {
    /// The readable members, in the order of the file.
    pub certificates: Vec<Certificate>,
    /// How many members were skipped.
    pub skipped: usize,
}

impl Certificate {
    /// Reads the first certificate of a PEM text (any line length, text around it), of bare base64, or of DER.
    ///
    /// # Errors
    /// `InvalidInput` if there is none, or it is longer than [`CERTIFICATE_BYTES_MAX`].
    pub fn parse(input: impl AsRef<[u8]>) -> Result<Self, Error> {
        let input = input.as_ref();
        if input.len() > BUNDLE_BYTES_MAX {
            return Err(NO_CERTIFICATE.into());
        }
        if input.first() == Some(&0x30) {
            return Self::from_der(input);
        }
        let text = str::from_utf8(input).map_err(|_| NO_CERTIFICATE)?;
        let der = match pem::blocks(text).next() {
            Some(body) => pem::decode(body),
            None => pem::decode(text),
        };
        Self::from_der(&der.ok_or(NO_CERTIFICATE)?)
    }

    /// Reads a certificate from DER.
    ///
    /// # Errors
    /// `InvalidInput` if it is none, if bytes follow it, or if it is longer than [`CERTIFICATE_BYTES_MAX`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(NO_CERTIFICATE.into());
        }
        Parts::read(der).map(|parts| Self(Arc::new(parts))).ok_or_else(|| NO_CERTIFICATE.into())
    }

    /// Reads every certificate of a PEM text; members that cannot be read are skipped and counted.
    ///
    /// # Errors
    /// `InvalidInput` if no member can be read, or there are more than [`BUNDLE_CERTIFICATES_MAX`].
    pub fn parse_bundle(input: impl AsRef<[u8]>) -> Result<CertificateBundle, Error> {
        let input = input.as_ref();
        let refused = |why| Error::from(Cause::Certificate { what: "certificate bundle", why });
        let text = str::from_utf8(input).map_err(|_| refused("it is not PEM"))?;
        if text.len() > BUNDLE_BYTES_MAX || pem::blocks(text).nth(BUNDLE_CERTIFICATES_MAX).is_some() {
            return Err(refused("it has more than 524288 bytes or 64 members"));
        }
        let mut bundle = CertificateBundle { certificates: Vec::new(), skipped: 0 };
        for body in pem::blocks(text) {
            match pem::decode(body).and_then(|der| Self::from_der(&der).ok()) {
                Some(certificate) => bundle.certificates.push(certificate),
                None => bundle.skipped += 1,
            }
        }
        if bundle.certificates.is_empty() { Err(refused("it holds no certificate")) } else { Ok(bundle) }
    }

    /// The certificate as DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate as PEM, with lines of 64 columns and a line feed at the end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(&self.0.der)
    }

    /// The key that it certifies.
    ///
    /// # Errors
    /// `InvalidInput` if it is no RSA key of 2048 to 8192 bits.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        self.0.key.clone().ok_or_else(|| NOT_RSA.into())
    }

    /// The serial number in decimal digits, as UnionPay's `certId` and Alipay's certificate numbers write it.
    #[must_use]
    pub fn serial_decimal(&self) -> String {
        decimal(&self.0.serial)
    }

    /// The serial number in upper-case hexadecimal digits, two a byte, as WeChat Pay writes it.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        self.0.serial.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The issuer as RFC 2253 writes it, the last attribute first: `CN=..,OU=..,O=..,C=..`.
    #[must_use]
    pub fn issuer_text(&self) -> &str {
        &self.0.issuer_text
    }

    /// The common name of the subject, the last one if there are several.
    #[must_use]
    pub fn subject_common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// The first moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> UnixMillis {
        self.0.not_before
    }

    /// The last moment of its validity. Renew it some weeks before.
    #[must_use]
    pub fn not_after(&self) -> UnixMillis {
        self.0.not_after
    }

    /// True from the first to the last moment of its validity.
    #[must_use]
    pub fn is_valid_at(&self, at: UnixMillis) -> bool {
        self.0.not_before <= at && at <= self.0.not_after
    }

    /// The object identifier of the algorithm that it is signed with, such as `1.2.840.113549.1.1.11`.
    #[must_use]
    pub fn signature_algorithm_oid(&self) -> &str {
        &self.0.algorithm
    }

    /// True if the other one's key signed this one, by RSA with SHA-1, SHA-256, SHA-384 or SHA-512, and its subject
    /// is this one's issuer. Says nothing about dates, nor whether the other one may sign.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        if self.0.issuer != issuer.0.subject || issuer.0.key.is_none() {
            return false;
        }
        let Some(algorithm) = rsa_algorithm(&self.0.algorithm) else { return false };
        ParsedPublicKey::new(algorithm, &issuer.0.spki)
            .is_ok_and(|key| key.verify_sig(&self.0.signed, &self.0.signature).is_ok())
    }

    /// Checks that a chain of valid CA certificates leads from this one to a root of ours: at most four
    /// intermediates, which have to say that they are CAs, in any order, with others among them.
    ///
    /// # Errors
    /// `Unverified`, with the reason: not valid at this moment, or no such chain.
    pub fn verify_chain(&self, intermediates: &[Self], roots: &[Self], at: UnixMillis) -> Result<(), Error> {
        check_chain(self, intermediates, roots, at)
    }

    pub(crate) fn uses_sha1(&self) -> bool {
        self.0.algorithm == SHA1_WITH_RSA
    }
}

const SHA1_WITH_RSA: &str = "1.2.840.113549.1.1.5";

/// Other algorithms (MD5, PSS, ECDSA, SM2) are not taken.
fn rsa_algorithm(oid: &str) -> Option<&'static RsaParameters> {
    match oid {
        SHA1_WITH_RSA => Some(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        "1.2.840.113549.1.1.11" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "1.2.840.113549.1.1.12" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "1.2.840.113549.1.1.13" => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

/// Big-endian bytes as decimal digits.
fn decimal(bytes: &[u8]) -> String {
    // Decimal digits, the lowest first.
    let mut digits: Vec<u8> = vec![0];
    for byte in bytes {
        let mut carry = u16::from(*byte);
        for digit in &mut digits {
            carry += u16::from(*digit) * 256;
            *digit = u8::try_from(carry % 10).unwrap_or_default();
            carry /= 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or_default());
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("common_name", &self.subject_common_name())
            .field("serial", &self.serial_hex())
            .finish_non_exhaustive()
    }
}
