//! The providers' simulator on a port of its own: mounts the value machine of sso-core.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use sso_core::provider_sim::ProviderSim;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::http::input::BODY_BYTES_MAX;
use crate::http::problem::Problem;

/// Serves the providers until the demo stops.
pub(crate) async fn serve(
    listener: TcpListener,
    sim: Arc<ProviderSim>,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let router = Router::new().fallback(answer).with_state(sim);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // An error means that the demo is gone, which is a stop as well.
            let _gone = stopping.wait_for(|stop| *stop).await;
        })
        .await
}

async fn answer(State(sim): State<Arc<ProviderSim>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(cause) => return Problem::bad_request("invalid_body", cause.to_string()).into_response(),
    };
    let (parts, body) = sim.handle(&http::Request::from_parts(parts, body)).into_parts();
    Response::from_parts(parts, body.into())
}
