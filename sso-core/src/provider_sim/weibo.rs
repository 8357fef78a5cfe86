//! Weibo, simulated: a uid is text in one reply and a number in the next.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use crate::provider_sim::ProviderSim;
use crate::provider_sim::authorize::{self, Page};
use crate::provider_sim::wire::{Asked, json, not_found};
use crate::provider_sim::world::{EmailShape, Grant, Redeemed};

const FOLDER: &str = "weibo";

pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    match asked.path {
        "/oauth2/authorize" => {
            let page = Page {
                folder: FOLDER,
                app_id: asked.of("client_id"),
                scope: asked.of("scope"),
                refused: None,
                denied: &[
                    ("error_uri", "/oauth2/authorize"),
                    ("error", "access_denied"),
                    ("error_description", "user denied your request."),
                    ("error_code", "21330"),
                ],
                always: Vec::new(),
            };
            authorize::answer(sim, asked, &page)
        }
        "/oauth2/access_token" => token(sim, asked),
        "/oauth2/get_token_info" => token_info(sim, asked),
        "/2/users/show.json" => profile(sim, asked),
        "/2/account/profile/email.json" => email(sim, asked),
        _ => not_found(),
    }
}

fn token(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let mut world = sim.lock();
    if asked.method != Method::POST {
        return refuse(400, 21_323, "invalid_request", "use post");
    }
    let Some(app) = world.app(FOLDER, asked.form("client_id")) else {
        return refuse(400, 21_324, "invalid_client", "client_id or client_secret");
    };
    if app.secret != asked.form("client_secret") {
        return refuse(401, 21_324, "invalid_client", "client_id or client_secret");
    }
    if app.redirect_uri != asked.form("redirect_uri") {
        return refuse(400, 21_322, "redirect_uri_mismatch", "redirect_uri");
    }
    if asked.form("grant_type") != "authorization_code" {
        return refuse(400, 21_328, "unsupported_grant_type", "grant_type");
    }
    match world.redeem(FOLDER, asked.form("client_id"), asked.form("code")) {
        Redeemed::Token(token, grant) => json(
            200,
            &json!({
                "access_token": token, "remind_in": "157679999", "expires_in": 157_679_999,
                "uid": grant.user.number().to_string(), "isRealName": "true",
            }),
        ),
        Redeemed::Used | Redeemed::Expired | Redeemed::Unknown => refuse(
            400,
            21_325,
            "invalid_grant",
            &format!("invalid authorization code:{}", asked.form("code")),
        ),
    }
}

fn token_info(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let now_secs = sim.now().as_secs();
    match sim.lock().token(FOLDER, asked.form("access_token")) {
        Some(grant) if asked.method == Method::POST => json(
            200,
            &json!({
                "uid": grant.user.number(), "appkey": grant.app_id, "scope": null,
                "create_at": now_secs, "expire_in": 157_679_990,
            }),
        ),
        _ => refuse(400, 21_327, "expired_token", ""),
    }
}

fn profile(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let Some(grant) = granted(sim, asked) else { return refuse(400, 21_327, "expired_token", "") };
    let number = grant.user.number();
    if asked.of("uid") != number.to_string() {
        return json(
            400,
            &json!({ "error": "User does not exists!", "error_code": 20_003, "request": asked.path }),
        );
    }
    json(
        200,
        &json!({
            "id": number, "idstr": number.to_string(), "screen_name": grant.user.nickname,
            "name": grant.user.nickname, "gender": "m", "avatar_large": "https://tvax.example/180",
            "avatar_hd": "https://tvax.example/1024", "profile_image_url": "https://tvax.example/50",
        }),
    )
}

fn email(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let Some(grant) = granted(sim, asked) else { return refuse(400, 21_327, "expired_token", "") };
    let entry = json!({ "email": grant.user.email });
    match sim.lock().email_shape {
        EmailShape::Array => json(200, &json!([entry])),
        EmailShape::Object => json(200, &entry),
        EmailShape::Refused => {
            let body = json!({ "error": "Insufficient app permissions!", "error_code": 10_014, "request": asked.path });
            json(403, &body)
        }
    }
}

fn granted(sim: &ProviderSim, asked: &Asked<'_>) -> Option<Grant> {
    sim.lock().token(FOLDER, asked.of("access_token"))
}

fn refuse(status: u16, code: u32, error: &str, text: &str) -> Response<Bytes> {
    let body = json!({
        "error": error, "error_code": code, "request": "/oauth2/access_token", "error_uri": "/oauth2/access_token",
        "error_description": text,
    });
    json(status, &body)
}
