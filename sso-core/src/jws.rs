//! The compact serialisation of a signed token (RFC 7515, section 7.1): put together and taken apart.

mod header;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;
pub(crate) use crate::jws::header::Header;
use crate::key_set::signing_key::SigningKey;
use crate::rejected::TokenRejected;

/// A token taken apart. Nothing in it is true before its signature is verified.
pub(crate) struct Compact<'a> {
    /// What is signed: header and payload as they came.
    pub(crate) message: &'a str,
    /// The header as it came, still unread.
    pub(crate) header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenRejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenRejected::Malformed)?;
        if payload.contains('.') {
            return Err(TokenRejected::Malformed);
        }
        Ok(Self { message, header, payload, signature })
    }

    /// The JSON of the claims, still unread.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, TokenRejected> {
        decode(self.payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, TokenRejected> {
        decode(self.signature)
    }
}

/// The token of a header, which is base64url already, and of the JSON of its claims.
pub(crate) fn sign(header: &str, json: &[u8], key: &SigningKey) -> Result<String, Error> {
    /// Longer than the signature of an RSA key of 2048 bits, which is 342 characters.
    const SIGNATURE_CHARS: usize = 352;

    let mut token = String::with_capacity(header.len() + json.len() / 3 * 4 + SIGNATURE_CHARS);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(json, &mut token);
    let signature = key.sign_with(token.as_bytes(), |signature| encode(signature))?;
    token.push('.');
    token.push_str(&signature);
    Ok(token)
}

/// Strict base64url: no padding, no other characters, no spare bits (RFC 7515, section 2).
fn decode(text: &str) -> Result<Vec<u8>, TokenRejected> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenRejected::Malformed)
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
