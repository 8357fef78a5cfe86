//! The bridge between one browser and one shell, as a state machine without I/O.
//!
//! Bytes and the time go in, [`Action`]s come out. Nothing in here waits, reads a clock or owns a
//! socket, so every rule (numbering, credit, limits, heartbeat) is tested without a network.

mod deadline;
mod heartbeat;
mod input;
mod reason;

use std::time::Duration;

use bytes::Bytes;

pub use reason::{ChannelEnd, CloseReason, ProtocolError};

use crate::error::{Error, Inner};
use crate::flow::{BadAck, Flow};
use crate::frame::{
    Caps, ClientFrame, DATA_FRAME_BYTES_MAX, DataChunk, Hello, ServerFrame, VERSION, Welcome,
};
use crate::ring::{Ring, count};
use crate::utf8::whole_chars;
use crate::{Limits, WinSize};
use heartbeat::Heartbeat;
use input::InputQueue;

/// One thing for the driver to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Write these bytes to the shell, then call [`Bridge::on_channel_written`].
    WriteChannel(Bytes),
    /// Give the terminal of the shell this size.
    ResizeChannel(WinSize),
    /// Send these bytes to the browser as one binary message.
    SendFrame(Bytes),
    /// Close both sides. The last action.
    Close(CloseReason),
}

/// One session between a browser and a shell.
///
/// `now` is the time since any fixed moment and must not go back.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::frame::{Caps, ClientFrame, Hello, VERSION};
/// use webssh_core::{Action, Bridge, Limits, WinSize};
///
/// let now = Duration::ZERO;
/// let mut bridge = Bridge::new(Limits::default(), now);
/// let hello = Hello { version: VERSION, caps: Caps::NONE, size: WinSize::default() };
/// bridge.on_frame(now, &ClientFrame::Hello(hello).encode());
/// bridge.on_channel(now, b"$ ")?;
///
/// assert!(matches!(bridge.poll(), Some(Action::ResizeChannel(_))));
/// assert!(matches!(bridge.poll(), Some(Action::SendFrame(_)))); // Welcome
/// assert!(matches!(bridge.poll(), Some(Action::SendFrame(_)))); // Data with the prompt
/// assert!(bridge.poll().is_none());
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Bridge {
    limits: Limits,
    started: Duration,
    last_input: Duration,
    stage: Stage,
    ring: Ring,
    sent: u64,
    flow: Flow,
    input: InputQueue,
    input_ack_due: bool,
    resize: Option<WinSize>,
    welcome: Option<Welcome>,
    heartbeat: Heartbeat,
    ended: Option<Ended>,
}

/// How far the session has come. It only moves down this list.
#[derive(Debug)]
enum Stage {
    Hello,
    Open,
    Closing { reason: CloseReason, farewell: Option<ServerFrame> },
    Closed,
}

#[derive(Debug)]
struct Ended {
    end: ChannelEnd,
    drain_until: Duration,
}

impl Bridge {
    /// A session that starts now and waits for the browser's `Hello`.
    #[must_use]
    pub fn new(limits: Limits, now: Duration) -> Self {
        let config = *limits.config();
        Self {
            limits,
            started: now,
            last_input: now,
            stage: Stage::Hello,
            ring: Ring::new(usize::try_from(config.ring_bytes_max).unwrap_or(usize::MAX)),
            sent: 0,
            flow: Flow::new(config.unacked_bytes_max, config.resume_bytes),
            input: InputQueue::new(config.input_bytes_max),
            input_ack_due: false,
            resize: None,
            welcome: None,
            heartbeat: Heartbeat::new(&limits, now),
            ended: None,
        }
    }

    /// The `now` of [`Bridge::new`].
    #[must_use]
    pub fn started(&self) -> Duration {
        self.started
    }

