//! The WebSocket of axum.

mod messages;

use std::io;

use ::axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use super::close_code;
use crate::frame::CLIENT_FRAME_BYTES_MAX;
use crate::pump::{FrameSink, FrameSource, Incoming};
use crate::{BoxFuture, CloseReason};

/// What is read from the connection at once. The layer's own default holds 128 KiB for each connection.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// The receiving half.
#[derive(Debug)]
pub struct AxumSource(SplitStream<WebSocket>);

/// The sending half.
#[derive(Debug)]
pub struct AxumSink(SplitSink<WebSocket, Message>);

/// Sets the limits of the wire: no message longer than a frame, and small buffers for idle connections.
pub fn prepare<F>(upgrade: WebSocketUpgrade<F>) -> WebSocketUpgrade<F> {
    upgrade
        .max_message_size(CLIENT_FRAME_BYTES_MAX)
        .max_frame_size(CLIENT_FRAME_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
}

/// Splits a WebSocket into both halves.
///
/// ```no_run
/// use axum::extract::ws::WebSocketUpgrade;
/// use axum::response::Response;
/// use webssh_core::edge::axum::{prepare, split};
/// use webssh_core::hub::{Hub, Opener};
///
/// async fn terminal(upgrade: WebSocketUpgrade, hub: Hub<String>, opener: &'static dyn Opener<String>) -> Response {
///     prepare(upgrade).on_upgrade(async move |socket| {
///         let (mut source, mut sink) = split(socket);
///         let reason = hub.serve(&mut source, &mut sink, opener).await;
///         sink.close(&reason).await;
///     })
/// }
/// ```
#[must_use]
pub fn split(socket: WebSocket) -> (AxumSource, AxumSink) {
    let (sink, stream) = socket.split();
    (AxumSource(stream), AxumSink(sink))
}

impl FrameSource for AxumSource {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Incoming::Frame(bytes),
                    Some(Ok(Message::Text(_))) => return Incoming::Text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Incoming::Closed,
                    Some(Err(error)) => return Incoming::Failed(io::Error::other(error)),
                }
            }
        })
    }
}

impl FrameSink for AxumSink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.0.send(Message::Binary(frame)).await.map_err(io::Error::other) })
    }
}

impl AxumSink {
    /// Says goodbye with the close code of `reason`. A connection that is gone already does not mind.
    pub async fn close(mut self, reason: &CloseReason) {
        let frame = CloseFrame { code: close_code(reason), reason: Utf8Bytes::default() };
        super::goodbye(self.0.send(Message::Close(Some(frame)))).await;
    }
}
