//! WeChat, simulated: both ways in, one API. Errors have status 200, and JSON is sent as plain text.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::provider_sim::ProviderSim;
use crate::provider_sim::authorize::{self, Page};
use crate::provider_sim::wire::{Asked, not_found, plain_json, with_member};
use crate::provider_sim::world::Redeemed;
use crate::social::ProviderKind;

const FOLDER: &str = "wechat";

pub(crate) fn answer(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    match asked.path {
        "/connect/qrconnect" => authorize(sim, asked, &["snsapi_login"]),
        "/connect/oauth2/authorize" => authorize(sim, asked, &["snsapi_base", "snsapi_userinfo"]),
        "/sns/oauth2/access_token" => token(sim, asked),
        "/sns/userinfo" => profile(sim, asked),
        _ => not_found(),
    }
}

fn authorize(sim: &ProviderSim, asked: &Asked<'_>, scopes: &[&str]) -> Response<Bytes> {
    let state = asked.of("state");
    let plain = state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let order: Vec<&str> = asked.query.split('&').filter_map(|pair| pair.split('=').next()).take(5).collect();
    let refused = if order != ["appid", "redirect_uri", "response_type", "scope", "state"] {
        Some("the parameters are in the wrong order")
    } else if !plain {
        Some("the state is not 0 to 128 of a-z A-Z 0-9")
    } else if !scopes.contains(&asked.of("scope")) {
        Some("the scope is wrong (10005)")
    } else {
        None
    };
    let page = Page {
        folder: FOLDER,
        app_id: asked.of("appid"),
        scope: asked.of("scope"),
        refused,
        denied: &[],
        always: Vec::new(),
    };
    authorize::answer(sim, asked, &page)
}

fn token(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let mut world = sim.lock();
    let Some(app) = world.app(FOLDER, asked.of("appid")) else { return refuse(40_013, "invalid appid") };
    if app.secret != asked.of("secret") {
        return refuse(40_125, "invalid appsecret");
    }
    if asked.of("code").is_empty() {
        return refuse(41_008, "missing code");
    }
    let (token, grant) = match world.redeem(FOLDER, asked.of("appid"), asked.of("code")) {
        Redeemed::Token(token, grant) => (token, grant),
        Redeemed::Used => return refuse(40_163, "code been used"),
        Redeemed::Expired | Redeemed::Unknown => return refuse(40_029, "invalid code"),
    };
    // Inside the client the scopes come as a list that ends with a comma.
    let scope = match (grant.kind, grant.scope.as_str()) {
        (ProviderKind::WechatInApp, "snsapi_userinfo") => "snsapi_base,snsapi_userinfo,",
        (_, scope) => scope,
    };
    let mut body = json!({
        "access_token": token, "expires_in": 7200, "refresh_token": world.fresh("refresh"),
        "openid": grant.user.openid(&grant.app_id), "scope": scope,
    });
    if grant.kind == ProviderKind::WechatQr {
        body = with_member(body, "unionid", grant.user.unionid().into());
    }
    if grant.user.snapshot {
        body = with_member(body, "is_snapshotuser", 1.into());
    }
    plain_json(&body)
}

fn profile(sim: &ProviderSim, asked: &Asked<'_>) -> Response<Bytes> {
    let Some(grant) = sim.lock().token(FOLDER, asked.of("access_token")) else {
        return refuse(40_001, "invalid credential, access_token is invalid or not latest");
    };
    if grant.scope == "snsapi_base" {
        return refuse(48_001, "api unauthorized");
    }
    let openid = grant.user.openid(&grant.app_id);
    if asked.of("openid") != openid {
        return refuse(40_003, "invalid openid");
    }
    plain_json(&json!({
        "openid": openid, "nickname": grant.user.nickname, "sex": 0, "language": "", "city": "", "province": "",
        "country": "", "headimgurl": "https://thirdwx.example/132", "privilege": Value::Array(Vec::new()),
        "unionid": grant.user.unionid(),
    }))
}

fn refuse(code: i64, text: &str) -> Response<Bytes> {
    plain_json(&json!({ "errcode": code, "errmsg": text }))
}
