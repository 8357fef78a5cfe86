//! A browser's tab that keeps the rules of the wire over cuts.

use bytes::Bytes;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::time::timeout;
use webssh_core::edge::duplex::{self, DuplexSink, DuplexSource};
use webssh_core::frame::{Caps, ClientFrame, FailureCode, Hello, InputChunk, Opening, ServerFrame, Welcome};
use webssh_core::pump::{FrameSink, FrameSource, Incoming};
use webssh_core::{ResumeToken, WinSize};

use super::{DEADLINE, Lab, Served};

/// What a tab keeps over cuts, and its connection while it has one.
pub(crate) struct Tab {
    wire: Option<Wire>,
    pub(crate) token: ResumeToken,
    /// The number of the next byte of output.
    pub(crate) received: u64,
    /// All output that arrived.
    pub(crate) output: Vec<u8>,
    pub(crate) gaps: Vec<(u64, u64)>,
    /// All that was ever typed; what the server has not received is sent again after a cut.
    pub(crate) script: Vec<u8>,
    sent: usize,
    pinged: u64,
    pub(crate) acked: u64,
    /// Whether output is acknowledged as it arrives.
    pub(crate) acks: bool,
}

struct Wire {
    source: DuplexSource<ReadHalf<DuplexStream>>,
    sink: DuplexSink<WriteHalf<DuplexStream>>,
}

impl Tab {
    pub(crate) fn new() -> Self {
        Self {
            wire: None,
            token: ResumeToken::none(),
            received: 0,
            output: Vec::new(),
            gaps: Vec::new(),
            script: Vec::new(),
            sent: 0,
            pinged: 0,
            acked: 0,
            acks: true,
        }
    }

    /// A connection that has said nothing yet.
    pub(crate) fn over(near: DuplexStream) -> Self {
        let (source, sink) = duplex::split(near);
        Self { wire: Some(Wire { source, sink }), ..Self::new() }
    }

    /// A connection that says hello.
    pub(crate) async fn connect(&mut self, lab: &Lab, opening: Opening) -> Served {
        self.connect_with(lab, opening, Caps::ALL, 64 * 1024).await
    }

    pub(crate) async fn connect_with(
        &mut self,
        lab: &Lab,
        opening: Opening,
        caps: Caps,
        pipe_bytes: usize,
    ) -> Served {
        let (near, served) = lab.accept(pipe_bytes);
        self.say_hello(near, opening, caps).await;
        served
    }

    /// A connection of a user whom the application knows.
    pub(crate) async fn connect_as(&mut self, lab: &Lab, user: &'static str, opening: Opening) -> Served {
        let (near, served) = lab.accept_as(Some(user), 64 * 1024);
        self.say_hello(near, opening, Caps::ALL).await;
        served
    }

    async fn say_hello(&mut self, near: DuplexStream, opening: Opening, caps: Caps) {
        let (source, sink) = duplex::split(near);
        self.wire = Some(Wire { source, sink });
        let hello = Hello { caps, opening, ..Hello::plain(WinSize::default()) };
        assert!(self.send(&ClientFrame::Hello(hello)).await);
    }

    /// How this tab comes back.
    pub(crate) fn resume(&self) -> Opening {
        Opening::Resume { token: self.token.clone(), received: self.received }
    }

    /// Comes back after a cut.
    pub(crate) async fn reconnect(&mut self, lab: &Lab) -> Served {
        let opening = self.resume();
        let served = self.connect(lab, opening).await;
        self.welcome().await;
        served
    }

    /// The connection is gone, with all that was on its way to here.
    pub(crate) fn cut(&mut self) {
        self.wire = None;
    }

