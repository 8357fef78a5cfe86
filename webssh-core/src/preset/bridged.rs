//! A foreign page's connection as both halves that the pump and the hub take. Feature `pump`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{Message, Preset};
use crate::BoxFuture;
use crate::pump::{FrameSink, FrameSource, Incoming};

/// The half of a WebSocket that receives messages of any kind.
pub trait MessageSource: Send {
    /// Waits for the next message. The future may be dropped while it waits: no message may be lost by that.
    fn recv_message(&mut self) -> BoxFuture<'_, Received>;
}

/// The half of a WebSocket that sends messages of any kind.
pub trait MessageSink: Send {
    /// Sends one message, and waits while the transport is full.
    fn send_message(&mut self, message: Message) -> BoxFuture<'_, io::Result<()>>;
}

/// What came from a page.
#[derive(Debug)]
pub enum Received {
    /// A message, never a [`Message::Close`].
    Message(Message),
    /// The page closed the connection.
    Closed,
    /// The connection broke.
    Failed(io::Error),
}

/// The receiving half.
#[derive(Debug)]
pub struct PresetSource<S> {
    source: S,
    shared: Arc<Shared>,
}

/// The sending half.
#[derive(Debug)]
pub struct PresetSink<K> {
    sink: K,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    preset: Mutex<Preset>,
    /// A frame of the server made frames for it due.
    changed: Notify,
}

/// Joins a preset to both halves of a WebSocket, for [`pump::run`](crate::pump::run) or
/// [`Hub::serve`](crate::hub::Hub::serve).
pub fn split<S, K>(preset: Preset, source: S, sink: K) -> (PresetSource<S>, PresetSink<K>) {
    let shared = Arc::new(Shared { preset: Mutex::new(preset), changed: Notify::new() });
    (PresetSource { source, shared: Arc::clone(&shared) }, PresetSink { sink, shared })
}

impl Shared {
    /// Nothing panics while it holds the lock, and a preset is whole at every step.
    fn preset(&self) -> MutexGuard<'_, Preset> {
        self.preset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: MessageSource> FrameSource for PresetSource<S> {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            loop {
                if let Some(frame) = self.shared.preset().poll_frame() {
                    return Incoming::Frame(frame);
                }
                let received = tokio::select! {
                    received = self.source.recv_message() => received,
                    () = self.shared.changed.notified() => continue,
                };
                match received {
                    Received::Closed => return Incoming::Closed,
                    Received::Failed(error) => return Incoming::Failed(error),
                    Received::Message(message) => {
                        if let Err(error) = self.shared.preset().on_message(&message) {
                            return Incoming::Failed(io::Error::new(io::ErrorKind::InvalidData, error));
                        }
                    }
                }
            }
        })
    }
}

impl<K: MessageSink> FrameSink for PresetSink<K> {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.shared.preset().on_frame(&frame).map_err(io::Error::other)?;
            self.shared.changed.notify_one();
            loop {
                let Some(message) = self.shared.preset().poll_message() else {
                    return Ok(());
                };
                self.sink.send_message(message).await?;
            }
        })
    }
}

impl<K> PresetSink<K> {
    /// The half that it was made of, to close the connection.
    #[must_use]
    pub fn into_inner(self) -> K {
        self.sink
    }
}
