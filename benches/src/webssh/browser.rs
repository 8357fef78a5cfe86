//! A browser in memory, on a session of the pump: it answers pings and acknowledges what it has read as our page does.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use webssh_core::frame::{ClientFrame, Hello, InputChunk, Role, ServerFrame};
use webssh_core::pump::{FrameSink, FrameSource, Incoming, Session};
use webssh_core::{BoxFuture, CloseReason, ResumeToken};

use super::wrong;
use crate::Error;

/// Messages that the transport takes ahead.
const TRANSPORT: usize = 4;

/// Consumed output is acknowledged after this many bytes. The page does it after 50 ms as well, which only tidies up.
const ACK_BYTES: u64 = 16 * 1024;

struct Source(mpsc::Receiver<Incoming>);
struct Sink(mpsc::Sender<Bytes>);

impl FrameSource for Source {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async { self.0.recv().await.unwrap_or(Incoming::Closed) })
    }
}

impl FrameSink for Sink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { self.0.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into()) })
    }
}

/// One connection. Dropping it cuts the connection.
pub(crate) struct Browser {
    typist: Typist,
    from_server: mpsc::Receiver<Bytes>,
    connection: JoinHandle<CloseReason>,
    /// The number of the next byte of output.
    pub(crate) received: u64,
    acked: u64,
}

/// What a browser says. Only one of several clones may type.
#[derive(Clone)]
pub(crate) struct Typist {
    to_server: mpsc::Sender<Incoming>,
    typed: u64,
}

impl Typist {
    /// Types.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = Bytes::copy_from_slice(bytes);
        while let Some(bytes) = InputChunk::split_from(&mut rest) {
            let seq = self.typed;
            self.typed += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.tell(&ClientFrame::Input { seq, bytes }).await?;
        }
        Ok(())
    }

    async fn tell(&self, frame: &ClientFrame) -> Result<(), Error> {
        let told = self.to_server.send(Incoming::Frame(frame.encode())).await;
        told.map_err(|_| wrong("the end of the connection", "an open connection"))
    }
}

impl Browser {
    /// Attaches to a session; output is expected to go on at its byte `received`.
    pub(crate) fn attach(session: &Session, hello: Hello, received: u64) -> Self {
        let (to_server, inbox) = mpsc::channel(TRANSPORT);
        let (outbox, from_server) = mpsc::channel(TRANSPORT);
        let session = session.clone();
        let connection = tokio::spawn(async move {
            let token = ResumeToken::from_bytes([7; ResumeToken::BYTES]);
            session.attach(&hello, Role::Owner, &token, &mut Source(inbox), &mut Sink(outbox)).await
        });
        Self { typist: Typist { to_server, typed: 0 }, from_server, connection, received, acked: received }
    }

    /// Types.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.typist.send(bytes).await
    }

    /// Somebody else to type, as long as nobody types here.
    pub(crate) fn typist(&self) -> Typist {
        self.typist.clone()
    }

    /// The next output, not acknowledged.
    pub(crate) async fn recv(&mut self) -> Result<Bytes, Error> {
        loop {
            let frame =
                self.from_server.recv().await.ok_or_else(|| wrong("the end of the connection", "output"))?;
            match ServerFrame::decode(&frame) {
                Ok(ServerFrame::Data { seq, bytes }) if seq == self.received => {
                    self.received += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    return Ok(bytes.into_bytes());
                }
                Ok(ServerFrame::Ping { stamp, .. }) => self.typist.tell(&ClientFrame::Pong { stamp }).await?,
                Ok(ServerFrame::Welcome(_) | ServerFrame::InputAck { .. } | ServerFrame::Watchers { .. }) => {
                }
                other => return Err(wrong(format!("{other:?}"), "the next output")),
            }
        }
    }

    /// Acknowledges everything received, once that is worth a message.
    pub(crate) async fn ack_soon(&mut self) -> Result<(), Error> {
        if self.received - self.acked < ACK_BYTES { Ok(()) } else { self.ack().await }
    }

    /// Acknowledges everything received.
    pub(crate) async fn ack(&mut self) -> Result<(), Error> {
        self.acked = self.received;
        self.typist.tell(&ClientFrame::Ack { consumed: self.received }).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
