//! The JSON API under `/api/v1`: the same functions as the pages, with typed problems.

use std::fmt;
use std::time::Duration;

use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;
use sso_core::{Claims, Lifetime, TokenId, UnixMillis, UserId};

use super::client::Client;
use super::courses;
use super::input::Json;
use super::problem::{ApiResult, Problem};
use super::visitor::{self, Visitor};
use super::{auth, checkout, sales};
use crate::app::{AUDIENCE, Shared};
use crate::perm;
use crate::purchase::{self, Wish};

/// The client that asks for tokens by password: the school's own.
const CLIENT: &str = "school";
/// Seconds that an access token lives.
const TOKEN_SECS: u64 = 900;

/// A name and a password.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    login: String,
    password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("login", &self.login).finish_non_exhaustive()
    }
}

/// `POST /api/v1/session`: signs in and sets the session cookie.
pub(crate) async fn sign_in(
    State(app): State<Shared>,
    client: Client,
    headers: HeaderMap,
    Json(input): Json<Credentials>,
) -> ApiResult {
    let stay = auth::Stay::ThisVisit;
    let signed_in = auth::open_session(&app, client, &input.login, &input.password, stay).await?;
    visitor::end_earlier(&app, &headers).await?;
    let body = json!({ "user": signed_in.session.user.as_str(), "expires_at": signed_in.session.expires_at.as_millis() });
    let mut reply = (StatusCode::CREATED, Reply(body)).into_response();
    auth::set_cookie(&app, reply.headers_mut(), &signed_in)?;
    Ok(reply)
}

/// `GET /api/v1/session`: who is signed in, wherever they signed in.
pub(crate) async fn session(visitor: Visitor) -> ApiResult {
    let account = visitor.account;
    Ok(Reply(json!({ "user": account.id, "login": account.login, "display_name": account.display_name }))
        .into_response())
}

/// `DELETE /api/v1/session`: ends it on every server.
pub(crate) async fn sign_out(State(app): State<Shared>, visitor: Visitor) -> ApiResult {
    if let Some(secret) = visitor.secret() {
        app.sso.logout(secret).await?;
    }
    auth::end_tokens(&app, &visitor, visitor.session_id()).await?;
    let mut reply = StatusCode::NO_CONTENT.into_response();
    auth::clear_cookie(&app, reply.headers_mut())?;
    Ok(reply)
}

/// `POST /api/v1/tokens`: an RS256 access token for programs (RFC 9068).
pub(crate) async fn token(
    State(app): State<Shared>,
    client: Client,
    Json(input): Json<Credentials>,
) -> ApiResult {
    let account = auth::authenticate(&app, &client, &input.login, &input.password).await?;
    let lifetime = Lifetime::starting(UnixMillis::now(), Duration::from_secs(TOKEN_SECS))?;
    let claims = Claims::new(UserId::new(&account.id)?, CLIENT, AUDIENCE, TokenId::random()?, lifetime)?;
    let token = app.issuer.issue(&claims)?;
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECS });
    Ok((StatusCode::CREATED, Reply(body)).into_response())
}

/// `GET /.well-known/jwks.json`: the public keys that verify our tokens (RFC 7517).
pub(crate) async fn jwks(State(app): State<Shared>, request: HeaderMap) -> ApiResult {
    let jwks = app.keys.jwks()?;
    let etag =
        HeaderValue::from_str(&jwks.etag).map_err(|cause| Problem::broken("key set", false, &cause))?;
    let unchanged = request.get(header::IF_NONE_MATCH) == Some(&etag);
    let headers = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
    ];
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, jwks.json).into_response())
}

/// `GET /api/v1/courses`
pub(crate) async fn courses(State(app): State<Shared>, visitor: Visitor) -> ApiResult {
    visitor.must(perm::COURSE_VIEW)?;
    let results = courses::views(&app, &visitor.account.id).await?;
    Ok(Reply(json!({ "count": results.len(), "next": null, "previous": null, "results": results }))
        .into_response())
}

/// `GET /api/v1/sales/{slug}`: where it stands, and what is left, held and sold.
pub(crate) async fn sale(State(app): State<Shared>, visitor: Visitor, Path(slug): Path<String>) -> ApiResult {
    visitor.must(perm::COURSE_VIEW)?;
    courses::find(&app, &slug).await?;
    let state = app.sale(&slug)?.state().await?;
    let (phase, ..) = sales::phase_name(state.phase);
    let (left, held, paid) = (state.left(), state.held(), state.paid());
    Ok(Reply(json!({ "phase": phase, "left": left, "held": held, "paid": paid })).into_response())
}

/// `POST /api/v1/sales/{slug}/reservations`: one seat, whatever the number of retries of one request id.
pub(crate) async fn reserve(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Json(wish): Json<Wish>,
) -> ApiResult {
    visitor.must(perm::SALE_BUY)?;
    let course = courses::find(&app, &slug).await?;
    let won = purchase::reserve(&app, &visitor.account, &course, &wish).await?;
    let place = format!("/checkout/{}", won.out_trade_no);
    let body = json!({
        "reservation": won.reservation_id, "order": won.out_trade_no, "expires_at": won.expires_at, "checkout": place,
    });
    Ok((StatusCode::CREATED, Reply(body)).into_response())
}

/// `GET /api/v1/orders/{no}`
pub(crate) async fn order(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> ApiResult {
    let (_, order) = checkout::own(&app, &visitor, &number).await?;
    Ok(Reply(order).into_response())
}
