//! The web side: routes, and nothing else. Each file below serves one room of the school.

pub(crate) mod account;
pub(crate) mod active_roles;
pub(crate) mod api;
pub(crate) mod api_payments;
pub(crate) mod api_sales;
pub(crate) mod assets;
pub(crate) mod auth;
pub(crate) mod checkout;
pub(crate) mod chrome;
pub(crate) mod client;
pub(crate) mod courses;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod input;
pub(crate) mod lab;
pub(crate) mod notify;
pub(crate) mod office;
pub(crate) mod online;
pub(crate) mod openid;
pub(crate) mod orders;
pub(crate) mod pay;
pub(crate) mod problem;
pub(crate) mod proof;
pub(crate) mod qr;
pub(crate) mod reconcile;
pub(crate) mod refunds;
pub(crate) mod sale_audit;
pub(crate) mod sales;
pub(crate) mod seen;
pub(crate) mod social;
pub(crate) mod tokens;
pub(crate) mod visitor;
pub(crate) mod words;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::app::Shared;
use problem::Problem;

/// The longest a request may take; terminals are upgraded connections and do not count.
const REQUEST_SECS_MAX: u64 = 15;

/// The whole site.
pub(crate) fn router(app: Shared) -> Router {
    let api = Router::new()
        .route("/session", post(api::sign_in).get(api::session).delete(api::sign_out))
        .route("/session/roles", get(active_roles::get).put(active_roles::put).delete(active_roles::delete))
        .route("/session/proof", post(proof::api))
        .route("/tokens", post(api::token))
        .route("/courses", get(api::courses))
        .route("/sales/{slug}", get(api::sale))
        .route("/sales/{slug}/reservations", post(api::reserve))
        .route("/orders/{no}", get(api::order))
        .route("/orders/{no}/payments", post(pay::api))
        .route("/lab/terminals", get(lab::desk_list))
        .route("/lab/terminals/{id}", delete(lab::end))
        .route("/lab/terminals/{id}/watch-ticket", post(lab::watch_ticket))
        .route("/lab/watch", get(lab::watching))
        .route("/lab/recordings/{id}", get(lab::cast))
        .route("/lab/{slug}/files", get(lab::files))
        .route("/lab/{slug}/files/{name}", get(lab::download))
        .route("/lab/{slug}/parts/{name}", get(lab::part))
        .route("/lab/{slug}/recordings", get(lab::recordings))
        .route("/lab/{slug}/terminals", get(lab::list))
        .route("/lab/{slug}/ticket", post(lab::ticket))
        .route("/lab/{slug}/terminal", get(lab::terminal))
        .route("/admin/orders", get(api_payments::list))
        .route("/admin/orders/{no}", get(api_payments::one))
        .route("/admin/orders/{no}/refunds/{refund}", put(api_payments::refund))
        .route("/admin/bills/{channel}/{day}", get(api_payments::bill))
        .route("/admin/reconciliations", post(api_payments::ask))
        .route("/admin/sales", get(api_sales::list))
        .route("/admin/sales/{slug}", get(api_sales::one))
        .route("/admin/sales/{slug}/steps", post(api_sales::step))
        .route("/admin/sales/{slug}/seats/{id}", put(api_sales::seats))
        .route("/admin/sales/{slug}/audit", get(api_sales::audit))
        .merge(office::api().route_layer(from_fn_with_state(app.clone(), seen::remember)));
    Router::new()
        .merge(pages())
        .merge(office::pages().route_layer(from_fn_with_state(app.clone(), seen::remember)))
        .merge(oauth())
        .nest("/api/v1", api)
        .route("/payments/notify/{channel}", post(notify::receive))
        .route("/assets/{*path}", get(assets::asset))
        .route("/.well-known/jwks.json", get(api::jwks))
        .route("/healthz", get(health::healthz))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(input::BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), guard::origin))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(REQUEST_SECS_MAX),
        ))
        .merge(uploads(&app))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(guard::shape))
        .layer(from_fn_with_state(app.clone(), problem::pages))
        .layer(from_fn_with_state(app.clone(), guard::headers))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
        .with_state(app)
}

/// Uploads have limits of their own on size and time.
fn uploads(app: &Shared) -> Router<Shared> {
    Router::new()
        .route("/api/v1/lab/{slug}/uploads/{name}", put(lab::upload))
        .layer(from_fn_with_state(app.clone(), guard::origin))
}

/// What people see.
fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/courses") }))
        .route("/login", get(auth::page).post(auth::sign_in))
        .route("/login/with/{provider}", get(social::begin))
        .route("/login/with/{provider}/callback", get(social::callback))
        .route("/logout", post(auth::sign_out))
        .route("/courses", get(courses::list))
        .route("/courses/{slug}", get(courses::sale))
        .route("/courses/{slug}/reserve", post(courses::reserve))
        .route("/my", get(courses::my))
        .route("/tokens", get(tokens::page).post(tokens::step))
        .route(active_roles::PATH, get(active_roles::page).post(active_roles::post))
        .route("/account", get(account::page))
        .route("/account/link/{provider}", post(social::link))
        .route("/account/devices/others/sign-out", post(account::sign_out_others))
        .route("/account/devices/{id}/sign-out", post(account::sign_out))
        .route("/checkout/{no}", get(checkout::page))
        .route("/checkout/{no}/pay", post(pay::pay))
        .route("/checkout/{no}/cancel", post(checkout::cancel))
        .route("/checkout/{no}/return", get(checkout::came_back).post(checkout::came_back))
        .route("/lab/desk", get(lab::desk))
        .route("/lab/desk/{id}", get(lab::watch))
        .route("/lab/{slug}", get(lab::page))
        .route("/lab/{slug}/recordings/{id}", get(lab::replay))
        .route("/admin/online", get(online::page))
        .route("/admin/online/{user}/sign-out", post(online::sign_out))
        .route("/admin/orders", get(orders::list))
        .route("/admin/orders/{no}", get(orders::one))
        .route("/admin/orders/{no}/refunds", post(refunds::refund))
        .route("/admin/orders/{no}/refunds/{refund}/ask", post(refunds::ask))
        .route("/admin/orders/{no}/give-back", post(refunds::give_back))
        .route("/admin/reconcile", get(reconcile::page).post(reconcile::run))
        .route("/admin/sales", get(sales::page))
        .route("/admin/sales/{slug}/steps", post(sales::steps))
        .route("/admin/sales/{slug}/seats", post(sales::seats))
        .route("/admin/sales/{slug}/audit", get(sales::audit))
}

/// What other sites talk to.
fn oauth() -> Router<Shared> {
    Router::new()
        .route("/.well-known/openid-configuration", get(openid::discovery))
        .route("/oauth/authorize", get(openid::authorize).post(openid::posted))
        .route("/oauth/consent", post(openid::consent))
        .route("/oauth/token", post(openid::token))
        .route("/oauth/userinfo", get(openid::userinfo).post(openid::userinfo))
        .route("/oauth/end-session", get(openid::end_session).post(openid::posted))
        .route("/oauth/sign-out", post(openid::sign_out))
}

/// Answers an address that is not here.
async fn missing(uri: Uri) -> Response {
    guard::answer(uri.path(), Problem::not_found())
}
