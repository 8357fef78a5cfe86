//! A reply to a call: verified over its raw bytes, then read as content or as a refusal.

use super::merchant::Merchant;
use super::signature::{SignatureHeaders, is_signed};
use crate::error::{Cause, Error, ErrorKind, quoted};
use crate::{Reply, TradeNo};
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The longest reply that is read, in bytes. Bills are files and have a limit of their own.
pub const REPLY_BYTES_MAX: usize = 1_048_576;

pub(crate) const WHAT: &str = "wechat reply";

/// What a verified reply holds.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    Content(T),
    Refused(Refusal),
}

/// A verified error reply.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    #[serde(default)]
    message: String,
}

impl<T> Answer<T> {
    /// The content; a refusal becomes an error.
    pub(crate) fn success(self) -> Result<T, Error> {
        match self {
            Self::Content(content) => Ok(content),
            Self::Refused(refusal) => Err(refusal.into_error()),
        }
    }
}

/// Verifies a reply. Statuses 200 and 204 are successes; the status itself is not signed, so whoever reads the
/// content must not find in an error body what it takes for a success.
pub(crate) fn answer<'a>(merchant: &Merchant, reply: &'a Reply) -> Result<Answer<&'a [u8]>, Error> {
    let (status, headers, body) = (reply.response.status(), reply.response.headers(), reply.response.body());
    if body.len() > REPLY_BYTES_MAX {
        return Err(Cause::Unverified { what: WHAT, why: "it is longer than 1048576 bytes" }.into());
    }
    if !is_signed(headers) {
        return Err(unsigned(status, body));
    }
    let signature = SignatureHeaders::read(WHAT, headers, reply.received_at)?;
    signature.verify(&merchant.keys, body, reply.received_at)?;
    if matches!(status, StatusCode::OK | StatusCode::NO_CONTENT) {
        return Ok(Answer::Content(body));
    }
    let error: ErrorBody = serde_json::from_slice(body).map_err(json)?;
    let (code, message) = (quoted(&error.code), quoted(&error.message));
    Ok(Answer::Refused(Refusal { status, code, message }))
}

/// Verifies a reply and reads its content from JSON.
pub(crate) fn content<T: DeserializeOwned>(merchant: &Merchant, reply: &Reply) -> Result<Answer<T>, Error> {
    match answer(merchant, reply)? {
        Answer::Content(body) => serde_json::from_slice(body).map(Answer::Content).map_err(json),
        Answer::Refused(refusal) => Ok(Answer::Refused(refusal)),
    }
}

/// A number of the gateway in a signed message.
pub(crate) fn trade_no(what: &'static str, field: &'static str, text: &str) -> Result<TradeNo, Error> {
    TradeNo::parse(text).map_err(|error| Cause::Field { what, field, source: Some(Box::new(error)) }.into())
}

fn json(source: serde_json::Error) -> Error {
    Cause::Json { what: WHAT, source }.into()
}

/// Nothing proves who wrote it: its code is shown and never acted on.
fn unsigned(status: StatusCode, body: &[u8]) -> Error {
    if status.is_success() {
        return Cause::Unverified { what: WHAT, why: "it has no signature" }.into();
    }
    let hint = serde_json::from_slice::<ErrorBody>(body).map(|error| error.code);
    let code = quoted(&hint.unwrap_or_else(|_| status.as_u16().to_string()));
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let message = "it is not signed, ask again later".to_owned();
        return Cause::Gateway { kind: ErrorKind::Unavailable, code, message }.into();
    }
    Cause::Unsigned { code }.into()
}

impl Refusal {
    /// True if the code is one of these.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    pub(crate) fn into_error(self) -> Error {
        Cause::Gateway { kind: self.kind(), code: self.code, message: self.message }.into()
    }

    /// Busy and broken mean that the outcome is unknown; a value that breaks a rule is the caller's; rights, keys
    /// and contracts are our setup.
    fn kind(&self) -> ErrorKind {
        let busy = ["SYSTEM_ERROR", "BANK_ERROR", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "USERPAYING"];
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::Unavailable,
            status if status.is_server_error() => ErrorKind::Unavailable,
            _ if self.is(&busy) => ErrorKind::Unavailable,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => ErrorKind::InvalidInput,
            status if status.is_client_error() => ErrorKind::Misuse,
            _ => ErrorKind::PeerMisbehaved,
        }
    }
}
