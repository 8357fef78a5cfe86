//! The userinfo endpoint: an access token becomes the claims that its scopes show (section 5.3).

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::claims::{Claims, TokenId};
use crate::error::Error;
use crate::provider::reply;
use crate::provider::scope::{OFFLINE, OPENID, Scopes};
use crate::provider::token::{GRANT, SID};
use crate::provider::{Caller, Provider};
use crate::sites::Standing;
use crate::sites::grant::session_id;
use crate::store::At;
use crate::token::Verified;

const REVOKED: (&str, &str) = ("invalid_token", "the token is not valid, or not any more");

impl Provider {
    /// Answers a request to the userinfo endpoint. The token comes in the `Authorization` header (RFC 6750,
    /// section 2.1).
    ///
    /// # Errors
    /// Those of the store and of [`Accounts`](crate::Accounts): answer 503.
    pub async fn userinfo(
        &self,
        request: &Request<Bytes>,
        caller: Caller<'_>,
    ) -> Result<Response<Bytes>, Error> {
        if let Err(after_secs) = self.pace.ask(caller.from, caller.now) {
            return Ok(reply::too_many(after_secs));
        }
        if request.method() != Method::GET && request.method() != Method::POST {
            return Ok(reply::wrong_method("GET, POST"));
        }
        let Some(token) = request.headers().get(AUTHORIZATION).map(|value| bearer(value.as_bytes())) else {
            return Ok(reply::bearer(None));
        };
        let Some(token) = token else {
            return Ok(reply::bearer(Some(("invalid_request", "the authorization is no bearer token"))));
        };
        let Ok(claims) = self.access_tokens.verify(token, caller.now) else {
            return Ok(reply::bearer(Some(REVOKED)));
        };
        let scopes = claims.scope().and_then(Scopes::parse).filter(|scopes| scopes.has(OPENID));
        let Some(scopes) = scopes else {
            return Ok(reply::bearer(Some(("insufficient_scope", "the token has no scope openid"))));
        };
        if !self.stands(&claims, &scopes).await? {
            return Ok(reply::bearer(Some(REVOKED)));
        }
        let Some(known) = self.accounts.claims(claims.subject()).await? else {
            return Ok(reply::bearer(Some(REVOKED)));
        };
        let mut shown = scopes.shown(&self.config, known);
        shown.insert("sub".to_owned(), json!(claims.subject().as_str()));
        Ok(reply::json(StatusCode::OK, &Value::Object(shown)))
    }

    /// Whether neither the session of a token has ended nor its grant was revoked.
    async fn stands(&self, claims: &Verified<Claims>, scopes: &Scopes) -> Result<bool, Error> {
        let text = |name| claims.private().get(name).and_then(Value::as_str);
        let (Some(session), Some(grant)) = (text(SID).and_then(session_id), text(GRANT)) else {
            return Ok(false);
        };
        let standing = self.store.standing(&session, &TokenId::from_kept(grant), At::Server).await?;
        Ok(may_go_on(standing, scopes))
    }
}

/// Offline access outlives the session that it was given in (section 11); nothing outlives its revocation.
pub(crate) fn may_go_on(standing: Standing, scopes: &Scopes) -> bool {
    match standing {
        Standing::Good => true,
        Standing::Revoked => false,
        Standing::SessionEnded => scopes.has(OFFLINE),
    }
}

/// The token of an `Authorization` header.
fn bearer(header: &[u8]) -> Option<&str> {
    let (scheme, token) = header.split_at_checked(7)?;
    let token = std::str::from_utf8(token).ok()?.trim();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::bearer;

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer(b"Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer(b"bearer a"), Some("a"));
        for bad in [&b""[..], b"Bearer", b"Bearer ", b"Bearer a b", b"Basic YTpi", b"Bearer \xff"] {
            assert_eq!(bearer(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let header = [b"Bearer ".as_slice(), &bytes].concat();
            prop_assert!(bearer(&header).is_none_or(|token| !token.contains(' ')));
        }
    }
}
