//! Honest users at honest providers, in all the shapes in which those reply.

use std::collections::BTreeMap;
use std::sync::Arc;

use sso_core::ErrorKind;
use sso_core::provider_sim::{EmailShape, ProviderSim, QqShape, SimUser};
use sso_core::social::{BrowserCookie, Identity, MemoryPendingStore, ProviderKind, SignIn, SocialSignIn};

use super::{KINDS, World, identity, name, redirect_uri};

#[tokio::test]
async fn every_provider_signs_a_user_in() {
    let world = World::new();
    for kind in KINDS {
        let result = world.sign_in_as(kind, "bob").await.unwrap();
        let SocialSignIn::SignedIn { identity, return_to } = result else { panic!("{kind:?} {result:?}") };
        assert_eq!(
            (identity.kind, identity.provider.as_str(), return_to.as_str()),
            (kind, name(kind), "/account")
        );
        assert_eq!(identity.name.as_deref(), Some("鲍勃"), "{kind:?}");
        assert!(identity.avatar.is_some(), "{kind:?}");
        assert!(!identity.claims.is_empty(), "{kind:?}");
        // The same user again is the same subject, and another one is another.
        let again = super::identity(world.sign_in_as(kind, "bob").await.unwrap());
        assert_eq!((&again.subject, &again.app_id), (&identity.subject, &identity.app_id), "{kind:?}");
        let alice = super::identity(world.sign_in_as(kind, "alice").await.unwrap());
        assert_ne!(alice.subject, identity.subject, "{kind:?}");
    }
}

#[tokio::test]
async fn openid_and_unionid_are_two_things() {
    let world = World::changed(|kind, provider| match kind {
        ProviderKind::Qq => provider.with_unionid().unwrap(),
        _ => provider,
    });
    let mut by_kind = BTreeMap::new();
    for kind in KINDS {
        let alice = identity(world.sign_in_as(kind, "alice").await.unwrap());
        assert_ne!(alice.unionid.as_ref().map(|id| id.as_str()), Some(alice.subject.as_str()));
        by_kind.insert(kind, alice);
    }
    // One person, two applications of one company: two openids, one unionid.
    let (qr, in_app) = (&by_kind[&ProviderKind::WechatQr], &by_kind[&ProviderKind::WechatInApp]);
    assert_ne!(qr.subject, in_app.subject);
    assert_eq!(qr.unionid, in_app.unionid);
    assert!(qr.unionid.is_some() && by_kind[&ProviderKind::Qq].unionid.is_some());
    assert!(by_kind[&ProviderKind::Weibo].unionid.is_none());
    assert_eq!(identity(World::new().sign_in_as(ProviderKind::Qq, "alice").await.unwrap()).unionid, None);
}

#[tokio::test]
async fn qq_is_understood_in_all_its_shapes() {
    for shape in [QqShape::Json, QqShape::Jsonp, QqShape::Form] {
        let world = World::new();
        world.sim.qq_shape(shape);
        let alice = identity(world.sign_in_as(ProviderKind::Qq, "alice").await.unwrap());
        assert_eq!(alice.avatar.as_deref(), Some("http://thirdqq.example/40"), "{shape:?}");
    }
}

#[tokio::test]
async fn weibo_gives_an_address_in_three_ways() {
    for (shape, expected) in
        [(EmailShape::Array, true), (EmailShape::Object, true), (EmailShape::Refused, false)]
    {
        let world = World::changed(|kind, provider| match kind {
            ProviderKind::Weibo => provider.scopes(&["email"]).unwrap(),
            _ => provider,
        });
        world.sim.weibo_email_shape(shape);
        let alice = identity(world.sign_in_as(ProviderKind::Weibo, "alice").await.unwrap());
        let address = alice.email.map(|email| (email.address, email.verified));
        assert_eq!(address, expected.then(|| ("alice@example.com".to_owned(), false)), "{shape:?}");
    }
}

#[tokio::test]
async fn github_gives_the_verified_primary_address_if_it_may() {
    let alice = identity(World::new().sign_in_as(ProviderKind::Github, "alice").await.unwrap());
    let email = alice.email.unwrap();
    assert_eq!((email.address.as_str(), email.verified), ("alice@example.com", true));
    let world = World::changed(|kind, provider| match kind {
        ProviderKind::Github => provider.scopes(&["read:user"]).unwrap(),
        _ => provider,
    });
    assert_eq!(identity(world.sign_in_as(ProviderKind::Github, "alice").await.unwrap()).email, None);
    assert_eq!(world.sim.requests("/user/emails"), 0);
}

#[tokio::test]
async fn a_silent_wechat_sign_in_knows_the_openid_only() {
    let world = World::changed(|kind, provider| match kind {
        ProviderKind::WechatInApp => provider.scopes(&["snsapi_base"]).unwrap(),
        _ => provider,
    });
    let alice = identity(world.sign_in_as(ProviderKind::WechatInApp, "alice").await.unwrap());
    assert_eq!((alice.name, alice.unionid, alice.claims.len()), (None, None, 0));
    assert_eq!(world.sim.requests("/sns/userinfo"), 0);
}

