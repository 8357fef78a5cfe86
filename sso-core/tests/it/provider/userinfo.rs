//! Userinfo, discovery and keys.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use sso_core::{
    Algorithm, Claims, Clients, Issuer, KeyPolicy, KeyRing, Lifetime, MemoryKeyRingStore, MemorySiteStore,
    Provider, ProviderConfig, SessionLimits, TokenId, UserId, Verifier,
};

use super::{ISSUER, gate, read};

#[tokio::test]
async fn a_client_sees_what_its_scopes_show() {
    let gate = gate().await;
    for (scope, shown) in [
        ("openid", json!({ "sub": "alice" })),
        ("openid profile", json!({ "sub": "alice", "name": "Alice" })),
        (
            "openid email phone",
            json!({ "sub": "alice", "email": "alice@example.org", "email_verified": true }),
        ),
        ("openid roles", json!({ "sub": "alice", "roles": ["editor"] })),
    ] {
        let tokens = gate.tokens(&[("scope", scope)]).await;
        let answer = gate.userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(answer, (200, shown), "{scope}");
    }
}

#[tokio::test]
async fn only_an_access_token_of_ours_opens_userinfo() {
    let gate = gate().await;
    let tokens = gate.tokens(&[]).await;
    assert_eq!(gate.userinfo(tokens["id_token"].as_str().unwrap()).await.0, 401);
    assert_eq!(gate.userinfo("x.y.z").await.0, 401);
    let life = Lifetime::starting(gate.now, std::time::Duration::from_secs(60)).unwrap();
    let made = |user: &str, audience: &str, scope: Option<&str>| {
        let user = UserId::new(user).unwrap();
        let mut claims = Claims::new(user, "shop", audience, TokenId::new([1; 16]), life).unwrap();
        if let Some(scope) = scope {
            claims = claims.with_scope(scope);
        }
        claims = claims.with("sid", json!(gate.session.session.as_str())).unwrap();
        claims = claims.with("grant_id", json!("g")).unwrap();
        Issuer::new(ISSUER, &gate.keys).unwrap().issue(&claims).unwrap()
    };
    assert_eq!(gate.userinfo(&made("alice", ISSUER, Some("openid"))).await.0, 200);
    assert_eq!(gate.userinfo(&made("alice", "another-api", Some("openid"))).await.0, 401);
    // The account is gone.
    assert_eq!(gate.userinfo(&made("bob", ISSUER, Some("openid"))).await.0, 401);
    for scope in [None, Some("profile")] {
        let (status, body) = gate.userinfo(&made("alice", ISSUER, scope)).await;
        assert_eq!((status, &body["error"]), (403, &json!("insufficient_scope")));
    }
}

#[tokio::test]
async fn a_refusal_names_the_scheme() {
    let gate = gate().await;
    for (header, status, challenge) in [
        (None, 401, "Bearer"),
        (Some("Basic YTpi"), 400, "Bearer error=\"invalid_request\""),
        (Some("Bearer x"), 401, "Bearer error=\"invalid_token\""),
    ] {
        let mut request = Request::post("/userinfo");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let request = request.body(Bytes::new()).unwrap();
        let answer = gate.provider.userinfo(&request, gate.caller()).await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], challenge);
        assert_eq!(read(&answer).0, status);
    }
    let request = Request::delete("/userinfo").body(Bytes::new()).unwrap();
    assert_eq!(gate.provider.userinfo(&request, gate.caller()).await.unwrap().status(), 405);
}

#[tokio::test]
async fn the_keys_of_a_ring_are_kept_for_as_long_as_its_policy_says() {
    use std::sync::Arc;
    use std::time::Duration;

    let cached = |provider: &Provider| {
        provider.jwks(&http::HeaderMap::new()).unwrap().headers()["cache-control"].clone()
    };
    let gate = gate().await;
    assert_eq!(cached(&gate.provider), "public, max-age=300");
    let policy = KeyPolicy::new(Algorithm::EdDsa, Duration::from_secs(300)).unwrap();
    let policy = policy.jwks_kept_for(Duration::from_secs(42)).unwrap();
    let ring = KeyRing::open(Arc::new(MemoryKeyRingStore::new()), policy, gate.now).await.unwrap();
    let config = ProviderConfig::new(ISSUER, SessionLimits::default()).unwrap();
    let (clients, store) = (Clients::new([]).unwrap(), Arc::new(MemorySiteStore::new()));
    let provider = Provider::new(config, (&ring, &ring), clients, store, Arc::new(super::Users)).unwrap();
    assert_eq!(cached(&provider), "public, max-age=42");
    assert_eq!(ring.jwks().unwrap().cache_control(), "public, max-age=42");
    // So it stays when the keys change.
    ring.refresh(gate.now.saturating_add(Duration::from_secs(31 * 24 * 3600))).await.unwrap();
    assert_eq!(cached(&provider), "public, max-age=42");
}

#[tokio::test]
async fn discovery_and_keys_are_all_that_a_client_needs() {
    let gate = gate().await;
    let discovery = gate.provider.discovery();
    let document: Value = serde_json::from_slice(discovery.body()).unwrap();
    assert_eq!(
        (&document["issuer"], &document["token_endpoint"]),
        (&json!(ISSUER), &json!("https://sso.example/token"))
    );
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], json!(true));
    assert!(document["scopes_supported"].as_array().unwrap().contains(&json!("roles")));
    assert!(!discovery.body().windows(13).any(|window| window == b"password_hash"));

    let request = Request::get("/").body(()).unwrap();
    let keys = gate.provider.jwks(request.headers()).unwrap();
    let public = sso_core::PublicKeySet::from_jwks(std::str::from_utf8(keys.body()).unwrap()).unwrap();
    let tokens = gate.tokens(&[]).await;
    let verifier = Verifier::new(ISSUER, "shop", public).unwrap().typ("JWT").unwrap();
    assert!(verifier.verify_map(tokens["id_token"].as_str().unwrap(), gate.now).is_ok());
    let known = Request::get("/").header("if-none-match", &keys.headers()["etag"]).body(()).unwrap();
    let again = gate.provider.jwks(known.headers()).unwrap();
    assert_eq!((again.status().as_u16(), again.body().len()), (304, 0));
}
