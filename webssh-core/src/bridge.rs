//! The bridge between one shell and the browsers that look at it, as a state machine without I/O.
//!
//! Bytes and the time go in; [`Action`]s for the shell and [`Send`]s for each connection come out. Nothing
//! in here waits, reads a clock or owns a socket, so every rule (numbering, credit, limits, resuming,
//! heartbeat) is tested without a network.

mod attach;
mod connection;
mod deadline;
mod heartbeat;
mod incoming;
mod input;
mod output;
mod reason;

use std::time::Duration;

use bytes::Bytes;

use connection::Connection;
pub use connection::{ConnectionId, ConnectionView, Send};
use input::InputQueue;
pub use reason::{ChannelEnd, CloseReason, ProtocolError};

use crate::error::{Error, Inner};
use crate::ring::{Ring, count};
use crate::{Limits, WinSize};

/// One thing to do with the shell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Write these bytes to the shell, then call [`Bridge::on_channel_written`]. The next ones come after that.
    WriteChannel(Bytes),
    /// Give the terminal of the shell this size.
    ResizeChannel(WinSize),
    /// End the shell. The last action; each connection still has its farewell to come.
    Close(CloseReason),
}

/// One session: a shell, at most one owner who types, and observers.
///
/// It outlives its connections: an owner that was cut finds it again, with no byte lost and none repeated in
/// either direction. `now` is the time since any fixed moment and must not go back.
///
/// ```
/// use std::time::Duration;
/// use webssh_core::frame::{Hello, Opening, Role};
/// use webssh_core::{Bridge, Limits, ResumeToken, Send, WinSize};
///
/// let now = Duration::ZERO;
/// let token = ResumeToken::from_bytes([7; 32]);
/// let mut bridge = Bridge::new(Limits::default(), now);
/// let hello = Hello::plain(WinSize::default());
/// let tab = bridge.attach(now, &hello, Role::Owner, &token);
/// bridge.on_channel(now, b"$ ")?;
/// assert!(matches!(bridge.poll_connection(tab), Some(Send::Frame(_)))); // Welcome
/// assert!(matches!(bridge.poll_connection(tab), Some(Send::Frame(_)))); // Data with the prompt
///
/// // The network fails before the prompt arrives; the browser comes back and is given it again.
/// bridge.on_cut(now, tab);
/// let opening = Opening::Resume { token: token.clone(), received: 0 };
/// let tab = bridge.attach(now, &Hello { opening, ..hello }, Role::Owner, &token);
/// assert!(matches!(bridge.poll_connection(tab), Some(Send::Frame(_)))); // Welcome
/// assert!(matches!(bridge.poll_connection(tab), Some(Send::Frame(_)))); // Data with the prompt
/// assert!(bridge.poll_connection(tab).is_none());
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Bridge {
    limits: Limits,
    started: Duration,
    /// The newest time that was given in.
    latest: Duration,
    last_input: Duration,
    trim_at: Duration,
    presence: Presence,
    connections: Vec<Connection>,
    next_id: u64,
    ring: Ring,
    /// Output before this byte was consumed by an owner.
    consumed: u64,
    input: InputQueue,
    /// The last size that an owner's terminal had.
    size: Option<WinSize>,
    resize: Option<WinSize>,
    ended: Option<Ended>,
    closing: Option<CloseReason>,
    close_due: bool,
}

/// Whether there is an owner.
#[derive(Debug, Clone, Copy)]
enum Presence {
    /// There was none yet; output waits for the first one.
    Awaited,
    Attached {
        owner: ConnectionId,
        since: Duration,
    },
    /// There was one; the shell runs on, and the oldest output goes.
    Detached {
        since: Duration,
    },
}

#[derive(Debug)]
struct Ended {
    end: ChannelEnd,
    at: Duration,
}

impl Bridge {
    /// A session that starts now and waits for its owner, for at most `hello_secs_max`.
    #[must_use]
    pub fn new(limits: Limits, now: Duration) -> Self {
        let config = *limits.config();
        Self {
            limits,
            started: now,
            latest: now,
            last_input: now,
            trim_at: now + limits.heartbeat(),
            presence: Presence::Awaited,
            connections: Vec::new(),
            next_id: 0,
            ring: Ring::new(usize::try_from(config.ring_bytes_max).unwrap_or(usize::MAX)),
            consumed: 0,
            input: InputQueue::new(config.input_bytes_max),
            size: None,
            resize: None,
            ended: None,
            closing: None,
            close_due: false,
        }
    }

