//! A simulator of QQ, WeChat, Weibo, GitHub and a provider of OpenID Connect, for tests and demos.
//!
//! [`ProviderSim`] answers requests with the paths, the shapes and the errors of the real ones. It opens no
//! socket: any server hands it requests, or it serves as the [`HttpClient`] itself.
//! Never use it where a stranger can reach it: whoever clicks on a user's name is that user.

mod authorize;
mod github;
mod oidc;
mod qq;
mod routes;
mod user;
mod wechat;
mod weibo;
mod wire;
mod world;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::key_set::KeySet;
use crate::key_set::algorithm::Algorithm;
use crate::key_set::signing_key::SigningKey;
use crate::provider_sim::world::World;
use crate::signer::Signer;
use crate::social::{App, Discovery, Provider, ProviderKind};
use crate::store::BoxFuture;
use crate::time::UnixMillis;

pub use user::SimUser;
pub use world::{EmailShape, QqShape};

/// The providers of a small world: their applications, their users, their codes and tokens.
///
/// ```
/// use std::sync::Arc;
/// use sso_core::provider_sim::ProviderSim;
/// use sso_core::social::{BrowserCookie, MemoryPendingStore, ProviderKind, SignIn, SocialSignIn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sso_core::Error> {
/// let sim = Arc::new(ProviderSim::new("http://127.0.0.1:9000")?);
/// let weibo = sim.provider(ProviderKind::Weibo, "https://shop.example/login/weibo/callback")?;
/// let sign_in = SignIn::new(Arc::new(MemoryPendingStore::new()), sim.clone()).provider(weibo)?;
///
/// let begun = sign_in.begin("weibo", "", "/").await?;
/// let cookie = begun.set_cookie.split(';').next().unwrap_or_default();
/// // The user clicks on "alice".
/// let query = sim.consent(&begun.location, "alice")?;
/// let SocialSignIn::SignedIn { identity, .. } = sign_in.callback("weibo", &query, cookie).await? else {
///     return Ok(());
/// };
/// assert_eq!(identity.name.as_deref(), Some("Alice"));
/// # Ok(())
/// # }
/// ```
pub struct ProviderSim {
    origin: String,
    world: Mutex<World>,
    keys: KeySet,
    signer: Signer,
}

impl ProviderSim {
    /// How long a code can be redeemed, as at the real ones.
    pub const CODE_LIFE: Duration = Duration::from_secs(600);

    /// Providers under an address, `http://127.0.0.1:9000/sim` for instance, with the users `alice`, `bob` and
    /// `guest`, whom WeChat shows as a virtual user.
    ///
    /// # Errors
    /// `InvalidInput` unless the address is https or on the loopback; `Unavailable` if the system has no random
    /// bytes.
    pub fn new(origin: &str) -> Result<Self, Error> {
        crate::social::private_address(origin)?;
        let keys = KeySet::new(SigningKey::generate(Algorithm::Es256)?);
        let signer = Signer::new("JWT", &keys)?;
        let world = Mutex::new(World::new(edge::random()?));
        Ok(Self { origin: origin.trim_end_matches('/').to_owned(), world, keys, signer })
    }

    /// Registers an application with one of the providers.
    #[must_use]
    pub fn app(self, kind: ProviderKind, id: &str, secret: &str, redirect_uri: &str) -> Self {
        self.lock().register(kind, id, secret, redirect_uri);
        self
    }

    /// Adds a user, or replaces the one of that name.
    #[must_use]
    pub fn user(self, user: SimUser) -> Self {
        self.lock().add_user(user);
        self
    }

    /// Registers a new application, and returns the provider as that application sees it.
    ///
    /// # Errors
    /// `InvalidInput` if the redirect address is none.
    pub fn provider(&self, kind: ProviderKind, redirect_uri: &str) -> Result<Provider, Error> {
        let (id, secret) = self.lock().register_new(kind, redirect_uri);
        self.provider_of(kind, App::new(&id, &secret, redirect_uri)?)
    }

