//! What UnionPay says: fields with its certificate, hashed twice and signed; a reply is not encoded, a notify is a form.

use super::SandboxUnionpay;
use super::admission::{Fields, Refusal};
use crate::error::Error;
use crate::form::Params;
use crate::sign;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderValue, Response, header};

/// What a reply repeats of its request.
const REPEATED: [&str; 12] = [
    "accessType",
    "bizType",
    "certType",
    "currencyCode",
    "merId",
    "orderId",
    "origQryId",
    "reqReserved",
    "txnAmt",
    "txnSubType",
    "txnTime",
    "txnType",
];

/// Sorted by name in byte order, raw, joined by `&`, without the signature.
pub(super) fn text(params: &Params) -> String {
    let mut pairs: Vec<(&String, &String)> = params.iter().filter(|(name, _)| *name != "signature").collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// What is signed: the lower-case hexadecimal digits of the text's SHA-256, hashed once more by the signature.
pub(super) fn digest_of(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fields with the common ones, the certificate and the signature. A forged message is signed over another text.
pub(super) fn signed(side: &SandboxUnionpay, mut params: Params, forged: bool) -> Result<Params, Error> {
    for (name, value) in [
        ("version", "5.1.0"),
        ("encoding", "UTF-8"),
        ("signMethod", "01"),
        ("signPubKeyCert", side.authority.certificate(side.presented())),
    ] {
        params.insert(name.to_owned(), value.to_owned());
    }
    let covered = if forged { "another=text".to_owned() } else { text(&params) };
    let signature = sign::sign_text(&side.authority.sign, &digest_of(&covered))?;
    params.insert("signature".to_owned(), signature);
    Ok(params)
}

/// The reply to a request: what it repeats, and what is new.
pub(super) fn reply(side: &SandboxUnionpay, request: &Fields, new: Params) -> Result<Response<Bytes>, Error> {
    let mut params = Params::new();
    for name in REPEATED {
        // A reply is not encoded: such a value would begin another field. The reserved text was looked at before.
        let plain = |value: &&String| name == "reqReserved" || !value.contains(['&', '{', '[']);
        if let Some(value) = request.0.get(name).filter(plain) {
            params.insert(name.to_owned(), value.clone());
        }
    }
    params.extend(new);
    Ok(unencoded(&signed(side, params, false)?))
}

/// A refusal, with the text that should have been signed, if that is the reason. Its braces are escaped: a reader
/// takes those around it for its ends. Only what was proved is repeated.
pub(super) fn refused(
    side: &SandboxUnionpay,
    proved: Option<&Fields>,
    refusal: &Refusal,
) -> Result<Response<Bytes>, Error> {
    let mut params = code(refusal.code, &refusal.message);
    if let Some(canonical) = &refusal.canonical {
        let shown = canonical.replace('{', "%7B").replace('}', "%7D");
        params.insert("sandboxCanonical".to_owned(), format!("{{{shown}}}"));
    }
    reply(side, proved.unwrap_or(&Fields::default()), params)
}

/// `respCode` and `respMsg`.
pub(super) fn code(code: &str, message: &str) -> Params {
    Params::from([("respCode".to_owned(), code.to_owned()), ("respMsg".to_owned(), message.to_owned())])
}

/// Success in the gateway's words.
pub(super) fn done() -> Params {
    code("00", "成功[0000000]")
}

fn unencoded(params: &Params) -> Response<Bytes> {
    let pairs: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut response = Response::new(Bytes::from(pairs.join("&")));
    let kind = HeaderValue::from_static("text/html;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
