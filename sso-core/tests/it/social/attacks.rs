//! Who tries to sign in as somebody else, and what stops them.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};
use sso_core::ErrorKind;
use sso_core::provider_sim::QqShape;
use sso_core::social::{App, Discovery, Provider, ProviderKind, SignIn, SocialRefused, State};

use super::{KINDS, SIM, World, identity, name, redirect_uri, refused};

#[tokio::test]
async fn a_token_of_another_application_is_refused() {
    for kind in [ProviderKind::Qq, ProviderKind::Weibo, ProviderKind::Oidc] {
        let world = World::new();
        world.sim.next_token_of("someone-elses-app");
        assert_eq!(
            refused(world.sign_in_as(kind, "alice").await.unwrap()),
            SocialRefused::WrongApp,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_code_works_once() {
    for kind in KINDS {
        let world = World::new();
        let first = world.begin(kind).await;
        let used = world.sim.consent(&first.location, "alice").unwrap();
        identity(world.callback(&first, &used).await.unwrap());
        // The same code in a second attempt of the same browser.
        let second = world.begin_with(kind, &first.cookie).await;
        let fresh = world.sim.consent(&second.location, "alice").unwrap();
        let replayed = with(&fresh, "code", &of(&used, "code"));
        let expected = match kind {
            ProviderKind::Qq | ProviderKind::WechatQr | ProviderKind::WechatInApp => SocialRefused::CodeUsed,
            _ => SocialRefused::CodeExpired,
        };
        assert_eq!(refused(world.callback(&second, &replayed).await.unwrap()), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    for kind in KINDS {
        let world = World::new();
        let browser = world.begin(kind).await;
        let query = world.sim.consent(&browser.location, "alice").unwrap();
        world.sim.advance(Duration::from_secs(600));
        assert_eq!(
            refused(world.callback(&browser, &query).await.unwrap()),
            SocialRefused::CodeExpired,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn another_browser_cannot_finish_and_does_not_spoil() {
    for kind in KINDS {
        let world = World::new();
        let (victim, attacker) = (world.begin(kind).await, world.begin(kind).await);
        let query = world.sim.consent(&attacker.location, "bob").unwrap();
        // Login CSRF: the victim's browser is led to the attacker's callback.
        assert_eq!(refused(world.callback(&victim, &query).await.unwrap()), SocialRefused::OtherBrowser);
        for cookie in ["", "__Host-gh-sign-in=x", "other=1"] {
            let result = world.sign_in.callback(name(kind), &query, cookie).await.unwrap();
            assert_eq!(refused(result), SocialRefused::OtherBrowser, "{kind:?} {cookie}");
        }
        assert_eq!(world.sim.requests("token"), 0, "{kind:?}");
        identity(world.callback(&attacker, &query).await.unwrap());
    }
}

#[tokio::test]
async fn an_unknown_state_and_one_of_another_provider_are_refused() {
    let world = World::new();
    let browser = world.begin(ProviderKind::Weibo).await;
    let query = world.sim.consent(&browser.location, "alice").unwrap();
    let elsewhere = world.sign_in.callback("github", &query, &browser.cookie).await.unwrap();
    assert_eq!(refused(elsewhere), SocialRefused::StateUnknown);
    let invented = with(&query, "state", State::new([9; 32]).as_str());
    assert_eq!(refused(world.callback(&browser, &invented).await.unwrap()), SocialRefused::StateUnknown);
    let broken = with(&query, "state", "x");
    assert_eq!(refused(world.callback(&browser, &broken).await.unwrap()), SocialRefused::Malformed);
    identity(world.callback(&browser, &query).await.unwrap());
}

#[tokio::test]
async fn a_user_who_refuses_is_not_signed_in_and_the_state_is_spent() {
    for kind in KINDS {
        let world = World::new();
        let browser = world.begin(kind).await;
        let denied = world.sim.deny(&browser.location).unwrap();
        assert_eq!(
            refused(world.callback(&browser, &denied).await.unwrap()),
            SocialRefused::Denied,
            "{kind:?}"
        );
        let query = world.sim.consent(&browser.location, "alice").unwrap();
        assert_eq!(
            refused(world.callback(&browser, &query).await.unwrap()),
            SocialRefused::Denied,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_virtual_user_of_wechat_is_nobody() {
    for kind in [ProviderKind::WechatQr, ProviderKind::WechatInApp] {
        let world = World::new();
        assert_eq!(refused(world.sign_in_as(kind, "guest").await.unwrap()), SocialRefused::SnapshotUser);
    }
    identity(World::new().sign_in_as(ProviderKind::Weibo, "guest").await.unwrap());
}

#[tokio::test]
async fn a_code_of_another_attempt_is_refused_where_pkce_is_spoken() {
    for kind in [ProviderKind::Github, ProviderKind::Oidc] {
        let world = World::new();
        let (victim, attacker) = (world.begin(kind).await, world.begin(kind).await);
        let stolen = of(&world.sim.consent(&victim.location, "alice").unwrap(), "code");
        let own = world.sim.consent(&attacker.location, "bob").unwrap();
        let injected = with(&own, "code", &stolen);
        assert_eq!(refused(world.callback(&attacker, &injected).await.unwrap()), SocialRefused::CodeExpired);
    }
}

#[tokio::test]
async fn an_id_token_is_checked_in_every_respect() {
    let untrusted = |why: &str| SocialRefused::UntrustedIdToken { why: why.to_owned() };
    let set = |name: &'static str, value: Value| {
        move |claims: &mut Map<String, Value>| {
            claims.insert(name.to_owned(), value);
        }
    };
    type Change = Box<dyn FnOnce(&mut Map<String, Value>) + Send>;
    let cases: Vec<(Change, SocialRefused)> = vec![
        (Box::new(set("nonce", json!("other"))), SocialRefused::WrongNonce),
        (Box::new(|claims| drop(claims.remove("nonce"))), SocialRefused::WrongNonce),
        (Box::new(set("aud", json!("other"))), SocialRefused::WrongApp),
        (Box::new(set("azp", json!("other"))), SocialRefused::WrongApp),
        (
            Box::new(|claims| {
                let ours = claims["aud"].clone();
                claims.insert("aud".to_owned(), json!([ours, "other"]));
            }),
            SocialRefused::WrongApp,
        ),
        (Box::new(set("iss", json!(format!("{SIM}/oidc/")))), untrusted("the token is of another issuer")),
        (Box::new(set("exp", json!(1))), untrusted("the token has expired")),
        (Box::new(set("iat", json!(4_000_000_000_u64))), untrusted("the token is not valid yet")),
        (Box::new(set("at_hash", json!("AAAA"))), untrusted("it belongs to another access token")),
        (Box::new(set("sim", json!("forged"))), untrusted("the token's signature is wrong")),
    ];
    for (change, expected) in cases {
        let world = World::new();
        world.sim.next_id_token(change);
        assert_eq!(refused(world.sign_in_as(ProviderKind::Oidc, "alice").await.unwrap()), expected);
        assert_eq!(world.sim.requests("/userinfo"), 0);
    }
}

#[tokio::test]
async fn the_answer_of_another_issuer_is_refused() {
    let world = World::new();
    for iss in ["https://evil.example", &format!("{SIM}/oidc/"), ""] {
        let browser = world.begin(ProviderKind::Oidc).await;
        let query = world.sim.consent(&browser.location, "alice").unwrap();
        let mixed_up = with(&query, "iss", iss);
        assert_eq!(refused(world.callback(&browser, &mixed_up).await.unwrap()), SocialRefused::WrongIssuer);
    }
    assert_eq!(world.sim.requests("/token"), 0);
}

#[tokio::test]
async fn a_profile_of_somebody_else_breaks_the_sign_in() {
    for (kind, path, body) in [
        (ProviderKind::WechatQr, "/sns/userinfo", json!({ "openid": "other", "nickname": "x" })),
        (ProviderKind::Weibo, "/2/users/show.json", json!({ "id": 1, "idstr": "1" })),
        (ProviderKind::Oidc, "/userinfo", json!({ "sub": "other" })),
        (ProviderKind::Weibo, "/oauth2/get_token_info", json!({ "uid": 1, "appkey": "weibo0004" })),
    ] {
        let world = World::new();
        world.sim.reply_once(path, Response::new(Bytes::from(body.to_string())));
        let broken = world.sign_in_as(kind, "alice").await.unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::PeerMisbehaved, "{kind:?} {broken}");
    }
}

#[tokio::test]
async fn a_wrong_redirect_address_or_secret_is_the_applications_fault() {
    for kind in KINDS {
        let world = World::new();
        let id = app_id(&world.begin(kind).await.location);
        // Registered with the address of the world, configured with another one.
        let wrong_address = App::new(&id, "secret", "https://shop.example/elsewhere").unwrap();
        let sign_in = other(&world, kind, wrong_address);
        let begun = sign_in.begin(name(kind), "", "/").await.unwrap();
        assert_eq!(world.sim.consent(&begun.location, "alice").unwrap_err().kind(), ErrorKind::Misuse);
        // The right address and the wrong secret: the page is shown, the code is of no use.
        let wrong_secret = App::new(&id, "wrong", &redirect_uri(kind)).unwrap();
        let sign_in = other(&world, kind, wrong_secret);
        let begun = sign_in.begin(name(kind), "", "/").await.unwrap();
        let query = world.sim.consent(&begun.location, "alice").unwrap();
        let cookie = begun.set_cookie.split(';').next().unwrap();
        let misuse = sign_in.callback(name(kind), &query, cookie).await.unwrap_err();
        assert_eq!((misuse.kind(), misuse.is_transient()), (ErrorKind::Misuse, false), "{kind:?} {misuse}");
    }
}

#[tokio::test]
async fn qq_tells_its_errors_in_all_shapes() {
    for shape in [QqShape::Json, QqShape::Jsonp, QqShape::Form] {
        let world = World::new();
        world.sim.qq_shape(shape);
        let browser = world.begin(ProviderKind::Qq).await;
        let query = world.sim.consent(&browser.location, "alice").unwrap();
        let bad = with(&query, "code", "invented");
        assert_eq!(
            refused(world.callback(&browser, &bad).await.unwrap()),
            SocialRefused::CodeExpired,
            "{shape:?}"
        );
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let world = World::new();
    let http = world.sim.as_ref();
    let (issuer, slash) = (format!("{SIM}/oidc"), format!("{SIM}/oidc/"));
    assert_eq!(Discovery::fetch(http, &issuer).await.unwrap().issuer(), issuer);
    assert_eq!(Discovery::fetch(http, &slash).await.unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let strange = Discovery::fetch(http, "https://id.example").await.unwrap_err();
    assert_eq!(strange.kind(), ErrorKind::Unavailable);
}

/// A sign-in with one provider of a world, configured otherwise.
fn other(world: &World, kind: ProviderKind, app: App) -> SignIn {
    let provider: Provider = world.sim.provider_of(kind, app).unwrap();
    let store = std::sync::Arc::new(sso_core::social::MemoryPendingStore::new());
    SignIn::new(store, world.sim.clone()).provider(provider).unwrap()
}

fn app_id(location: &str) -> String {
    let query = location.split_once('?').unwrap().1;
    let id = of(query, "client_id");
    if id.is_empty() { of(query, "appid") } else { id }
}

/// A pair of a query.
pub(crate) fn of(query: &str, name: &str) -> String {
    let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A query with another value of a pair.
pub(crate) fn with(query: &str, name: &str, value: &str) -> String {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(known, old)| {
            if known == name {
                (name.to_owned(), value.to_owned())
            } else {
                (known.into_owned(), old.into_owned())
            }
        })
        .collect();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
