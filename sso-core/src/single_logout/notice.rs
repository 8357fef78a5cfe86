//! One notice as values: the claims of a logout token, the request that carries it, and what a reply means.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Bytes, Error, ErrorKind, PendingNotice, SingleLogout, TokenId, UnixMillis};
use crate::form;
use crate::sites::url::SiteUrl;

/// The type of logout tokens (Back-Channel Logout 1.0, section 2.4).
pub(crate) const TYP: &str = "logout+jwt";
/// The member of `events` that makes a token a logout token.
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a notice can be on its way, in seconds.
const LIFE_SECS: u64 = 120;

/// What a reply says of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// The site will never do it.
    Refused(String),
    /// The site did not do it this time.
    Failed(String),
}

/// The claims of a logout token. Every attempt has a name of its own: a site that heard the first but whose answer
/// was lost must not take the second for a replay.
pub(crate) fn claims(issuer: &str, notice: &PendingNotice, id: &TokenId, now: UnixMillis) -> Value {
    json!({
        "iss": issuer,
        "sub": notice.user.as_str(),
        "aud": notice.client.as_str(),
        "iat": now.as_secs(),
        "exp": now.as_secs() + LIFE_SECS,
        "jti": id.as_str(),
        "sid": notice.session.as_str(),
        "events": { EVENT: {} },
    })
}

/// The request that carries a logout token (section 2.5).
pub(crate) fn request(url: &SiteUrl, token: &str) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(Bytes::from(form::encode([("logout_token", token)])));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.as_str().parse().map_err(|source| {
        Error::with_source(ErrorKind::InvalidInput, "a logout url is no address: register another", source)
    })?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Ok(request)
}

/// What the status of a reply means (section 2.8): 400 is the site's considered no, and 410 that it is gone.
pub(crate) fn verdict(status: StatusCode) -> Verdict {
    let words = format!("the site answered {}", status.as_u16());
    match status {
        status if status.is_success() => Verdict::Done,
        StatusCode::BAD_REQUEST | StatusCode::GONE => Verdict::Refused(words),
        _ => Verdict::Failed(words),
    }
}

/// How long to wait after an attempt that failed: 2 s, 4 s, 8 s and so on, or nothing after the last one.
pub(crate) fn pause_after(attempt: u32) -> Option<Duration> {
    (attempt < SingleLogout::ATTEMPTS_MAX).then(|| Duration::from_secs(2_u64.saturating_pow(attempt.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let pauses: Vec<_> = (1..12).map_while(pause_after).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }

    #[test]
    fn only_success_is_done_and_only_a_considered_no_is_final() {
        let of = |status| verdict(StatusCode::from_u16(status).unwrap());
        assert_eq!((of(200), of(204)), (Verdict::Done, Verdict::Done));
        assert!(matches!((of(400), of(410)), (Verdict::Refused(_), Verdict::Refused(_))));
        for status in [302, 401, 404, 429, 500, 503] {
            assert!(matches!(of(status), Verdict::Failed(_)), "{status}");
        }
    }
}
