//! The sandbox gateway on a port of its own: mounts the payments crate's value machine, and delivers its notifies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::sandbox::{Delivery, Gateway, after_attempt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock;
use crate::http::input::BODY_BYTES_MAX;
use crate::http::problem::Problem;

/// How long one delivery may take, in seconds.
const DELIVERY_SECS_MAX: u64 = 10;

#[derive(Clone)]
struct Mounted {
    gateway: Arc<Gateway>,
    client: reqwest::Client,
    stopping: watch::Receiver<bool>,
}

/// Serves the gateway until the demo stops.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    client: reqwest::Client,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mounted = Mounted { gateway: Arc::new(gateway), client, stopping: stopping.clone() };
    let router = Router::new().fallback(answer).with_state(mounted);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // An error means that the demo is gone, which is a stop as well.
            let _gone = stopping.wait_for(|stop| *stop).await;
        })
        .await
}

/// The gateway's address for merchants.
pub(crate) fn url(addr: SocketAddr) -> String {
    format!("http://{addr}/gateway.do")
}

async fn answer(State(mounted): State<Mounted>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(cause) => return Problem::bad_request("invalid_body", cause.to_string()).into_response(),
    };
    let mut random = [0_u8; 32];
    if let Err(cause) = getrandom::fill(&mut random) {
        return Problem::broken("random source", true, &cause).into_response();
    }
    let request = http::Request::from_parts(parts, body);
    let now = payments::UnixMillis::from_millis(clock::now_millis());
    let (reply, notifies) = mounted.gateway.handle(&request, now, random);
    for notify in notifies {
        tokio::spawn(deliver(mounted.clone(), notify));
    }
    let (parts, body) = reply.into_parts();
    Response::from_parts(parts, body.into())
}

/// Posts a notify until the merchant says `success`, at the real gateway's intervals.
async fn deliver(mounted: Mounted, notify: http::Request<Bytes>) {
    let mut stopping = mounted.stopping.clone();
    for attempt in 0.. {
        let answer = post(&mounted.client, &notify).await;
        let said = answer.as_ref().map(|(status, body)| (*status, body.as_ref()));
        let wait = match after_attempt(attempt, said) {
            Delivery::Acknowledged => return,
            Delivery::Again { after_secs } => Duration::from_secs(after_secs),
            Delivery::GivenUp => return tracing::error!("the sandbox gateway gave a notify up"),
        };
        tracing::warn!(attempt, wait_secs = wait.as_secs(), "notify not acknowledged");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// The merchant's status and body, or none if it could not be reached.
async fn post(client: &reqwest::Client, notify: &http::Request<Bytes>) -> Option<(StatusCode, Bytes)> {
    let request = client
        .request(notify.method().clone(), notify.uri().to_string())
        .headers(notify.headers().clone())
        .body(notify.body().clone())
        .timeout(Duration::from_secs(DELIVERY_SECS_MAX));
    let sent = async {
        let reply = request.send().await?;
        Ok::<_, reqwest::Error>((reply.status(), reply.bytes().await?))
    };
    sent.await.inspect_err(|cause| tracing::warn!(%cause, "notify not delivered")).ok()
}
