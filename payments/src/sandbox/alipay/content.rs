//! Encrypted content (`encrypt_type=AES`): AES-128-CBC with PKCS#7 and an IV of zeros, in base64.

use super::SandboxAlipay;
use super::refusal::SandboxRefusal;
use crate::error::{Cause, Error};
use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The plain `biz_content`, whose signature fits already.
pub(super) fn opened(side: &SandboxAlipay, encrypt_type: &str, text: &str) -> Result<String, SandboxRefusal> {
    match (encrypt_type, &side.content_key) {
        ("", _) => Ok(text.to_owned()),
        ("AES", Some(key)) => decrypted(key, text).ok_or_else(|| {
            SandboxRefusal::invalid("isv.decryption-error", "encrypt with the content key of the console")
        }),
        ("AES", None) => {
            Err(SandboxRefusal::invalid("isv.missing-encrypt-key", "this merchant has no content key"))
        }
        _ => Err(SandboxRefusal::invalid("isv.invalid-encrypt-type", "encrypt_type is AES")),
    }
}

/// The content of a reply, encrypted: base64 without quotes.
pub(super) fn sealed(key: &[u8; 16], text: &str) -> Result<String, Error> {
    let failed = |error| Cause::Sign(Box::new(error));
    let key = UnboundCipherKey::new(&AES_128, key).map_err(failed)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(failed)?;
    let mut bytes = text.as_bytes().to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    key.less_safe_encrypt(&mut bytes, context).map_err(failed)?;
    Ok(STANDARD.encode(bytes))
}

fn decrypted(key: &[u8; 16], text: &str) -> Option<String> {
    let mut bytes = STANDARD.decode(text).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, key).ok()?).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from([0; 16]));
    let plain = key.decrypt(&mut bytes, context).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}
