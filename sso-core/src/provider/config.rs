//! What a provider is told once: its name, and how long what it gives lives.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::provider::endpoints::Endpoints;
use crate::session::limits::SessionLimits;
use crate::sites::url::SiteUrl;

/// The settings of a [`Provider`](crate::Provider).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderConfig {
    pub(crate) issuer: SiteUrl,
    pub(crate) limits: SessionLimits,
    pub(crate) audience: String,
    pub(crate) code_life: Duration,
    pub(crate) token_life: Duration,
    pub(crate) extra_scopes: Vec<(String, Vec<String>)>,
    pub(crate) requests_per_minute_max: u32,
    /// Where the endpoints are.
    pub endpoints: Endpoints,
}

impl ProviderConfig {
    /// How long a code can be redeemed.
    pub const CODE_LIFE: Duration = Duration::from_secs(60);
    /// How long access tokens and id tokens live, unless [`token_life`](Self::token_life) says otherwise.
    pub const TOKEN_LIFE_DEFAULT: Duration = Duration::from_secs(300);
    /// How many requests a minute one address may send, unless
    /// [`requests_per_minute_max`](Self::requests_per_minute_max) says otherwise.
    pub const REQUESTS_PER_MINUTE_MAX_DEFAULT: u32 = 600;
    /// The most scopes besides the standard ones.
    pub const EXTRA_SCOPES_MAX: usize = 16;

    /// A provider of this name: an `https` address without a query, or `http` on the loopback. Discovery documents
    /// and tokens repeat it letter by letter. The limits are those of the sessions.
    ///
    /// # Errors
    /// `InvalidInput` if it is no such address or ends in `/`.
    pub fn new(issuer: &str, limits: SessionLimits) -> Result<Self, Error> {
        let url = SiteUrl::new(issuer)?;
        if !url.is_web() || issuer.contains('?') || issuer.ends_with('/') || issuer.len() > 256 {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "an issuer is an address without a query and without a slash at its end, of 256 bytes at most",
            ));
        }
        Ok(Self {
            endpoints: Endpoints::below(issuer),
            audience: issuer.to_owned(),
            issuer: url,
            limits,
            code_life: Self::CODE_LIFE,
            token_life: Self::TOKEN_LIFE_DEFAULT,
            extra_scopes: Vec::new(),
            requests_per_minute_max: Self::REQUESTS_PER_MINUTE_MAX_DEFAULT,
        })
    }

    /// Lets access tokens and id tokens live so long.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 minute to 1 hour: a token cannot be called back everywhere.
    pub fn token_life(mut self, life: Duration) -> Result<Self, Error> {
        if !(60..=3600).contains(&life.as_secs()) {
            return Err(Error::new(ErrorKind::InvalidInput, "a token of a provider lives 1 to 60 minutes"));
        }
        self.token_life = life;
        Ok(self)
    }

    /// Whom access tokens are meant for (`aud`), instead of the provider itself. Userinfo accepts no other.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 256 bytes long.
    pub fn audience(mut self, audience: &str) -> Result<Self, Error> {
        if !(1..=256).contains(&audience.len()) {
            return Err(Error::new(ErrorKind::InvalidInput, "an audience must be 1 to 256 bytes long"));
        }
        audience.clone_into(&mut self.audience);
        Ok(self)
    }

    /// Adds a scope that lets a client see these claims of [`Accounts`](crate::Accounts).
    ///
    /// # Errors
    /// `InvalidInput` if it is no scope, or beyond [`ProviderConfig::EXTRA_SCOPES_MAX`].
    pub fn scope(mut self, scope: &str, claims: &[&str]) -> Result<Self, Error> {
        let word = scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if !(1..=64).contains(&scope.len()) || !word || self.extra_scopes.len() >= Self::EXTRA_SCOPES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a provider has at most 16 scopes of its own, each of 1 to 64 visible characters",
            ));
        }
        self.extra_scopes.push((scope.to_owned(), claims.iter().map(|name| (*name).to_owned()).collect()));
        Ok(self)
    }

    /// Lets one address send so many requests a minute to the token and userinfo endpoints, a sixth of them at
    /// once.
    #[must_use]
    pub fn requests_per_minute_max(mut self, requests: u32) -> Self {
        self.requests_per_minute_max = requests.max(1);
        self
    }
}
