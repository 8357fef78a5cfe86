//! What stands in a certificate, read once: RFC 5280 section 4.1, and the two extensions about signing others.

use crate::key::public_key_of;
use crate::{PublicKey, UnixMillis};
use x509_cert::der::asn1::{BmpString, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::der::{Any, Decode, Encode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

pub(super) struct Parts {
    pub(super) der: Vec<u8>,
    /// What is signed, as sent.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: String,
    pub(super) spki: Vec<u8>,
    pub(super) key: Option<PublicKey>,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) issuer_text: String,
    pub(super) common_name: Option<String>,
    pub(super) not_before: UnixMillis,
    pub(super) not_after: UnixMillis,
    pub(super) role: Role,
}

/// What the extensions say about signing other certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `basicConstraints` says CA, and `keyUsage` does not forbid it. At most so many CAs may follow.
    Ca { path_len: Option<u8> },
    /// The extensions say nothing: such are the certificates of merchants, and one intermediate of Alipay's sandbox.
    Unsaid,
    /// The extensions forbid it, or hold a critical one that is not understood here.
    NoCa,
}

impl Parts {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let tbs = &certificate.tbs_certificate;
        // RFC 5280 section 4.1.1.2: the algorithm stands outside and inside, and both must be the same. The outer one
        // is not signed.
        if certificate.signature_algorithm != tbs.signature {
            return None;
        }
        let serial = unsigned(tbs.serial_number.as_bytes())?;
        let spki = tbs.subject_public_key_info.to_der().ok()?;
        let moment = |time: x509_cert::time::Time| {
            u64::try_from(time.to_unix_duration().as_millis()).ok().map(UnixMillis::from_millis)
        };
        Some(Self {
            signed: signed_part(der)?.to_vec(),
            signature: certificate.signature.as_bytes()?.to_vec(),
            algorithm: certificate.signature_algorithm.oid.to_string(),
            key: public_key_of(&spki).ok(),
            spki,
            serial,
            issuer: tbs.issuer.to_der().ok()?,
            subject: tbs.subject.to_der().ok()?,
            issuer_text: tbs.issuer.to_string(),
            common_name: common_name(&tbs.subject),
            not_before: moment(tbs.validity.not_before)?,
            not_after: moment(tbs.validity.not_after)?,
            role: role(tbs),
            der: der.to_vec(),
        })
    }
}

/// The bytes of `tbsCertificate` as they stand in the certificate.
fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}

/// A positive number without its leading zero bytes; zero keeps one.
fn unsigned(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        return None;
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len() - 1);
    bytes.get(zeros..).map(<[u8]>::to_vec)
}

fn common_name(subject: &x509_cert::name::Name) -> Option<String> {
    let attributes = subject.0.iter().flat_map(|names| names.0.iter());
    let value = &attributes.rev().find(|attribute| attribute.oid == CN)?.value;
    let text = value
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| text.as_str().to_owned())
        .or_else(|_| value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()))
        .or_else(|_| value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned()));
    text.ok().or_else(|| bmp_text(value))
}

/// `BMPString`, which older tools write: two bytes a character.
fn bmp_text(value: &Any) -> Option<String> {
    let bmp = value.decode_as::<BmpString>().ok()?;
    Some(bmp.chars().collect())
}

fn role(tbs: &x509_cert::TbsCertificate) -> Role {
    let known = [BasicConstraints::OID, KeyUsage::OID];
    let extensions = tbs.extensions.as_deref().unwrap_or_default();
    if extensions.iter().any(|extension| extension.critical && !known.contains(&extension.extn_id)) {
        return Role::NoCa;
    }
    // RFC 5280 section 4.2.1.3: where the usage is said, signing certificates has to be among it.
    let signs = match tbs.get::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => return Role::NoCa,
    };
    match tbs.get::<BasicConstraints>() {
        Ok(Some((_, basic))) if basic.ca && signs => Role::Ca { path_len: basic.path_len_constraint },
        Ok(None) => Role::Unsaid,
        _ => Role::NoCa,
    }
}
