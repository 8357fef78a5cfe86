//! What goes to a connection next: made from state when it is asked for, so that nothing queues up.

use bytes::Bytes;

use super::connection::{Connection, Send, Stage, Told};
use super::{Bridge, CloseReason, ConnectionId};
use crate::frame::{DATA_FRAME_BYTES_MAX, DATA_HEADER_BYTES, Role, ServerFrame, begin_data};
use crate::ring::{Ring, count};
use crate::utf8::whole_chars;

impl Bridge {
    /// What to do next with a connection; call it until it says `None`, and only when that connection can
    /// take a message. A transport that is stuck holds back nothing but itself.
    ///
    /// It goes on after [`Action::Close`](super::Action::Close), to the last frame and the close of each.
    pub fn poll_connection(&mut self, id: ConnectionId) -> Option<Send> {
        let (now, input_written, told) = (self.latest, self.input.written(), self.told());
        let connection = self.connections.iter_mut().find(|connection| connection.id == id)?;
        if connection.is_open() {
            let frame = match &self.closing {
                None => connection
                    .poll_control(now, input_written, told)
                    .map(|frame| frame.encode())
                    .or_else(|| poll_output(connection, &self.ring, self.ended.is_some())),
                Some(reason) => poll_closing(connection, &self.ring, reason),
            };
            if let Some(frame) = frame {
                return Some(Send::Frame(frame));
            }
        }
        self.poll_farewell(id)
    }

    fn told(&self) -> Told {
        let watchers = self.connections.iter().filter(|it| it.is_open() && it.role == Role::Observer);
        Told {
            size: self.size.unwrap_or_default(),
            watchers: u16::try_from(watchers.count()).unwrap_or(u16::MAX),
        }
    }

    /// The last frame of a connection, then its close.
    fn poll_farewell(&mut self, id: ConnectionId) -> Option<Send> {
        let connection = self.connection_mut(id)?;
        let Stage::Leaving { reason, farewell } = &mut connection.stage else { return None };
        if let Some(frame) = farewell.take() {
            return Some(Send::Frame(frame.encode()));
        }
        let reason = reason.clone();
        self.connections.retain(|connection| connection.id != id);
        Some(Send::Close(reason))
    }
}

/// Of a session that is over: after the end of its shell what the credit still carries, then the farewell.
fn poll_closing(connection: &mut Connection, ring: &Ring, reason: &CloseReason) -> Option<Bytes> {
    if matches!(reason, CloseReason::Ended(_) | CloseReason::Undrained(_)) {
        let welcome = connection.welcome.take().map(|welcome| ServerFrame::Welcome(welcome).encode());
        let rest = welcome.or_else(|| poll_output(connection, ring, true));
        if rest.is_some() {
            return rest;
        }
    }
    connection.leave(reason.clone());
    None
}

fn poll_output(connection: &mut Connection, ring: &Ring, ended: bool) -> Option<Bytes> {
    poll_gap(connection, ring).or_else(|| poll_data(connection, ring, ended))
}

/// Output that is gone is said to be gone.
fn poll_gap(connection: &mut Connection, ring: &Ring) -> Option<Bytes> {
    let from = connection.flow.sent();
    if from >= ring.start() || !connection.flow.may_skip() {
        return None;
    }
    let to = ring.char_edge(ring.start());
    connection.flow.skip_to(to);
    Some(ServerFrame::Gap { from, to }.encode())
}

/// The next piece of output: within the credit, and cut between characters while the shell lives.
fn poll_data(connection: &mut Connection, ring: &Ring, ended: bool) -> Option<Bytes> {
    let seq = connection.flow.sent();
    let held = usize::try_from(ring.end().saturating_sub(seq)).unwrap_or(usize::MAX);
    let len = connection.flow.room().min(DATA_FRAME_BYTES_MAX).min(held);
    if len == 0 || seq < ring.start() {
        return None;
    }
    let mut frame = begin_data(seq, len);
    ring.append_to(&mut frame, seq, len);
    let output = frame.get(DATA_HEADER_BYTES..).unwrap_or_default();
    let whole = if ended && len == held { len } else { whole_chars(output) };
    if whole == 0 {
        return None;
    }
    frame.truncate(DATA_HEADER_BYTES + whole);
    connection.flow.on_sent(count(whole));
    Some(frame.freeze())
}
