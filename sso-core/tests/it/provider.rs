//! The OpenID provider, called as an application calls it: requests are values.

mod authorize;
mod end_session;
mod foreign;
mod install;
mod refresh;
mod server;
mod token;
mod userinfo;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value, json};
use sso_core::{
    Accounts, AuthorizeStep, BoxFuture, Caller, Client, ClientId, ClientSecret, Clients, Consent,
    ConsentPolicy, DeviceKind, Error, KeySet, Login, MemoryRefreshStore, MemorySiteStore, MemoryStore,
    Provider, ProviderConfig, RefreshLimits, SessionLimits, SigningKey, SiteSession, SiteUrl, Sso,
    UnixMillis, UserId, challenge_s256,
};

const ISSUER: &str = "https://sso.example";
const RETURN: &str = "https://shop.example/cb";
const VERIFIER: &str = "0123456789012345678901234567890123456789012345";

/// What the application knows of its users.
#[derive(Debug)]
pub(crate) struct Users;

impl Accounts for Users {
    fn claims<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>> {
        let claims = json!({
            "name": "Alice", "email": "alice@example.org", "email_verified": true, "phone_number": null,
            "sub": "mallory", "roles": ["editor"], "password_hash": "secret",
        });
        let known = user.as_str() == "alice";
        Box::pin(async move { Ok(known.then(|| claims.as_object().unwrap().clone())) })
    }
}

/// A provider with three clients, and a user who is signed in.
struct Gate {
    provider: Provider,
    keys: KeySet,
    store: Arc<MemorySiteStore>,
    secret: ClientSecret,
    session: SiteSession,
    now: UnixMillis,
}

fn client_with(proof: fn(ClientId, &ClientSecret) -> Client, id: &str, secret: &ClientSecret) -> Client {
    proof(ClientId::new(id).unwrap(), secret)
        .return_url(SiteUrl::new(RETURN).unwrap())
        .unwrap()
        .after_logout_url(SiteUrl::new("https://shop.example/bye").unwrap())
        .unwrap()
        .scopes(["openid", "profile", "email", "phone", "roles", "offline_access"])
        .unwrap()
}

async fn gate() -> Gate {
    let keys = KeySet::new(SigningKey::generate(sso_core::Algorithm::Es256).unwrap());
    let secret = ClientSecret::random().unwrap();
    let confidential: fn(ClientId, &ClientSecret) -> Client =
        |id, secret| Client::with_secret(id, secret.hash());
    let clients = Clients::new([
        client_with(confidential, "shop", &secret),
        client_with(confidential, "stranger", &secret).consent(ConsentPolicy::Ask),
        client_with(|id, _| Client::public(id), "app", &secret),
    ])
    .unwrap();
    let store = Arc::new(MemorySiteStore::new());
    let config =
        ProviderConfig::new(ISSUER, SessionLimits::default()).unwrap().scope("roles", &["roles"]).unwrap();
    let provider = Provider::new(config, (&keys, &keys), clients, store.clone(), Arc::new(Users))
        .unwrap()
        .refresh(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
    let sso = Sso::new(Arc::new(MemoryStore::new()), SessionLimits::default());
    let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    let signed_in = sso.login(&UserId::new("alice").unwrap(), login).await.unwrap().admitted().unwrap();
    let session = SiteSession::from(&signed_in.session);
    let now = session.auth_time.saturating_add(std::time::Duration::from_secs(5));
    Gate { provider, keys, store, secret, session, now }
}

/// Fields of a query or a form: the standard ones of a request, changed.
fn fields<'a>(standard: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> String {
    let mut fields: BTreeMap<&str, &str> = standard.iter().copied().collect();
    fields.extend(changes.iter().copied());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The query of an authorization request; an empty value takes a field away.
fn query(changes: &[(&str, &str)]) -> String {
    let challenge = challenge_s256(VERIFIER);
    let standard = [
        ("client_id", "shop"),
        ("redirect_uri", RETURN),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "s t&te"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    fields(&standard, changes)
}

fn parameters(url: &str) -> BTreeMap<String, String> {
    let (base, query) = url.split_once('?').unwrap();
    assert_eq!(base, RETURN);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Gate {
    fn caller(&self) -> Caller<'static> {
        Caller { from: "192.0.2.1", now: self.now }
    }

    async fn authorize(&self, changes: &[(&str, &str)]) -> AuthorizeStep {
        let query = query(changes);
        self.provider.authorize(&query, Some(&self.session), Consent::NotAsked, self.now).await.unwrap()
    }

    /// What comes back to the client.
    async fn redirect(&self, changes: &[(&str, &str)]) -> BTreeMap<String, String> {
        match self.authorize(changes).await {
            AuthorizeStep::Redirect(url) => parameters(&url),
            other => panic!("{other:?}"),
        }
    }

    async fn code(&self, changes: &[(&str, &str)]) -> String {
        self.redirect(changes).await.remove("code").unwrap()
    }

    async fn post(&self, body: &str, basic: Option<(&str, &str)>) -> Response<Bytes> {
        use base64::Engine as _;

        let mut request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
            request = request.header("authorization", format!("Basic {pair}"));
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        self.provider.token(&request, self.caller()).await.unwrap()
    }

    /// The form that redeems a code.
    fn exchange(code: &str, changes: &[(&str, &str)]) -> String {
        let standard = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", RETURN),
            ("code_verifier", VERIFIER),
        ];
        fields(&standard, changes)
    }

    /// Redeems a code for the shop.
    async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let basic = Some(("shop", self.secret.expose()));
        read(&self.post(&Self::exchange(code, changes), basic).await)
    }

    async fn tokens(&self, changes: &[(&str, &str)]) -> Value {
        let (status, body) = self.redeem(&self.code(changes).await, &[]).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn userinfo(&self, token: &str) -> (u16, Value) {
        let request = Request::get("/userinfo").header("authorization", format!("Bearer {token}"));
        let request = request.body(Bytes::new()).unwrap();
        read(&self.provider.userinfo(&request, self.caller()).await.unwrap())
    }
}

/// Status and JSON of a reply that nobody may keep.
fn read(response: &Response<Bytes>) -> (u16, Value) {
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn error(code: &str) -> impl Fn(&(u16, Value)) -> bool {
    let code = code.to_owned();
    move |(status, body)| {
        let expected = if code == "invalid_client" { 401 } else { 400 };
        *status == expected && body["error"] == code && body["error_description"].is_string()
    }
}
