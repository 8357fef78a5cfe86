//! Alipay's REST interface, version 3 (manual: OpenAPI V3 签名): a JSON body, a signature in the header.
//!
//! The signed text of a request is `auth string`, method, path with query and body, each with a line feed after it; of
//! a reply it is timestamp, nonce and body. Both are signed with the keys of the form gateway.

use super::merchant::Merchant;
use super::refusal::Refusal;
use super::reply::REPLY_BYTES_MAX;
use crate::error::{Cause, Error, quoted, refused_value};
use crate::{Call, Effect, ErrorKind, Reply, Stamp, UnixMillis, sign};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use serde::Deserialize;
use std::fmt;

const WHAT: &str = "alipay v3 reply";
const SCHEME: &str = "ALIPAY-SHA256withRSA";

/// One call of version 3, by its path.
///
/// ```
/// # fn main() -> Result<(), payments::Error> {
/// use payments::Effect;
/// use payments::alipay::V3Call;
/// let body = serde_json::json!({ "out_trade_no": "COURSE_0001" }).to_string();
/// let call = V3Call::new(http::Method::POST, "/v3/alipay/trade/query", body, Effect::Reads)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct V3Call {
    method: Method,
    path: String,
    body: String,
    effect: Effect,
}

/// What a verified reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum V3Answer {
    /// The body, decrypted if it was encrypted.
    Done(Bytes),
    /// Alipay refuses the call and nothing happened.
    Refused {
        /// The HTTP status, 400 or above.
        status: u16,
        /// The code, such as `ACQ.TRADE_NOT_EXIST`.
        code: String,
        /// Alipay's words, escaped and cut.
        message: String,
    },
}

impl V3Call {
    /// A call of `path`, which may have a query, percent-encoded already. An empty `body` is no body.
    ///
    /// # Errors
    /// `InvalidInput` if the path does not begin with `/`, or holds something else than visible ASCII.
    pub fn new(
        method: Method,
        path: impl Into<String>,
        body: impl Into<String>,
        effect: Effect,
    ) -> Result<Self, Error> {
        let path = path.into();
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !path.starts_with('/') || path.starts_with("//") || !plain {
            return Err(refused_value("path", &path, "begin with one `/` and percent-encode the rest"));
        }
        Ok(Self { method, path, body: body.into(), effect })
    }

    /// What is signed besides the body: `app_id`, in certificate mode `app_cert_sn`, nonce, milliseconds.
    fn auth_text(merchant: &Merchant, stamp: Stamp) -> String {
        let certificate = merchant.certificates();
        let certificate = certificate.map(|known| format!(",app_cert_sn={}", known.app_cert_sn()));
        format!(
            "app_id={}{},nonce={},timestamp={}",
            merchant.app_id.as_str(),
            certificate.unwrap_or_default(),
            stamp.nonce,
            stamp.now.as_millis()
        )
    }
}

impl Call for V3Call {
    type Merchant = Merchant;
    type Output = V3Answer;

    fn effect(&self) -> Effect {
        self.effect.clone()
    }

