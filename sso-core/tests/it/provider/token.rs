//! The token endpoint: who gets what for which code.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sso_core::{
    At, Client, ClientId, Clients, GrantBinding, GrantKind, GrantSecret, PresentedGrant, Redeemed, Signer,
    SigningKey, SiteStore as _, SiteUrl, Standing, UnixMillis, UserId, Verifier,
};

use super::{Gate, ISSUER, RETURN, VERIFIER, error, gate, read};

#[tokio::test]
async fn a_code_becomes_tokens() {
    let gate = gate().await;
    let tokens = gate.tokens(&[("scope", "openid profile unknown")]).await;
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&json!("Bearer"), &json!("openid profile")));
    assert_eq!((&tokens["expires_in"], tokens.get("refresh_token")), (&json!(300), None));

    let verifier = Verifier::new(ISSUER, "shop", &gate.keys).unwrap().typ("JWT").unwrap();
    let id = verifier.verify_map(tokens["id_token"].as_str().unwrap(), gate.now).unwrap();
    assert_eq!((&id["sub"], &id["nonce"]), (&json!("alice"), &json!("n-0S6_WzA2Mj")));
    assert_eq!((&id["sid"], &id["aud"]), (&json!(gate.session.session.as_str()), &json!("shop")));
    assert_eq!(id["auth_time"], json!(gate.session.auth_time.as_secs()));
    assert!(!id.contains_key("acr") && !id.contains_key("act"));
    let access_token = tokens["access_token"].as_str().unwrap();
    let digest = Sha256::digest(access_token);
    use base64::Engine as _;
    let half = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..16]);
    assert_eq!(id["at_hash"], json!(half));

    let access = Verifier::new(ISSUER, ISSUER, &gate.keys).unwrap().verify(access_token, gate.now).unwrap();
    assert_eq!((access.subject().as_str(), access.client_id()), ("alice", "shop"));
    assert_eq!(access.scope(), Some("openid profile"));
    assert!(!access.private().contains_key("act"));
}

#[tokio::test]
async fn a_step_up_is_in_the_id_token() {
    let mut gate = gate().await;
    gate.session = gate.session.stepped_up("urn:example:otp", gate.now);
    let tokens = gate.tokens(&[("max_age", "1")]).await;
    let verifier = Verifier::new(ISSUER, "shop", &gate.keys).unwrap().typ("JWT").unwrap();
    let id = verifier.verify_map(tokens["id_token"].as_str().unwrap(), gate.now).unwrap();
    assert_eq!((&id["acr"], &id["auth_time"]), (&json!("urn:example:otp"), &json!(gate.now.as_secs())));
}

