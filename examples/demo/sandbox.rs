//! The sandbox gateway on a port of its own: mounts the value machine of the payments crate, and delivers its notifies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::UnixMillis;
use payments::sandbox::{AfterAttempt, BODY_BYTES_MAX, Delivery, HoldBack, Sandbox};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};

/// How long one delivery may take, in seconds.
const DELIVERY_SECS_MAX: u64 = 10;
/// The most deliveries at once.
const DELIVERIES_MAX: usize = 32;

#[derive(Clone)]
struct Mounted {
    sandbox: Arc<Sandbox>,
    client: reqwest::Client,
    /// Something was queued, or answered.
    changed: Arc<Notify>,
    posts: Arc<Semaphore>,
}

/// Serves the gateway until `stopping` says so.
pub(crate) async fn serve(
    listener: TcpListener,
    sandbox: Sandbox,
    client: reqwest::Client,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mounted = Mounted {
        sandbox: Arc::new(sandbox),
        client,
        changed: Arc::default(),
        posts: Arc::new(Semaphore::new(DELIVERIES_MAX)),
    };
    let courier = tokio::spawn(deliver(mounted.clone(), stopping.clone()));
    let router = Router::new().fallback(answer).with_state(mounted);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // An error means that the owner is gone, which is a stop as well.
            let _gone = stopping.wait_for(|stop| *stop).await;
        })
        .await;
    courier.abort();
    served
}

/// The gateway's origin for merchants.
pub(crate) fn origin(addr: SocketAddr) -> String {
    format!("http://{addr}")
}

async fn answer(State(mounted): State<Mounted>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut random = [0_u8; 32];
    if let Err(cause) = getrandom::fill(&mut random) {
        tracing::error!(%cause, "the sandbox gateway has no random bytes");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let reply = mounted.sandbox.handle(&http::Request::from_parts(parts, body), now(), random);
    mounted.changed.notify_one();
    if let Some(held) = reply.extensions().get::<HoldBack>() {
        tokio::time::sleep(Duration::from_millis(held.millis)).await;
    }
    let (parts, body) = reply.into_parts();
    Response::from_parts(parts, body.into())
}

/// Posts what is due, whenever something is.
async fn deliver(mounted: Mounted, mut stopping: watch::Receiver<bool>) {
    loop {
        for delivery in mounted.sandbox.due(now()) {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&mounted.posts).acquire_owned().await else { return };
            let mounted = mounted.clone();
            tokio::spawn(async move {
                post(&mounted, delivery).await;
                drop(permit);
            });
        }
        let wait = mounted.sandbox.next_due().map(|at| at.as_millis().saturating_sub(now().as_millis()));
        // Nothing waits: only a change brings work.
        let wait = Duration::from_millis(wait.unwrap_or(u64::from(u32::MAX)));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = mounted.changed.notified() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// One attempt, and what the merchant said to it.
async fn post(mounted: &Mounted, delivery: Delivery) {
    let answer = sent(&mounted.client, delivery.request).await;
    let said = answer.as_ref().map(|(status, body)| (*status, body.as_ref()));
    match mounted.sandbox.answered(delivery.id, said, now()) {
        AfterAttempt::Again(at) => tracing::warn!(at = at.as_millis(), "notify not acknowledged"),
        AfterAttempt::GivenUp => tracing::warn!("the sandbox gateway gave a notify up"),
        _ => {}
    }
    mounted.changed.notify_one();
}

/// The merchant's status and body, or none if it could not be reached.
async fn sent(client: &reqwest::Client, notify: http::Request<Bytes>) -> Option<(StatusCode, Bytes)> {
    let (parts, body) = notify.into_parts();
    let request = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .timeout(Duration::from_secs(DELIVERY_SECS_MAX));
    let sent = async {
        let reply = request.send().await?;
        Ok::<_, reqwest::Error>((reply.status(), reply.bytes().await?))
    };
    sent.await.inspect_err(|cause| tracing::warn!(%cause, "notify not delivered")).ok()
}

/// A clock before 1970 counts as 1970.
fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
