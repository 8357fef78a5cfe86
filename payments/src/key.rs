//! RSA keys as merchants really have them: PKCS#1, PKCS#8 or SPKI, in PEM or as bare base64, recognised by content.
//!
//! A key is parsed once and then only used. Signing and verifying live in [`crate::sign`].

use crate::error::{Cause, Error};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use std::sync::Arc;
use x509_cert::der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use zeroize::Zeroizing;

/// The longest text of a key that is read, in bytes. An RSA key of 8192 bits needs about 6500.
pub const KEY_TEXT_BYTES_MAX: usize = 16_384;

pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const PRIVATE_REMEDY: &str =
    "give an RSA private key of 2048 bits or more, PKCS#1 or PKCS#8, not encrypted, as PEM or base64";
const ENCRYPTED_REMEDY: &str = "it is encrypted with a password; decrypt it with `openssl pkey -in key.pem`";
const PUBLIC_REMEDY: &str = "give an RSA public key of 2048 bits or more, as PEM or base64";

/// The merchant's RSA private key (`应用私钥`). Cloning shares it; nothing prints it.
#[derive(Clone)]
pub struct PrivateKey(pub(crate) Arc<KeyPair>);

/// An RSA public key: the gateway's (`支付宝公钥`), or the merchant's own.
#[derive(Clone)]
pub struct PublicKey(pub(crate) Arc<ParsedPublicKey>);

impl PrivateKey {
    /// Reads a key: PKCS#1 (what Alipay's tool gives for most languages) or PKCS#8 (what it gives for Java),
    /// with or without PEM armour, with any line length. The label is not trusted; the content decides.
    ///
    /// # Errors
    /// `InvalidInput` for anything else, with the remedy and without the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_der(&der_of(text, "private", PRIVATE_REMEDY)?)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let refused = |remedy, source: Option<KeyRejected>| Cause::Key {
            what: "private",
            remedy,
            source: source.map(|error| Box::new(error).into()),
        };
        let pair = match KeyPair::from_pkcs8(der) {
            Ok(pair) => pair,
            Err(_not_pkcs8) if is_encrypted_pkcs8(der) => return Err(refused(ENCRYPTED_REMEDY, None).into()),
            Err(_not_pkcs8) => {
                KeyPair::from_der(der).map_err(|error| refused(PRIVATE_REMEDY, Some(error)))?
            }
        };
        Ok(Self(Arc::new(pair)))
    }

    /// Decrypts a field that was encrypted with our public key: RSAES-OAEP with SHA-1 (RFC 8017 section 7.1), as
    /// WeChat Pay does. The plaintext is wiped when it is dropped.
    ///
    /// # Errors
    /// `Unverified` if it does not decrypt with this key.
    pub fn decrypt_oaep_sha1(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let refused =
            || Cause::Unverified { what: "encrypted field", why: "it does not decrypt with our key" };
        let pkcs8: Pkcs8V1Der<'static> = self.0.as_der().map_err(|_| refused())?;
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| refused())?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| refused())?;
        let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut plaintext, None)
            .map(|plaintext| plaintext.len())
            .map_err(|_| refused())?;
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// The public half, to be uploaded to the gateway.
    ///
    /// # Errors
    /// `InvalidInput` if the half cannot be written, which no key that was parsed shows.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        public_key_of(self.0.public_key().as_ref())
    }
}

