//! An OpenID provider to embed: the decisions and documents of OpenID Connect Core 1.0, without a web framework.
//!
//! Requests and replies are values. The pages for signing in and for consent are the application's.

pub(crate) mod accounts;
pub(crate) mod authorize;
pub(crate) mod client_auth;
pub(crate) mod config;
pub(crate) mod documents;
pub(crate) mod end_session;
pub(crate) mod endpoints;
pub(crate) mod id_token;
pub(crate) mod pace;
pub(crate) mod refresh;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod scope;
pub(crate) mod token;
pub(crate) mod userinfo;

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::key_set::algorithm::Algorithm;
use crate::key_set::source::{KeySource, SigningSource};
use crate::provider::accounts::Accounts;
use crate::provider::config::ProviderConfig;
use crate::provider::pace::Pace;
use crate::refresh::RefreshStore;
use crate::refresh::limits::RefreshLimits;
use crate::revocation::RevocationView;
use crate::signer::Signer;
use crate::sites::SiteStore;
use crate::sites::registry::Clients;
use crate::time::UnixMillis;
use crate::token::Issuer;
use crate::token::verifier::Verifier;

/// The type of id tokens, in their header.
pub(crate) const ID_TOKEN_TYP: &str = "JWT";

/// An OpenID provider: authorization code flow with PKCE, discovery, userinfo, logout by the client.
///
/// The application mounts seven routes and calls one method in each:
///
/// | route | method |
/// |---|---|
/// | `GET /.well-known/openid-configuration` | [`discovery`](Self::discovery) |
/// | `GET` of [`Endpoints::jwks`](crate::Endpoints) | [`jwks`](Self::jwks) |
/// | `GET`, `POST` of `authorize` | [`authorize`](Self::authorize), with the user's session if there is one |
/// | `POST` of `token` | [`token`](Self::token) |
/// | `GET`, `POST` of `userinfo` | [`userinfo`](Self::userinfo) |
/// | `GET`, `POST` of `end_session` | [`end_session`](Self::end_session) |
///
/// A clone is the same provider.
///
/// ```
/// # use serde_json::{Map, Value, json};
/// # use sso_core::{Accounts, BoxFuture, Error};
/// use std::sync::Arc;
/// use sso_core::{
///     Clients, KeySet, MemorySiteStore, Provider, ProviderConfig, SessionLimits, SigningKey, UserId,
/// };
///
/// #[derive(Debug)]
/// struct Users;
///
/// impl Accounts for Users {
///     fn claims<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>> {
///         Box::pin(async move { Ok(Some(Map::from_iter([("name".to_owned(), json!(user.as_str()))]))) })
///     }
/// }
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let keys = KeySet::new(SigningKey::generate_rs256()?);
/// let config = ProviderConfig::new("https://sso.example", SessionLimits::default())?;
/// let clients = Clients::new([])?;
/// let provider = Provider::new(config, (&keys, &keys), clients, Arc::new(MemorySiteStore::new()), Arc::new(Users))?;
/// assert_eq!(provider.discovery().status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Provider {
    pub(crate) config: Arc<ProviderConfig>,
    pub(crate) keys: KeySource,
    pub(crate) issuer: Issuer,
    pub(crate) id_tokens: Signer,
    pub(crate) access_tokens: Verifier,
    pub(crate) clients: Clients,
    pub(crate) store: Arc<dyn SiteStore>,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) refresh: Option<(Arc<dyn RefreshStore>, RefreshLimits)>,
    pub(crate) pace: Arc<Pace>,
}

/// Who asks an endpoint, and when.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Where the request comes from, usually an IP address: requests are counted by it.
    pub from: &'a str,
    /// What time it is: [`UnixMillis::now`].
    pub now: UnixMillis,
}

impl Provider {
    /// A provider that signs with the first of the two sources of keys and publishes the second: a
    /// [`KeySet`](crate::KeySet) twice, or the two sources of a ring.
    ///
    /// # Errors
    /// `Misuse` if the key is one of HS256, which nobody else could verify.
    pub fn new(
        config: ProviderConfig,
        (signing, keys): (impl Into<SigningSource>, impl Into<KeySource>),
        clients: Clients,
        store: Arc<dyn SiteStore>,
        accounts: Arc<dyn Accounts>,
    ) -> Result<Self, Error> {
        let (signing, keys) = (signing.into(), keys.into());
        if signing.current().algorithm() == Algorithm::Hs256 {
            return Err(Error::new(
                ErrorKind::Misuse,
                "an openid provider cannot sign with hs256: give it a key pair",
            ));
        }
        let issuer = config.issuer.as_str();
        Ok(Self {
            issuer: Issuer::new(issuer, signing.clone())?,
            id_tokens: Signer::new(ID_TOKEN_TYP, signing)?,
            access_tokens: Verifier::new(issuer, &config.audience, keys.clone())?,
            keys,
            clients,
            store,
            accounts,
            refresh: None,
            pace: Arc::new(Pace::new(config.requests_per_minute_max)),
            config: Arc::new(config),
        })
    }

    /// Gives refresh tokens to clients that may have the scope `offline_access`, and asks for it. Without this none
    /// are given. Their families carry the session that they were given in, and outlive it, as offline access does
    /// (OpenID Connect Core 1.0, section 11): a [`Refresher`](crate::Refresher) that ends the families of a session
    /// would end these too, so give it another store or another prefix.
    #[must_use]
    pub fn refresh(mut self, store: Arc<dyn RefreshStore>, limits: RefreshLimits) -> Self {
        self.refresh = Some((store, limits));
        self
    }

    /// Asks this view about every access token that comes to userinfo.
    #[must_use]
    pub fn revocations(mut self, view: Arc<dyn RevocationView>) -> Self {
        self.access_tokens = self.access_tokens.revocations(view);
        self
    }

    /// The same provider with other clients.
    #[must_use]
    pub fn with_clients(mut self, clients: Clients) -> Self {
        self.clients = clients;
        self
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("config", &self.config).finish_non_exhaustive()
    }
}
