//! A provider of OpenID Connect, simulated: discovery, keys, codes with S256, ID tokens, profiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::jws;
use crate::key_set::algorithm::Algorithm;
use crate::provider_sim::ProviderSim;
use crate::provider_sim::authorize::{self, Page};
use crate::provider_sim::wire::{Asked, json, not_found, page};
use crate::provider_sim::world::{Grant, Redeemed};
use crate::social::{ProviderKind, at_hash};

const FOLDER: &str = "oidc";

pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let issuer = sim.base(ProviderKind::Oidc);
    match asked.path {
        "/.well-known/openid-configuration" => json(200, &document(&issuer)),
        "/jwks" => match sim.keys.jwks() {
            Ok(jwks) => crate::provider_sim::wire::reply(200, "application/jwk-set+json", jwks.json),
            Err(broken) => page(500, broken.to_string()),
        },
        "/authorize" => {
            let proper =
                asked.of("code_challenge_method") == "S256" && !asked.of("code_challenge").is_empty();
            let openid = asked.of("scope").split(' ').any(|scope| scope == "openid");
            let page = Page {
                folder: FOLDER,
                app_id: asked.of("client_id"),
                scope: asked.of("scope"),
                refused: (!proper || !openid).then_some("the scope openid and a code challenge are required"),
                denied: &[("error", "access_denied")],
                always: vec![("iss", issuer)],
            };
            authorize::answer(sim, asked, &page)
        }
        "/token" => token(sim, asked, &issuer),
        "/userinfo" => match sim.lock().token(FOLDER, asked.bearer()) {
            Some(grant) => json(200, &profile(&grant)),
            None => json(401, &json!({ "error": "invalid_token" })),
        },
        _ => not_found(),
    }
}

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn token(sim: &ProviderSim, asked: &Asked<'_>, issuer: &str) -> Response<Bytes> {
    if asked.method != Method::POST || asked.form("grant_type") != "authorization_code" {
        return json(400, &json!({ "error": "unsupported_grant_type" }));
    }
    let Some((id, secret)) = basic(asked.basic()) else {
        return json(401, &json!({ "error": "invalid_client" }));
    };
    let (redeemed, change) = {
        let mut world = sim.lock();
        let Some(app) = world.app(FOLDER, &id).filter(|app| app.secret == secret) else {
            return json(401, &json!({ "error": "invalid_client" }));
        };
        let redirect_matches = app.redirect_uri == asked.form("redirect_uri");
        match world.redeem(FOLDER, &id, asked.form("code")) {
            redeemed if redirect_matches => (redeemed, world.id_token_change.take()),
            _ => (Redeemed::Unknown, None),
        }
    };
    let (token, grant) = match redeemed {
        Redeemed::Token(token, grant) if challenge_is_met(&grant, asked.form("code_verifier")) => {
            (token, grant)
        }
        _ => {
            return json(
                400,
                &json!({ "error": "invalid_grant", "error_description": "the code is no good" }),
            );
        }
    };
    let mut claims = claims(sim, &grant, issuer, &token);
    if let Some(change) = change {
        change(&mut claims);
    }
    match sign(sim, claims) {
        Ok(id_token) => json(
            200,
            &json!({
                "access_token": token, "token_type": "Bearer", "expires_in": 3600, "id_token": id_token,
                "scope": grant.scope,
            }),
        ),
        Err(broken) => page(500, broken.to_string()),
    }
}

/// A claim `"sim": "forged"` is how a test asks for a signature that is none.
fn sign(sim: &ProviderSim, mut claims: Map<String, Value>) -> Result<String, Error> {
    let forged = claims.remove("sim").is_some_and(|word| word == "forged");
    let token = sim.signer.sign(&claims)?;
    if !forged {
        return Ok(token);
    }
    let message = token.rsplit_once('.').map_or(token.as_str(), |(message, _)| message);
    Ok(format!("{message}.{}", jws::encode([1; 64])))
}

fn claims(sim: &ProviderSim, grant: &Grant, issuer: &str, token: &str) -> Map<String, Value> {
    let now_secs = sim.now().as_secs();
    let claims = json!({
        "iss": issuer, "sub": grant.user.openid("oidc"), "aud": grant.app_id, "exp": now_secs + 300,
        "iat": now_secs, "auth_time": now_secs, "nonce": grant.nonce, "at_hash": at_hash(Algorithm::Es256, token),
    });
    claims.as_object().cloned().unwrap_or_default()
}

fn profile(grant: &Grant) -> Value {
    json!({
        "sub": grant.user.openid("oidc"), "name": grant.user.nickname, "preferred_username": grant.user.name,
        "picture": "https://id.example/p.png", "email": grant.user.email, "email_verified": true,
    })
}

/// Id and secret of a Basic header, both decoded as in a form.
fn basic(credentials: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let part = |text: &str| {
        let pair = format!("x={text}");
        form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((part(id)?, part(secret)?))
}

/// Whether a verifier fits the challenge of the same browser (RFC 7636, section 4.6).
pub(crate) fn challenge_is_met(grant: &Grant, verifier: &str) -> bool {
    match &grant.challenge {
        Some(challenge) => jws::encode(Sha256::digest(verifier)) == *challenge,
        None => verifier.is_empty(),
    }
}
