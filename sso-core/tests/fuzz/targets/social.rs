//! Sign-in with providers: queries and cookies of browsers, id tokens and discovery documents.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use sso_core::social::{
    App, Attempt, BrowserCookie, BrowserSecret, Callback, Discovery, GrantCode, Progress, Provider, State,
};
use sso_core::{Algorithm, Error, KeySet, Signer, SigningKey, UnixMillis};

use super::{seeds, text};
use crate::engine::Target;

pub(super) const APP_ID: &str = "101";
const ISSUER: &str = "https://id.example";
pub(super) const KINDS: u8 = 6;

static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap()));
pub(super) static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| (0..KINDS).map(provider).collect());

fn app() -> App {
    App::new(APP_ID, "app-secret", "https://shop.example/callback").unwrap()
}

pub(super) fn attempt() -> Attempt {
    Attempt::new(State::new([1; 32]), BrowserSecret::new([2; 32]))
}

pub(super) fn now() -> UnixMillis {
    UnixMillis::saturating_new(1_700_000_000_000)
}

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example/a?x=1",
        "token_endpoint": "https://id.example/t",
        "jwks_uri": "https://id.example/k",
    })
}

/// A new one each time: the keys that an issuer has sent are remembered.
fn provider(kind: u8) -> Provider {
    match kind {
        0 => Provider::qq(app()),
        1 => Provider::wechat_qr(app()),
        2 => Provider::wechat_in_app(app()),
        3 => Provider::weibo(app()),
        4 => Provider::github(app()),
        _ => {
            let discovery = Discovery::parse(ISSUER, &reply(200, document().to_string())).unwrap();
            Provider::oidc("oidc", app(), discovery).unwrap()
        }
    }
}

pub(super) fn reply(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().status(status).body(body.into()).unwrap()
}

pub(crate) fn social_callback() -> Target {
    let state = State::new([1; 32]).as_str().to_owned();
    Target {
        name: "social_callback",
        seeds: seeds([
            format!("0code=9A5F&state={state}"),
            format!("5code=9A5F&state={state}&iss=https%3A%2F%2Fid.example"),
            format!("5code=9A5F&state={state}&iss=https%3A%2F%2Fevil.example"),
            format!("4error=access_denied&state={state}"),
            format!("4error=server_error&error_description=x&state={state}"),
            format!("1code=authdeny&state={state}"),
            "0code=a&code=b".to_owned(),
        ]),
        words: &[
            "code=",
            "state=",
            "&",
            "=",
            "%",
            "%00",
            "+",
            "iss=",
            "error=",
            "error_code=21330",
            "usercancel=1",
        ],
        bytes_max: Callback::QUERY_BYTES_MAX + 100,
        run: |input| {
            let Some((kind, query)) = input.split_first() else { return "nothing".into() };
            let query = text(query);
            let callback = PROVIDERS[usize::from(kind % KINDS)].callback(&query);
            if let Some(state) = callback.state() {
                assert!(query.len() <= Callback::QUERY_BYTES_MAX);
                assert_eq!(only(&query, "state"), Some(state.as_str().to_owned()));
            }
            match callback {
                Callback::Code { code, iss, .. } => {
                    assert_eq!(only(&query, "code").and_then(|code| GrantCode::parse(&code)), Some(code));
                    assert!(only(&query, "error").is_none_or(|error| error.is_empty()));
                    assert!(kind % KINDS != 5 || iss.is_none_or(|iss| iss == ISSUER));
                    "a code".into()
                }
                Callback::Denied { .. } => "denied".into(),
                Callback::Failed { .. } => "failed".into(),
                Callback::Malformed => "malformed".into(),
            }
        },
        reaches: &["a code", "denied", "failed", "malformed"],
    }
}

/// The value of a parameter that appears once.
fn only(query: &str, name: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let (_, value) = found.next()?;
    assert!(found.next().is_none(), "`{name}` appears twice");
    Some(value.into_owned())
}

fn nonce() -> String {
    let url = PROVIDERS[5].authorize(&attempt());
    only(url.split_once('?').unwrap().1, "nonce").unwrap()
}