    /// A binary message came from the browser. A bad one closes the session.
    pub fn on_frame(&mut self, now: Duration, frame: &[u8]) {
        if self.is_closing() {
            return;
        }
        let taken = match ClientFrame::decode(frame) {
            Ok(ClientFrame::Hello(hello)) => self.on_hello(now, hello),
            Ok(_) if matches!(self.stage, Stage::Hello) => Err(ProtocolError::HelloExpected),
            Ok(frame) => self.on_open_frame(now, frame),
            Err(error) => Err(ProtocolError::Frame(error)),
        };
        if let Err(error) = taken {
            self.close(CloseReason::Protocol(error));
        }
    }

    /// A text message came from the browser: the wire is binary, so this closes the session.
    pub fn on_text(&mut self) {
        self.close(CloseReason::Protocol(ProtocolError::Text));
    }

    /// Output came from the shell: at most [`Limits::CHANNEL_BYTES_MAX`] bytes, and only when
    /// [`wants_channel_read`](Self::wants_channel_read) said so.
    ///
    /// # Errors
    /// `Misuse` when the bytes do not fit; none is taken.
    pub fn on_channel(&mut self, _now: Duration, bytes: &[u8]) -> Result<(), Error> {
        if self.is_closing() || self.ring.push(bytes) {
            return Ok(());
        }
        Err(Inner::NoRoom { bytes: bytes.len(), room: self.ring.room() }.into())
    }

    /// The shell took `bytes` of a [`Action::WriteChannel`].
    pub fn on_channel_written(&mut self, bytes: usize) {
        self.input.on_written(bytes);
        self.input_ack_due = true;
    }

    /// The shell ended. What is still held goes to the browser first, for at most `drain_secs_max`.
    pub fn on_channel_closed(&mut self, now: Duration, end: ChannelEnd) {
        if self.ended.is_none() {
            self.ended = Some(Ended { end, drain_until: now + self.limits.drain() });
        }
    }

    /// Time has passed. Call it at [`wake_at`](Self::wake_at); calling it more often does no harm.
    pub fn on_tick(&mut self, now: Duration) {
        if let Some(reason) = self.reason_at(now) {
            self.close(reason);
        }
    }

    /// Closes the session: the browser is told why, where a frame for that exists.
    pub fn close(&mut self, reason: CloseReason) {
        if !self.is_closing() {
            let farewell = reason.farewell();
            self.stage = Stage::Closing { reason, farewell };
        }
    }

    /// What to do next; call it until it says `None`. Actions for the shell come first.
    pub fn poll(&mut self) -> Option<Action> {
        self.poll_channel()
            .or_else(|| self.poll_frame().map(|frame| Action::SendFrame(frame.encode())))
            .or_else(|| match std::mem::replace(&mut self.stage, Stage::Closed) {
                Stage::Closing { reason, .. } => Some(Action::Close(reason)),
                other => {
                    self.stage = other;
                    None
                }
            })
    }

    /// What to do next on the side of the shell, while the browser's side cannot take a frame:
    /// a user's Ctrl-C must not wait behind output.
    pub fn poll_channel(&mut self) -> Option<Action> {
        if self.is_closing() || self.ended.is_some() {
            return None;
        }
        self.resize.take().map(Action::ResizeChannel).or_else(|| self.input.take().map(Action::WriteChannel))
    }

    /// Whether a full read of the shell fits. While it does not, the shell is to be left alone.
    #[must_use]
    pub fn wants_channel_read(&self) -> bool {
        !self.is_closing()
            && self.ended.is_none()
            && !self.flow.paused()
            && self.ring.room() >= Limits::CHANNEL_BYTES_MAX
    }

