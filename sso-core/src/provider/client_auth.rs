//! How a client proves itself at the token endpoint: `client_secret_basic`, `client_secret_post`,
//! `private_key_jwt` or, if it cannot keep a secret, `none` (OpenID Connect Core 1.0, section 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::form::{self, Form};
use crate::provider::Provider;
use crate::provider::reply::Refusal;
use crate::signed;
use crate::sites::client::{Client, ClientProof};
use crate::sites::once::OnceKey;
use crate::sites::registry::AuthenticatedClient;
use crate::store::At;
use crate::time::UnixMillis;
use crate::token::verifier::Verifier;

/// The type of assertion that is known (RFC 7523, section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest life of an assertion.
const ASSERTION_AGE_MAX: Duration = Duration::from_secs(300);
const LEEWAY: Duration = Duration::from_secs(30);
/// The longest `Authorization` header that is read, in bytes.
const HEADER_BYTES_MAX: usize = 2048;

const FAILED: Refusal = Refusal::client("the client did not prove who it is");

/// A name and a secret from an `Authorization` header.
pub(crate) struct Basic {
    pub(crate) id: String,
    pub(crate) secret: Zeroizing<String>,
}

impl Basic {
    /// Reads the value of a header: both halves are form encoded (RFC 6749, section 2.3.1).
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let (scheme, rest) = header.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let pair = Zeroizing::new(STANDARD.decode(rest.trim_ascii()).ok()?);
        let mut halves = pair.splitn(2, |byte| *byte == b':');
        let id = form::decode(halves.next()?)?;
        let secret = Zeroizing::new(form::decode(halves.next()?)?);
        Some(Self { id, secret })
    }
}

impl Provider {
    /// The client behind a request, or why there is none.
    pub(crate) async fn client_of(
        &self,
        headers: &HeaderMap,
        form: &Form,
        now: UnixMillis,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Error> {
        let basic = headers.get(AUTHORIZATION).map(|value| Basic::parse(value.as_bytes()));
        let (secret, assertion) = (form.value("client_secret"), form.value("client_assertion"));
        let claimed = form.value("client_id");
        let checked = match (basic, secret, assertion) {
            (Some(None), None, None) => Err(FAILED),
            (Some(Some(basic)), None, None) => self.by_basic(&basic, claimed),
            (None, Some(secret), None) => {
                let client = claimed.and_then(|id| self.clients.authenticate(id, secret));
                client.ok_or(FAILED)
            }
            (None, None, Some(assertion)) => return self.by_assertion(form, assertion, now).await,
            (None, None, None) => self.public(claimed),
            _ => Err(Refusal::request("the client proves itself in more than one way")),
        };
        Ok(checked)
    }

    fn by_basic(&self, basic: &Basic, claimed: Option<&str>) -> Result<AuthenticatedClient, Refusal> {
        if claimed.is_some_and(|claimed| claimed != basic.id) {
            return Err(Refusal::request("the request names two clients"));
        }
        self.clients.authenticate(&basic.id, &basic.secret).ok_or(FAILED)
    }

    fn public(&self, claimed: Option<&str>) -> Result<AuthenticatedClient, Refusal> {
        let client = claimed.and_then(|id| self.clients.find(id)).filter(|client| client.is_public());
        client.map(AuthenticatedClient::proved).ok_or(FAILED)
    }

    /// A client that signed an assertion with its own key: for this endpoint, short-lived, and never seen before.
    async fn by_assertion(
        &self,
        form: &Form,
        assertion: &str,
        now: UnixMillis,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Error> {
        if form.value("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Ok(Err(Refusal::request("the type of the client assertion is not supported")));
        }
        let named = signed::claimed_issuer(assertion);
        let client = named.as_deref().and_then(|id| self.clients.find(id));
        let Some((client, name)) =
            client.and_then(|client| Some((client, self.assertion(client, assertion, now)?)))
        else {
            return Ok(Err(FAILED));
        };
        if form.value("client_id").is_some_and(|claimed| claimed != client.id().as_str()) {
            return Ok(Err(Refusal::request("the request names two clients")));
        }
        let key = OnceKey::new(client.id().as_str(), &name);
        let until = now.saturating_add(ASSERTION_AGE_MAX + 2 * LEEWAY);
        let first = self.store.first(key, until, At::Server).await?;
        Ok(if first { Ok(AuthenticatedClient::proved(client)) } else { Err(FAILED) })
    }

    /// The name (`jti`) of an assertion that is right.
    fn assertion(&self, client: &Arc<Client>, assertion: &str, now: UnixMillis) -> Option<String> {
        let ClientProof::Keys(keys) = &client.proof else {
            return None;
        };
        let id = client.id().as_str();
        let verifier = Verifier::new(id, self.config.issuer.as_str(), keys.clone()).ok()?;
        let verifier = verifier.also_audience(&self.config.endpoints.token).ok()?.typ("JWT").ok()?;
        let verifier = verifier.typ_may_be_missing().leeway(LEEWAY).ok()?.max_age(ASSERTION_AGE_MAX);
        let claims = verifier.verify_map(assertion, now).ok()?;
        let subject = signed::text(&claims, "sub")?;
        signed::text(&claims, "jti").filter(|name| subject == id && !name.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[test]
    fn both_halves_are_form_encoded() {
        let basic = Basic::parse(header("a%3Ab", "c%20d+e:f").as_bytes()).unwrap();
        assert_eq!((basic.id.as_str(), basic.secret.as_str()), ("a:b", "c d e:f"));
        for bad in ["Basic", "Basic ", "Bearer YTpi", "Basic YWI=", "Basic ====", "Basic YTol"] {
            assert!(Basic::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Basic::parse(header(&"a".repeat(HEADER_BYTES_MAX), "b").as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let mut header = b"Basic ".to_vec();
            header.extend(&bytes);
            let read = Basic::parse(&header).is_some();
            prop_assert!(!read || !bytes.is_empty());
            prop_assert!(Basic::parse(&bytes).is_none() || bytes.len() > 6);
        }

        #[test]
        fn what_is_written_can_be_read(id in "\\PC{1,20}", secret in "\\PC{0,20}") {
            let encode = |text: &str| form::encode([("", text)]).split_off(1);
            let basic = Basic::parse(header(&encode(&id), &encode(&secret)).as_bytes()).unwrap();
            prop_assert_eq!((basic.id, basic.secret.to_string()), (id, secret));
        }
    }
}
