//! Encrypted content (manual: 接口内容加密): AES-128-CBC with PKCS#7 padding and an IV of zeros, base64.
//!
//! CBC proves nothing, so what arrives is decrypted only after its signature was verified; what is sent is encrypted
//! first and signed afterwards.

use crate::error::{Cause, Error};
use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 16;
const REMEDY: &str = "give the AES key of Alipay's console, 16 bytes in base64";
const WHAT: &str = "encrypted content";

/// The AES key of an application (`接口内容加密密钥`). Cloning shares it; nothing prints it.
///
/// ```
/// # fn main() -> Result<(), payments::Error> {
/// let key = payments::alipay::ContentKey::parse("aa4BtZ4tspm2wnXLb1ThQA==")?;
/// assert_eq!(format!("{key:?}"), "ContentKey(redacted)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ContentKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl ContentKey {
    /// Reads a key as the console shows it.
    ///
    /// # Errors
    /// `InvalidInput` if it is no base64 of 16 bytes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = || Cause::Key { what: "content", remedy: REMEDY, source: None };
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|_| refused())?;
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| refused())?;
        Ok(Self(Arc::new(Zeroizing::new(key))))
    }

    /// The text encrypted, in base64.
    pub(crate) fn encrypt(&self, plaintext: &str) -> Result<String, Error> {
        let refused = |_| Cause::Setup { what: "content key", why: "it cannot encrypt" };
        let mut text = plaintext.as_bytes().to_vec();
        let key = self.cipher().and_then(PaddedBlockEncryptingKey::cbc_pkcs7).map_err(refused)?;
        key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from([0; 16])))
            .map_err(refused)?;
        Ok(STANDARD.encode(text))
    }

    /// The text inside. Call it only with what is verified.
    pub(crate) fn decrypt(&self, ciphertext: &str) -> Result<Zeroizing<String>, Error> {
        let refused = || Cause::Unverified { what: WHAT, why: "it does not decrypt with the content key" };
        let mut text = Zeroizing::new(STANDARD.decode(ciphertext).map_err(|_| refused())?);
        let key = self.cipher().and_then(PaddedBlockDecryptingKey::cbc_pkcs7).map_err(|_| refused())?;
        let length = key
            .decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from([0; 16])))
            .map(|plaintext| plaintext.len())
            .map_err(|_| refused())?;
        let plaintext = text.get(..length).and_then(|plaintext| str::from_utf8(plaintext).ok());
        plaintext.map(|plaintext| Zeroizing::new(plaintext.to_owned())).ok_or_else(|| refused().into())
    }

    fn cipher(&self) -> Result<UnboundCipherKey, aws_lc_rs::error::Unspecified> {
        UnboundCipherKey::new(&AES_128, self.0.as_slice())
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(redacted)")
    }
}