/// Claims that the issuer has signed, whatever they say.
pub(crate) fn social_id_token() -> Target {
    let good = json!({
        "iss": ISSUER, "sub": "alice", "aud": APP_ID, "nonce": nonce(), "iat": 1_700_000_000, "exp": 1_700_000_060,
        "name": "Alice", "email": "a@b.example", "email_verified": true, "picture": "https://p/1",
    });
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims.to_string()
    };
    Target {
        name: "social_id_token",
        seeds: seeds([
            good.to_string(),
            changed("aud", json!([APP_ID])),
            changed("aud", json!([APP_ID, "102"])),
            changed("azp", json!("102")),
            changed("nonce", json!("x")),
            changed("at_hash", json!("AAAA")),
            changed("exp", json!(1)),
        ]),
        words: &[
            r#""aud":"#,
            r#""azp":"101""#,
            r#""nonce":"#,
            r#""iss":"#,
            r#""sub":"#,
            r#""exp":"#,
            r#""iat":"#,
            r#""at_hash":"#,
            "101",
            "102",
            "null",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "1e30",
        ],
        bytes_max: 3000,
        run: |input| {
            let Ok(claims) = serde_json::from_slice::<Value>(input) else { return "no json".into() };
            if !claims.is_object() {
                return "no object".into();
            }
            let token = Signer::new("JWT", &*KEYS).unwrap().sign(&claims).unwrap();
            match signed_in(&token) {
                Ok(Progress::Identified(identity)) => {
                    assert!(claims["aud"] == APP_ID || claims["aud"] == json!([APP_ID]));
                    assert!(claims.get("azp").is_none_or(|party| party == APP_ID));
                    assert_eq!(claims["iss"], ISSUER);
                    assert_eq!(claims["nonce"], nonce());
                    assert_eq!(claims["sub"], identity.subject.as_str());
                    assert!(claims["exp"].as_f64().unwrap() > 1_699_999_000.0);
                    "identified".into()
                }
                Ok(Progress::Refused(refused)) => refused.to_string(),
                Ok(Progress::Next(_)) => panic!("there is nothing more to ask for"),
                Err(error) => error.to_string(),
            }
        },
        reaches: &["identified"],
    }
}

fn signed_in(token: &str) -> Result<Progress, Error> {
    let code = GrantCode::parse("code-77aa").unwrap();
    let begun = provider(5).redeem(&code, &attempt())?;
    let body = json!({ "access_token": "T", "token_type": "Bearer", "id_token": token }).to_string();
    match begun.read(&reply(200, body), now())? {
        Progress::Next(next) => next.read(&reply(200, KEYS.jwks()?.json), now()),
        other => Ok(other),
    }
}

pub(crate) fn discovery_document() -> Target {
    let good = document();
    let changed = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document.to_string()
    };
    Target {
        name: "discovery_document",
        seeds: seeds([
            good.to_string(),
            changed("userinfo_endpoint", json!("https://id.example/u")),
            changed("token_endpoint_auth_methods_supported", json!(["client_secret_post"])),
            changed("issuer", json!("https://id.example/")),
            changed("token_endpoint", json!("http://id.example/t")),
            changed("jwks_uri", json!("https://127.0.0.1/k")),
            changed("response_types_supported", json!(["token"])),
        ]),
        words: &[
            r#""issuer":"#,
            r#""token_endpoint":"#,
            r#""authorization_endpoint":"#,
            r#""jwks_uri":"#,
            "https://",
            "http://",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "@",
            "#",
            "?",
            "/",
            "null",
            r#"["code"]"#,
            r#"["S256"]"#,
            r#""code_challenge_methods_supported":"#,
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
        ],
        bytes_max: 4000,
        run: |input| {
            let discovery = match Discovery::parse(ISSUER, &reply(200, Bytes::copy_from_slice(input))) {
                Ok(discovery) => discovery,
                Err(error) => return error.to_string(),
            };
            assert_eq!(discovery.issuer(), ISSUER);
            let provider = Provider::oidc("oidc", app(), discovery).unwrap();
            let code = GrantCode::parse("code-77aa").unwrap();
            let exchange = provider.redeem(&code, &attempt()).unwrap();
            let browser: http::Uri = provider.authorize(&attempt()).parse().unwrap();
            // Neither a browser nor a secret is sent anywhere in the clear, nor to this machine.
            for uri in [&browser, exchange.request().uri()] {
                assert_eq!(uri.scheme_str(), Some("https"));
                assert!(!["localhost", "127.0.0.1", "[::1]"].contains(&uri.host().unwrap()));
                assert!(!uri.authority().unwrap().as_str().contains('@'));
            }
            "a provider".into()
        },
        reaches: &["a provider", "`discovery` names another issuer (status 200)"],
    }
}

pub(crate) fn social_cookie() -> Target {
    let secret = |random| BrowserSecret::new([random; 32]).expose().to_string();
    let (one, other) = (secret(1), secret(2));
    Target {
        name: "social_cookie",
        seeds: seeds([
            format!("a=b; __Host-gh-sign-in={one}"),
            format!("__Host-gh-sign-in={one}; __Host-gh-sign-in={other}"),
            "__Host-gh-sign-in=x".into(),
        ]),
        words: &["__Host-gh-sign-in=", "gh-sign-in=", "; ", ";", "=", "\t", "\""],
        bytes_max: BrowserCookie::HEADER_BYTES_MAX + 100,
        run: |input| {
            let header = text(input);
            let Some(secret) = BrowserCookie::host().read(&header) else { return "none".into() };
            assert!(header.contains(&format!("__Host-gh-sign-in={}", *secret.expose())));
            assert!(header.len() <= BrowserCookie::HEADER_BYTES_MAX);
            "a secret".into()
        },
        reaches: &["a secret", "none"],
    }
}
