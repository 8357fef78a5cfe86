//! One connection of a session: what its browser was told, and what it has consumed.

use std::time::Duration;

use bytes::Bytes;

use super::heartbeat::Heartbeat;
use super::{CloseReason, ProtocolError};
use crate::WinSize;
use crate::flow::{BadAck, Flow};
use crate::frame::{Caps, RTT_UNKNOWN, Role, ServerFrame, Welcome};

/// The number of a connection in its session; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) u64);

/// One thing to do with a connection. Exhaustive: a driver has to do both.
#[derive(Debug)]
pub enum Send {
    /// Send these bytes as one binary message.
    Frame(Bytes),
    /// Close the connection. The last thing; its number is forgotten.
    Close(CloseReason),
}

/// A connection as others see it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ConnectionView {
    /// Its number.
    pub id: ConnectionId,
    /// Its part in the session.
    pub role: Role,
    /// Whether it takes part; `false` when it has only its farewell to come.
    pub open: bool,
    /// Output that was sent and is not consumed, in bytes.
    pub unacked_bytes: u64,
    /// The last round trip; `None` before the first.
    pub rtt: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) role: Role,
    pub(super) caps: Caps,
    pub(super) stage: Stage,
    pub(super) welcome: Option<Welcome>,
    pub(super) flow: Flow,
    pub(super) heartbeat: Heartbeat,
    pub(super) input_ack_due: bool,
    pub(super) told: Told,
}

/// How far a connection has come. It only moves down this list.
#[derive(Debug)]
pub(super) enum Stage {
    Open,
    Leaving { reason: CloseReason, farewell: Option<ServerFrame> },
}

/// What others do, as this browser knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) size: WinSize,
    pub(super) watchers: u16,
}

impl Connection {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// Nothing more is heard; the browser is told why.
    pub(super) fn leave(&mut self, reason: CloseReason) {
        if self.is_open() {
            let farewell = reason.farewell(self.role);
            self.stage = Stage::Leaving { reason, farewell };
        }
    }

    /// The connection takes no part at all: whatever ended the session, it was not its doing.
    pub(super) fn refuse(&mut self, reason: CloseReason) {
        let farewell = reason.farewell(Role::Observer);
        self.stage = Stage::Leaving { reason, farewell };
    }

    pub(super) fn on_ack(&mut self, consumed: u64) -> Result<(), ProtocolError> {
        self.flow.on_ack(consumed).map_err(|bad| match bad {
            BadAck::BeyondSent => ProtocolError::AckBeyondSent,
            BadAck::GoingBack => ProtocolError::AckGoingBack,
        })
    }

    pub(super) fn on_pong(&mut self, now: Duration, stamp: u64) -> Result<(), ProtocolError> {
        if self.heartbeat.on_pong(now, stamp) { Ok(()) } else { Err(ProtocolError::StrayPong) }
    }

    /// What is to be said beside output. Each is made from state, so none of them queue up.
    pub(super) fn poll_control(
        &mut self,
        now: Duration,
        input_written: u64,
        told: Told,
    ) -> Option<ServerFrame> {
        if let Some(welcome) = self.welcome.take() {
            return Some(ServerFrame::Welcome(welcome));
        }
        if let Some(stamp) = self.heartbeat.take_ping(now) {
            return Some(ServerFrame::Ping { stamp, rtt_ms: self.rtt_ms() });
        }
        if std::mem::take(&mut self.input_ack_due) {
            return Some(ServerFrame::InputAck { seq: input_written });
        }
        self.poll_told(told)
    }

    fn poll_told(&mut self, told: Told) -> Option<ServerFrame> {
        let before = std::mem::replace(&mut self.told, told);
        if !self.caps.has(Caps::WATCH) {
            return None;
        }
        match self.role {
            Role::Owner if before.watchers != told.watchers => {
                Some(ServerFrame::Watchers { count: told.watchers })
            }
            Role::Observer if before.size != told.size => Some(ServerFrame::Resized(told.size)),
            Role::Owner | Role::Observer => None,
        }
    }

    fn rtt_ms(&self) -> u32 {
        let millis =
            self.heartbeat.rtt().map(|rtt| u32::try_from(rtt.as_millis()).unwrap_or(RTT_UNKNOWN - 1));
        millis.unwrap_or(RTT_UNKNOWN)
    }

    pub(super) fn view(&self) -> ConnectionView {
        ConnectionView {
            id: self.id,
            role: self.role,
            open: self.is_open(),
            unacked_bytes: self.flow.unacked(),
            rtt: self.heartbeat.rtt(),
        }
    }
}
