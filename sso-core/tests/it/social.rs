//! Sign-in with providers, against the simulator and against replies written by hand.

mod attacks;
mod double;
mod flows;
mod pending;
mod replies;
mod requests;
mod secrets;
#[cfg(feature = "reqwest")]
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use sso_core::provider_sim::ProviderSim;
use sso_core::social::{
    App, Attempt, BrowserSecret, Discovery, GrantCode, Identity, MemoryPendingStore, PendingStore, Progress,
    Provider, ProviderKind, SignIn, SocialRefused, SocialSignIn, State,
};
use sso_core::{Error, HttpClient, UnixMillis};

pub(crate) const KINDS: [ProviderKind; 6] = [
    ProviderKind::Qq,
    ProviderKind::WechatQr,
    ProviderKind::WechatInApp,
    ProviderKind::Weibo,
    ProviderKind::Github,
    ProviderKind::Oidc,
];

pub(crate) const SIM: &str = "http://127.0.0.1:9000/sim";

pub(crate) fn redirect_uri(kind: ProviderKind) -> String {
    format!("https://shop.example/login/{kind:?}/callback")
}

/// A simulator, and a sign-in with all of its providers.
pub(crate) struct World {
    pub(crate) sim: Arc<ProviderSim>,
    pub(crate) sign_in: SignIn,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::changed(|_, provider| provider)
    }

    pub(crate) fn changed(change: impl Fn(ProviderKind, Provider) -> Provider) -> Self {
        let sim = Arc::new(ProviderSim::new(SIM).unwrap());
        Self::over(sim.clone(), Arc::new(MemoryPendingStore::new()), sim, change)
    }

    pub(crate) fn over(
        sim: Arc<ProviderSim>,
        store: Arc<dyn PendingStore>,
        http: Arc<dyn HttpClient>,
        change: impl Fn(ProviderKind, Provider) -> Provider,
    ) -> Self {
        let sign_in = KINDS.iter().fold(SignIn::new(store, http), |sign_in, kind| {
            let provider = sim.provider(*kind, &redirect_uri(*kind)).unwrap();
            sign_in.provider(change(*kind, provider)).unwrap()
        });
        Self { sim, sign_in }
    }

    /// A browser that has just been sent to the provider.
    pub(crate) async fn begin(&self, kind: ProviderKind) -> Browser {
        self.begin_with(kind, "").await
    }

    pub(crate) async fn begin_with(&self, kind: ProviderKind, cookie: &str) -> Browser {
        let begun = self.sign_in.begin(name(kind), cookie, "/account").await.unwrap();
        let cookie = begun.set_cookie.split(';').next().unwrap().to_owned();
        Browser { kind, location: begun.location, cookie }
    }

    pub(crate) async fn callback(&self, browser: &Browser, query: &str) -> Result<SocialSignIn, Error> {
        self.sign_in.callback(name(browser.kind), query, &browser.cookie).await
    }

    /// The whole way of a user who consents.
    pub(crate) async fn sign_in_as(&self, kind: ProviderKind, user: &str) -> Result<SocialSignIn, Error> {
        let browser = self.begin(kind).await;
        let query = self.sim.consent(&browser.location, user).unwrap();
        self.callback(&browser, &query).await
    }
}

/// A browser that is on its way.
pub(crate) struct Browser {
    pub(crate) kind: ProviderKind,
    pub(crate) location: String,
    pub(crate) cookie: String,
}

pub(crate) fn name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Qq => "qq",
        ProviderKind::WechatQr => "wechat",
        ProviderKind::WechatInApp => "wechat-in-app",
        ProviderKind::Weibo => "weibo",
        ProviderKind::Github => "github",
        _ => "oidc",
    }
}

pub(crate) fn identity(result: SocialSignIn) -> Identity {
    match result {
        SocialSignIn::SignedIn { identity, .. } => *identity,
        SocialSignIn::Refused(refused) => panic!("{refused}"),
    }
}

pub(crate) fn refused(result: SocialSignIn) -> SocialRefused {
    match result {
        SocialSignIn::Refused(refused) => refused,
        SocialSignIn::SignedIn { identity, .. } => panic!("{identity:?} is signed in"),
    }
}

pub(crate) const APP_ID: &str = "101";
pub(crate) const SECRET: &str = "app-secret-5fd1";
pub(crate) const CODE: &str = "code-77aa";

pub(crate) fn app() -> App {
    App::new(APP_ID, SECRET, "https://shop.example/callback").unwrap()
}

pub(crate) fn attempt() -> Attempt {
    Attempt::new(State::new([1; 32]), BrowserSecret::new([2; 32]))
}

/// A provider of each kind, as it is on the internet.
pub(crate) fn real(kind: ProviderKind) -> Provider {
    match kind {
        ProviderKind::Qq => Provider::qq(app()),
        ProviderKind::WechatQr => Provider::wechat_qr(app()),
        ProviderKind::WechatInApp => Provider::wechat_in_app(app()),
        ProviderKind::Weibo => Provider::weibo(app()),
        ProviderKind::Github => Provider::github(app()),
        _ => {
            let document = reply(
                200,
                r#"{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a",
                "token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k",
                "userinfo_endpoint":"https://id.example/u"}"#,
            );
            let discovery = Discovery::parse("https://id.example", &document).unwrap();
            Provider::oidc("oidc", app(), discovery).unwrap()
        }
    }
}

pub(crate) fn reply(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
}

/// Where a row of replies leads; the last one counts.
pub(crate) fn drive(provider: &Provider, replies: &[(u16, &str)]) -> Result<Progress, Error> {
    let mut exchange = provider.redeem(&GrantCode::parse(CODE).unwrap(), &attempt()).unwrap();
    for (place, (status, body)) in replies.iter().enumerate() {
        match exchange.read(&reply(*status, body), UnixMillis::now())? {
            Progress::Next(next) if place + 1 < replies.len() => exchange = *next,
            progress => return Ok(progress),
        }
    }
    panic!("no replies");
}

pub(crate) fn driven_identity(provider: &Provider, replies: &[(u16, &str)]) -> Identity {
    match drive(provider, replies).unwrap() {
        Progress::Identified(identity) => *identity,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn driven_refusal(provider: &Provider, replies: &[(u16, &str)]) -> SocialRefused {
    match drive(provider, replies).unwrap() {
        Progress::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}
