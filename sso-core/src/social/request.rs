//! Writing requests to providers as values, with their pairs encoded.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};

use crate::error::{Error, ErrorKind};

pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Pairs as `application/x-www-form-urlencoded`.
pub(crate) fn encode(pairs: Pairs<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An address with pairs behind it.
pub(crate) fn with_query(address: &str, pairs: Pairs<'_>) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}", encode(pairs))
}

/// Reads something.
pub(crate) fn get(address: &str, pairs: Pairs<'_>) -> Result<Request<Bytes>, Error> {
    let address = if pairs.is_empty() { address.to_owned() } else { with_query(address, pairs) };
    build(Method::GET, &address, Bytes::new())
}

/// Sends a form.
pub(crate) fn post(address: &str, pairs: Pairs<'_>) -> Result<Request<Bytes>, Error> {
    let mut request = build(Method::POST, address, Bytes::from(encode(pairs)))?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    Ok(request)
}

fn build(method: Method, address: &str, body: Bytes) -> Result<Request<Bytes>, Error> {
    let mut request = Request::builder().method(method).uri(address).body(body).map_err(|source| {
        Error::with_source(ErrorKind::Misuse, "a request to the provider cannot be written", source)
    })?;
    // GitHub refuses a request that does not say who asks.
    let agent = HeaderValue::from_static(concat!("gatehouse/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, agent);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// The same request with a plain header.
pub(crate) fn with_header(
    mut request: Request<Bytes>,
    name: HeaderName,
    value: &'static str,
) -> Request<Bytes> {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
    request
}

/// The same request with credentials, which `Debug` does not print.
pub(crate) fn authorized(mut request: Request<Bytes>, credentials: &str) -> Result<Request<Bytes>, Error> {
    let mut value = HeaderValue::from_str(credentials).map_err(|source| {
        Error::with_source(
            ErrorKind::PeerMisbehaved,
            "the provider's token cannot be sent in a header",
            source,
        )
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(request)
}
