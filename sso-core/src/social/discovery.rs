//! The configuration document of a provider of OpenID Connect (Discovery 1.0, sections 3 and 4), read strictly.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::address::is_loopback;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::key_set::jwks::PublicKeySet;
use crate::social::app::private_address;
use crate::social::id_token;
use crate::social::reply::{Members, Reply, text};
use crate::social::request;
use crate::time::UnixMillis;

/// What a provider of OpenID Connect says of itself.
///
/// ```
/// use bytes::Bytes;
/// use sso_core::social::{App, Discovery, Provider};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let request = Discovery::request("https://id.example")?;
/// assert_eq!(request.uri(), "https://id.example/.well-known/openid-configuration");
///
/// let reply = http::Response::new(Bytes::from_static(br#"{
///     "issuer": "https://id.example",
///     "authorization_endpoint": "https://id.example/authorize",
///     "token_endpoint": "https://id.example/token",
///     "jwks_uri": "https://id.example/jwks",
///     "response_types_supported": ["code"],
///     "id_token_signing_alg_values_supported": ["RS256"]
/// }"#));
/// let discovery = Discovery::parse("https://id.example", &reply)?;
/// let app = App::new("shop", "s3cret", "https://shop.example/login/corp/callback")?;
/// let provider = Provider::oidc("corp", app, discovery)?;
/// # Ok(())
/// # }
/// ```
pub struct Discovery {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) userinfo_endpoint: Option<String>,
    pub(crate) jwks_uri: String,
    pub(crate) auth: ClientAuth,
    announces_iss: bool,
    keys: Mutex<Option<(UnixMillis, PublicKeySet)>>,
}

/// How the application proves itself at the token endpoint (OpenID Connect Core, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    Basic,
    Post,
}

impl Discovery {
    /// How long the keys of a provider are used before they are fetched again.
    pub const KEYS_MAX_AGE: Duration = Duration::from_secs(600);

    /// The request for the document of an issuer.
    ///
    /// # Errors
    /// `InvalidInput` unless the issuer is an https address, or one of the loopback, without query and fragment.
    pub fn request(issuer: &str) -> Result<Request<Bytes>, Error> {
        if private_address(issuer)?.query().is_some() {
            return Err(Error::new(ErrorKind::InvalidInput, "an issuer has no query"));
        }
        request::get(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')), &[])
    }

    /// Reads the reply to the request.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the document names another issuer than this one, byte for byte, if an endpoint is
    /// missing or not https, or if the provider does not offer codes, S256 or a signature that is verified here.
    pub fn parse(issuer: &str, response: &Response<Bytes>) -> Result<Self, Error> {
        let reply = Reply::new("discovery", response)?;
        reply.succeeded()?;
        let members = reply.json()?;
        if text(&members, "issuer") != Some(issuer) {
            return Err(reply.broken("names another issuer"));
        }
        let loopback = private_address(issuer)?.host().is_some_and(is_loopback);
        let endpoint = |name: &str| match text(&members, name) {
            Some(address) => match private_address(address) {
                Ok(uri) if loopback || !uri.host().is_some_and(is_loopback) => Ok(Some(address.to_owned())),
                _ => Err(reply.broken(&format!("has no https address as `{name}`"))),
            },
            None => Ok(None),
        };
        let needed = |name: &str| endpoint(name)?.ok_or_else(|| reply.broken(&format!("has no `{name}`")));
        let offers = |name: &str, value: &str| list(&members, name).is_none_or(|list| list.contains(&value));
        let signs = list(&members, "id_token_signing_alg_values_supported");
        if !offers("response_types_supported", "code") {
            return Err(reply.broken("offers no codes"));
        }
        if !offers("code_challenge_methods_supported", "S256") {
            return Err(reply.broken("offers no code challenge of the method S256"));
        }
        if signs.is_some_and(|algorithms| !algorithms.iter().any(|name| id_token::is_supported(name))) {
            return Err(reply.broken("signs id tokens with no algorithm that is verified here"));
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            jwks_uri: needed("jwks_uri")?,
            auth: client_auth(reply, &members)?,
            announces_iss: members.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            keys: Mutex::new(None),
        })
    }

