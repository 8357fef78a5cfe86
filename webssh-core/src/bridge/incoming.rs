//! What a browser may say, and who may say it.

use std::time::Duration;

use super::connection::Connection;
use super::{Bridge, CloseReason, ConnectionId, ProtocolError};
use crate::frame::{ClientFrame, Role};

impl Bridge {
    /// A binary message came from a connection. A bad one closes that connection only.
    pub fn on_frame(&mut self, now: Duration, from: ConnectionId, frame: &[u8]) {
        self.saw(now);
        let open = |connection: &&Connection| connection.id == from && connection.is_open();
        let Some(role) = self.connections.iter().find(open).map(|connection| connection.role) else { return };
        if self.is_closing() {
            return;
        }
        let taken = match ClientFrame::decode(frame) {
            Ok(frame) => self.take_frame(now, from, role, frame),
            Err(error) => Err(ProtocolError::Frame(error)),
        };
        if let Err(error) = taken {
            self.drop_connection(from, CloseReason::Protocol(error));
        }
    }

    /// A text message came: the wire is binary, so this closes the connection.
    pub fn on_text(&mut self, from: ConnectionId) {
        self.drop_connection(from, CloseReason::Protocol(ProtocolError::Text));
    }

    fn take_frame(
        &mut self,
        now: Duration,
        from: ConnectionId,
        role: Role,
        frame: ClientFrame,
    ) -> Result<(), ProtocolError> {
        match (frame, role) {
            (ClientFrame::Hello(_), _) => Err(ProtocolError::HelloTwice),
            (ClientFrame::Answer(_) | ClientFrame::HostAnswer { .. }, _) => Err(ProtocolError::StrayAnswer),
            (ClientFrame::Ack { consumed }, _) => self.on_ack(from, consumed),
            (ClientFrame::Pong { stamp }, _) => {
                self.connection_mut(from).map_or(Ok(()), |connection| connection.on_pong(now, stamp))
            }
            (_, Role::Observer) => Err(ProtocolError::ReadOnly),
            (ClientFrame::Input { seq, bytes }, Role::Owner) => self.on_input(now, seq, &bytes),
            (ClientFrame::Resize(size), Role::Owner) => {
                self.resize(size);
                Ok(())
            }
            (ClientFrame::Leave, Role::Owner) => {
                self.close(CloseReason::Left);
                Ok(())
            }
        }
    }

    fn on_input(&mut self, now: Duration, seq: u64, bytes: &[u8]) -> Result<(), ProtocolError> {
        let known = self.input.accept(seq, bytes.len())?;
        let fresh = bytes.get(known..).unwrap_or_default();
        if !fresh.is_empty() {
            self.last_input = now;
        }
        // After the end of the shell nobody is left to take it, so it stays unacknowledged.
        if self.ended.is_none() {
            self.input.queue(fresh);
        }
        Ok(())
    }

    fn on_ack(&mut self, from: ConnectionId, consumed: u64) -> Result<(), ProtocolError> {
        self.connection_mut(from).map_or(Ok(()), |connection| connection.on_ack(consumed))?;
        // Only the owner's progress frees output; that of an observer changes nothing here.
        if let Some(consumed) = self.owner().map(|owner| owner.flow.consumed()) {
            self.consumed = self.consumed.max(consumed);
            self.ring.release(consumed.saturating_sub(self.limits.config().replay_bytes.into()));
            self.settle();
        }
        Ok(())
    }
}
