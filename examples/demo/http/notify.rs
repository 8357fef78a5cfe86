//! Where payment gateways tell: one door, one address a channel, the exact answer that each of them wants.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use payments::Channel;
use payments::desk::Receipt;

use super::input;
use super::problem::Problem;
use crate::app::Shared;
use crate::till::rounds;

/// Where gateways post: they sign what they say, and bring no cookie.
pub(crate) const PREFIX: &str = "/payments/notify/";

/// The address that a gateway tells us at.
pub(crate) fn address(base: &str, channel: Channel) -> String {
    format!("{base}{PREFIX}{}", channel.code())
}

/// `POST /payments/notify/{channel}`: verified, checked against the order, settled once, then acknowledged. What
/// follows is work for later, so that the answer is never late.
pub(crate) async fn receive(
    State(app): State<Shared>,
    Path(channel): Path<String>,
    request: Request,
) -> Response {
    let Ok(channel) = Channel::parse(&channel) else { return Problem::not_found().into_response() };
    let (parts, body) = request.into_parts();
    let body = match Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await {
        Ok(body) => body,
        Err(cause) => return input::problem(cause.status(), cause.body_text()).into_response(),
    };
    let received = app.till.desk.receive(channel, &http::Request::from_parts(parts, body)).await;
    match &received.receipt {
        Ok(receipt) => {
            note(channel, receipt);
            app.till.wake();
        }
        Err(cause) => {
            let words = cause.to_string().escape_debug().to_string();
            tracing::warn!(channel = channel.code(), words, "notify refused");
        }
    }
    received.response.map(Body::from)
}

fn note(channel: Channel, receipt: &Receipt) {
    let (words, alarming) = rounds::told(receipt);
    let (channel, words) = (channel.code(), words.en.escape_debug().to_string());
    if alarming {
        tracing::warn!(channel, words, "a notify needs a look");
    } else {
        tracing::info!(channel, words, "notify settled");
    }
}
