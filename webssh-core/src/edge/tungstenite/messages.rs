//! Messages of any kind, for the pages of others.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{TungsteniteSink, TungsteniteSource, io_error};
use crate::BoxFuture;
use crate::preset::{Message, MessageSink, MessageSource, Received};

impl<S: AsyncRead + AsyncWrite + Send + Unpin> MessageSource for TungsteniteSource<S> {
    fn recv_message(&mut self) -> BoxFuture<'_, Received> {
        Box::pin(async {
            loop {
                return match self.0.next().await {
                    Some(Ok(WsMessage::Binary(bytes))) => Received::Message(Message::Binary(bytes)),
                    Some(Ok(WsMessage::Text(text))) => Received::Message(Message::Text(text.to_string())),
                    Some(Ok(WsMessage::Ping(bytes))) => Received::Message(Message::Ping(bytes)),
                    Some(Ok(WsMessage::Pong(bytes))) => Received::Message(Message::Pong(bytes)),
                    // Never read, by its documentation.
                    Some(Ok(WsMessage::Frame(_))) => continue,
                    Some(Ok(WsMessage::Close(_))) | None => Received::Closed,
                    Some(Err(error)) => Received::Failed(io_error(error)),
                };
            }
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> MessageSink for TungsteniteSink<S> {
    fn send_message(&mut self, message: Message) -> BoxFuture<'_, io::Result<()>> {
        let message = match message {
            Message::Text(text) => WsMessage::Text(text.into()),
            Message::Binary(bytes) => WsMessage::Binary(bytes),
            Message::Ping(bytes) => WsMessage::Ping(bytes),
            Message::Pong(bytes) => WsMessage::Pong(bytes),
            Message::Close { code, reason } => {
                WsMessage::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
            }
        };
        Box::pin(async move { self.0.send(message).await.map_err(io_error) })
    }
}
