//! RSA keys as merchants really have them: PKCS#1, PKCS#8 or SPKI, in PEM or as bare base64, recognised by content.
//!
//! A key is parsed once and then only used. Signing and verifying live in [`crate::sign`].

use crate::error::{Cause, Error};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, PublicEncryptingKey};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest text of a key that is read, in bytes. An RSA key of 8192 bits needs about 6500.
pub const KEY_TEXT_BYTES_MAX: usize = 16_384;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const PRIVATE_REMEDY: &str =
    "give an RSA private key of 2048 bits or more, PKCS#1 or PKCS#8, not encrypted, as PEM or base64";
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
        let der = der_of(text, "private", PRIVATE_REMEDY)?;
        let pair = match KeyPair::from_pkcs8(&der) {
            Ok(pair) => pair,
            Err(_not_pkcs8) => KeyPair::from_der(&der).map_err(|error| Cause::Key {
                what: "private",
                remedy: PRIVATE_REMEDY,
                source: Some(Box::new(error)),
            })?,
        };
        Ok(Self(Arc::new(pair)))
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

    /// SPKI as one line of base64, the form that the gateways' consoles show and take.
    ///
    /// # Errors
    /// `InvalidInput` if the key cannot be written, which no key that was parsed shows.
    pub fn to_base64(&self) -> Result<String, Error> {
        spki_of(&self.0).map(|spki| LENIENT.encode(spki.as_ref()))
    }
}

fn public_key_of(der: &[u8]) -> Result<PublicKey, Error> {
    let refused = |error| Cause::Key { what: "public", remedy: PUBLIC_REMEDY, source: Some(Box::new(error)) };
    let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(refused)?;
    // The encryption side refuses moduli outside 2048 to 8192 bits now, not when the first notify arrives.
    PublicEncryptingKey::from_der(spki_of(&parsed)?.as_ref()).map_err(refused)?;
    Ok(PublicKey(Arc::new(parsed)))
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
            if label == "CERTIFICATE" || label.starts_with("ENCRYPTED") {
                return Err(refused().into());
            }
            rest.split_once("-----END ").ok_or_else(refused)?.0
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