    /// When [`on_tick`](Self::on_tick) has to be called; `None` once the session is closing.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        self.deadlines().map(|(at, _)| at).min()
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. } | Stage::Closed)
    }

    fn on_hello(&mut self, now: Duration, hello: Hello) -> Result<(), ProtocolError> {
        if !matches!(self.stage, Stage::Hello) {
            return Err(ProtocolError::HelloTwice);
        }
        if hello.version == 0 {
            return Err(ProtocolError::Version(hello.version));
        }
        let config = self.limits.config();
        self.welcome = Some(Welcome {
            version: hello.version.min(VERSION),
            caps: hello.caps.common(Caps::NONE),
            input_bytes_max: config.input_bytes_max,
            unacked_bytes_max: config.unacked_bytes_max,
            idle_secs_max: config.idle_secs_max,
            absolute_secs_max: config.absolute_secs_max,
        });
        self.resize = Some(hello.size);
        self.last_input = now;
        self.heartbeat = Heartbeat::new(&self.limits, now);
        self.stage = Stage::Open;
        Ok(())
    }

    fn on_open_frame(&mut self, now: Duration, frame: ClientFrame) -> Result<(), ProtocolError> {
        match frame {
            ClientFrame::Hello(_) => Err(ProtocolError::HelloTwice),
            ClientFrame::Input { seq, bytes } => {
                self.input.accept(seq, bytes.len())?;
                self.last_input = now;
                // After the end of the shell nobody is left to take it, so it stays unacknowledged.
                if self.ended.is_none() {
                    self.input.queue(&bytes);
                }
                Ok(())
            }
            ClientFrame::Resize(size) => {
                self.resize = Some(size);
                Ok(())
            }
            ClientFrame::Ack { consumed } => self.on_ack(consumed),
            ClientFrame::Pong { stamp } if self.heartbeat.on_pong(now, stamp) => Ok(()),
            ClientFrame::Pong { .. } => Err(ProtocolError::StrayPong),
        }
    }

    fn on_ack(&mut self, consumed: u64) -> Result<(), ProtocolError> {
        self.flow.on_ack(consumed).map_err(|bad| match bad {
            BadAck::BeyondSent => ProtocolError::AckBeyondSent,
            BadAck::GoingBack => ProtocolError::AckGoingBack,
        })?;
        self.ring.release(consumed);
        Ok(())
    }

    /// The next frame. Frames are made from state when they are asked for, so none of them queue up.
    fn poll_frame(&mut self) -> Option<ServerFrame> {
        match &mut self.stage {
            Stage::Hello | Stage::Closed => return None,
            Stage::Closing { farewell, .. } => return farewell.take(),
            Stage::Open => {}
        }
        if let Some(welcome) = self.welcome.take() {
            return Some(ServerFrame::Welcome(welcome));
        }
        if let Some(stamp) = self.heartbeat.take_ping() {
            return Some(ServerFrame::Ping { stamp });
        }
        if std::mem::take(&mut self.input_ack_due) {
            return Some(ServerFrame::InputAck { seq: self.input.written() });
        }
        self.poll_data().or_else(|| self.poll_end())
    }

    /// The next piece of output: within the credit, and cut between characters while the shell lives.
    fn poll_data(&mut self) -> Option<ServerFrame> {
        let room = self.flow.room().min(DATA_FRAME_BYTES_MAX);
        let mut bytes = self.ring.copy(self.sent, room);
        let reaches_end = self.sent.saturating_add(count(bytes.len())) == self.ring.end();
        if !(reaches_end && self.ended.is_some()) {
            bytes.truncate(whole_chars(&bytes));
        }
        let seq = self.sent;
        let bytes = DataChunk::split_from(&mut bytes)?;
        self.sent = self.sent.saturating_add(count(bytes.len()));
        self.flow.on_sent(bytes.len());
        Some(ServerFrame::Data { seq, bytes })
    }

    /// The farewell of a shell that has ended, once all its output has been sent.
    fn poll_end(&mut self) -> Option<ServerFrame> {
        let ended = self.ended.as_ref().filter(|_| self.sent == self.ring.end())?;
        self.close(CloseReason::Ended(ended.end.clone()));
        self.poll_frame()
    }
}
