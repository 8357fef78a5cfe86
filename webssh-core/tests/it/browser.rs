//! A browser in memory: both halves of a connection for the pump, and a client that keeps the rules.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use webssh_core::frame::{Caps, ClientFrame, Hello, InputChunk, ServerFrame};
use webssh_core::pump::{self, BoxFuture, FrameSink, FrameSource, Incoming};
use webssh_core::ssh::Shell;
use webssh_core::{Bridge, CloseReason, Limits, WinSize};

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Source(pub(crate) mpsc::Receiver<Incoming>);
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

/// A client whose connection is pumped to a shell.
pub(crate) struct Browser {
    pub(crate) to_server: mpsc::Sender<Incoming>,
    pub(crate) from_server: mpsc::Receiver<Bytes>,
    pub(crate) pump: JoinHandle<CloseReason>,
    /// All output that arrived.
    pub(crate) output: Vec<u8>,
    /// Whether output is acknowledged as it arrives.
    pub(crate) acks: bool,
    pub(crate) input_acked: u64,
    typed: u64,
    searched: usize,
}

impl Browser {
    /// Starts the pump and says hello.
    pub(crate) async fn start(shell: Shell, size: WinSize) -> Self {
        let (to_server, inbox) = mpsc::channel(1);
        let (outbox, from_server) = mpsc::channel(1);
        let pump = tokio::spawn(async move {
            let bridge = Bridge::new(Limits::default(), Duration::ZERO);
            pump::run(bridge, &mut Source(inbox), &mut Sink(outbox), shell).await
        });
        let mut browser = Self {
            to_server,
            from_server,
            pump,
            output: Vec::new(),
            acks: true,
            input_acked: 0,
            typed: 0,
            searched: 0,
        };
        browser.send(&ClientFrame::Hello(Hello { caps: Caps::NONE, ..Hello::plain(size) })).await;
        assert!(matches!(browser.next().await, Some(ServerFrame::Welcome(_))));
        browser
    }

    pub(crate) async fn send(&self, frame: &ClientFrame) {
        let sent = self.to_server.send(Incoming::Frame(frame.encode()));
        timeout(DEADLINE, sent).await.expect("the pump takes frames").expect("the pump runs");
    }

    pub(crate) async fn type_in(&mut self, text: &str) {
        let bytes = InputChunk::split_from(&mut Bytes::copy_from_slice(text.as_bytes())).unwrap();
        let len = u64::try_from(bytes.len()).unwrap();
        self.send(&ClientFrame::Input { seq: self.typed, bytes }).await;
        self.typed += len;
    }

    /// The next frame; output and input acknowledgements are taken note of. `None` when the pump is done.
    pub(crate) async fn next(&mut self) -> Option<ServerFrame> {
        let frame = timeout(DEADLINE, self.from_server.recv()).await.expect("a frame within the deadline")?;
        let frame = ServerFrame::decode(&frame).unwrap();
        match &frame {
            ServerFrame::Data { seq, bytes } => {
                assert_eq!(*seq, u64::try_from(self.output.len()).unwrap());
                self.output.extend_from_slice(bytes);
                if self.acks {
                    self.ack().await;
                }
            }
            ServerFrame::InputAck { seq } => self.input_acked = *seq,
            ServerFrame::Ping { stamp, .. } => self.send(&ClientFrame::Pong { stamp: *stamp }).await,
            _ => {}
        }
        Some(frame)
    }

    /// Acknowledges all output. A pump that ends meanwhile does not mind.
    pub(crate) async fn ack(&self) {
        let ack = ClientFrame::Ack { consumed: u64::try_from(self.output.len()).unwrap() };
        let sent = self.to_server.send(Incoming::Frame(ack.encode()));
        let _ended = timeout(DEADLINE, sent).await.expect("the pump takes frames");
    }

    /// Reads until `text` has come, after what was searched before.
    pub(crate) async fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let fresh = &self.output[self.searched..];
            if let Some(at) = fresh.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.searched += at + text.len();
                return;
            }
            let shown = String::from_utf8_lossy(fresh).chars().rev().take(300).collect::<Vec<_>>();
            let tail: String = shown.into_iter().rev().collect();
            // Pings keep coming from a session that is silent otherwise.
            assert!(Instant::now() < deadline, "`{text}` did not come in time, after: {tail:?}");
            assert!(self.next().await.is_some(), "the session ended before `{text}` came, after: {tail}");
        }
    }

    /// Reads to the end of the session.
    pub(crate) async fn finish(mut self) -> (CloseReason, Vec<ServerFrame>) {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        let reason = timeout(DEADLINE, self.pump).await.expect("the pump ends").unwrap();
        (reason, frames)
    }
}