    /// Fetches and reads the document.
    ///
    /// # Errors
    /// Those of the client, of [`Discovery::request`] and of [`Discovery::parse`].
    pub async fn fetch(http: &dyn HttpClient, issuer: &str) -> Result<Self, Error> {
        let reply = http.send(Self::request(issuer)?).await?;
        Self::parse(issuer, &reply)
    }

    /// The issuer, exactly as it is written in ID tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether every callback has to name the issuer (RFC 9207, section 3).
    pub(crate) fn announces_iss(&self) -> bool {
        self.announces_iss
    }

    /// The keys that were fetched lately.
    pub(crate) fn known_keys(&self, now: UnixMillis) -> Option<PublicKeySet> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(at, _)| now >= *at && now.since(*at) < Self::KEYS_MAX_AGE)
            .map(|(_, keys)| keys.clone())
    }

    pub(crate) fn keep_keys(&self, keys: PublicKeySet, now: UnixMillis) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys));
    }
}

/// The members of a list of text. Something else than a list offers nothing.
fn list<'a>(members: &'a Members, name: &str) -> Option<Vec<&'a str>> {
    let value = members.get(name).filter(|value| !value.is_null())?;
    Some(value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default())
}

fn client_auth(reply: Reply<'_>, members: &Members) -> Result<ClientAuth, Error> {
    // Who says nothing takes Basic (Discovery 1.0, section 3).
    let Some(methods) = list(members, "token_endpoint_auth_methods_supported") else {
        return Ok(ClientAuth::Basic);
    };
    if methods.contains(&"client_secret_basic") {
        Ok(ClientAuth::Basic)
    } else if methods.contains(&"client_secret_post") {
        Ok(ClientAuth::Post)
    } else {
        Err(reply.broken("takes no client secret"))
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example/t";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/a?x=1",
            "token_endpoint": "https://id.example/t",
            "jwks_uri": "https://id.example/k",
            "userinfo_endpoint": "https://id.example/u",
        })
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<Discovery, ErrorKind> {
        let mut document = document();
        change(&mut document);
        let response = Response::new(Bytes::from(document.to_string()));
        Discovery::parse(ISSUER, &response).map_err(|error| error.kind())
    }

    #[test]
    fn a_short_document_is_enough() {
        let read = read(|_| ()).unwrap();
        assert_eq!((read.auth, read.announces_iss()), (ClientAuth::Basic, false));
        assert_eq!(read.userinfo_endpoint.as_deref(), Some("https://id.example/u"));
    }

    #[test]
    fn methods_are_chosen_by_the_document() {
        let auth =
            |methods: Value| read(|d| d["token_endpoint_auth_methods_supported"] = methods).map(|d| d.auth);
        assert_eq!(auth(json!(["client_secret_post", "client_secret_basic"])), Ok(ClientAuth::Basic));
        assert_eq!(auth(json!(["client_secret_post"])), Ok(ClientAuth::Post));
        assert_eq!(auth(json!(["private_key_jwt"])), Err(ErrorKind::PeerMisbehaved));
    }

    #[test]
    fn another_issuer_or_a_weak_endpoint_is_refused() {
        for (name, value) in [
            ("issuer", json!("https://id.example/t/")),
            ("issuer", json!("https://id.example")),
            ("issuer", json!(null)),
            ("token_endpoint", json!("http://id.example/t")),
            ("token_endpoint", json!("https://127.0.0.1/t")),
            ("token_endpoint", json!(null)),
            ("userinfo_endpoint", json!("file:///etc/passwd")),
            ("jwks_uri", json!("https://u:p@id.example/k")),
            ("response_types_supported", json!(["token"])),
            ("code_challenge_methods_supported", json!(["plain"])),
            ("id_token_signing_alg_values_supported", json!(["none", "HS256"])),
        ] {
            assert_eq!(
                read(|d| d[name] = value.clone()).unwrap_err(),
                ErrorKind::PeerMisbehaved,
                "{name} {value}"
            );
        }
    }

    #[test]
    fn an_issuer_is_a_plain_https_address() {
        assert!(Discovery::request("https://id.example/?x").is_err());
        assert!(Discovery::request("http://id.example").is_err());
        let request = Discovery::request("https://id.example/t/").unwrap();
        assert_eq!(request.uri(), "https://id.example/t/.well-known/openid-configuration");
    }
}