#[tokio::test]
async fn keys_of_openid_connect_are_fetched_once_for_many_users() {
    let world = World::new();
    for user in ["alice", "bob", "alice"] {
        identity(world.sign_in_as(ProviderKind::Oidc, user).await.unwrap());
    }
    assert_eq!(world.sim.requests("/jwks"), 1);
}

#[tokio::test]
async fn two_tabs_of_one_browser_finish_both() {
    let world = World::new();
    let first = world.begin(ProviderKind::Weibo).await;
    let second = world.begin_with(ProviderKind::Github, &first.cookie).await;
    assert_eq!(first.cookie, second.cookie);
    for browser in [first, second] {
        let query = world.sim.consent(&browser.location, "alice").unwrap();
        identity(world.callback(&browser, &query).await.unwrap());
    }
}

#[tokio::test]
async fn a_cookie_for_plain_http_works_on_the_loopback() {
    let world = World::new();
    let sign_in = world.sign_in.clone().cookie(BrowserCookie::danger_insecure());
    let begun = sign_in.begin("qq", "", "/").await.unwrap();
    let cookie = begun.set_cookie.split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("gh-sign-in=") && !begun.set_cookie.contains("Secure"));
    let query = world.sim.consent(&begun.location, "alice").unwrap();
    identity(sign_in.callback("qq", &query, &cookie).await.unwrap());
}

#[tokio::test]
async fn names_and_places_are_checked_before_anything_is_kept() {
    let world = World::new();
    let invalid = |result: Result<_, sso_core::Error>| result.map(|_: ()| ()).unwrap_err().kind();
    let unknown = world.sign_in.begin("nobody", "", "/").await.map(|_| ());
    assert_eq!(invalid(unknown), ErrorKind::InvalidInput);
    let away = world.sign_in.begin("qq", "", "//evil.example/").await.map(|_| ());
    assert_eq!(invalid(away), ErrorKind::InvalidInput);
    let unknown = world.sign_in.callback("nobody", "", "").await.map(|_| ());
    assert_eq!(invalid(unknown), ErrorKind::InvalidInput);
    let twice = world.sim.provider(ProviderKind::Qq, &redirect_uri(ProviderKind::Qq)).unwrap();
    assert_eq!(invalid(world.sign_in.clone().provider(twice).map(|_: SignIn| ())), ErrorKind::Misuse);
    assert_eq!(world.sign_in.names().count(), 6);
}

#[test]
fn the_page_of_the_simulator_escapes_what_it_shows() {
    let sim = ProviderSim::new("http://127.0.0.1:9000").unwrap();
    let sim = sim.app(ProviderKind::Weibo, "1", "s", "https://a.example/").user(SimUser::new("x", "<b>&\""));
    let uri =
        "http://127.0.0.1:9000/weibo/oauth2/authorize?client_id=1&redirect_uri=https://a.example/&x=%22%3E";
    let request = http::Request::builder().uri(uri).body(bytes::Bytes::new()).unwrap();
    let response = sim.handle(&request);
    let page = std::str::from_utf8(response.body()).unwrap();
    assert_eq!(response.status(), 200);
    assert!(page.contains("&lt;b&gt;&amp;&quot;") && !page.contains("<b>&\""), "{page}");
    assert!(page.contains("sim_user=alice") && page.contains("sim_deny=1"));
}

#[tokio::test]
async fn two_issuers_never_give_one_identity() {
    let of = |base: &'static str| async move {
        let sim = Arc::new(ProviderSim::new(base).unwrap());
        let store = Arc::new(MemoryPendingStore::new());
        let world = World::over(sim.clone(), store, sim, |_, provider| provider);
        identity(world.sign_in_as(ProviderKind::Oidc, "alice").await.unwrap())
    };
    let (one, two) = (of("http://127.0.0.1:9000/one").await, of("http://127.0.0.1:9000/two").await);
    // Each of them may hand out the client id and the subject of the other.
    assert_eq!((&one.app_id, &one.subject), (&two.app_id, &two.subject));
    assert!(one.issuer.as_ref().unwrap().contains("/one") && two.issuer.as_ref().unwrap().contains("/two"));
    assert_ne!(one.issuer, two.issuer);
    // A result that was kept before there was an issuer can be read.
    let mut kept = serde_json::to_value(&one).unwrap();
    assert!(kept.as_object_mut().unwrap().remove("issuer").is_some());
    let read: Identity = serde_json::from_value(kept).unwrap();
    assert_eq!((read.issuer, read.subject), (None, one.subject));
    // Elsewhere the application's own name for the provider says who vouches.
    let bob = World::new().sign_in_as(ProviderKind::Github, "bob").await.unwrap();
    assert_eq!(identity(bob).issuer, None);
}
