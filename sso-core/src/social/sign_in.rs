//! The driver: sends a browser to a provider, and turns its callback into an identity over an [`HttpClient`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::social::attempt::{Attempt, BrowserSecret, PendingKey, State};
use crate::social::browser::BrowserCookie;
use crate::social::callback::Callback;
use crate::social::exchange::Progress;
use crate::social::identity::Identity;
use crate::social::pending::{Pending, PendingStore, ReturnTo, Take};
use crate::social::provider::Provider;
use crate::social::refused::SocialRefused;
use crate::store::At;
use crate::time::UnixMillis;

/// Sign-in with any of several providers.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::HttpClient;
/// use sso_core::social::{App, MemoryPendingStore, Provider, SignIn, SocialSignIn};
///
/// # async fn run(http: Arc<dyn HttpClient>, cookie_header: &str, query: &str) -> Result<(), sso_core::Error> {
/// let app = App::new("101", "s3cret", "https://shop.example/login/qq/callback")?;
/// let sign_in = SignIn::new(Arc::new(MemoryPendingStore::new()), http).provider(Provider::qq(app))?;
///
/// // GET /login/qq: answer 303 with these two headers.
/// let begun = sign_in.begin("qq", cookie_header, "/account").await?;
/// println!("Location: {}\nSet-Cookie: {}", begun.location, *begun.set_cookie);
///
/// // GET /login/qq/callback?...
/// match sign_in.callback("qq", query, cookie_header).await? {
///     SocialSignIn::SignedIn { identity, return_to } => {
///         println!("{} is known as {}, and goes on at {return_to}", identity.subject, identity.app_id);
///     }
///     SocialSignIn::Refused(why) => println!("nobody is signed in: {why}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SignIn {
    providers: BTreeMap<String, Provider>,
    store: Arc<dyn PendingStore>,
    http: Arc<dyn HttpClient>,
    cookie: BrowserCookie,
}

/// Where to send the browser, and what to give it to keep.
#[non_exhaustive]
pub struct Begun {
    /// The value of a `Location` header.
    pub location: String,
    /// The value of a `Set-Cookie` header. It holds a secret.
    pub set_cookie: Zeroizing<String>,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

/// How a callback ended.
///
/// Two callbacks of one attempt end with the same value, perhaps at the same time: look the user up and add them
/// in one atomic step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum SocialSignIn {
    /// The provider says who it is.
    SignedIn {
        /// The user.
        identity: Box<Identity>,
        /// Where the application wanted the user to go.
        return_to: String,
    },
    /// Nobody is signed in, and why.
    Refused(SocialRefused),
}

impl SignIn {
    /// Attempts in this store, requests over this client: give it a deadline of a few seconds a request.
    #[must_use]
    pub fn new(store: Arc<dyn PendingStore>, http: Arc<dyn HttpClient>) -> Self {
        Self { providers: BTreeMap::new(), store, http, cookie: BrowserCookie::host() }
    }

    /// Adds a provider under its name.
    ///
    /// # Errors
    /// `Misuse` if there is one of that name: give one of them another with [`Provider::named`].
    pub fn provider(mut self, provider: Provider) -> Result<Self, Error> {
        let name = provider.name().to_owned();
        if self.providers.insert(name.clone(), provider).is_some() {
            return Err(Error::new(ErrorKind::Misuse, format!("two providers have the name `{name}`")));
        }
        Ok(self)
    }

    /// Uses another cookie than [`BrowserCookie::host`].
    #[must_use]
    pub fn cookie(mut self, cookie: BrowserCookie) -> Self {
        self.cookie = cookie;
        self
    }

    /// The names of the providers, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// Begins an attempt for a browser that sends this `Cookie` header, empty if it sends none.
    ///
    /// # Errors
    /// `InvalidInput` if no provider has the name, or if `return_to` is no [`ReturnTo`]; those of the store;
    /// `Unavailable` if the system has no random bytes.
    pub async fn begin(&self, provider: &str, cookie_header: &str, return_to: &str) -> Result<Begun, Error> {
        let provider = self.named(provider)?;
        // A second tab keeps the secret of the first, or it would take the first one's cookie away.
        let browser = match self.cookie.read(cookie_header) {
            Some(browser) => browser,
            None => BrowserSecret::new(edge::random()?),
        };
        let set_cookie = self.cookie.set(&browser);
        let pending = Pending { browser: browser.digest(), return_to: ReturnTo::new(return_to)? };
        let attempt = Attempt::new(State::new(edge::random()?), browser);
        self.store.begin(&attempt.state().key(provider.name()), &pending, At::Server).await?;
        Ok(Begun { location: provider.authorize(&attempt), set_cookie })
    }

