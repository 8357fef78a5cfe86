//! Replies as the real gateway writes them: slashes escaped, signed over their exact bytes.

use super::admission::Admitted;
use super::refusal::SandboxRefusal;
use super::{SandboxAlipay, content};
use crate::error::Error;
use crate::sign;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde_json::{Map, Value};

/// The content of a good reply: code 10000 and these members.
pub(super) fn good<const N: usize>(members: [(&str, &str); N]) -> Map<String, Value> {
    let mut content = object([("code", "10000"), ("msg", "Success")]);
    content.extend(object(members));
    content
}

pub(super) fn object<const N: usize>(members: [(&str, &str); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

/// The signed reply to an admitted request; encrypted if the request was.
pub(super) fn signed(
    side: &SandboxAlipay,
    request: &Admitted,
    content: Map<String, Value>,
) -> Result<Response<Bytes>, Error> {
    let mut text = Value::Object(content).to_string().replace('/', "\\/");
    let encrypted = request.params.get("encrypt_type").is_some_and(|kind| kind == "AES");
    if let Some(key) = side.content_key.as_ref().filter(|_| encrypted) {
        text = format!("\"{}\"", content::sealed(key, &text)?.replace('/', "\\/"));
    }
    let (signer, serial) = side.signing();
    let sign = sign::sign_text(&signer, &text)?;
    let serial = serial.map(|serial| format!(",\"alipay_cert_sn\":\"{serial}\"")).unwrap_or_default();
    let root = request.method.replace('.', "_");
    Ok(json(format!("{{\"{root}_response\":{text}{serial},\"sign\":\"{sign}\"}}")))
}

/// The gateway does not sign what it refuses before it knows who asks.
pub(super) fn unsigned(refusal: &SandboxRefusal) -> Response<Bytes> {
    json(format!("{{\"error_response\":{}}}", Value::Object(refusal.content())))
}

pub(super) fn json(text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response
}
