//! PKCS#12 files (RFC 7292), in which UnionPay gives a merchant its key and certificate.

use crate::error::{Cause, Error};
use crate::{Certificate, PrivateKey};
use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKeyChain};
use std::fmt;
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{AnyRef, Decode, Header, Reader, SliceReader};

/// The longest file that is read, in bytes. Those of UnionPay have about 5000.
pub const PFX_BYTES_MAX: usize = 65_536;
/// The most rounds of the derivation of the key that guards the file; tools write 1 to 100 000.
const ROUNDS_MAX: u32 = 1_000_000;

const WHAT: &str = "pkcs#12 file";

/// The private key and the certificate of a `.pfx` file. Nothing prints the key.
///
/// ```no_run
/// # fn example(pfx: &[u8], password: &str) -> Result<(), payments::Error> {
/// let identity = payments::Pkcs12::parse(pfx, password)?;
/// println!("certId {}", identity.certificate.serial_decimal());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Pkcs12 {
    /// The key.
    pub key: PrivateKey,
    /// The certificate of the key.
    pub certificate: Certificate,
    /// The certificates above it, as far as the file holds them.
    pub chain: Vec<Certificate>,
}

impl Pkcs12 {
    /// Opens a file with its password. The file holds one private key, guarded by a MAC over the password.
    ///
    /// # Errors
    /// `InvalidInput` if the password does not fit, or the file holds no RSA key, several keys, or no MAC.
    pub fn parse(pfx: &[u8], password: &str) -> Result<Self, Error> {
        let refused = |why| Error::from(Cause::Certificate { what: WHAT, why });
        // Without the MAC anybody could have put the file together; with it only who knows the password.
        if pfx.len() > PFX_BYTES_MAX || !has_sane_mac(pfx) {
            return Err(refused("it is no PKCS#12 file with a MAC, or longer than 65536 bytes"));
        }
        let store = KeyStore::from_pkcs12(pfx, password)
            .map_err(|_| refused("it cannot be opened: check the password, or write it anew with openssl"))?;
        let mut chains = store.entries().filter_map(|(_, entry)| match entry {
            KeyStoreEntry::PrivateKeyChain(chain) => Some(chain),
            _ => None,
        });
        match (chains.next(), chains.next()) {
            (Some(chain), None) => Self::of(chain),
            _ => Err(refused("it holds not exactly one private key with a certificate")),
        }
    }

    fn of(chain: &PrivateKeyChain) -> Result<Self, Error> {
        let refused = |why| Error::from(Cause::Certificate { what: WHAT, why });
        let key = PrivateKey::from_der(chain.key())?;
        let mut certificates = chain.chain().iter().map(|member| Certificate::from_der(member.as_der()));
        let certificate = certificates.next().ok_or_else(|| refused("it holds no certificate"))??;
        if certificate.public_key()?.to_base64()? != key.public_key()?.to_base64()? {
            return Err(refused("its certificate belongs to another key"));
        }
        Ok(Self { key, certificate, chain: certificates.collect::<Result<_, _>>()? })
    }
}

/// `PFX ::= SEQUENCE { version, authSafe, macData { mac, macSalt, iterations DEFAULT 1 } }`, looked at before a
/// single round is worked.
fn has_sane_mac(pfx: &[u8]) -> bool {
    sane_mac(pfx).unwrap_or_default()
}

fn sane_mac(pfx: &[u8]) -> Option<bool> {
    let mut reader = inside(pfx)?;
    AnyRef::decode(&mut reader).ok()?;
    AnyRef::decode(&mut reader).ok()?;
    let mut mac = inside(reader.tlv_bytes().ok()?)?;
    AnyRef::decode(&mut mac).ok()?;
    let salt = OctetStringRef::decode(&mut mac).ok()?;
    let rounds = if mac.is_finished() { 1 } else { u32::decode(&mut mac).ok()? };
    Some(!salt.is_empty() && (1..=ROUNDS_MAX).contains(&rounds))
}

/// A reader of the members of one sequence.
fn inside(der: &[u8]) -> Option<SliceReader<'_>> {
    let mut reader = SliceReader::new(der).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let body = reader.read_slice(header.length).ok()?;
    SliceReader::new(body).ok()
}

impl fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs12").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