    /// Ends an attempt with the query of the callback.
    ///
    /// A second callback of the same attempt gets the result of the first within
    /// [`REPLAY_MILLIS`](crate::social::REPLAY_MILLIS), and waits for it if need be. After an error the same
    /// callback may be tried again within that time.
    ///
    /// # Errors
    /// `InvalidInput` if no provider has the name; those of the store, of the client, and of
    /// [`Exchange::read`](crate::social::Exchange::read).
    pub async fn callback(
        &self,
        provider: &str,
        query: &str,
        cookie_header: &str,
    ) -> Result<SocialSignIn, Error> {
        let provider = self.named(provider)?;
        let callback = provider.callback(query);
        let Some(state) = callback.state().cloned() else {
            return Ok(SocialSignIn::Refused(SocialRefused::Malformed));
        };
        let Some(browser) = self.cookie.read(cookie_header) else {
            return Ok(SocialSignIn::Refused(SocialRefused::OtherBrowser));
        };
        let (key, digest) = (state.key(provider.name()), browser.digest());
        let return_to = loop {
            match self.store.take(&key, &digest, At::Server).await? {
                Take::First { return_to } => break return_to,
                Take::Running => self.store.changed(&key).await?,
                Take::Finished(result) => return Ok(*result),
                Take::OtherBrowser => return Ok(SocialSignIn::Refused(SocialRefused::OtherBrowser)),
                Take::Unknown => return Ok(SocialSignIn::Refused(SocialRefused::StateUnknown)),
            }
        };
        let mut lease = Lease { store: self.store.as_ref(), key, held: true };
        let attempt = Attempt::new(state, browser);
        let result = self.run(provider, callback, &attempt, &return_to).await;
        lease.end(result).await
    }

    async fn run(
        &self,
        provider: &Provider,
        callback: Callback,
        attempt: &Attempt,
        return_to: &ReturnTo,
    ) -> Result<SocialSignIn, Error> {
        let code = match callback {
            Callback::Code { code, .. } => code,
            Callback::Denied { .. } => return Ok(SocialSignIn::Refused(SocialRefused::Denied)),
            Callback::Failed { refused, .. } => return Ok(SocialSignIn::Refused(refused)),
            Callback::Malformed => return Ok(SocialSignIn::Refused(SocialRefused::Malformed)),
        };
        let mut exchange = provider.redeem(&code, attempt)?;
        loop {
            let reply = self.http.send(exchange.request().clone()).await?;
            match exchange.read(&reply, UnixMillis::now())? {
                Progress::Next(next) => exchange = *next,
                Progress::Refused(refused) => return Ok(SocialSignIn::Refused(refused)),
                Progress::Identified(identity) => {
                    let return_to = return_to.as_str().to_owned();
                    return Ok(SocialSignIn::SignedIn { identity, return_to });
                }
            }
        }
    }

    fn named(&self, name: &str) -> Result<&Provider, Error> {
        self.providers.get(name).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("no provider has the name `{}`", name.escape_debug()))
        })
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("providers", &self.providers)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The right to redeem the code of an attempt, given back whatever happens to the callback.
struct Lease<'a> {
    store: &'a dyn PendingStore,
    key: PendingKey,
    held: bool,
}

impl Lease<'_> {
    async fn end(&mut self, result: Result<SocialSignIn, Error>) -> Result<SocialSignIn, Error> {
        match result {
            Ok(result) => {
                let first = self.store.finish(&self.key, &result, At::Server).await?;
                self.held = false;
                Ok(first.unwrap_or(SocialSignIn::Refused(SocialRefused::StateUnknown)))
            }
            Err(broken) => {
                // If even this fails, the lease runs out by itself; what broke first is what matters.
                self.held = self.store.release(&self.key, At::Server).await.is_err();
                Err(broken)
            }
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.held {
            self.store.abandoned(&self.key);
        }
    }
}
