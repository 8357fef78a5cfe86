//! GitHub, simulated: refusals of the token endpoint have status 200.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use crate::provider_sim::ProviderSim;
use crate::provider_sim::authorize::{self, Page};
use crate::provider_sim::oidc::challenge_is_met;
use crate::provider_sim::wire::{Asked, json, not_found, reply};
use crate::provider_sim::world::{Grant, Redeemed};

const FOLDER: &str = "github";

pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    match asked.path {
        "/login/oauth/authorize" => {
            let page = Page {
                folder: FOLDER,
                app_id: asked.of("client_id"),
                scope: asked.of("scope"),
                refused: (asked.of("code_challenge_method") == "plain").then_some("use S256"),
                denied: &[
                    ("error", "access_denied"),
                    ("error_description", "The user has denied your application access."),
                ],
                always: Vec::new(),
            };
            authorize::answer(sim, asked, &page)
        }
        "/login/oauth/access_token" => token(sim, asked),
        "/user" => api(sim, asked, |grant| profile(&grant)),
        "/user/emails" => api(sim, asked, |grant| emails(&grant)),
        _ => not_found(),
    }
}

fn token(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let mut world = sim.lock();
    if asked.method != Method::POST {
        return not_found();
    }
    let app =
        world.app(FOLDER, asked.form("client_id")).filter(|app| app.secret == asked.form("client_secret"));
    let body = match app {
        None => refusal(
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        ),
        Some(app) if app.redirect_uri != asked.form("redirect_uri") => refusal(
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        Some(_) => match world.redeem(FOLDER, asked.form("client_id"), asked.form("code")) {
            Redeemed::Token(token, grant) if challenge_is_met(&grant, asked.form("code_verifier")) => {
                json!({ "access_token": token, "scope": grant.scope.replace(' ', ","), "token_type": "bearer" })
            }
            _ => refusal("bad_verification_code", "The code passed is incorrect or expired."),
        },
    };
    if asked.accepts_json() {
        return json(200, &body);
    }
    let pairs = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name, value.as_str().unwrap_or_default()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    reply(200, "application/x-www-form-urlencoded; charset=utf-8", form)
}

fn refusal(error: &str, text: &str) -> Value {
    json!({ "error": error, "error_description": text, "error_uri": "https://docs.example/oauth" })
}

fn api(sim: &ProviderSim, asked: &Asked<'_>, body: impl FnOnce(Grant) -> Value) -> Response<Bytes> {
    if !asked.names_agent() {
        return reply(403, "text/html", "Request forbidden by administrative rules.".to_owned());
    }
    match sim.lock().token(FOLDER, asked.bearer()) {
        Some(grant) if asked.path == "/user/emails" && !grant.scope.contains("user:email") => {
            json(404, &json!({ "message": "Not Found" }))
        }
        Some(grant) => json(200, &body(grant)),
        None => json(401, &json!({ "message": "Bad credentials" })),
    }
}

fn profile(grant: &Grant) -> Value {
    json!({
        "login": grant.user.name, "id": grant.user.number(), "name": grant.user.nickname, "email": null,
        "avatar_url": "https://avatars.example/u/1", "type": "User",
    })
}

fn emails(grant: &Grant) -> Value {
    json!([
        { "email": "unproved@example.com", "primary": false, "verified": false, "visibility": null },
        { "email": grant.user.email, "primary": true, "verified": true, "visibility": "private" },
    ])
}
