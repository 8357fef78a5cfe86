//! QQ, simulated.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::provider_sim::ProviderSim;
use crate::provider_sim::authorize::{self, Page};
use crate::provider_sim::wire::{Asked, not_found, reply, with_member};
use crate::provider_sim::world::{QqShape, Redeemed};

const FOLDER: &str = "qq";

pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    match asked.path {
        "/oauth2.0/authorize" => {
            let complete = asked.of("response_type") == "code" && !asked.of("state").is_empty();
            let page = Page {
                folder: FOLDER,
                app_id: asked.of("client_id"),
                scope: asked.of("scope"),
                refused: (!complete).then_some("response_type and state are required (100000)"),
                denied: &[("usercancel", "1")],
                always: Vec::new(),
            };
            authorize::answer(sim, asked, &page)
        }
        "/oauth2.0/token" => token(sim, asked),
        "/oauth2.0/me" => me(sim, asked),
        "/user/get_user_info" => profile(sim, asked),
        _ => not_found(),
    }
}

fn token(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    match redeem(sim, asked) {
        Err((code, text)) => refuse(sim, asked, code, text),
        Ok(token) if shape(sim, asked) == QqShape::Json => write_json(&json!({
            "access_token": token, "expires_in": "7776000", "refresh_token": sim.lock().fresh("refresh"),
        })),
        Ok(token) => {
            let refresh = sim.lock().fresh("refresh");
            write_text(format!("access_token={token}&expires_in=7776000&refresh_token={refresh}"))
        }
    }
}

fn redeem(sim: &ProviderSim, asked: &Asked<'_>) -> Result<String, (u32, &'static str)> {
    let mut world = sim.lock();
    if asked.of("grant_type") != "authorization_code" {
        return Err((100_004, "param grant_type is wrong or lost"));
    }
    let app = world.app(FOLDER, asked.of("client_id")).ok_or((100_008, "client id is illegal"))?;
    if app.secret != asked.of("client_secret") {
        return Err((100_009, "client secret is illegal"));
    }
    if app.redirect_uri != asked.of("redirect_uri") {
        return Err((100_010, "redirect uri is illegal"));
    }
    match world.redeem(FOLDER, asked.of("client_id"), asked.of("code")) {
        Redeemed::Token(token, _) => Ok(token),
        Redeemed::Used => Err((100_020, "code is reused error")),
        Redeemed::Expired | Redeemed::Unknown => Err((100_019, "code to access token error")),
    }
}

fn me(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let Some(grant) = sim.lock().token(FOLDER, asked.of("access_token")) else {
        return refuse_openid(sim, asked, 100_016, "access token check failed");
    };
    let mut body = json!({ "client_id": grant.app_id, "openid": grant.user.openid(&grant.app_id) });
    if asked.of("unionid") == "1" {
        body = with_member(body, "unionid", grant.user.unionid().into());
    }
    match shape(sim, asked) {
        QqShape::Json => write_json(&body),
        QqShape::Jsonp | QqShape::Form => write_text(format!("callback( {body} );\n")),
    }
}

fn profile(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let grant = sim.lock().token(FOLDER, asked.of("access_token"));
    let known = grant.filter(|grant| {
        asked.of("oauth_consumer_key") == grant.app_id
            && asked.of("openid") == grant.user.openid(&grant.app_id)
    });
    let Some(grant) = known else {
        return write_json(&json!({ "ret": -23, "msg": "token is invalid" }));
    };
    write_json(&json!({
        "ret": 0, "msg": "", "is_lost": 0, "nickname": grant.user.nickname, "gender": "男", "gender_type": 1,
        "figureurl": "http://qzapp.example/30", "figureurl_qq_1": "http://thirdqq.example/40",
        "figureurl_qq_2": "", "vip": "0",
    }))
}

fn refuse(sim: &ProviderSim, asked: &Asked<'_>, code: u32, text: &str) -> Response<Bytes> {
    if shape(sim, asked) == QqShape::Form {
        return write_text(format!("code={code}&msg={}", text.replace(' ', "+")));
    }
    refuse_openid(sim, asked, code, text)
}

fn refuse_openid(sim: &ProviderSim, asked: &Asked<'_>, code: u32, text: &str) -> Response<Bytes> {
    let body = json!({ "error": code, "error_description": text });
    match shape(sim, asked) {
        QqShape::Json => write_json(&body),
        QqShape::Jsonp | QqShape::Form => write_text(format!("callback( {body} );\n")),
    }
}

/// JSON comes only to those who ask for it.
fn shape(sim: &ProviderSim, asked: &Asked<'_>) -> QqShape {
    match sim.lock().qq_shape {
        QqShape::Json if asked.of("fmt") != "json" => QqShape::Jsonp,
        shape => shape,
    }
}

fn write_json(body: &Value) -> Response<Bytes> {
    reply(200, "application/json; charset=utf-8", body.to_string())
}

fn write_text(body: String) -> Response<Bytes> {
    reply(200, "text/html", body)
}
