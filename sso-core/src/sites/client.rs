//! One site or application that signs its users in here: what is registered of it.

use crate::error::{Error, ErrorKind};
use crate::key_set::jwks::PublicKeySet;
use crate::refresh::names::ClientId;
use crate::sites::secret::ClientSecretHash;
use crate::sites::url::SiteUrl;

/// How a client proves who it is.
#[derive(Clone, Debug)]
pub(crate) enum ClientProof {
    /// It cannot keep a secret (RFC 6749, section 2.1): a browser or an application on a device.
    Public,
    /// One secret, or two while they are being changed.
    Secrets(Vec<ClientSecretHash>),
    /// It signs an assertion with its own key (RFC 7523, section 2.2).
    Keys(PublicKeySet),
}

/// Whether the user is asked before a client learns who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsentPolicy {
    /// The client belongs to the same house as the gate.
    FirstParty,
    /// The user is asked each time the client asks with new scopes; the application remembers the answers.
    Ask,
}

/// A registered client.
///
/// ```
/// use sso_core::{Client, ClientId, ClientSecret, SiteUrl};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = ClientSecret::random()?;
/// let shop = Client::with_secret(ClientId::new("shop")?, secret.hash())
///     .return_url(SiteUrl::new("https://shop.example/signed-in")?)?
///     .logout_url(SiteUrl::new("https://shop.example/back-channel-logout")?)?
///     .after_logout_url(SiteUrl::new("https://shop.example/")?)?
///     .scopes(["openid", "profile"])?;
/// assert!(shop.returns_to("https://shop.example/signed-in"));
/// assert!(!shop.returns_to("https://shop.example/signed-in/"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) id: ClientId,
    pub(crate) proof: ClientProof,
    pub(crate) return_urls: Vec<SiteUrl>,
    pub(crate) after_logout_urls: Vec<SiteUrl>,
    pub(crate) logout_url: Option<SiteUrl>,
    pub(crate) scopes: Vec<String>,
    pub(crate) consent: ConsentPolicy,
}

impl Client {
    /// The most addresses of one kind.
    pub const URLS_MAX: usize = 32;
    /// The most scopes.
    pub const SCOPES_MAX: usize = 32;

    /// A client with a secret, as servers have.
    #[must_use]
    pub fn with_secret(id: ClientId, secret: ClientSecretHash) -> Self {
        Self::new(id, ClientProof::Secrets(vec![secret]))
    }

    /// A client that signs with its own keys (`private_key_jwt`), of which these are the public sides.
    #[must_use]
    pub fn with_keys(id: ClientId, keys: PublicKeySet) -> Self {
        Self::new(id, ClientProof::Keys(keys))
    }

    /// A client without a secret. It takes no tickets, and its codes need PKCE.
    #[must_use]
    pub fn public(id: ClientId) -> Self {
        Self::new(id, ClientProof::Public)
    }

    fn new(id: ClientId, proof: ClientProof) -> Self {
        Self {
            id,
            proof,
            return_urls: Vec::new(),
            after_logout_urls: Vec::new(),
            logout_url: None,
            scopes: vec!["openid".to_owned()],
            consent: ConsentPolicy::FirstParty,
        }
    }

    /// Accepts a second secret too, until the first one is taken out of use.
    ///
    /// # Errors
    /// `Misuse` if the client has no secret, or two already.
    pub fn also_secret(mut self, secret: ClientSecretHash) -> Result<Self, Error> {
        match &mut self.proof {
            ClientProof::Secrets(secrets) if secrets.len() == 1 => secrets.push(secret),
            _ => return Err(Error::new(ErrorKind::Misuse, "a client has at most two secrets")),
        }
        Ok(self)
    }

    /// Registers an address to which users return with a ticket or a code.
    ///
    /// # Errors
    /// `InvalidInput` beyond [`Client::URLS_MAX`].
    pub fn return_url(mut self, url: SiteUrl) -> Result<Self, Error> {
        add(&mut self.return_urls, url)?;
        Ok(self)
    }

    /// Registers an address to which users return after signing out (`post_logout_redirect_uri`).
    ///
    /// # Errors
    /// `InvalidInput` beyond [`Client::URLS_MAX`].
    pub fn after_logout_url(mut self, url: SiteUrl) -> Result<Self, Error> {
        add(&mut self.after_logout_urls, url)?;
        Ok(self)
    }

    /// Where the client is told that a session has ended (`backchannel_logout_uri`).
    ///
    /// # Errors
    /// `InvalidInput` unless it is an address of a server.
    pub fn logout_url(mut self, url: SiteUrl) -> Result<Self, Error> {
        if !url.is_web() {
            return Err(Error::new(ErrorKind::InvalidInput, "a logout url must begin with https or http"));
        }
        self.logout_url = Some(url);
        Ok(self)
    }

    /// The scopes that the client may have, instead of `openid` alone.
    ///
    /// # Errors
    /// `InvalidInput` if one is no scope (RFC 6749, section 3.3) or they are more than [`Client::SCOPES_MAX`].
    pub fn scopes<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        self.scopes = scopes.into_iter().map(str::to_owned).collect();
        let word = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        let fits = |scope: &String| (1..=64).contains(&scope.len()) && scope.bytes().all(word);
        if self.scopes.len() > Self::SCOPES_MAX || !self.scopes.iter().all(fits) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a client has at most 32 scopes, each of 1 to 64 visible characters",
            ));
        }
        Ok(self)
    }

    /// Whether users are asked before this client learns who they are. They are not, unless this says so.
    #[must_use]
    pub fn consent(mut self, consent: ConsentPolicy) -> Self {
        self.consent = consent;
        self
    }

    /// The client's name.
    #[must_use]
    pub fn id(&self) -> &ClientId {
        &self.id
    }

    /// Whether the client cannot keep a secret.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.proof, ClientProof::Public)
    }

    /// Whether this very address is registered for returning.
    #[must_use]
    pub fn returns_to(&self, url: &str) -> bool {
        self.return_urls.iter().any(|registered| registered.as_str() == url)
    }

    /// Whether this very address is registered for after signing out.
    #[must_use]
    pub fn returns_after_logout_to(&self, url: &str) -> bool {
        self.after_logout_urls.iter().any(|registered| registered.as_str() == url)
    }

    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
    }
}

fn add(urls: &mut Vec<SiteUrl>, url: SiteUrl) -> Result<(), Error> {
    if urls.len() >= Client::URLS_MAX {
        return Err(Error::new(ErrorKind::InvalidInput, "a client has at most 32 addresses of a kind"));
    }
    urls.push(url);
    Ok(())
}
