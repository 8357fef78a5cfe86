//! A small server around the provider: what an application mounts, and a user who signs in whenever asked.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use sso_core::{
    AuthorizeStep, Caller, Check, Client, ClientId, ClientSecret, Clients, Confirmed, Consent, CookieConfig,
    CookieRead, DeviceKind, EndSessionStep, KeySet, Login, MemoryRefreshStore, MemorySiteStore, MemoryStore,
    Provider, ProviderConfig, RefreshLimits, SessionLimits, SigningKey, SiteSession, SiteUrl, Sso,
    UnixMillis, UserId,
};

use super::Users;

pub(super) const RETURN: &str = "http://127.0.0.1:1/cb";
pub(super) const BYE: &str = "http://127.0.0.1:1/bye";

/// A provider on a port of its own. It ends with the runtime of its test.
pub(super) struct Server {
    pub(super) issuer: String,
    pub(super) secret: ClientSecret,
    /// The key of the client `robot`.
    pub(super) robot: SigningKey,
}

struct App {
    provider: Provider,
    sso: Sso,
    cookie: CookieConfig,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (secret, robot) = (ClientSecret::random().unwrap(), SigningKey::generate_rs256().unwrap());
        let app = App::new(&issuer, clients(&secret, &robot));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks.json", get(jwks))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo).post(userinfo))
            .route("/end-session", get(end_session))
            .with_state(Arc::new(app));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, secret, robot }
    }
}

fn clients(secret: &ClientSecret, robot: &SigningKey) -> Clients {
    let with = |client: Client| {
        client
            .return_url(SiteUrl::new(RETURN).unwrap())
            .unwrap()
            .after_logout_url(SiteUrl::new(BYE).unwrap())
            .unwrap()
            .scopes(["openid", "profile", "email", "offline_access"])
            .unwrap()
    };
    let id = |text: &str| ClientId::new(text).unwrap();
    let robots = KeySet::new(robot.clone()).public().clone();
    Clients::new([
        with(Client::with_secret(id("shop"), secret.hash())),
        with(Client::public(id("app"))),
        with(Client::with_keys(id("robot"), robots)),
    ])
    .unwrap()
}

impl App {
    fn new(issuer: &str, clients: Clients) -> Self {
        let keys = KeySet::new(SigningKey::generate_rs256().unwrap());
        let limits = SessionLimits::default();
        let config = ProviderConfig::new(issuer, limits).unwrap();
        let provider =
            Provider::new(config, (&keys, &keys), clients, Arc::new(MemorySiteStore::new()), Arc::new(Users))
                .unwrap()
                .refresh(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
        let sso = Sso::new(Arc::new(MemoryStore::new()), limits);
        Self { provider, sso, cookie: CookieConfig::danger_insecure("sid").unwrap() }
    }

    async fn session(&self, headers: &HeaderMap) -> Option<SiteSession> {
        let cookie = headers.get(COOKIE)?.to_str().unwrap();
        let CookieRead::Secret(secret) = self.cookie.read(cookie) else { return None };
        match self.sso.check(&secret).await.unwrap() {
            Check::Active(session) => Some(SiteSession::from(&session)),
            Check::Ended(_) | Check::Unknown => None,
        }
    }
}

fn redirect(to: &str) -> Response<Body> {
    let reply = Response::builder().status(StatusCode::SEE_OTHER).header(LOCATION, to);
    reply.header(CACHE_CONTROL, "no-store").body(Body::empty()).unwrap()
}

fn show(words: &'static str) -> Response<Body> {
    Response::builder().status(StatusCode::BAD_REQUEST).body(Body::from(words)).unwrap()
}

async fn authorize(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let session = app.session(&headers).await;
    let query = query.unwrap_or_default();
    let now = UnixMillis::now();
    match app.provider.authorize(&query, session.as_ref(), Consent::Granted, now).await.unwrap() {
        AuthorizeStep::Redirect(to) => redirect(&to),
        AuthorizeStep::SignInNeeded { resume, .. } => {
            // Here a person would type a password.
            let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "127.0.0.1");
            let admission = app.sso.login(&UserId::new("alice").unwrap(), login).await.unwrap();
            let signed_in = admission.admitted().unwrap();
            let cookie = app.cookie.set(&signed_in.secret, app.sso.limits().absolute());
            let mut reply = redirect(&format!("/authorize?{resume}"));
            reply.headers_mut().insert(SET_COOKIE, cookie.parse().unwrap());
            reply
        }
        AuthorizeStep::ConsentNeeded { resume, .. } => redirect(&format!("/authorize?{resume}")),
        AuthorizeStep::ShowError { words } => show(words),
    }
}

async fn end_session(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let session = app.session(&headers).await;
    match app.provider.end_session(&query.unwrap_or_default(), session.as_ref(), Confirmed::NotAsked) {
        EndSessionStep::SignOut { then, .. } => {
            let cookie = headers[COOKIE].to_str().unwrap();
            if let CookieRead::Secret(secret) = app.cookie.read(cookie) {
                assert!(app.sso.logout(&secret).await.unwrap());
            }
            redirect(&then.unwrap_or_else(|| "/".into()))
        }
        EndSessionStep::NobodySignedIn { then } => redirect(&then.unwrap_or_else(|| "/".into())),
        EndSessionStep::ConfirmNeeded { .. } => show("nobody asks here"),
        EndSessionStep::ShowError { words } => show(words),
    }
}

async fn discovery(State(app): State<Arc<App>>) -> Response<Body> {
    app.provider.discovery().map(Body::from)
}

async fn jwks(State(app): State<Arc<App>>, headers: HeaderMap) -> Response<Body> {
    app.provider.jwks(&headers).unwrap().map(Body::from)
}

fn caller() -> Caller<'static> {
    Caller { from: "127.0.0.1", now: UnixMillis::now() }
}

async fn token(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let request = whole(request).await;
    app.provider.token(&request, caller()).await.unwrap().map(Body::from)
}

async fn userinfo(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let request = whole(request).await;
    app.provider.userinfo(&request, caller()).await.unwrap().map(Body::from)
}

async fn whole(request: Request<Body>) -> Request<Bytes> {
    let (parts, body) = request.into_parts();
    Request::from_parts(parts, axum::body::to_bytes(body, Provider::QUERY_BYTES_MAX).await.unwrap())
}
