//! The authorization endpoint: who is sent where, with what.

use std::time::Duration;

use proptest::prelude::*;
use sso_core::{AuthorizeStep, Consent, UserId};

use super::{Gate, RETURN, gate, parameters, query};

fn is_error(step: &AuthorizeStep) -> bool {
    matches!(step, AuthorizeStep::ShowError { .. })
}

#[tokio::test]
async fn a_code_comes_back_with_state_and_issuer() {
    let gate = gate().await;
    let back = gate.redirect(&[]).await;
    assert_eq!(back.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!((back["iss"].as_str(), back["state"].as_str()), (super::ISSUER, "s t&te"));
    let back = gate.redirect(&[("state", "")]).await;
    assert_eq!(back.keys().collect::<Vec<_>>(), ["code", "iss"]);
}

#[tokio::test]
async fn nobody_is_redirected_to_an_address_that_is_not_registered() {
    let gate = gate().await;
    for url in [
        "",
        "https://shop.example/cb/",
        "https://shop.example/cb?x=1",
        "https://shop.example/CB",
        "https://shop.example/cb#",
        "https://shop.example@evil.example/cb",
        "https://evil.example/cb",
        "http://shop.example/cb",
        "javascript:alert(1)",
        "//evil.example",
    ] {
        let step = gate.authorize(&[("redirect_uri", url)]).await;
        assert!(is_error(&step), "{url} {step:?}");
        // Not even with an error of its own.
        let step = gate.authorize(&[("redirect_uri", url), ("response_type", "token")]).await;
        assert!(is_error(&step), "{url} {step:?}");
    }
    for client in ["", "nobody", "SHOP", "shop "] {
        assert!(is_error(&gate.authorize(&[("client_id", client)]).await), "{client}");
    }
    let twice = format!("{}&client_id=app", query(&[]));
    for query in [twice, "x".repeat(20_000), "%".into(), String::new()] {
        let step = gate.provider.authorize(&query, Some(&gate.session), Consent::NotAsked, gate.now).await;
        assert!(is_error(&step.unwrap()), "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_comes_back_to_the_client() {
    let gate = gate().await;
    let long = "x".repeat(3000);
    for (changes, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "profile email")], "invalid_scope"),
        (&[("scope", &long)], "invalid_scope"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "dance")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "1e3")], "invalid_request"),
        (&[("request", "x")], "request_not_supported"),
        (&[("request_uri", "https://evil.example/")], "request_uri_not_supported"),
        (&[("id_token_hint", "x.y.z")], "invalid_request"),
        // PKCE: never `plain`, never half.
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("client_id", "app"), ("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
    ] {
        let back = gate.redirect(changes).await;
        assert_eq!((back["error"].as_str(), back["iss"].as_str()), (error, super::ISSUER), "{changes:?}");
        assert_eq!(back["state"], "s t&te");
        assert!(!back.contains_key("code"));
    }
    // A client with a secret may leave PKCE out.
    let back = gate.redirect(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert!(back.contains_key("code"));
}

async fn without_session(gate: &Gate, changes: &[(&str, &str)]) -> AuthorizeStep {
    gate.provider.authorize(&query(changes), None, Consent::NotAsked, gate.now).await.unwrap()
}

#[tokio::test]
async fn nobody_is_signed_in_silently() {
    let gate = gate().await;
    let step = without_session(&gate, &[("login_hint", "bob")]).await;
    let AuthorizeStep::SignInNeeded { resume, login_hint } = step else { panic!("{step:?}") };
    assert_eq!(login_hint.as_deref(), Some("bob"));
    let step = gate.provider.authorize(&resume, Some(&gate.session), Consent::NotAsked, gate.now).await;
    assert!(matches!(step.unwrap(), AuthorizeStep::Redirect(url) if url.contains("code=")));

    let AuthorizeStep::Redirect(url) = without_session(&gate, &[("prompt", "none")]).await else { panic!() };
    assert_eq!(parameters(&url)["error"], "login_required");
    let back = gate.redirect(&[("prompt", "none")]).await;
    assert!(back.contains_key("code"));
}

#[tokio::test]
async fn a_client_can_ask_for_a_new_sign_in() {
    let gate = gate().await;
    for changes in
        [[("prompt", "login")], [("prompt", "select_account")], [("max_age", "0")], [("max_age", "5")]]
    {
        // The session is five seconds old.
        let step = gate.authorize(&changes).await;
        let AuthorizeStep::SignInNeeded { resume, .. } = step else { panic!("{changes:?} {step:?}") };
        // The old session does not do on the way back either; a new one does, and there is no loop.
        let step = gate.provider.authorize(&resume, Some(&gate.session), Consent::NotAsked, gate.now).await;
        assert!(matches!(step.unwrap(), AuthorizeStep::SignInNeeded { .. }), "{changes:?}");
        let mut anew = gate.session.clone();
        anew.auth_time = gate.now;
        let later = gate.now.saturating_add(Duration::from_secs(9));
        let step = gate.provider.authorize(&resume, Some(&anew), Consent::NotAsked, later).await;
        assert!(
            matches!(step.unwrap(), AuthorizeStep::Redirect(url) if url.contains("code=")),
            "{changes:?}"
        );
    }
    let back = gate.redirect(&[("max_age", "6")]).await;
    assert!(back.contains_key("code"));
    // A time that lies ahead is no proof of anything.
    let step = gate.authorize(&[("prompt", "login"), ("gh_signed_in_since", "9999999999999999")]).await;
    assert!(matches!(step, AuthorizeStep::Redirect(_) | AuthorizeStep::SignInNeeded { .. }));
    assert!(!matches!(step, AuthorizeStep::Redirect(url) if url.contains("code=")));
}

