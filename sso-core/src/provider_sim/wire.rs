//! Requests as the simulator reads them, and replies as it writes them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::Value;

/// A request to one provider.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// Below the folder of the provider, with its slash.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pairs: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    headers: &'a HeaderMap,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(request: &'a Request<Bytes>, path: &'a str) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let read = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
        Self {
            method: request.method(),
            path,
            query,
            pairs: read(query.as_bytes()),
            form: read(request.body()),
            headers: request.headers(),
        }
    }

    /// A pair of the query, empty if it is missing.
    pub(crate) fn of(&self, name: &str) -> &str {
        self.pairs.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A pair of the form, empty if it is missing.
    pub(crate) fn form(&self, name: &str) -> &str {
        self.form.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn bearer(&self) -> &str {
        self.header(AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default()
    }

    pub(crate) fn basic(&self) -> &str {
        self.header(AUTHORIZATION.as_str()).strip_prefix("Basic ").unwrap_or_default()
    }

    pub(crate) fn accepts_json(&self) -> bool {
        self.header(ACCEPT.as_str()).contains("json")
    }

    pub(crate) fn names_agent(&self) -> bool {
        !self.header(USER_AGENT.as_str()).is_empty()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) fn reply(status: u16, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// JSON with a status.
pub(crate) fn json(status: u16, body: &Value) -> Response<Bytes> {
    reply(status, "application/json; charset=utf-8", body.to_string())
}

/// An object with one member more.
pub(crate) fn with_member(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

/// JSON that calls itself plain text, as WeChat's does.
pub(crate) fn plain_json(body: &Value) -> Response<Bytes> {
    reply(200, "text/plain", body.to_string())
}

pub(crate) fn page(status: u16, body: String) -> Response<Bytes> {
    reply(status, "text/html; charset=utf-8", body)
}

pub(crate) fn redirect(location: &str) -> Response<Bytes> {
    let mut response = reply(302, "text/plain", String::new());
    match HeaderValue::from_str(location) {
        Ok(location) => response.headers_mut().insert(LOCATION, location),
        Err(_) => return page(400, "this address cannot be written in a header".to_owned()),
    };
    response
}

pub(crate) fn not_found() -> Response<Bytes> {
    page(404, "there is nothing at this address".to_owned())
}
