//! The WebSocket of tokio-tungstenite, over any byte stream: most servers on hyper use it.

mod messages;

use std::io;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::close_code;
use crate::frame::CLIENT_FRAME_BYTES_MAX;
use crate::pump::{FrameSink, FrameSource, Incoming};
use crate::{BoxFuture, CloseReason};

/// What is read from the connection at once. The layer's own default holds 128 KiB for each connection.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// The receiving half.
#[derive(Debug)]
pub struct TungsteniteSource<S>(SplitStream<WebSocketStream<S>>);

/// The sending half.
#[derive(Debug)]
pub struct TungsteniteSink<S>(SplitSink<WebSocketStream<S>, Message>);

/// The limits of the wire: no message longer than a frame, and small buffers for idle connections. For
/// `accept_async_with_config` and its relatives.
#[must_use]
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(CLIENT_FRAME_BYTES_MAX))
        .max_frame_size(Some(CLIENT_FRAME_BYTES_MAX))
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
}

/// Splits a WebSocket into both halves.
///
/// ```no_run
/// use tokio::net::TcpStream;
/// use tokio_tungstenite::WebSocketStream;
/// use webssh_core::edge::tungstenite::split;
/// use webssh_core::hub::{Hub, Opener};
///
/// async fn terminal(socket: WebSocketStream<TcpStream>, hub: Hub<String>, opener: &dyn Opener<String>) {
///     let (mut source, mut sink) = split(socket);
///     let reason = hub.serve(&mut source, &mut sink, opener).await;
///     sink.close(&reason).await;
/// }
/// ```
pub fn split<S>(socket: WebSocketStream<S>) -> (TungsteniteSource<S>, TungsteniteSink<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sink, stream) = socket.split();
    (TungsteniteSource(stream), TungsteniteSink(sink))
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> FrameSource for TungsteniteSource<S> {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Incoming::Frame(bytes),
                    Some(Ok(Message::Text(_))) => return Incoming::Text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Incoming::Closed,
                    Some(Err(error)) => return Incoming::Failed(io_error(error)),
                }
            }
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> FrameSink for TungsteniteSink<S> {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.0.send(Message::Binary(frame)).await.map_err(io_error) })
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> TungsteniteSink<S> {
    /// Says goodbye with the close code of `reason`. A connection that is gone already does not mind.
    pub async fn close(mut self, reason: &CloseReason) {
        let frame = CloseFrame { code: close_code(reason).into(), reason: Utf8Bytes::default() };
        super::goodbye(self.0.send(Message::Close(Some(frame)))).await;
    }
}

fn io_error(error: WsError) -> io::Error {
    match error {
        WsError::Io(error) => error,
        WsError::ConnectionClosed | WsError::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        other => io::Error::other(other),
    }
}
