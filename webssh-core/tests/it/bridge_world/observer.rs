//! Somebody who looks on, at a pace of his own.

use std::time::Duration;

use webssh_core::frame::{ClientFrame, Hello, Opening, Role, ServerFrame};
use webssh_core::{Bridge, ConnectionId, ResumeToken, Send, WinSize};

use super::random::Random;
use super::stream::{OUTPUT, len64};
use super::token;

pub(crate) struct Observer {
    pub(crate) id: ConnectionId,
    pub(crate) received: Option<u64>,
    consumed: u64,
    pub(crate) gaps: usize,
    pub(crate) size: WinSize,
}

impl Observer {
    pub(crate) fn attach(bridge: &mut Bridge, now: Duration) -> Self {
        let hello = Hello { opening: Opening::Plain, ..Hello::plain(WinSize::new(1, 1).unwrap()) };
        let id = bridge.attach(now, &hello, Role::Observer, &token());
        Self { id, received: None, consumed: 0, gaps: 0, size: WinSize::default() }
    }

    /// It reads a little, and acknowledges a little; often neither.
    pub(crate) fn step(&mut self, bridge: &mut Bridge, now: Duration, random: &mut Random) {
        match random.below(6) {
            0 => {
                self.consumed += (self.received.unwrap_or(0) - self.consumed) / 2;
                self.ack(bridge, now, self.consumed);
            }
            1 => {
                self.consumed = self.received.unwrap_or(0);
                self.ack(bridge, now, self.consumed);
            }
            2 => self.read(bridge, now, 4),
            _ => {}
        }
    }

    fn ack(&self, bridge: &mut Bridge, now: Duration, consumed: u64) {
        if self.received.is_some() {
            bridge.on_frame(now, self.id, &ClientFrame::Ack { consumed }.encode());
        }
    }

    pub(crate) fn read(&mut self, bridge: &mut Bridge, now: Duration, frames: usize) {
        for _ in 0..frames {
            match bridge.poll_connection(self.id) {
                Some(Send::Frame(frame)) => self.take(bridge, now, ServerFrame::decode(&frame).unwrap()),
                Some(Send::Close(reason)) => panic!("an observer was thrown out: {reason}"),
                None => return,
            }
        }
    }

    fn take(&mut self, bridge: &mut Bridge, now: Duration, frame: ServerFrame) {
        match frame {
            ServerFrame::Welcome(welcome) => {
                assert!(welcome.role == Role::Observer && welcome.token == ResumeToken::none());
                (self.received, self.consumed) = (Some(welcome.output_from), welcome.output_from);
                self.size = welcome.size;
            }
            ServerFrame::Data { seq, bytes } => {
                assert_eq!(Some(seq), self.received);
                assert!(bytes[..] == *OUTPUT.at(seq, bytes.len()), "an observer sees what the shell wrote");
                assert!(std::str::from_utf8(&bytes).is_ok(), "in whole characters");
                self.received = Some(seq + len64(bytes.len()));
            }
            ServerFrame::Gap { from, to } => {
                assert!(Some(from) == self.received && to > from);
                self.received = Some(to);
                self.gaps += 1;
            }
            ServerFrame::Ping { stamp, .. } => {
                bridge.on_frame(now, self.id, &ClientFrame::Pong { stamp }.encode());
            }
            ServerFrame::Resized(size) => self.size = size,
            other => panic!("unexpected {other:?}"),
        }
    }
}
