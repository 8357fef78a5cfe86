//! The WebSocket of actix-ws.
//!
//! actix keeps a request's stream on the thread that took it, while a session of the pump may move. So a
//! small task of that thread hands the messages over, one at a time.

use std::io;

use actix_ws::{AggregatedMessage, CloseCode, CloseReason as WsCloseReason, MessageStream, Session};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::close_code;
use crate::frame::CLIENT_FRAME_BYTES_MAX;
use crate::pump::{FrameSink, FrameSource, Incoming};
use crate::{BoxFuture, CloseReason};

/// The receiving half.
#[derive(Debug)]
pub struct ActixSource(mpsc::Receiver<Incoming>);

/// The sending half. actix-ws queues up to 32 messages below it, so what is on its way is bounded by
/// [`unacked_bytes_max`](crate::LimitsConfig::unacked_bytes_max) and not by one frame.
pub struct ActixSink(Session);

/// Splits a WebSocket into both halves. To be called on the thread of the request, as a handler is.
///
/// ```no_run
/// use actix_web::{HttpRequest, HttpResponse, web};
/// use webssh_core::edge::actix::split;
/// use webssh_core::hub::{Hub, Opener};
///
/// async fn terminal(
///     request: HttpRequest,
///     body: web::Payload,
///     hub: web::Data<Hub<String>>,
///     opener: web::Data<Box<dyn Opener<String>>>,
/// ) -> Result<HttpResponse, actix_web::Error> {
///     let (response, session, stream) = actix_ws::handle(&request, body)?;
///     actix_web::rt::spawn(async move {
///         let (mut source, mut sink) = split(session, stream);
///         let reason = hub.serve(&mut source, &mut sink, opener.as_ref().as_ref()).await;
///         sink.close(&reason).await;
///     });
///     Ok(response)
/// }
/// ```
#[must_use]
pub fn split(session: Session, stream: MessageStream) -> (ActixSource, ActixSink) {
    let (messages, source) = mpsc::channel(1);
    actix_web::rt::spawn(hand_over(session.clone(), stream, messages));
    (ActixSource(source), ActixSink(session))
}

/// Ends with the connection, or when the source is dropped.
async fn hand_over(mut session: Session, stream: MessageStream, messages: mpsc::Sender<Incoming>) {
    let mut stream = stream
        .max_frame_size(CLIENT_FRAME_BYTES_MAX)
        .aggregate_continuations()
        .max_continuation_size(CLIENT_FRAME_BYTES_MAX);
    loop {
        let message = tokio::select! {
            message = stream.recv() => message,
            () = messages.closed() => return,
        };
        let incoming = match message {
            Some(Ok(AggregatedMessage::Binary(bytes))) => Incoming::Frame(bytes),
            Some(Ok(AggregatedMessage::Text(_))) => Incoming::Text,
            Some(Ok(AggregatedMessage::Ping(payload))) => match session.pong(&payload).await {
                Ok(()) => continue,
                Err(_closed) => Incoming::Closed,
            },
            Some(Ok(AggregatedMessage::Pong(_))) => continue,
            Some(Ok(AggregatedMessage::Close(_))) | None => Incoming::Closed,
            Some(Err(error)) => Incoming::Failed(io::Error::other(error.to_string())),
        };
        let last = !matches!(incoming, Incoming::Frame(_) | Incoming::Text);
        if messages.send(incoming).await.is_err() || last {
            return;
        }
    }
}

impl FrameSource for ActixSource {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async { self.0.recv().await.unwrap_or(Incoming::Closed) })
    }
}

impl FrameSink for ActixSink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.0.binary(frame).await.map_err(|closed| io::Error::new(io::ErrorKind::BrokenPipe, closed))
        })
    }
}

impl ActixSink {
    /// Says goodbye with the close code of `reason`. A connection that is gone already does not mind.
    pub async fn close(self, reason: &CloseReason) {
        let goodbye = WsCloseReason { code: CloseCode::from(close_code(reason)), description: None };
        super::goodbye(self.0.close(Some(goodbye))).await;
    }
}

impl std::fmt::Debug for ActixSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActixSink")
    }
}
