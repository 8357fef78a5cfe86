//! What a provider tells everybody: its metadata (OpenID Connect Discovery 1.0, section 3) and its public keys.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::key_set::jwks::{Jwks, JwksAnswer};
use crate::provider::Provider;
use crate::provider::reply;
use crate::provider::scope;

impl Provider {
    /// The document for `<issuer>/.well-known/openid-configuration`.
    #[must_use]
    pub fn discovery(&self) -> Response<Bytes> {
        let mut reply = reply::json(StatusCode::OK, &self.metadata());
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.remove(http::header::PRAGMA);
        reply
    }

    /// The public keys, with an entity tag: 304 if the client has them already. They may be kept for as long as the
    /// policy of their ring says; keys without a ring, for [`Jwks::MAX_AGE_DEFAULT`].
    ///
    /// # Errors
    /// `Corrupt` if the keys cannot be written, which no key does.
    pub fn jwks(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
        let jwks = self.keys.jwks()?;
        let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let (status, body) = match jwks.answer(known) {
            JwksAnswer::Document => (StatusCode::OK, Bytes::from(jwks.json.clone())),
            JwksAnswer::NotModified => (StatusCode::NOT_MODIFIED, Bytes::new()),
        };
        let mut reply = Response::new(body);
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Jwks::MEDIA_TYPE));
        headers.insert(ETAG, header(&jwks.etag)?);
        headers.insert(CACHE_CONTROL, header(&jwks.cache_control())?);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Ok(reply)
    }

    fn metadata(&self) -> Value {
        let (scopes, claims) = scope::supported(&self.config, self.may_refresh());
        let mut grant_types = vec!["authorization_code"];
        if self.may_refresh() {
            grant_types.push("refresh_token");
        }
        let endpoints = &self.config.endpoints;
        let algorithm = self.id_tokens.key().algorithm().to_string();
        let assertions = ["RS256", "PS256", "ES256", "EdDSA"];
        json!({
            "issuer": self.config.issuer.as_str(),
            "authorization_endpoint": endpoints.authorization,
            "token_endpoint": endpoints.token,
            "userinfo_endpoint": endpoints.userinfo,
            "jwks_uri": endpoints.jwks,
            "end_session_endpoint": endpoints.end_session,
            "scopes_supported": scopes,
            "claims_supported": claims,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": grant_types,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [algorithm],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": assertions,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        })
    }
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|source| {
        Error::with_source(ErrorKind::Corrupt, "the key set has an entity tag that is no header", source)
    })
}