impl PublicKey {
    /// Reads a key: SPKI or PKCS#1, with or without PEM armour, with any line length.
    ///
    /// # Errors
    /// `InvalidInput` for anything else. A certificate is refused: key mode uses the bare key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        public_key_of(&der_of(text, "public", PUBLIC_REMEDY)?)
    }

    /// Encrypts a short field for the holder of the private key: RSAES-OAEP with SHA-1 (RFC 8017 section 7.1), as
    /// WeChat Pay wants it. At most 42 bytes less than the key has: 214 for 2048 bits.
    ///
    /// # Errors
    /// `InvalidInput` if the field is too long.
    pub fn encrypt_oaep_sha1(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let refused = |_| too_long("encrypt at most 214 bytes with a key of 2048 bits");
        let key = OaepPublicEncryptingKey::new(self.encrypting()?).map_err(refused)?;
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut ciphertext, None).map_err(refused)?;
        Ok(ciphertext)
    }

    /// Encrypts a short field for the holder of the private key: RSAES-PKCS1-v1_5 (RFC 8017 section 7.2), as
    /// UnionPay wants it. At most 11 bytes less than the key has: 245 for 2048 bits.
    ///
    /// # Errors
    /// `InvalidInput` if the field is too long.
    pub fn encrypt_pkcs1v15(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let refused = |_| too_long("encrypt at most 245 bytes with a key of 2048 bits");
        let key = Pkcs1PublicEncryptingKey::new(self.encrypting()?).map_err(refused)?;
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(plaintext, &mut ciphertext).map_err(refused)?;
        Ok(ciphertext)
    }

    fn encrypting(&self) -> Result<PublicEncryptingKey, Error> {
        PublicEncryptingKey::from_der(spki_of(&self.0)?.as_ref()).map_err(|error| {
            Cause::Key { what: "public", remedy: PUBLIC_REMEDY, source: Some(Box::new(error)) }.into()
        })
    }

    /// SPKI as one line of base64, the form that the gateways' consoles show and take.
    ///
    /// # Errors
    /// `InvalidInput` if the key cannot be written, which no key that was parsed shows.
    pub fn to_base64(&self) -> Result<String, Error> {
        spki_of(&self.0).map(|spki| LENIENT.encode(spki.as_ref()))
    }
}

pub(crate) fn public_key_of(der: &[u8]) -> Result<PublicKey, Error> {
    let refused = |error| Cause::Key { what: "public", remedy: PUBLIC_REMEDY, source: Some(Box::new(error)) };
    let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(refused)?;
    // The encryption side refuses moduli outside 2048 to 8192 bits now, not when the first notify arrives.
    PublicEncryptingKey::from_der(spki_of(&parsed)?.as_ref()).map_err(refused)?;
    Ok(PublicKey(Arc::new(parsed)))
}

fn too_long(why: &'static str) -> Error {
    Cause::Shape { what: "field to encrypt", why }.into()
}

/// `EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { OID, .. }, OCTET STRING }` (RFC 5958 section 3); a plain key
/// of either kind begins with an integer.
fn is_encrypted_pkcs8(der: &[u8]) -> bool {
    let looks = || {
        let mut reader = SliceReader::new(der).ok()?;
        Header::decode(&mut reader).ok()?;
        Some(reader.peek_tag().ok()? == Tag::Sequence)
    };
    looks().unwrap_or_default()
}

fn spki_of(key: &ParsedPublicKey) -> Result<PublicKeyX509Der<'static>, Error> {
    key.as_der().map_err(|error| {
        Cause::Key { what: "public", remedy: PUBLIC_REMEDY, source: Some(Box::new(error)) }.into()
    })
}

/// The DER inside PEM or bare base64. The buffer is wiped when it is dropped.
pub(crate) fn der_of(
    text: &str,
    what: &'static str,
    remedy: &'static str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let refused = || Cause::Key { what, remedy, source: None };
    if text.len() > KEY_TEXT_BYTES_MAX {
        return Err(refused().into());
    }
    let body = match text.split_once("-----BEGIN ") {
        None => text,
        Some((_, rest)) => {
            let (label, rest) = rest.split_once("-----").ok_or_else(refused)?;
            if label == "CERTIFICATE" {
                return Err(refused().into());
            }
            let body = rest.split_once("-----END ").ok_or_else(refused)?.0;
            if body.contains("Proc-Type: 4,ENCRYPTED") {
                return Err(Cause::Key { what, remedy: ENCRYPTED_REMEDY, source: None }.into());
            }
            body
        }
    };
    let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
    packed.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    // The text of a decoding error names an offset and a byte of the key, so it is not kept as a source.
    LENIENT.decode(packed.as_slice()).map(Zeroizing::new).map_err(|_| refused().into())
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(RSA)")
    }
}