    /// The provider as a registered application sees it.
    ///
    /// # Errors
    /// `Misuse` if the discovery document is canned and is none.
    pub fn provider_of(&self, kind: ProviderKind, app: App) -> Result<Provider, Error> {
        let base = self.base(kind);
        match kind {
            ProviderKind::Qq => Provider::qq(app).endpoint_base(&base),
            ProviderKind::WechatQr => Provider::wechat_qr(app).endpoint_base(&base),
            ProviderKind::WechatInApp => Provider::wechat_in_app(app).endpoint_base(&base),
            ProviderKind::Weibo => Provider::weibo(app).endpoint_base(&base),
            ProviderKind::Github => Provider::github(app).endpoint_base(&base),
            ProviderKind::Oidc => {
                let document = self.handle(&Discovery::request(&base)?);
                Provider::oidc("oidc", app, Discovery::parse(&base, &document)?)
            }
        }
    }

    /// The address of one provider, for [`Provider::endpoint_base`]; of OpenID Connect the issuer.
    #[must_use]
    pub fn base(&self, kind: ProviderKind) -> String {
        format!("{}/{}", self.origin, world::folder(kind))
    }

    /// Answers a request as the provider would whose folder it asks.
    pub fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        routes::answer(self, request)
    }

    /// What a browser does that goes to `location` and in which a user consents: the query of the callback.
    ///
    /// # Errors
    /// `Misuse` if the page shows an error instead of the question; its text is in the error.
    pub fn consent(&self, location: &str, user: &str) -> Result<String, Error> {
        self.click(location, ("sim_user", user))
    }

    /// As [`consent`](Self::consent), for a user who does not.
    ///
    /// # Errors
    /// As [`consent`](Self::consent).
    pub fn deny(&self, location: &str) -> Result<String, Error> {
        self.click(location, ("sim_deny", "1"))
    }

    fn click(&self, location: &str, pair: (&str, &str)) -> Result<String, Error> {
        authorize::click(self, location, pair)
    }

    /// Lets time pass for codes, tokens and ID tokens.
    pub fn advance(&self, more: Duration) {
        self.lock().advance(more);
    }

    /// In which shape QQ replies.
    pub fn qq_shape(&self, shape: QqShape) {
        self.lock().qq_shape = shape;
    }

    /// In which shape Weibo sends a mail address.
    pub fn weibo_email_shape(&self, shape: EmailShape) {
        self.lock().email_shape = shape;
    }

    /// Makes the next token one of another application, as if somebody passed it off.
    pub fn next_token_of(&self, app_id: &str) {
        self.lock().substitute = Some(app_id.to_owned());
    }

    /// Changes the claims of the next ID token before it is signed.
    pub fn next_id_token(&self, change: impl FnOnce(&mut Map<String, Value>) + Send + 'static) {
        self.lock().id_token_change = Some(Box::new(change));
    }

    /// Answers the next request for a path that ends like this with a reply of the test's own.
    pub fn reply_once(&self, path_end: &str, reply: Response<Bytes>) {
        self.lock().canned.push((path_end.to_owned(), reply));
    }

    /// How many requests came for paths that end like this.
    #[must_use]
    pub fn requests(&self, path_end: &str) -> usize {
        self.lock().log.iter().filter(|path| path.ends_with(path_end)).count()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> UnixMillis {
        self.lock().now()
    }
}

impl HttpClient for ProviderSim {
    fn send<'a>(&'a self, request: Request<Bytes>) -> BoxFuture<'a, Result<Response<Bytes>, Error>> {
        Box::pin(async move {
            if !request.uri().to_string().starts_with(&self.origin) {
                let host = request.uri().host().unwrap_or_default();
                let words = format!("the simulator does not stand for `{host}`");
                return Err(Error::new(ErrorKind::Unavailable, words));
            }
            Ok(self.handle(&request))
        })
    }
}

impl fmt::Debug for ProviderSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSim").field("origin", &self.origin).finish_non_exhaustive()
    }
}
