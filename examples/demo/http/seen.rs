//! Reading one's own writes on whichever server: a browser carries the newest version of the policy that it has seen in
//! a cookie, a program in a header, and a server whose policy is older looks at the store before it answers.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use rbac::PolicyVersion;

use super::visitor::cookies;
use crate::app::Shared;

/// The cookie.
const COOKIE: &str = "policy";
/// The header, of requests and answers.
const HEADER: HeaderName = HeaderName::from_static("policy-version");

/// The newest version that the sender of a request has seen, as far as they say.
pub(crate) fn version(headers: &HeaderMap) -> Option<PolicyVersion> {
    let told = headers.get(HEADER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let line = cookies(headers);
    let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
    let kept = pairs.filter(|(name, _)| *name == COOKIE).filter_map(|(_, value)| value.parse().ok());
    kept.chain(told).max().map(PolicyVersion::new)
}

/// Tells the version that an answer rests on at least, and lets a browser keep it if it is news.
pub(crate) async fn remember(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let seen = version(request.headers());
    let mut reply = next.run(request).await;
    let now = app.live.snapshot().version();
    let number = now.number();
    reply.headers_mut().insert(HEADER, HeaderValue::from(number));
    if seen.is_none_or(|seen| seen < now)
        && let Ok(cookie) =
            HeaderValue::from_str(&format!("{COOKIE}={number}; Path=/; SameSite=Lax; HttpOnly"))
    {
        reply.headers_mut().append(header::SET_COOKIE, cookie);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cookie: &'static str, told: &'static str) -> Option<u64> {
        let pairs = [(header::COOKIE, cookie), (HEADER, told)];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let headers = pairs.map(|(name, value)| (name, HeaderValue::from_static(value)));
        version(&HeaderMap::from_iter(headers)).map(PolicyVersion::number)
    }

    #[test]
    fn the_newest_of_what_is_told_counts() {
        assert_eq!(seen("", ""), None);
        assert_eq!(seen("sid=1; policy=7", ""), Some(7));
        assert_eq!(seen("policy=7", "9"), Some(9));
        assert_eq!(seen("policy=7; policy=8", "nonsense"), Some(8));
        assert_eq!(seen("policy=-1", "1e9"), None);
    }
}
