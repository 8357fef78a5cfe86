//! Certificates for the sandbox (RFC 5280, DER of X.690): a root, what it vouches for, and nothing of use elsewhere.

use crate::error::{Cause, Error};
use crate::sign::Signer as _;
use crate::{PrivateKey, PublicKey, UnixMillis};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// One attribute of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Country,
    Organization,
    Unit,
    CommonName,
}

/// The holder of a certificate: its attributes in the order of the encoding, `C` first and `CN` last.
#[derive(Debug, Clone)]
pub(super) struct Name(pub(super) Vec<(Attribute, String)>);

/// Whether a certificate may vouch for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Authority,
    Leaf,
}

/// A certificate to be issued.
#[derive(Debug)]
pub(super) struct NewCertificate<'a> {
    pub(super) subject: &'a Name,
    pub(super) key: &'a PublicKey,
    pub(super) serial: u64,
    pub(super) not_before: UnixMillis,
    pub(super) not_after: UnixMillis,
    pub(super) role: Role,
}

/// A name and a key that vouch for certificates.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    pub(super) name: Name,
    pub(super) key: PrivateKey,
}

impl Issuer {
    /// The certificate in DER, signed with SHA256withRSA. An issuer that issues for its own name and key is a root.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub(super) fn issue(&self, new: &NewCertificate<'_>) -> Result<Vec<u8>, Error> {
        let algorithm = sequence(&[tlv(0x06, SHA256_WITH_RSA), tlv(0x05, &[])]);
        let spki = STANDARD.decode(new.key.to_base64()?).map_err(|error| Cause::Key {
            what: "public",
            remedy: "give an RSA key",
            source: Some(error.into()),
        })?;
        let mut parts = vec![
            // Version 3.
            tlv(0xa0, &tlv(0x02, &[2])),
            integer(new.serial),
            algorithm.clone(),
            self.name.der(),
            sequence(&[time(new.not_before), time(new.not_after)]),
            new.subject.der(),
            spki,
        ];
        if new.role == Role::Authority {
            let critical = tlv(0x01, &[0xff]);
            let value = tlv(0x04, &sequence(&[tlv(0x01, &[0xff])]));
            let extension = sequence(&[tlv(0x06, BASIC_CONSTRAINTS), critical, value]);
            parts.push(tlv(0xa3, &sequence(&[extension])));
        }
        let signed = sequence(&parts);
        let signature = self.key.sign(&signed)?;
        let bits = tlv(0x03, &[&[0], signature.as_slice()].concat());
        Ok(sequence(&[signed, algorithm, bits]))
    }
}

/// A serial number for a certificate of this key: `first`, and seven bytes of a digest of the key.
pub(super) fn serial_of(key: &PublicKey, first: u8) -> Result<u64, Error> {
    let hashed = digest(&SHA256, key.to_base64()?.as_bytes());
    let bytes = hashed.as_ref().iter().take(7);
    Ok(bytes.fold(u64::from(first), |number, byte| number << 8 | u64::from(*byte)))
}

/// PEM with lines of 64 characters.
pub(super) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END CERTIFICATE-----\n"
}

impl Name {
    /// RFC 4514: the last attribute first, joined by commas. The values here hold nothing that is escaped.
    pub(super) fn text(&self) -> String {
        let parts = self.0.iter().rev().map(|(attribute, value)| format!("{}={value}", attribute.short()));
        parts.collect::<Vec<_>>().join(",")
    }

    fn der(&self) -> Vec<u8> {
        let part = |(attribute, value): &(Attribute, String)| {
            // The country is a PrintableString, everything else UTF-8.
            let tag = if *attribute == Attribute::Country { 0x13 } else { 0x0c };
            let pair = sequence(&[tlv(0x06, &[0x55, 0x04, attribute.arc()]), tlv(tag, value.as_bytes())]);
            tlv(0x31, &pair)
        };
        sequence(&self.0.iter().map(part).collect::<Vec<_>>())
    }
}

impl Attribute {
    const fn arc(self) -> u8 {
        match self {
            Self::CommonName => 3,
            Self::Country => 6,
            Self::Organization => 10,
            Self::Unit => 11,
        }
    }

    const fn short(self) -> &'static str {
        match self {
            Self::CommonName => "CN",
            Self::Country => "C",
            Self::Organization => "O",
            Self::Unit => "OU",
        }
    }
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn integer(value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    // A leading one bit would make it negative, and zero has a byte too.
    let positive = if bytes.first().is_none_or(|byte| byte & 0x80 != 0) {
        [&[0], bytes.as_slice()].concat()
    } else {
        bytes
    };
    tlv(0x02, &positive)
}

/// UTCTime until 2049, GeneralizedTime after.
fn time(at: UnixMillis) -> Vec<u8> {
    const CHINA_OFFSET_MILLIS: u64 = 8 * 3_600_000;
    let utc = UnixMillis::from_millis(at.as_millis().saturating_sub(CHINA_OFFSET_MILLIS)).china_digits();
    match utc.strip_prefix("20").filter(|_| utc.as_str() < "2050") {
        Some(short) => tlv(0x17, format!("{short}Z").as_bytes()),
        None => tlv(0x18, format!("{utc}Z").as_bytes()),
    }
}

/// Tag, length, value.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // A length has at most eight bytes.
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            bytes.extend(digits);
        }
    }
    bytes.extend_from_slice(value);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Certificate;
    use crate::sandbox::generate_key;

    #[test]
    fn what_is_issued_can_be_read() {
        let name = |cn: &str| {
            Name(vec![
                (Attribute::Country, "CN".to_owned()),
                (Attribute::Organization, "沙箱".to_owned()),
                (Attribute::CommonName, cn.to_owned()),
            ])
        };
        let from = UnixMillis::from_millis(1_790_000_000_000);
        let root = Issuer { name: name("Root"), key: generate_key().unwrap() };
        let leaf_key = generate_key().unwrap().public_key().unwrap();
        for (serial, years) in [(0, 1), (0x7f, 10), (0x80, 30), (u64::MAX, 60)] {
            let new = NewCertificate {
                subject: &name("Leaf"),
                key: &leaf_key,
                serial,
                not_before: from,
                not_after: from.plus_secs(years * 365 * 86_400),
                role: if serial == 0 { Role::Authority } else { Role::Leaf },
            };
            let leaf = Certificate::parse(pem(&root.issue(&new).unwrap())).unwrap();
            assert_eq!(leaf.serial_decimal(), serial.to_string());
            assert_eq!(leaf.issuer_text(), root.name.text());
            assert_eq!(leaf.subject_common_name(), Some("Leaf"));
            assert_eq!((leaf.not_before(), leaf.not_after()), (from, new.not_after));
            assert_eq!(leaf.public_key().unwrap().to_base64().unwrap(), leaf_key.to_base64().unwrap());
        }
    }
}
