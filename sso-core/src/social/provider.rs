//! A provider as configuration: which protocol, which application, which addresses. Nothing is sent here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::social::app::{App, private_address};
use crate::social::attempt::Attempt;
use crate::social::callback::{Callback, GrantCode};
use crate::social::discovery::Discovery;
use crate::social::exchange::Exchange;
use crate::social::{github, oidc, qq, wechat, weibo};

/// Which protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderKind {
    /// QQ, connect.qq.com.
    Qq,
    /// The QR code of the WeChat open platform, for browsers on computers.
    WechatQr,
    /// Pages inside the WeChat client, of a service account.
    WechatInApp,
    /// Weibo, open.weibo.com.
    Weibo,
    /// GitHub, docs.github.com, "Authorizing OAuth apps".
    Github,
    /// Any provider of OpenID Connect Core 1.0 with discovery.
    Oidc,
}

/// One provider and the application that is registered with it. A value: it does no input and no output.
///
/// ```
/// use sso_core::social::{App, Attempt, BrowserSecret, Callback, Provider, State};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let app = App::new("101", "s3cret", "https://shop.example/login/qq/callback")?;
/// let qq = Provider::qq(app);
///
/// // The browser goes there, with a cookie that holds the browser's secret.
/// let attempt = Attempt::new(State::new([1; 32]), BrowserSecret::new([2; 32]));
/// let url = qq.authorize(&attempt);
/// assert!(url.starts_with("https://graph.qq.com/oauth2.0/authorize?response_type=code&client_id=101&"));
///
/// // It comes back with a query.
/// let query = format!("code=9A5F&state={}", attempt.state().as_str());
/// let Callback::Code { code, state, .. } = qq.callback(&query) else { return Ok(()) };
/// assert_eq!(&state, attempt.state());
///
/// // The first request of several, as a value.
/// let exchange = qq.redeem(&code, &attempt)?;
/// assert_eq!(exchange.request().uri().path(), "/oauth2.0/token");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    pub(crate) name: String,
    pub(crate) app: App,
    pub(crate) protocol: Protocol,
    pub(crate) scopes: Vec<String>,
    pub(crate) bases: Bases,
}

/// What differs between protocols, besides their code.
#[derive(Clone, Debug)]
pub(crate) enum Protocol {
    Qq { asks_unionid: bool },
    WechatQr,
    WechatInApp,
    Weibo,
    Github,
    Oidc(Arc<Discovery>),
}

/// The beginnings of the addresses of a provider, without the slash at their end.
#[derive(Clone, Debug)]
pub(crate) struct Bases {
    /// Where the browser goes.
    pub(crate) browser: String,
    /// Where codes are redeemed.
    pub(crate) server: String,
    /// Where profiles are read.
    pub(crate) api: String,
}

impl Bases {
    fn new(browser: &str, server: &str, api: &str) -> Self {
        Self { browser: browser.to_owned(), server: server.to_owned(), api: api.to_owned() }
    }
}

impl Provider {
    /// The longest name of a provider, in bytes.
    pub const NAME_BYTES_MAX: usize = 32;

    /// Sign-in with QQ, with the scope `get_user_info`.
    #[must_use]
    pub fn qq(app: App) -> Self {
        let host = "https://graph.qq.com";
        let protocol = Protocol::Qq { asks_unionid: false };
        Self::build("qq", app, protocol, &["get_user_info"], Bases::new(host, host, host))
    }

    /// Sign-in by WeChat's QR code on a website, with the scope `snsapi_login`.
    #[must_use]
    pub fn wechat_qr(app: App) -> Self {
        Self::build("wechat", app, Protocol::WechatQr, &["snsapi_login"], wechat_bases())
    }

    /// Sign-in on pages inside the WeChat client, with the scope `snsapi_userinfo`. With `snsapi_base` instead
    /// the user sees no question, and the identity is the openid alone.
    #[must_use]
    pub fn wechat_in_app(app: App) -> Self {
        Self::build("wechat-in-app", app, Protocol::WechatInApp, &["snsapi_userinfo"], wechat_bases())
    }

    /// Sign-in with Weibo, without a scope. With the scope `email` the address is asked for too.
    #[must_use]
    pub fn weibo(app: App) -> Self {
        let host = "https://api.weibo.com";
        Self::build("weibo", app, Protocol::Weibo, &[], Bases::new(host, host, host))
    }

    /// Sign-in with GitHub, with the scopes `read:user` and `user:email`.
    #[must_use]
    pub fn github(app: App) -> Self {
        let (site, api) = ("https://github.com", "https://api.github.com");
        let scopes = ["read:user", "user:email"];
        Self::build("github", app, Protocol::Github, &scopes, Bases::new(site, site, api))
    }

    /// Sign-in with a provider of OpenID Connect, with the scopes `openid`, `profile` and `email`.
    ///
    /// # Errors
    /// `InvalidInput` if the name is not one, see [`Provider::named`].
    pub fn oidc(name: &str, app: App, discovery: Discovery) -> Result<Self, Error> {
        let scopes = ["openid", "profile", "email"];
        let protocol = Protocol::Oidc(Arc::new(discovery));
        Self::build("oidc", app, protocol, &scopes, Bases::new("", "", "")).named(name)
    }

