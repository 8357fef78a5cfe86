//! The compact serialisation of a signed token (RFC 7515, section 7.1) and the reading of its header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::rejected::TokenRejected;
use crate::strict_json;

/// Members of a header that change what a signature means, or that bring or point to a key.
/// A verifier that knows its keys needs none of them (RFC 8725, sections 3.5 and 3.10).
const REFUSED: [&str; 10] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "enc", "zip"];

/// A token taken apart. Nothing in it is true before its signature is verified.
pub(crate) struct Compact<'a> {
    /// What is signed: header and payload as they came.
    pub(crate) message: &'a str,
    pub(crate) header: Header,
    payload: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// The members of a header that count.
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenRejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenRejected::Malformed)?;
        if payload.contains('.') {
            return Err(TokenRejected::Malformed);
        }
        Ok(Self { message, header: Header::parse(header)?, payload, signature: decode(signature)? })
    }

    /// The claims, still unread.
    pub(crate) fn payload(&self) -> Result<Map<String, Value>, TokenRejected> {
        strict_json::object(&decode(self.payload)?).ok_or(TokenRejected::Malformed)
    }
}

impl Header {
    fn parse(text: &str) -> Result<Self, TokenRejected> {
        let mut members = strict_json::object(&decode(text)?).ok_or(TokenRejected::Malformed)?;
        if REFUSED.iter().any(|name| members.contains_key(*name)) {
            return Err(TokenRejected::UnsupportedHeader);
        }
        let mut text_of = |name| match members.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenRejected::Malformed),
            None => Ok(None),
        };
        let alg = text_of("alg")?.ok_or(TokenRejected::Malformed)?;
        Ok(Self { alg, typ: text_of("typ")?, kid: text_of("kid")? })
    }
}

/// Strict base64url: no padding, no other characters, no spare bits (RFC 7515, section 2).
fn decode(text: &str) -> Result<Vec<u8>, TokenRejected> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenRejected::Malformed)
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
