//! Signing out because a client says so.

use proptest::prelude::*;
use serde_json::json;
use sso_core::{ClientId, Confirmed, EndSessionStep, SessionId, Signer, SigningKey};

use super::{Gate, fields, gate};

const BYE: &str = "https://shop.example/bye";

fn end(gate: &Gate, changes: &[(&str, &str)], confirmed: Confirmed) -> EndSessionStep {
    gate.provider.end_session(&fields(&[], changes), Some(&gate.session), confirmed)
}

fn sign_out(session: &SessionId, then: Option<&str>) -> EndSessionStep {
    EndSessionStep::SignOut { session: session.clone(), then: then.map(str::to_owned) }
}

fn is_error(step: &EndSessionStep) -> bool {
    matches!(step, EndSessionStep::ShowError { .. })
}

#[tokio::test]
async fn an_id_token_of_the_session_signs_out_without_a_question() {
    let gate = gate().await;
    let hint = gate.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    let session = &gate.session.session;
    let step = end(&gate, &[("id_token_hint", &hint)], Confirmed::NotAsked);
    assert_eq!(step, sign_out(session, None));
    let all = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "a b")];
    let then = format!("{BYE}?state=a+b");
    assert_eq!(end(&gate, &all, Confirmed::NotAsked), sign_out(session, Some(&then)));
    // Nobody is signed in any more.
    let step = gate.provider.end_session(&fields(&[], &all), None, Confirmed::NotAsked);
    assert_eq!(step, EndSessionStep::NobodySignedIn { then: Some(then) });
}

#[tokio::test]
async fn whoever_has_no_id_token_of_the_session_makes_the_gate_ask() {
    let mut gate = gate().await;
    let hint = gate.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    assert_eq!(end(&gate, &[], Confirmed::NotAsked), EndSessionStep::ConfirmNeeded { client: None });
    let shop = Some(ClientId::new("shop").unwrap());
    let step = end(&gate, &[("client_id", "shop")], Confirmed::NotAsked);
    assert_eq!(step, EndSessionStep::ConfirmNeeded { client: shop.clone() });
    let named = [("client_id", "shop"), ("post_logout_redirect_uri", BYE)];
    assert_eq!(end(&gate, &named, Confirmed::Yes), sign_out(&gate.session.session, Some(BYE)));
    // A token of another session of the same user.
    gate.session = super::gate().await.session;
    let step = end(&gate, &[("id_token_hint", &hint)], Confirmed::NotAsked);
    assert_eq!(step, EndSessionStep::ConfirmNeeded { client: shop });
}

#[tokio::test]
async fn an_id_token_of_a_key_that_has_retired_makes_the_gate_ask() {
    let gate = gate().await;
    let claims = json!({
        "iss": super::ISSUER, "aud": "shop",
        "sub": gate.session.user.as_str(), "sid": gate.session.session.as_str(),
    });
    let retired = SigningKey::generate_rs256().unwrap();
    let hint = Signer::new("JWT", retired).unwrap().sign(&claims).unwrap();
    let (hint, back) = (("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE));
    let step = end(&gate, &[hint, back], Confirmed::NotAsked);
    assert_eq!(step, EndSessionStep::ConfirmNeeded { client: Some(ClientId::new("shop").unwrap()) });
    assert_eq!(end(&gate, &[hint, back], Confirmed::Yes), sign_out(&gate.session.session, Some(BYE)));
    for changes in
        [[hint, ("client_id", "app")], [hint, ("post_logout_redirect_uri", "https://evil.example/")]]
    {
        assert!(is_error(&end(&gate, &changes, Confirmed::Yes)), "{changes:?}");
    }
}

#[tokio::test]
async fn nobody_is_redirected_to_an_address_that_is_not_registered() {
    let gate = gate().await;
    let tokens = gate.tokens(&[]).await;
    let (hint, access_token) =
        (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let claims = json!({ "iss": "https://evil.example", "aud": "shop", "sub": "alice" });
    let foreign = Signer::new("JWT", SigningKey::generate_rs256().unwrap()).unwrap().sign(&claims).unwrap();
    for changes in [
        &[("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")][..],
        &[("id_token_hint", hint), ("post_logout_redirect_uri", "https://shop.example/cb")],
        &[("post_logout_redirect_uri", BYE)],
        &[("client_id", "nobody")],
        &[("client_id", "app"), ("id_token_hint", hint)],
        &[("id_token_hint", access_token)],
        // Its key is none of this issuer's, and neither does it say so.
        &[("id_token_hint", &foreign)],
        &[("id_token_hint", "x")],
    ] {
        for confirmed in [Confirmed::NotAsked, Confirmed::Yes] {
            let step = end(&gate, changes, confirmed);
            assert!(is_error(&step), "{changes:?} {step:?}");
        }
    }
}

#[test]
fn any_query_is_answered() {
    let gate = crate::ticket_contract::block_on(gate());
    proptest!(|(query in "(id_token_hint=|client_id=|state=)?\\PC{0,60}")| {
        let step = gate.provider.end_session(&query, Some(&gate.session), Confirmed::NotAsked);
        let goes = matches!(step, EndSessionStep::SignOut { .. } | EndSessionStep::NobodySignedIn { .. });
        prop_assert!(!goes);
    });
}
