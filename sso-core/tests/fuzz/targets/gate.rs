//! A gate to knock at: an OpenID provider with three clients, and a user who is signed in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request};
use serde_json::{Map, Value};
use sso_core::{
    Accounts, Algorithm, AuthorizeStep, BoxFuture, Caller, Client, ClientId, ClientSecret, Clients, Consent,
    ConsentPolicy, DeviceKind, Error, KeySet, Login, MemoryRefreshStore, MemorySiteStore, MemoryStore,
    Provider, ProviderConfig, RefreshLimits, SessionId, SessionLimits, SigningKey, SiteSession, SiteUrl, Sso,
    UnixMillis, UserId, challenge_s256,
};

use super::block_on;

pub(super) const RETURN: &str = "https://shop.example/cb";
pub(super) const BYE: &str = "https://shop.example/bye";
pub(super) const VERIFIER: &str = "0123456789012345678901234567890123456789012345";

pub(super) static GATE: LazyLock<Gate> = LazyLock::new(Gate::new);

#[derive(Debug)]
struct Users;

impl Accounts for Users {
    fn claims<'a>(&'a self, _user: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>> {
        Box::pin(async { Ok(Some(Map::new())) })
    }
}

/// A provider with three clients, and a user who is signed in.
pub(super) struct Gate {
    pub(super) provider: Provider,
    pub(super) secret: ClientSecret,
    pub(super) session: SiteSession,
    /// An id token of that session.
    pub(super) hint: String,
    /// How many requests there were.
    requests: AtomicU64,
}

fn client(client: Client) -> Client {
    client
        .return_url(SiteUrl::new(RETURN).unwrap())
        .unwrap()
        .after_logout_url(SiteUrl::new(BYE).unwrap())
        .unwrap()
        .scopes(["openid", "profile", "offline_access"])
        .unwrap()
}

impl Gate {
    fn new() -> Self {
        let keys = KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
        let secret = ClientSecret::random().unwrap();
        let id = |text: &str| ClientId::new(text).unwrap();
        let clients = Clients::new([
            client(Client::with_secret(id("shop"), secret.hash())),
            client(Client::with_secret(id("stranger"), secret.hash())).consent(ConsentPolicy::Ask),
            client(Client::public(id("app"))),
        ]);
        let config = ProviderConfig::new("https://sso.example", SessionLimits::default()).unwrap();
        let config = config.requests_per_minute_max(u32::MAX);
        let store = Arc::new(MemorySiteStore::new());
        let provider =
            Provider::new(config, (&keys, &keys), clients.unwrap(), store, Arc::new(Users)).unwrap();
        let provider = provider.refresh(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
        let requests = AtomicU64::new(0);
        let mut gate = Self { provider, secret, session: signed_in(), hint: String::new(), requests };
        let tokens = gate.tokens(&gate.code(&gate.session), "shop");
        gate.hint = tokens["id_token"].as_str().unwrap().to_owned();
        gate
    }

    /// A millisecond later than at the last request: so nobody asks too often.
    pub(super) fn now(&self) -> UnixMillis {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        self.session.auth_time.saturating_add(Duration::from_millis(5000 + requests))
    }

    /// Another session of the user, whose grants crowd out no others.
    pub(super) fn another_session(&self) -> SiteSession {
        let name = format!("{:016}", self.requests.fetch_add(1, Ordering::Relaxed));
        let mut session = self.session.clone();
        session.session = SessionId::parse(&name).unwrap();
        session
    }

    pub(super) fn authorize(&self, query: &str, session: &SiteSession, consent: Consent) -> AuthorizeStep {
        block_on(self.provider.authorize(query, Some(session), consent, self.now())).unwrap()
    }

    pub(super) fn code(&self, session: &SiteSession) -> String {
        let query = query(&[("scope", "openid offline_access"), ("prompt", "consent")]);
        match self.authorize(&query, session, Consent::NotAsked) {
            AuthorizeStep::ConsentNeeded { resume, .. } => {
                match self.authorize(&resume, session, Consent::Granted) {
                    AuthorizeStep::Redirect(url) => parameters(&url).remove("code").unwrap(),
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Status and body of an answer of the token endpoint.
    pub(super) fn post(&self, authorization: &[u8], body: &[u8]) -> (u16, Value) {
        let mut request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        if let Ok(value) = HeaderValue::from_bytes(authorization)
            && !authorization.is_empty()
        {
            request = request.header("authorization", value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        let caller = Caller { from: "192.0.2.1", now: self.now() };
        let reply = block_on(self.provider.token(&request, caller)).unwrap();
        assert_eq!(reply.headers()["cache-control"], "no-store");
        (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap())
    }

    pub(super) fn tokens(&self, code: &str, client: &str) -> Value {
        let body = form(&exchange(code), &[]);
        let (status, tokens) =
            self.post(&basic(format!("{client}:{}", self.secret.expose())), body.as_bytes());
        assert_eq!(status, 200, "{tokens}");
        tokens
    }
}

fn signed_in() -> SiteSession {
    let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    let admission = block_on(sso.login(&UserId::new("alice").unwrap(), login)).unwrap();
    SiteSession::from(&admission.admitted().unwrap().session)
}

pub(super) fn basic(pair: impl AsRef<[u8]>) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(pair)).into_bytes()
}

pub(super) fn form(standard: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let fields: BTreeMap<_, _> = standard.iter().chain(changes).copied().collect();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(super) fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", RETURN),
        ("code_verifier", VERIFIER),
    ]
}

/// The query of an authorization request.
pub(super) fn query(changes: &[(&str, &str)]) -> String {
    let challenge = challenge_s256(VERIFIER);
    let standard = [
        ("client_id", "shop"),
        ("redirect_uri", RETURN),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s t&te"),
        ("nonce", "n"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    form(&standard, changes)
}

/// The parameters of an address to which a browser is sent, which is a registered one.
pub(super) fn parameters(url: &str) -> BTreeMap<String, String> {
    let (base, query) = url.split_once('?').unwrap();
    assert_eq!(base, RETURN);
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url:?}");
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
