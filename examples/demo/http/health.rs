//! Health: whether this instance can serve, for the load balancer: its database and its session store answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::Shared;

/// `GET /healthz`: 200 when both stores answer and the instance is not draining, else 503.
pub(crate) async fn healthz(State(app): State<Shared>) -> Response {
    let database = app.school.ping().await.is_ok();
    let draining = *app.stopping.borrow();
    let sessions = app.sso.check(&app.probe).await.is_ok();
    let well = database && sessions && !draining;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": if well { "ok" } else { "unavailable" }, "database": database, "sessions": sessions, "draining": draining });
    (status, Json(body)).into_response()
}
