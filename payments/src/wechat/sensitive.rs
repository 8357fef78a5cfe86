//! Secret fields of requests and replies: RSA-OAEP with SHA-1 (RFC 8017 section 7.1; manual: 敏感信息加解密).

use super::merchant::Merchant;
use crate::error::{Cause, Error};
use crate::{PrivateKey, PublicKey, UnixMillis};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A field that only WeChat Pay can read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedField {
    /// The key that it is encrypted for; it goes into the header `Wechatpay-Serial`.
    pub serial: String,
    /// The ciphertext in base64.
    pub text: String,
}

/// The key for all secret fields of one request.
pub(crate) struct Sealer {
    serial: String,
    key: PublicKey,
}

impl Merchant {
    /// Encrypts a field for WeChat Pay: at most 214 bytes with a key of 2048 bits.
    ///
    /// # Errors
    /// `Misuse` if no key of WeChat Pay is known; `InvalidInput` if the text is too long.
    pub fn seal_field(&self, text: &str, now: UnixMillis) -> Result<SealedField, Error> {
        self.sealer(now)?.seal(text)
    }

    /// Decrypts a field that WeChat Pay encrypted for the merchant's certificate.
    ///
    /// # Errors
    /// `Unverified` if it is not for this key; `PeerMisbehaved` if it is no base64 or no UTF-8.
    pub fn open_field(&self, text: &str, key: &PrivateKey) -> Result<Zeroizing<String>, Error> {
        let broken = || Cause::Field { what: "wechat field", field: "ciphertext", source: None };
        let sealed = STANDARD.decode(text).map_err(|_| broken())?;
        let plain = key.decrypt_oaep_sha1(&sealed)?;
        let plain = str::from_utf8(&plain).map_err(|_| broken())?;
        Ok(Zeroizing::new(plain.to_owned()))
    }

    pub(crate) fn sealer(&self, now: UnixMillis) -> Result<Sealer, Error> {
        let (serial, key) = self
            .keys
            .preferred(now)
            .ok_or(Cause::Setup { what: "wechat pay", why: "refresh the platform certificates first" })?;
        Ok(Sealer { serial, key })
    }
}

impl Sealer {
    pub(crate) fn seal(&self, text: &str) -> Result<SealedField, Error> {
        let sealed = self.key.encrypt_oaep_sha1(text.as_bytes())?;
        Ok(SealedField { serial: self.serial.clone(), text: STANDARD.encode(sealed) })
    }
}