#[tokio::test]
async fn a_code_is_bound_to_client_address_and_verifier() {
    let gate = gate().await;
    let invalid_grant = error("invalid_grant");
    let other = "y".repeat(43);
    for changes in [
        [("redirect_uri", "https://shop.example/")],
        [("code_verifier", other.as_str())],
        [("code_verifier", "")],
        // The form of `plain`: the challenge itself as the verifier.
        [("code_verifier", &sso_core::challenge_s256(VERIFIER))],
    ] {
        let code = gate.code(&[]).await;
        let answer = gate.redeem(&code, &changes).await;
        assert!(invalid_grant(&answer), "{changes:?} {answer:?}");
        // A wrong guess is the last one.
        assert!(invalid_grant(&gate.redeem(&code, &[]).await));
    }
    // Another client cannot use it, and cannot spoil it.
    let code = gate.code(&[]).await;
    let stranger = Some(("stranger", gate.secret.expose()));
    assert!(invalid_grant(&read(&gate.post(&Gate::exchange(&code, &[]), stranger).await)));
    assert_eq!(gate.redeem(&code, &[]).await.0, 200);
    // A verifier for a code without a challenge is a downgrade that somebody tries.
    let code = gate.code(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert!(invalid_grant(&gate.redeem(&code, &[]).await));
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_what_it_gave() {
    let gate = gate().await;
    let code = gate.code(&[("scope", "openid offline_access")]).await;
    let (_, tokens) = gate.redeem(&code, &[]).await;
    let (_, others) = gate.redeem(&gate.code(&[]).await, &[]).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(gate.userinfo(access_token).await.0, 200);
    let again = gate.redeem(&code, &[]).await;
    assert!(error("invalid_grant")(&again), "{again:?}");
    assert_eq!(gate.userinfo(access_token).await.0, 401);
    assert_eq!(gate.userinfo(others["access_token"].as_str().unwrap()).await.0, 200);
    let refreshed = refresh(&gate, tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert!(error("invalid_grant")(&refreshed), "{refreshed:?}");
}

#[tokio::test]
async fn a_code_that_comes_twice_is_remembered_as_long_as_what_it_gave() {
    let gate = gate().await;
    let code = gate.code(&[("scope", "openid offline_access")]).await;
    assert_eq!(gate.redeem(&code, &[]).await.0, 200);
    assert!(error("invalid_grant")(&gate.redeem(&code, &[]).await));
    let (key, client) = (GrantSecret::parse(&code).unwrap().key(), ClientId::new("shop").unwrap());
    let binding = GrantBinding::new(GrantKind::Code, RETURN, None);
    let presented = PresentedGrant { client: &client, binding, gives: None };
    let again = gate.store.redeem(&key, presented, At::Server).await.unwrap();
    let Redeemed::Reused { gave: Some(grant), .. } = again else { panic!("{again:?}") };
    // The session lasts for half a day, the refresh tokens for ninety days.
    let later = At::Millis(UnixMillis::now().saturating_add(std::time::Duration::from_secs(89 * 24 * 3600)));
    let standing = gate.store.standing(&gate.session.session, &grant, later).await.unwrap();
    assert_eq!(standing, Standing::Revoked);
    // The end of the session does not make it good again.
    gate.store.end(&gate.session.session, At::Server).await.unwrap();
    let standing = gate.store.standing(&gate.session.session, &grant, At::Server).await.unwrap();
    assert_eq!(standing, Standing::Revoked);
}

#[tokio::test]
async fn whoever_acts_as_the_user_is_named_and_gets_no_offline_access() {
    let mut gate = gate().await;
    gate.session.actor = Some(UserId::new("support").unwrap());
    let tokens = gate.tokens(&[("scope", "openid profile offline_access")]).await;
    assert_eq!((tokens.get("refresh_token"), &tokens["scope"]), (None, &json!("openid profile")));
    let token = tokens["access_token"].as_str().unwrap();
    let access = Verifier::new(ISSUER, ISSUER, &gate.keys).unwrap().verify(token, gate.now).unwrap();
    assert_eq!(
        (access.subject().as_str(), &access.private()["act"]),
        ("alice", &json!({ "sub": "support" }))
    );
    let id = Verifier::new(ISSUER, "shop", &gate.keys).unwrap().typ("JWT").unwrap();
    let id = id.verify_map(tokens["id_token"].as_str().unwrap(), gate.now).unwrap();
    assert_eq!(id["act"], json!({ "sub": "support" }));
    // It ends with the session.
    gate.store.end(&gate.session.session, At::Server).await.unwrap();
    assert_eq!(gate.userinfo(token).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redeems_gets_tokens() {
    let gate = std::sync::Arc::new(gate().await);
    let code = gate.code(&[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (gate, code) = (gate.clone(), code.clone());
        tasks.spawn(async move { gate.redeem(&code, &[]).await.0 });
    }
    let won = tasks.join_all().await.into_iter().filter(|status| *status == 200).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_client_proves_who_it_is_in_one_way() {
    let gate = gate().await;
    let secret = gate.secret.expose().to_owned();
    let as_shop = [("client_id", "shop"), ("client_secret", secret.as_str())];
    let code = gate.code(&[]).await;
    for (changes, basic, expected) in [
        (&[][..], None, "invalid_client"),
        (&[("client_id", "shop")], None, "invalid_client"),
        (&[("client_id", "shop"), ("client_secret", "wrong")], None, "invalid_client"),
        (&[("client_id", "nobody"), ("client_secret", &secret)], None, "invalid_client"),
        (&[("client_secret", &secret)], None, "invalid_client"),
        (&[], Some(("shop", "wrong")), "invalid_client"),
        (&[], Some(("app", "")), "invalid_client"),
        (&[("client_id", "app"), ("client_secret", &secret)], None, "invalid_client"),
        (&as_shop, Some(("shop", secret.as_str())), "invalid_request"),
        (&[("client_id", "app")], Some(("shop", secret.as_str())), "invalid_request"),
    ] {
        let answer = read(&gate.post(&Gate::exchange(&code, changes), basic).await);
        assert!(error(expected)(&answer), "{changes:?} {answer:?}");
    }
    // None of them has spoiled the code.
    assert_eq!(read(&gate.post(&Gate::exchange(&code, &as_shop), None).await).0, 200);
    let code = gate.code(&[("client_id", "app")]).await;
    assert_eq!(read(&gate.post(&Gate::exchange(&code, &[("client_id", "app")]), None).await).0, 200);
}

#[tokio::test]
async fn what_is_no_token_request_is_refused() {
    let gate = gate().await;
    for (changes, expected) in [
        ([("grant_type", "")], "invalid_request"),
        ([("grant_type", "password")], "unsupported_grant_type"),
        ([("grant_type", "client_credentials")], "unsupported_grant_type"),
        ([("code", "")], "invalid_request"),
        ([("redirect_uri", "")], "invalid_request"),
        ([("code_verifier", "short")], "invalid_grant"),
    ] {
        let answer = gate.redeem("x", &changes).await;
        assert!(error(expected)(&answer), "{changes:?} {answer:?}");
    }
    assert!(error("invalid_grant")(&gate.redeem("x", &[]).await));
    let request = |method: &str, kind: &str| {
        let request = http::Request::builder().method(method).header("content-type", kind);
        request.body(bytes::Bytes::from_static(b"{}")).unwrap()
    };
    let json = request("POST", "application/json");
    assert!(error("invalid_request")(&read(&gate.provider.token(&json, gate.caller()).await.unwrap())));
    let get = request("GET", "application/x-www-form-urlencoded");
    let answer = gate.provider.token(&get, gate.caller()).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"POST".parse().unwrap()));
    assert!(error("invalid_request")(&read(&gate.post(&"x".repeat(20_000), None).await)));
    assert!(error("invalid_request")(&read(&gate.post("a=1&a=2", None).await)));
}

pub(super) async fn refresh(gate: &Gate, token: &str, changes: &[(&str, &str)]) -> (u16, Value) {
    let standard = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let basic = Some(("shop", gate.secret.expose()));
    read(&gate.post(&super::fields(&standard, changes), basic).await)
}

#[tokio::test]
async fn offline_access_gives_tokens_that_rotate() {
    let gate = gate().await;
    let tokens = gate.tokens(&[("scope", "openid email offline_access")]).await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let (status, second) = refresh(&gate, first, &[("scope", "openid")]).await;
    assert_eq!((status, &second["scope"]), (200, &json!("openid")), "{second}");
    assert_eq!(gate.userinfo(second["access_token"].as_str().unwrap()).await.1, json!({ "sub": "alice" }));
    let wide = refresh(&gate, second["refresh_token"].as_str().unwrap(), &[("scope", "openid phone")]).await;
    assert!(error("invalid_scope")(&wide), "{wide:?}");
    let (status, third) = refresh(&gate, second["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!((status, &third["scope"]), (200, &json!("openid email offline_access")));
    // The first one again, when its child has been used: two parties have had it.
    assert!(error("invalid_grant")(&refresh(&gate, first, &[]).await));
    assert!(error("invalid_grant")(&refresh(&gate, third["refresh_token"].as_str().unwrap(), &[]).await));
    for garbage in ["", "x", &"x".repeat(99)] {
        let (status, _) = refresh(&gate, garbage, &[]).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_codes_but_not_offline_access() {
    let gate = gate().await;
    let offline = gate.tokens(&[("scope", "openid offline_access")]).await;
    let online = gate.tokens(&[]).await;
    let code = gate.code(&[]).await;
    gate.store.end(&gate.session.session, At::Server).await.unwrap();
    assert!(error("invalid_grant")(&gate.redeem(&code, &[]).await));
    assert_eq!(gate.userinfo(online["access_token"].as_str().unwrap()).await.0, 401);
    assert_eq!(gate.userinfo(offline["access_token"].as_str().unwrap()).await.0, 200);
    assert_eq!(refresh(&gate, offline["refresh_token"].as_str().unwrap(), &[]).await.0, 200);
}

/// A client that signs with its own key (RFC 7523).
#[tokio::test]
async fn a_client_signs_an_assertion_once() {
    let mut gate = gate().await;
    let key = SigningKey::generate_rs256().unwrap();
    let keys = sso_core::KeySet::new(key.clone());
    let robot = Client::with_keys(ClientId::new("robot").unwrap(), keys.public().clone());
    let robot = robot.return_url(SiteUrl::new(RETURN).unwrap()).unwrap();
    gate.provider = gate.provider.clone().with_clients(Clients::new([robot]).unwrap());
    let now = gate.now.as_secs();
    let good =
        json!({ "iss": "robot", "sub": "robot", "aud": ISSUER, "jti": "1", "iat": now, "exp": now + 60 });
    let send = async |claims: &Value, key: &SigningKey| {
        let assertion = Signer::new("JWT", key.clone()).unwrap().sign(claims).unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let changes = [("client_assertion", assertion.as_str()), ("client_assertion_type", kind)];
        let code = gate.code(&[("client_id", "robot")]).await;
        read(&gate.post(&Gate::exchange(&code, &changes), None).await)
    };
    let (status, body) = send(&good, &key).await;
    assert_eq!(status, 200, "{body}");
    assert!(error("invalid_client")(&send(&good, &key).await), "it was used");
    for (name, value) in [
        ("aud", json!("https://evil.example")),
        ("sub", json!("shop")),
        ("iss", json!("shop")),
        ("exp", json!(now - 100)),
        ("iat", json!(now - 4000)),
        ("jti", Value::Null),
    ] {
        let mut claims = good.clone();
        claims["jti"] = json!(name);
        claims[name] = value;
        assert!(error("invalid_client")(&send(&claims, &key).await), "{name}");
    }
    let mut claims = good.clone();
    claims["jti"] = json!("2");
    let stranger = SigningKey::generate_rs256().unwrap();
    assert!(error("invalid_client")(&send(&claims, &stranger).await));
    claims["aud"] = json!([format!("{ISSUER}/token")]);
    assert_eq!(send(&claims, &key).await.0, 200);
}

#[tokio::test]
async fn one_address_cannot_ask_without_end() {
    let gate = gate().await;
    let mut statuses = Vec::new();
    for _ in 0..150 {
        statuses.push(gate.post("grant_type=x", None).await.status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 100);
    assert_eq!(statuses.last(), Some(&429));
    let later =
        sso_core::Caller { from: "192.0.2.1", now: UnixMillis::new(gate.now.as_millis() + 1000).unwrap() };
    let request = http::Request::get("/").body(bytes::Bytes::new()).unwrap();
    assert_eq!(gate.provider.token(&request, later).await.unwrap().status(), 405);
}

#[test]
fn any_body_is_answered() {
    use proptest::prelude::*;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gate = runtime.block_on(gate());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(64));
    let secret = gate.secret.expose().to_owned();
    let strategy = (any::<bool>(), "\\PC{0,40}", "\\PC{0,40}");
    let at = std::cell::Cell::new(gate.now);
    runner
        .run(&strategy, |(encoded, code, verifier)| {
            let changes = [("code", code.as_str()), ("code_verifier", verifier.as_str())];
            let body = if encoded { Gate::exchange("", &changes) } else { code.clone() };
            let request =
                http::Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
            let request =
                request.header("authorization", format!("Basic {secret}")).body(body.into()).unwrap();
            at.set(at.get().saturating_add(std::time::Duration::from_secs(1)));
            let caller = sso_core::Caller { from: "", now: at.get() };
            let status = runtime.block_on(gate.provider.token(&request, caller)).unwrap().status();
            prop_assert!(status.is_client_error());
            Ok(())
        })
        .unwrap();
}