    /// The `now` of [`Bridge::new`].
    #[must_use]
    pub fn started(&self) -> Duration {
        self.started
    }

    /// Output came from the shell: at most [`Limits::CHANNEL_BYTES_MAX`] bytes, and only when
    /// [`wants_channel_read`](Self::wants_channel_read) said so.
    ///
    /// # Errors
    /// `Misuse` when the bytes do not fit; none is taken.
    pub fn on_channel(&mut self, now: Duration, bytes: &[u8]) -> Result<(), Error> {
        self.saw(now);
        let keep_from = self.keep_from();
        if self.is_closing() || self.ring.push(bytes, keep_from) {
            return Ok(());
        }
        Err(Inner::NoRoom { bytes: bytes.len(), room: self.ring.room(keep_from) }.into())
    }

    /// The shell took `bytes` of a [`Action::WriteChannel`].
    pub fn on_channel_written(&mut self, bytes: usize) {
        self.input.on_written(bytes);
        if let Some(owner) = self.owner_mut() {
            owner.input_ack_due = true;
        }
    }

    /// The shell ended. What is still held goes to the owner first: for at most `drain_secs_max`, or for as
    /// long as the session waits for one to come back.
    pub fn on_channel_closed(&mut self, now: Duration, end: ChannelEnd) {
        self.saw(now);
        if self.ended.is_none() {
            self.ended = Some(Ended { end, at: now });
            self.input.discard();
            self.settle();
        }
    }

    /// Ends the session: every browser is told why, where a frame for that exists.
    pub fn close(&mut self, reason: CloseReason) {
        if !self.is_closing() {
            self.closing = Some(reason);
            self.close_due = true;
        }
    }

    /// What to do next with the shell; call it until it says `None`. No browser can hold it back: a user's
    /// Ctrl-C does not wait behind output.
    pub fn poll(&mut self) -> Option<Action> {
        if let Some(reason) = &self.closing {
            return std::mem::take(&mut self.close_due).then(|| Action::Close(reason.clone()));
        }
        if self.ended.is_some() {
            return None;
        }
        self.resize.take().map(Action::ResizeChannel).or_else(|| self.input.take().map(Action::WriteChannel))
    }

    /// Whether a full read of the shell fits. While it does not, the shell is to be left alone.
    #[must_use]
    pub fn wants_channel_read(&self) -> bool {
        !self.is_closing()
            && self.ended.is_none()
            && !self.owner().is_some_and(|owner| owner.flow.paused())
            && self.ring.room(self.keep_from()) >= Limits::CHANNEL_BYTES_MAX
    }

    /// The connections whose [`Send::Close`] has not been taken yet, in the order they came.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionView> {
        self.connections.iter().map(Connection::view)
    }

    /// The bytes of memory behind the buffers now.
    #[must_use]
    pub fn memory(&self) -> u64 {
        count(self.ring.memory()).saturating_add(self.input.memory())
    }

    /// [`Limits::memory_max`] of this session.
    #[must_use]
    pub fn memory_max(&self) -> u64 {
        self.limits.memory_max()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    fn saw(&mut self, now: Duration) {
        self.latest = self.latest.max(now);
    }

    fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    fn owner(&self) -> Option<&Connection> {
        let Presence::Attached { owner, .. } = self.presence else { return None };
        self.connections.iter().find(|connection| connection.id == owner)
    }

    fn owner_mut(&mut self) -> Option<&mut Connection> {
        let Presence::Attached { owner, .. } = self.presence else { return None };
        self.connection_mut(owner)
    }

    /// Output from this byte on may not go: an owner has yet to consume it.
    fn keep_from(&self) -> u64 {
        match self.presence {
            Presence::Awaited => 0,
            Presence::Attached { .. } => self.owner().map_or(0, |owner| owner.flow.consumed()),
            Presence::Detached { .. } => self.ring.end(),
        }
    }

    /// The last size counts, and only a new one is worth a signal to the shell.
    fn resize(&mut self, size: WinSize) {
        if self.size.replace(size) != Some(size) {
            self.resize = Some(size);
        }
    }

    /// A shell whose output the owner has consumed to the end has nothing left to wait for.
    fn settle(&mut self) {
        let Some(ended) = &self.ended else { return };
        if self.owner().is_some_and(|owner| owner.flow.consumed() == self.ring.end()) {
            self.close(CloseReason::Ended(ended.end.clone()));
        }
    }
}