    /// Whether the frame left.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) -> bool {
        self.send_bytes(frame.encode()).await
    }

    pub(crate) async fn send_bytes(&mut self, frame: Bytes) -> bool {
        let wire = self.wire.as_mut().expect("the tab is connected");
        timeout(DEADLINE, wire.sink.send(frame)).await.expect("the server reads").is_ok()
    }

    /// The next frame, without doing anything about it; `None` at the end of the connection.
    pub(crate) async fn hear(&mut self) -> Option<ServerFrame> {
        let wire = self.wire.as_mut().expect("the tab is connected");
        let incoming = timeout(DEADLINE, wire.source.recv()).await.expect("a frame in time");
        let Incoming::Frame(frame) = incoming else { return None };
        let frame = ServerFrame::decode(&frame).unwrap();
        if let ServerFrame::Ping { stamp, .. } = &frame {
            self.pinged = *stamp;
        }
        Some(frame)
    }

    /// Answers the last ping.
    pub(crate) async fn answer_ping(&mut self) -> bool {
        self.send(&ClientFrame::Pong { stamp: self.pinged }).await
    }

    /// The next frame, of which note is taken; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<ServerFrame> {
        let frame = self.hear().await?;
        match &frame {
            ServerFrame::Welcome(welcome) => self.on_welcome(welcome),
            ServerFrame::Gap { from, to } => {
                assert_eq!(*from, self.received, "the gap starts where output stopped");
                self.gaps.push((*from, *to));
                self.received = *to;
            }
            ServerFrame::Data { seq, bytes } => {
                assert_eq!(*seq, self.received, "no byte twice and none missing");
                self.output.extend_from_slice(bytes);
                self.received += u64::try_from(bytes.len()).unwrap();
                if self.acks {
                    self.send(&ClientFrame::Ack { consumed: self.received }).await;
                }
            }
            ServerFrame::InputAck { seq } => self.acked = *seq,
            ServerFrame::Ping { .. } => {
                self.answer_ping().await;
            }
            _ => {}
        }
        Some(frame)
    }

    fn on_welcome(&mut self, welcome: &Welcome) {
        self.token = welcome.token.clone();
        self.sent = usize::try_from(welcome.input_received).unwrap();
        if self.received == 0 {
            // A device that comes new starts at the tail that was kept.
            self.received = welcome.output_from;
        }
        assert_eq!(welcome.output_from, self.received, "output goes on where it stopped");
    }

    /// Reads until the `Welcome` has come.
    pub(crate) async fn welcome(&mut self) -> Welcome {
        loop {
            match self.next().await.expect("a welcome, not the end") {
                ServerFrame::Welcome(welcome) => return welcome,
                ServerFrame::Failure(failure) => panic!("no welcome: {failure:?}"),
                _ => {}
            }
        }
    }

    /// Types, and sends all that the server has not received yet.
    pub(crate) async fn type_in(&mut self, bytes: &[u8]) {
        self.script.extend_from_slice(bytes);
        self.push().await;
    }

    /// Sends what of the script has not been sent over this connection. Stops at its end.
    pub(crate) async fn push(&mut self) {
        let mut rest = Bytes::copy_from_slice(&self.script[self.sent..]);
        while let Some(bytes) = InputChunk::split_from(&mut rest) {
            let (seq, len) = (u64::try_from(self.sent).unwrap(), bytes.len());
            if !self.send(&ClientFrame::Input { seq, bytes }).await {
                return;
            }
            self.sent += len;
        }
    }

    /// Reads until the output ends with `text`.
    pub(crate) async fn expect(&mut self, text: &str) {
        while !self.output.ends_with(text.as_bytes()) {
            let frame = self.next().await;
            assert!(frame.is_some(), "the connection ended before `{text}` came: {:?}", self.output);
        }
    }

    /// Reads to the end of the connection; gives all frames.
    pub(crate) async fn finish(&mut self) -> Vec<ServerFrame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// Reads to the end of the connection, which comes with a failure of this code.
    pub(crate) async fn expect_failure(&mut self, code: FailureCode) {
        let frames = self.finish().await;
        let told =
            matches!(frames.last(), Some(ServerFrame::Failure(failure)) if failure.code() == code.number());
        assert!(told, "expected {code:?}: {frames:?}");
    }
}
