//! A hub with shells in memory, and a browser's tab that keeps the rules of the wire over cuts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webssh_core::edge::duplex::{self, DuplexSink, DuplexSource};
use webssh_core::frame::{
    Caps, ClientFrame, Failure, FailureCode, Hello, InputChunk, Opening, ServerFrame, TicketText, Welcome,
};
use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
use webssh_core::pump::{FrameSink, FrameSource, Incoming};
use webssh_core::ssh::{Shell, ShellPort};
use webssh_core::ticket::{Grant, Issue, Purpose, SessionId};
use webssh_core::{BoxFuture, ChannelEnd, CloseReason, Dialogue, Prompts, ResumeToken, WinSize};

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What an SSH server would say when it asks for a one-time code.
pub(crate) fn round() -> Prompts {
    Prompts::new("login", "two steps", [("Password: ", false), ("Code: ", true)]).unwrap()
}

/// Opens shells in memory. The target names the kind.
pub(crate) struct Shells;

impl Opener<&'static str> for Shells {
    fn open<'a>(
        &'a self,
        _user: &'a str,
        target: &'a &'static str,
        _size: WinSize,
        dialogue: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async move {
            match *target {
                "refused" => return Err(Failure::new(FailureCode::Login)),
                "hangs" => std::future::pending().await,
                "panics" => panic!("this opener is meant to fail"),
                "asks" => {
                    let answers = dialogue.ask(&round()).await.ok_or(Failure::new(FailureCode::Login))?;
                    if answers.len() != 2 {
                        return Err(Failure::new(FailureCode::Login));
                    }
                }
                // Whoever is not answered goes on without.
                "asks in vain" if dialogue.ask(&round()).await.is_some() => {
                    return Err(Failure::new(FailureCode::Login));
                }
                _ => {}
            }
            let (shell, port) = Shell::pair();
            match *target {
                "floods" => drop(tokio::spawn(flood(port))),
                "eight" => drop(tokio::spawn(eightfold(port))),
                _ => drop(tokio::spawn(echo(port))),
            }
            Ok(shell.into())
        })
    }
}

/// Repeats what is typed. `q` ends it.
async fn echo(mut port: ShellPort) {
    while let Some(bytes) = port.recv_input().await {
        if bytes.ends_with(b"q") {
            return port.finish(ChannelEnd::Exited { status: 4 });
        }
        port.send_output(bytes).await;
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}

/// Repeats each byte eight times.
async fn eightfold(mut port: ShellPort) {
    while let Some(bytes) = port.recv_input().await {
        port.send_output(bytes.iter().flat_map(|byte| [*byte; 8]).collect()).await;
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}

/// Writes for ever, also while nobody takes it, until Ctrl-C is typed; then says `^C`.
async fn flood(mut port: ShellPort) {
    let chunk = Bytes::from_static(&[b'y'; 4096]);
    loop {
        match timeout(Duration::ZERO, port.recv_input()).await {
            Ok(Some(bytes)) if bytes.contains(&3) => break,
            Ok(None) => return port.finish(ChannelEnd::Exited { status: 0 }),
            Ok(Some(_)) | Err(_) => {}
        }
        // What does not fit now is given up: one chunk of `y` is as good as the next.
        let _fits = timeout(Duration::from_millis(2), port.send_output(chunk.clone())).await;
    }
    port.send_output(Bytes::from_static(b"^C")).await;
    echo(port).await;
}

/// The hub of a test.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) hub: Hub<&'static str>,
}

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

/// The server's side of one connection.
pub(crate) type Served = JoinHandle<CloseReason>;

impl Lab {
    pub(crate) fn new(limits: HubLimits) -> Self {
        Self { hub: Hub::new(limits) }
    }

    /// A ticket, as text.
    pub(crate) fn ticket(&self, user: &str, purpose: Purpose<&'static str>) -> Opening {
        let grant = Grant { user: user.to_owned(), purpose };
        let Issue::Ticket(ticket) = self.hub.ticket(grant).unwrap() else { panic!("no room for a ticket") };
        Opening::Ticket(TicketText::new(ticket.as_str()).unwrap())
    }

    /// Serves the far end of a new connection, whose pipe holds so many bytes.
    pub(crate) fn accept(&self, pipe_bytes: usize) -> (DuplexStream, Served) {
        self.accept_as(None, pipe_bytes)
    }

    /// The same for a user whom the application knows.
    fn accept_as(&self, user: Option<&'static str>, pipe_bytes: usize) -> (DuplexStream, Served) {
        let (near, far) = tokio::io::duplex(pipe_bytes);
        let hub = self.hub.clone();
        let served = tokio::spawn(async move {
            let (mut source, mut sink) = duplex::split(far);
            match user {
                Some(user) => hub.serve_user(user, &mut source, &mut sink, &Shells).await,
                None => hub.serve(&mut source, &mut sink, &Shells).await,
            }
        });
        (near, served)
    }

    /// A tab of `user` with a new session, and the server's side of it.
    pub(crate) async fn open(&self, user: &str, target: &'static str) -> (Tab, Served) {
        let opening = self.ticket(user, Purpose::Open(target));
        let mut tab = Tab::new();
        let served = tab.connect(self, opening).await;
        tab.welcome().await;
        (tab, served)
    }

    /// The number of the only session.
    pub(crate) fn only(&self) -> SessionId {
        let list = self.hub.list();
        assert_eq!(list.len(), 1, "{list:?}");
        list[0].id
    }

    /// The number of the only session, as soon as there is one.
    pub(crate) async fn only_once_open(&self) -> SessionId {
        eventually(|| !self.hub.list().is_empty(), "a session opens").await;
        self.only()
    }

    /// Waits until everything that was reserved has been given back.
    pub(crate) async fn all_given_back(&self) {
        let back = || self.hub.bytes_reserved() == 0 && self.hub.list().is_empty();
        eventually(back, "every reservation is given back").await;
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(holds: impl Fn() -> bool, what: &str) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(DEADLINE, wait).await.is_ok(), "not in time: {what}");
}

/// The reason why the server ended a connection.
pub(crate) async fn reason(served: Served) -> CloseReason {
    timeout(DEADLINE, served).await.expect("the server lets go in time").expect("the server does not panic")
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

/// A shared hub is what a server holds.
#[test]
fn a_hub_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Arc::new(Lab::new(HubLimits::default()).hub));
}