#[tokio::test]
async fn a_clock_that_is_ahead_of_the_store_asks_for_one_sign_in() {
    let gate = gate().await;
    for session in [Some(&gate.session), None] {
        let query = query(&[("prompt", "login")]);
        let step = gate.provider.authorize(&query, session, Consent::NotAsked, gate.now).await.unwrap();
        let AuthorizeStep::SignInNeeded { resume, .. } = step else { panic!("{step:?}") };
        // The user signs in at once, and the store says that it is three seconds earlier.
        let mut anew = gate.session.clone();
        anew.auth_time = gate.session.auth_time.saturating_add(Duration::from_secs(2));
        let step = gate.provider.authorize(&resume, Some(&anew), Consent::NotAsked, gate.now).await;
        assert!(matches!(step.unwrap(), AuthorizeStep::Redirect(url) if url.contains("code=")));
    }
}

#[tokio::test]
async fn what_is_printed_of_a_step_is_no_secret() {
    let gate = gate().await;
    let hint = gate.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    let step = gate.authorize(&[]).await;
    let AuthorizeStep::Redirect(url) = &step else { panic!() };
    assert_eq!(format!("{step:?}"), format!("Redirect({RETURN:?})"));
    assert!(!format!("{step:?}").contains(&parameters(url)["code"]));
    for changes in [("prompt", "login"), ("prompt", "consent")] {
        let step = gate.authorize(&[changes, ("id_token_hint", &hint)]).await;
        assert!(!matches!(step, AuthorizeStep::Redirect(_)));
        assert!(!format!("{step:?}").contains(&hint), "{changes:?}");
    }
    let printed = format!("{:?}", gate.authorize(&[("client_id", "nobody")]).await);
    assert_eq!(printed, "ShowError { words: \"the request names an unknown client\" }");
}

#[tokio::test]
async fn a_hint_names_the_user_who_is_expected() {
    let gate = gate().await;
    let tokens = gate.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    assert!(gate.redirect(&[("id_token_hint", hint), ("prompt", "none")]).await.contains_key("code"));
    let mut bob = gate.session.clone();
    bob.user = UserId::new("bob").unwrap();
    let query = query(&[("id_token_hint", hint), ("prompt", "none")]);
    let step = gate.provider.authorize(&query, Some(&bob), Consent::NotAsked, gate.now).await.unwrap();
    assert!(matches!(step, AuthorizeStep::Redirect(url) if parameters(&url)["error"] == "login_required"));
    // An access token is no hint.
    let back = gate.redirect(&[("id_token_hint", tokens["access_token"].as_str().unwrap())]).await;
    assert_eq!(back["error"], "invalid_request");
}

#[tokio::test]
async fn the_user_is_asked_before_a_stranger_learns_anything() {
    let gate = gate().await;
    let stranger = [("client_id", "stranger"), ("scope", "openid email unknown")];
    let step = gate.authorize(&stranger).await;
    let AuthorizeStep::ConsentNeeded { resume, client, scopes } = step else { panic!("{step:?}") };
    assert_eq!((client.id().as_str(), scopes), ("stranger", vec!["openid".to_owned(), "email".to_owned()]));
    for (consent, expected) in [(Consent::Granted, "code"), (Consent::Refused, "error")] {
        let step = gate.provider.authorize(&resume, Some(&gate.session), consent, gate.now).await.unwrap();
        let AuthorizeStep::Redirect(url) = step else { panic!("{step:?}") };
        assert!(parameters(&url).contains_key(expected));
    }
    let back = gate.redirect(&[stranger[0], stranger[1], ("prompt", "none")]).await;
    assert_eq!(back["error"], "consent_required");
    // A client of the house asks for the question; an answer of yesterday does not do.
    let query = query(&[("prompt", "consent")]);
    let step =
        gate.provider.authorize(&query, Some(&gate.session), Consent::Granted, gate.now).await.unwrap();
    let AuthorizeStep::ConsentNeeded { resume, .. } = step else { panic!("{step:?}") };
    let step =
        gate.provider.authorize(&resume, Some(&gate.session), Consent::Granted, gate.now).await.unwrap();
    assert!(matches!(step, AuthorizeStep::Redirect(_)));
}

#[tokio::test]
async fn a_session_that_has_ended_gives_no_code() {
    use sso_core::SiteStore as _;

    let gate = gate().await;
    gate.store.end(&gate.session.session, sso_core::At::Server).await.unwrap();
    assert!(matches!(gate.authorize(&[]).await, AuthorizeStep::SignInNeeded { .. }));
    assert_eq!(gate.redirect(&[("prompt", "none")]).await["error"], "login_required");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a browser sends: no panic, and no redirect to anywhere but the registered address.
    #[test]
    fn any_query_is_answered(
        name in "prompt|scope|state|max_age|redirect_uri|client_id|code_challenge|\\PC{0,9}",
        value in "\\PC{0,30}",
        rest in "\\PC{0,30}",
    ) {
        crate::ticket_contract::block_on(async {
            let gate = gate().await;
            let query = format!("{}&{rest}", query(&[(&name, &value)]));
            let step = gate.provider.authorize(&query, Some(&gate.session), Consent::NotAsked, gate.now).await;
            if let AuthorizeStep::Redirect(url) = step.unwrap() {
                assert!(url.starts_with(RETURN), "{url}");
            }
        });
    }
}