    fn build(name: &str, app: App, protocol: Protocol, scopes: &[&str], bases: Bases) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Self { name: name.to_owned(), app, protocol, scopes, bases }
    }

    /// Calls the provider by another name, for two applications of one kind.
    ///
    /// # Errors
    /// `InvalidInput` unless it is 1 to 32 lower-case ASCII letters, digits or `-`.
    pub fn named(mut self, name: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > Self::NAME_BYTES_MAX || !name.bytes().all(plain) {
            let words =
                format!("`{}` is no name of a provider: give 1 to 32 of a-z 0-9 -", name.escape_debug());
            return Err(Error::new(ErrorKind::InvalidInput, words));
        }
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// Asks for other scopes.
    ///
    /// # Errors
    /// `InvalidInput` if there are more than 32, or if one is not 1 to 64 characters of `a-z A-Z 0-9 _ - . : /`.
    /// `Misuse` if `openid` is missing at a provider of OpenID Connect.
    pub fn scopes(mut self, scopes: &[&str]) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        let fits = |scope: &&str| (1..=64).contains(&scope.len()) && scope.bytes().all(plain);
        if scopes.len() > 32 || !scopes.iter().all(fits) {
            return Err(Error::new(ErrorKind::InvalidInput, "a scope is 1 to 64 of a-z A-Z 0-9 _ - . : /"));
        }
        if matches!(self.protocol, Protocol::Oidc(_)) && !scopes.contains(&"openid") {
            return Err(Error::new(ErrorKind::Misuse, "openid connect needs the scope `openid`: add it"));
        }
        self.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Ok(self)
    }

    /// Asks QQ for the unionid too. QQ refuses that to applications which have not applied for it.
    ///
    /// # Errors
    /// `Misuse` for another provider: WeChat gives the unionid unasked, nobody else has one.
    pub fn with_unionid(mut self) -> Result<Self, Error> {
        let Protocol::Qq { asks_unionid } = &mut self.protocol else {
            return Err(Error::new(ErrorKind::Misuse, "only qq is asked for a unionid"));
        };
        *asks_unionid = true;
        Ok(self)
    }

    /// Speaks to another host: a simulator, or GitHub on one's own machines. All paths stay as they are.
    ///
    /// # Errors
    /// `InvalidInput` unless it is an absolute address, https or on the loopback, without query and fragment.
    /// `Misuse` for OpenID Connect, whose discovery document says where to go.
    pub fn endpoint_base(mut self, base: &str) -> Result<Self, Error> {
        if matches!(self.protocol, Protocol::Oidc(_)) {
            let words = "the addresses of openid connect come from its discovery document";
            return Err(Error::new(ErrorKind::Misuse, words));
        }
        if private_address(base)?.query().is_some() {
            return Err(Error::new(ErrorKind::InvalidInput, "the base of endpoints has no query"));
        }
        let base = base.trim_end_matches('/');
        self.bases = Bases::new(base, base, base);
        Ok(self)
    }

    /// The application's name for the provider.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The protocol.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self.protocol {
            Protocol::Qq { .. } => ProviderKind::Qq,
            Protocol::WechatQr => ProviderKind::WechatQr,
            Protocol::WechatInApp => ProviderKind::WechatInApp,
            Protocol::Weibo => ProviderKind::Weibo,
            Protocol::Github => ProviderKind::Github,
            Protocol::Oidc(_) => ProviderKind::Oidc,
        }
    }

    /// Who vouches for users in ID tokens, if there are any.
    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.protocol {
            Protocol::Oidc(discovery) => Some(discovery.issuer()),
            _ => None,
        }
    }

    /// The address to which the browser is sent (RFC 6749, section 4.1.1).
    #[must_use]
    pub fn authorize(&self, attempt: &Attempt) -> String {
        match &self.protocol {
            Protocol::Qq { .. } => qq::authorize(self, attempt),
            Protocol::WechatQr => wechat::authorize_qr(self, attempt),
            Protocol::WechatInApp => wechat::authorize_in_app(self, attempt),
            Protocol::Weibo => weibo::authorize(self, attempt),
            Protocol::Github => github::authorize(self, attempt),
            Protocol::Oidc(discovery) => oidc::authorize(self, discovery, attempt),
        }
    }

    /// Reads the query with which the browser comes back (RFC 6749, section 4.1.2).
    pub fn callback(&self, query: &str) -> Callback {
        Callback::parse(self, query)
    }

    /// Begins to turn a code into an identity. Whether the attempt is this browser's has been checked before.
    ///
    /// # Errors
    /// `Misuse` if a request cannot be written, which no checked configuration causes.
    pub fn redeem(&self, code: &GrantCode, attempt: &Attempt) -> Result<Exchange, Error> {
        Exchange::begin(self, code, attempt)
    }
}

fn wechat_bases() -> Bases {
    Bases::new("https://open.weixin.qq.com", "https://api.weixin.qq.com", "https://api.weixin.qq.com")
}
