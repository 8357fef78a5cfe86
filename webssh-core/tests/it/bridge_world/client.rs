//! An honest client: it keeps what it typed until it is received, and goes on where it was after a cut.

use std::collections::VecDeque;

use bytes::Bytes;
use webssh_core::frame::{
    Caps, ClientFrame, FailureCode, Hello, INPUT_FRAME_BYTES_MAX, InputChunk, Opening, Role, ServerFrame,
    VERSION, Welcome,
};
use webssh_core::{ConnectionId, ResumeToken, WinSize};

use super::random::Random;
use super::stream::{INPUT, OUTPUT, len64};

/// A connection, with the frames in flight.
#[derive(Default)]
pub(crate) struct Link {
    /// Given when the hello has arrived.
    pub(crate) id: Option<ConnectionId>,
    pub(crate) to_server: VecDeque<Bytes>,
    pub(crate) to_client: VecDeque<Bytes>,
}

pub(crate) struct Client {
    pub(crate) link: Option<Link>,
    caps: Caps,
    token: Option<ResumeToken>,
    /// Whether the welcome of this connection has come.
    pub(crate) opened: bool,
    pub(crate) received: u64,
    pub(crate) consumed: u64,
    acked: u64,
    /// Keys struck, keys sent on this connection, keys that the shell took.
    pub(crate) typed: u64,
    sent: u64,
    input_acked: u64,
    input_bytes_max: u64,
    /// Where input was received before, an acknowledgement follows the welcome and tells how much of it was taken.
    window_known: bool,
    unacked_bytes_max: u64,
    pub(crate) gaps: Vec<(u64, u64)>,
    pub(crate) exit: Option<u32>,
    pub(crate) replaced: bool,
    /// Every frame that arrived, folded into a number.
    pub(crate) trace: u64,
}

impl Client {
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            link: None,
            caps,
            token: None,
            opened: false,
            received: 0,
            consumed: 0,
            acked: 0,
            typed: 0,
            sent: 0,
            input_acked: 0,
            input_bytes_max: 0,
            window_known: false,
            unacked_bytes_max: 0,
            gaps: Vec::new(),
            exit: None,
            replaced: false,
            trace: 0,
        }
    }

    /// Opens a connection, and goes on with the session if there was one.
    pub(crate) fn dial(&mut self) {
        let opening = match &self.token {
            Some(token) => Opening::Resume { token: token.clone(), received: self.received },
            None => Opening::Plain,
        };
        let hello = Hello { version: VERSION, caps: self.caps, size: WinSize::default(), opening };
        self.opened = false;
        self.link = Some(Link::default());
        self.send(&ClientFrame::Hello(hello));
    }

    fn send(&mut self, frame: &ClientFrame) {
        if let Some(link) = &mut self.link {
            link.to_server.push_back(frame.encode());
        }
    }

    pub(crate) fn type_in(&mut self, len: u64) {
        // A user does not type ahead for ever.
        if self.token.is_some() && self.typed - self.input_acked < 40 << 10 {
            self.typed += len;
            self.flush();
        }
    }

    /// Sends what the window of the server takes.
    fn flush(&mut self) {
        while self.opened && self.window_known && self.sent < self.typed {
            let room = (self.input_acked + self.input_bytes_max).saturating_sub(self.sent);
            let len = room.min(self.typed - self.sent).min(len64(INPUT_FRAME_BYTES_MAX));
            if len == 0 {
                return;
            }
            let keys = INPUT.at(self.sent, usize::try_from(len).unwrap());
            let bytes = InputChunk::split_from(&mut Bytes::copy_from_slice(keys)).unwrap();
            self.send(&ClientFrame::Input { seq: self.sent, bytes });
            self.sent += len;
        }
    }

    /// The terminal works off some output, and says so now and then.
    pub(crate) fn consume(&mut self, random: &mut Random) {
        let part = len64(random.below(4));
        self.consumed += (self.received - self.consumed) * (part + 1) / 4;
        if self.opened && self.consumed > self.acked && random.below(2) == 0 {
            self.acked = self.consumed;
            self.send(&ClientFrame::Ack { consumed: self.consumed });
        }
    }

    /// One frame arrives.
    pub(crate) fn take_one(&mut self) {
        let Some(frame) = self.link.as_mut().and_then(|link| link.to_client.pop_front()) else { return };
        for byte in frame.iter().take(24).chain(&[u8::try_from(frame.len() % 256).unwrap()]) {
            self.trace = self.trace.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(*byte));
        }
        match ServerFrame::decode(&frame).unwrap() {
            ServerFrame::Welcome(welcome) => self.on_welcome(&welcome),
            ServerFrame::Data { seq, bytes } => self.on_data(seq, &bytes),
            ServerFrame::Gap { from, to } => {
                assert!(self.opened && from == self.received && to > from, "a gap that does not fit");
                self.gaps.push((from, to));
                self.received = to;
            }
            ServerFrame::InputAck { seq } => {
                assert!(self.opened && seq <= self.sent, "input is acknowledged that was not sent");
                self.input_acked = seq;
                self.window_known = true;
                self.flush();
            }
            ServerFrame::Ping { stamp, .. } => self.send(&ClientFrame::Pong { stamp }),
            ServerFrame::Exit { status } => self.exit = Some(status),
            ServerFrame::Failure(failure) if failure.code() == FailureCode::Replaced.number() => {
                self.replaced = true;
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn on_welcome(&mut self, welcome: &Welcome) {
        assert!(!self.opened && welcome.role == Role::Owner);
        self.opened = true;
        if self.token.is_none() {
            (self.received, self.consumed) = (welcome.output_from, welcome.output_from);
            (self.typed, self.input_acked) = (welcome.input_received, welcome.input_received);
        }
        assert_eq!(welcome.output_from, self.received, "output goes on where it was");
        assert!((self.input_acked..=self.typed).contains(&welcome.input_received), "no key is made up");
        self.acked = self.received;
        self.sent = welcome.input_received;
        self.input_bytes_max = welcome.input_bytes_max.into();
        self.unacked_bytes_max = welcome.unacked_bytes_max.into();
        self.token = Some(welcome.token.clone());
        self.window_known = welcome.input_received == 0;
        self.flush();
    }

    fn on_data(&mut self, seq: u64, bytes: &[u8]) {
        assert!(self.opened && seq == self.received, "output {seq} came where {} was next", self.received);
        assert!(bytes == OUTPUT.at(seq, bytes.len()), "output was lost, repeated or changed");
        assert!(std::str::from_utf8(bytes).is_ok(), "a character was torn apart");
        self.received += len64(bytes.len());
        let unacked = self.received - self.acked;
        let gone: u64 = self.gaps.iter().map(|(from, to)| to.saturating_sub(*from.max(&self.acked))).sum();
        assert!(unacked - gone <= self.unacked_bytes_max, "{unacked} bytes exceed the credit");
    }
}
