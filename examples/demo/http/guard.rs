//! What stands before every handler: the Origin rule for changing requests, and the security headers of every answer.

use axum::extract::{Request, State};
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::notify;
use super::openid::POSTED_BY_OTHERS;
use super::problem::{PageProblem, Problem, Shown};
use crate::app::Shared;

/// Strict everywhere: scripts and styles from this origin only, nothing inline.
const STRICT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
/// The lab alone lets xterm.js write its theme into a style element.
const LAB: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// The content security policies of the site, ready to send.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    strict: HeaderValue,
    lab: HeaderValue,
}

impl Policies {
    /// Policies under which a form may also lead to these places: cashiers, other sites, providers of identities. Browsers
    /// hold a redirect after a form to the same rule as the form.
    pub(crate) fn new(places: &str) -> Result<Self, InvalidHeaderValue> {
        Ok(Self {
            strict: HeaderValue::from_str(&format!("{STRICT} {places}"))?,
            lab: HeaderValue::from_static(LAB),
        })
    }
}

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
    // A gateway signs its notifies; it is no browser and brings no cookie. Where it sends a buyer back, nothing happens.
    let path = request.uri().path();
    let open = path.starts_with(notify::PREFIX) || comes_back(path) || POSTED_BY_OTHERS.contains(&path);
    if changing && !open && !same_origin(request.headers(), &app.origins) {
        let words = format!("this request came from another site; open {} and try again", app.public_url);
        return answer(request.uri().path(), Problem::forbidden(words));
    }
    next.run(request).await
}

/// Whether a gateway's cashier sends buyers back here.
fn comes_back(path: &str) -> bool {
    path.starts_with("/checkout/") && path.ends_with("/return")
}

/// A problem in the shape of the place where it arose: JSON under `/api/`, a page elsewhere.
pub(crate) fn answer(path: &str, problem: Problem) -> Response {
    if path.starts_with("/api/") {
        problem.into_response()
    } else {
        PageProblem::from(problem).into_response()
    }
}

/// Gives refusals of the framework itself (a method, a path, a query, a time-out, a panic) the shape of every other.
pub(crate) async fn shape(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let reply = next.run(request).await;
    let status = reply.status();
    let typed = reply
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    let ours = typed || reply.extensions().get::<Shown>().is_some() || path.starts_with(notify::PREFIX);
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return reply;
    }
    let (code, words) = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "this address does not take this method; see the Allow header")
        }
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "the answer took too long; try again in a moment"),
        status if status.is_client_error() => {
            ("invalid", "the address or its query cannot be read; check it")
        }
        _ => ("internal", "something broke; the school has been told"),
    };
    let mut shaped = answer(&path, Problem::new(status, code, words));
    if let Some(allow) = reply.headers().get(header::ALLOW) {
        shaped.headers_mut().insert(header::ALLOW, allow.clone());
    }
    shaped
}

/// Puts the security headers on every answer.
pub(crate) async fn headers(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut reply = next.run(request).await;
    let headers = reply.headers_mut();
    let policy = if path.starts_with("/lab/") { &app.policies.lab } else { &app.policies.strict };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
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