    fn refusal_code<'a>(&self, answer: &'a V3Answer) -> Option<&'a str> {
        match answer {
            V3Answer::Refused { code, .. } => Some(code),
            V3Answer::Done(_) => None,
        }
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let key = merchant.content_key.as_ref().filter(|_| !self.body.is_empty());
        let body = match key {
            Some(key) => key.encrypt(&self.body)?,
            None => self.body.clone(),
        };
        let auth = Self::auth_text(merchant, stamp);
        let signed = format!("{auth}\n{}\n{}\n{body}\n", self.method, self.path);
        let sign = sign::sign_text(&*merchant.signer, &signed)?;
        let content_type = if key.is_some() { "text/plain;charset=utf-8" } else { "application/json" };
        let mut request = Request::builder()
            .method(&self.method)
            .uri(format!("{}{}", merchant.endpoint.origin(), self.path))
            .header(header::AUTHORIZATION, format!("{SCHEME} {auth},sign={sign}"))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, "application/json")
            .header("alipay-request-id", stamp.nonce.to_string());
        if key.is_some() {
            request = request.header("alipay-encrypt-type", "AES");
        }
        if let Some(certificates) = merchant.certificates() {
            request = request.header("alipay-root-cert-sn", certificates.root_cert_sn());
        }
        Ok(request.body(Bytes::from(body)).map_err(Cause::from)?)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<V3Answer, Error> {
        let (status, body) = (reply.response.status(), reply.response.body());
        if body.len() > REPLY_BYTES_MAX {
            return Err(Cause::Unverified { what: WHAT, why: "it is longer than 1048576 bytes" }.into());
        }
        let signed = verified(merchant, reply.response.headers(), body, reply.received_at);
        if status.is_success() {
            return Ok(V3Answer::Done(plain(merchant, signed?)?));
        }
        match signed {
            Ok(text) => refusal(status.as_u16(), &plain(merchant, text)?),
            // Refusals of what comes before the keys are not signed. The code is shown, never acted on.
            Err(unproved) => match serde_json::from_slice::<Words>(body) {
                _ if status.is_server_error() => Err(Cause::Status(status.as_u16()).into()),
                Ok(refusal) if !reply.response.headers().contains_key("alipay-signature") => {
                    Err(Cause::Unsigned { code: quoted(&refusal.code) }.into())
                }
                _ => Err(unproved),
            },
        }
    }
}

/// Method and path only: body and query tell about people.
impl fmt::Debug for V3Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split_once('?').map_or(self.path.as_str(), |(path, _)| path);
        f.debug_struct("V3Call").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

/// The body as text, once its signature fits.
fn verified<'a>(
    merchant: &Merchant,
    headers: &HeaderMap,
    body: &'a Bytes,
    at: UnixMillis,
) -> Result<&'a str, Error> {
    let refused = |why| Error::from(Cause::Unverified { what: WHAT, why });
    let text = str::from_utf8(body).map_err(|_| refused("it is not UTF-8"))?;
    let (Some(timestamp), Some(nonce), Some(signature)) =
        (one(headers, "alipay-timestamp"), one(headers, "alipay-nonce"), one(headers, "alipay-signature"))
    else {
        return Err(refused("it has not one timestamp, one nonce and one signature"));
    };
    if headers.get_all("alipay-sn").iter().count() > 1 {
        return Err(refused("it names two certificates"));
    }
    let verifier = merchant.verifier(one(headers, "alipay-sn"), at)?;
    if !sign::verify_text(&*verifier, &format!("{timestamp}\n{nonce}\n{text}\n"), signature) {
        return Err(refused("its signature does not fit"));
    }
    Ok(text)
}

/// A header that occurs once and is not empty.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok().filter(|value| !value.is_empty());
    if values.next().is_some() { None } else { value }
}

/// JSON begins with a bracket, base64 never does.
fn plain(merchant: &Merchant, text: &str) -> Result<Bytes, Error> {
    match &merchant.content_key {
        Some(key) if !text.is_empty() && !text.trim_start().starts_with(['{', '[']) => {
            key.decrypt(text.trim()).map(|plain| Bytes::copy_from_slice(plain.as_bytes()))
        }
        _ => Ok(Bytes::copy_from_slice(text.as_bytes())),
    }
}

#[derive(Deserialize)]
struct Words {
    code: String,
    #[serde(default)]
    message: String,
}

/// A system error leaves open what happened; every other code says that nothing did.
fn refusal(status: u16, body: &[u8]) -> Result<V3Answer, Error> {
    let refusal: Words = serde_json::from_slice(body).map_err(|source| Cause::Json { what: WHAT, source })?;
    let unknown = status >= 500 || status == 429;
    if unknown || Refusal::business(&refusal.code, &refusal.message).is_unknown() {
        let (code, message) = (quoted(&refusal.code), quoted(&refusal.message));
        return Err(Cause::Gateway { kind: ErrorKind::Unavailable, code, message }.into());
    }
    Ok(V3Answer::Refused { status, code: quoted(&refusal.code), message: quoted(&refusal.message) })
}
