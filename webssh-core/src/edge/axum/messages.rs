//! Messages of any kind, for the pages of others.

use std::io;

use ::axum::extract::ws::{CloseFrame, Message as AxumMessage};
use futures_util::{SinkExt, StreamExt};

use super::{AxumSink, AxumSource};
use crate::BoxFuture;
use crate::preset::{Message, MessageSink, MessageSource, Received};

impl MessageSource for AxumSource {
    fn recv_message(&mut self) -> BoxFuture<'_, Received> {
        Box::pin(async {
            match self.0.next().await {
                Some(Ok(AxumMessage::Binary(bytes))) => Received::Message(Message::Binary(bytes)),
                Some(Ok(AxumMessage::Text(text))) => Received::Message(Message::Text(text.to_string())),
                Some(Ok(AxumMessage::Ping(bytes))) => Received::Message(Message::Ping(bytes)),
                Some(Ok(AxumMessage::Pong(bytes))) => Received::Message(Message::Pong(bytes)),
                Some(Ok(AxumMessage::Close(_))) | None => Received::Closed,
                Some(Err(error)) => Received::Failed(io::Error::other(error)),
            }
        })
    }
}

impl MessageSink for AxumSink {
    fn send_message(&mut self, message: Message) -> BoxFuture<'_, io::Result<()>> {
        let message = match message {
            Message::Text(text) => AxumMessage::Text(text.into()),
            Message::Binary(bytes) => AxumMessage::Binary(bytes),
            Message::Ping(bytes) => AxumMessage::Ping(bytes),
            Message::Pong(bytes) => AxumMessage::Pong(bytes),
            Message::Close { code, reason } => {
                AxumMessage::Close(Some(CloseFrame { code, reason: reason.into() }))
            }
        };
        Box::pin(async move { self.0.send(message).await.map_err(io::Error::other) })
    }
}
