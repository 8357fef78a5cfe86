//! What stands before every handler: the Origin rule for changing requests, and the security headers of every answer.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::app::Shared;

/// Strict everywhere: scripts and styles from this origin only, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The lab alone lets xterm.js write its theme into a style element.
const LAB_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                          font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers whether a browser sent this request from one of our own pages.
///
/// A browser names the origin of every changing request and of every WebSocket; a program that is no browser
/// names none, carries no ambient cookie of somebody else's, and passes.
pub(crate) fn same_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    if let Some(origin) = headers.get(header::ORIGIN) {
        return allowed.iter().any(|ours| origin.as_bytes() == ours.as_bytes());
    }
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => true,
    }
}

/// Refuses changing requests that another site's page sent with our user's cookie.
pub(crate) async fn origin(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let changing = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // The gateway signs its notifies; it is no browser and brings no cookie.
    let signed = request.uri().path() == crate::http::NOTIFY_PATH;
    if changing && !signed && !same_origin(request.headers(), &app.origins) {
        let words = format!("this request came from another site; open {} and try again", app.public_url);
        return Problem::forbidden(words).into_response();
    }
    next.run(request).await
}

/// Puts the security headers on every answer.
pub(crate) async fn headers(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut reply = next.run(request).await;
    let headers = reply.headers_mut();
    let policy = if path.starts_with("/lab/") { LAB_POLICY } else { POLICY };
    let policy = format!("{policy}; form-action 'self' {}", app.gateway_origin);
    if let Ok(value) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(headers, header::REFERRER_POLICY, "same-origin");
    put(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(headers, HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if !path.starts_with("/assets/") && !headers.contains_key(header::CACHE_CONTROL) {
        put(headers, header::CACHE_CONTROL, "no-store");
    }
    reply
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        let ours = ["http://127.0.0.1:8080".to_owned()];
        assert!(same_origin(&from("origin", "http://127.0.0.1:8080"), &ours));
        assert!(!same_origin(&from("origin", "http://127.0.0.1:8081"), &ours));
        assert!(!same_origin(&from("origin", "null"), &ours));
        assert!(!same_origin(&from("sec-fetch-site", "cross-site"), &ours));
        assert!(same_origin(&HeaderMap::new(), &ours));
    }
}
