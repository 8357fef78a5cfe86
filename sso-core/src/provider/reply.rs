//! Replies as values: JSON that nobody keeps, and the errors of RFC 6749 and RFC 6750.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// An error of the token endpoint (RFC 6749, section 5.2), with words for the client's developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) words: &'static str,
}

impl Refusal {
    pub(crate) const fn new(code: &'static str, words: &'static str) -> Self {
        Self { code, words }
    }

    pub(crate) const fn request(words: &'static str) -> Self {
        Self::new("invalid_request", words)
    }

    pub(crate) const fn grant(words: &'static str) -> Self {
        Self::new("invalid_grant", words)
    }

    pub(crate) const fn client(words: &'static str) -> Self {
        Self::new("invalid_client", words)
    }

    pub(crate) fn reply(self) -> Response<Bytes> {
        let body = json!({ "error": self.code, "error_description": self.words });
        if self.code == "invalid_client" {
            let reply = json(StatusCode::UNAUTHORIZED, &body);
            return with(reply, WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\""));
        }
        json(StatusCode::BAD_REQUEST, &body)
    }
}

/// JSON that is never cached.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut reply = Response::new(Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}

pub(crate) fn with(mut reply: Response<Bytes>, name: HeaderName, value: HeaderValue) -> Response<Bytes> {
    reply.headers_mut().insert(name, value);
    reply
}

/// Another method than the endpoint has.
pub(crate) fn wrong_method(allowed: &'static str) -> Response<Bytes> {
    let body =
        json!({ "error": "invalid_request", "error_description": "this method is not for this endpoint" });
    with(json(StatusCode::METHOD_NOT_ALLOWED, &body), ALLOW, HeaderValue::from_static(allowed))
}

/// Too many requests.
pub(crate) fn too_many(after_secs: u64) -> Response<Bytes> {
    let body = json!({ "error": "temporarily_unavailable", "error_description": "too many requests" });
    with(json(StatusCode::TOO_MANY_REQUESTS, &body), RETRY_AFTER, HeaderValue::from(after_secs))
}

/// A bearer token that does not do (RFC 6750, section 3), or none at all.
pub(crate) fn bearer(error: Option<(&'static str, &'static str)>) -> Response<Bytes> {
    let (status, challenge) = match error {
        None => (StatusCode::UNAUTHORIZED, "Bearer"),
        Some(("invalid_request", _)) => (StatusCode::BAD_REQUEST, "Bearer error=\"invalid_request\""),
        Some(("insufficient_scope", _)) => {
            (StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\", scope=\"openid\"")
        }
        Some(_) => (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\""),
    };
    let body = match error {
        Some((code, words)) => json!({ "error": code, "error_description": words }),
        None => json!({}),
    };
    with(json(status, &body), WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}
