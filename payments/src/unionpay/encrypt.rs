//! Card numbers and other sensitive fields, encrypted for UnionPay: RSA with PKCS#1 v1.5 padding under its
//! encryption certificate, which a call downloads (95/00).

use super::codes::{is_good, refusal};
use super::merchant::Merchant;
use super::names;
use super::reply::{self, Asked, REPLY_BYTES_MAX};
use super::request::{BACK_PATH, CHANNEL_COMPUTER, NO_PRODUCT, post};
use crate::error::Error;
use crate::{Call, Certificate, Effect, PublicKey, Reply, Stamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use std::fmt;

/// Asks for the certificate that sensitive fields are encrypted under. Ask again every day: it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncryptionCertificate;

/// The key that sensitive fields are encrypted under, with the number of its certificate.
#[derive(Debug, Clone)]
pub struct EncryptionKey {
    cert_id: String,
    key: PublicKey,
}

/// A sensitive field that only UnionPay can read, and the number of the certificate (`encryptCertId`).
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedField {
    cert_id: String,
    text: String,
}

impl EncryptionKey {
    /// The key of a certificate, such as the file `acp_prod_enc.cer` of the merchant pages.
    ///
    /// # Errors
    /// `InvalidInput` if it holds no RSA key of 2048 bits or more.
    pub fn of(certificate: &Certificate) -> Result<Self, Error> {
        Ok(Self { cert_id: certificate.serial_decimal(), key: certificate.public_key()? })
    }

    /// The serial number of the certificate in decimal digits.
    #[must_use]
    pub fn cert_id(&self) -> &str {
        &self.cert_id
    }

    /// Encrypts a field, at most 245 bytes of UTF-8 for a key of 2048 bits.
    ///
    /// # Errors
    /// `InvalidInput` if it is longer.
    pub fn encrypt(&self, plaintext: &str) -> Result<EncryptedField, Error> {
        let ciphertext = self.key.encrypt_pkcs1v15(plaintext.as_bytes())?;
        Ok(EncryptedField { cert_id: self.cert_id.clone(), text: STANDARD.encode(ciphertext) })
    }
}

impl EncryptedField {
    /// The field as it goes to the gateway: base64.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The field and the number of its certificate.
    pub(super) fn pair(&self) -> (&str, &str) {
        (&self.text, &self.cert_id)
    }
}

impl fmt::Debug for EncryptedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedField").field("cert_id", &self.cert_id).finish_non_exhaustive()
    }
}

impl Call for EncryptionCertificate {
    type Merchant = Merchant;
    type Output = EncryptionKey;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        post(
            merchant,
            &merchant.endpoint.at(BACK_PATH),
            &[
                ("bizType", NO_PRODUCT),
                ("certType", CERT_TYPE),
                ("channelType", CHANNEL_COMPUTER),
                ("orderId", &stamp.nonce.to_string()),
                ("txnSubType", "00"),
                ("txnTime", &stamp.now.china_digits()),
                ("txnType", TXN_TYPE),
            ],
        )
    }

    /// The certificate is believed because UnionPay signed the reply. Its own dates are not asked: the test
    /// environment hands out one that expired in 2017.
    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<EncryptionKey, Error> {
        let always = [(names::MER_ID, merchant.mer_id.as_str())];
        let mostly = [(names::TXN_TYPE, TXN_TYPE), (names::CERT_TYPE, CERT_TYPE)];
        let asked = Asked { always: &always, mostly: &mostly };
        let fields = reply::read(merchant, reply, REPLY_BYTES_MAX, &asked)?;
        if !is_good(reply::code(&fields)?) {
            return Err(refusal(&fields));
        }
        let name = names::ENCRYPT_PUB_KEY_CERT;
        let certificate = Certificate::parse(reply::text(&fields, name)?);
        certificate.and_then(|certificate| EncryptionKey::of(&certificate)).map_err(|_| reply::missing(name))
    }
}

const TXN_TYPE: &str = "95";
/// The key for sensitive fields.
const CERT_TYPE: &str = "01";
