//! What the tests of single rules need: a bridge with an owner, and everything that it says.

use std::time::Duration;

use bytes::Bytes;
use webssh_core::frame::{ClientFrame, FailureCode, Hello, InputChunk, Opening, Role, ServerFrame, Welcome};
use webssh_core::{
    Action, Bridge, CloseReason, ConnectionId, Limits, LimitsConfig, ProtocolError, ResumeToken, Send,
    WinSize,
};

pub(crate) const ZERO: Duration = Duration::ZERO;

pub(crate) fn secs(number: u64) -> Duration {
    Duration::from_secs(number)
}

pub(crate) fn token() -> ResumeToken {
    ResumeToken::from_bytes([7; 32])
}

pub(crate) fn resume(received: u64) -> Hello {
    let opening = Opening::Resume { token: token(), received };
    Hello { opening, ..Hello::plain(WinSize::default()) }
}

pub(crate) fn input(seq: u64, bytes: &[u8]) -> Bytes {
    let bytes = InputChunk::split_from(&mut Bytes::copy_from_slice(bytes)).unwrap();
    ClientFrame::Input { seq, bytes }.encode()
}

pub(crate) fn ack(consumed: u64) -> Bytes {
    ClientFrame::Ack { consumed }.encode()
}

pub(crate) fn failure_code(frames: &[ServerFrame]) -> Option<u16> {
    frames.iter().find_map(|frame| match frame {
        ServerFrame::Failure(failure) => Some(failure.code()),
        _ => None,
    })
}

/// A bridge with an owner whose welcome was taken.
pub(crate) struct Kit {
    pub(crate) bridge: Bridge,
    pub(crate) owner: ConnectionId,
}

impl Kit {
    pub(crate) fn open() -> Self {
        Self::with(LimitsConfig::default())
    }

    pub(crate) fn with(config: LimitsConfig) -> Self {
        let mut bridge = Bridge::new(Limits::new(config).unwrap(), ZERO);
        let owner = bridge.attach(ZERO, &Hello::plain(WinSize::default()), Role::Owner, &token());
        let mut kit = Self { bridge, owner };
        assert!(matches!(kit.drain().0[..], [ServerFrame::Welcome(_)]));
        assert!(matches!(kit.bridge.poll(), Some(Action::ResizeChannel(_))));
        kit
    }

    /// The frames that are due to the owner, and the reason if its connection closed.
    pub(crate) fn drain(&mut self) -> (Vec<ServerFrame>, Option<CloseReason>) {
        self.drain_of(self.owner)
    }

    pub(crate) fn drain_of(&mut self, id: ConnectionId) -> (Vec<ServerFrame>, Option<CloseReason>) {
        let mut frames = Vec::new();
        while let Some(send) = self.bridge.poll_connection(id) {
            match send {
                Send::Frame(frame) => frames.push(ServerFrame::decode(&frame).unwrap()),
                Send::Close(reason) => return (frames, Some(reason)),
            }
        }
        (frames, None)
    }

    /// A connection comes, and says what it was welcomed with.
    pub(crate) fn attach(&mut self, now: Duration, hello: &Hello, role: Role) -> (ConnectionId, Welcome) {
        let id = self.bridge.attach(now, hello, role, &token());
        let Some(Send::Frame(frame)) = self.bridge.poll_connection(id) else { panic!("no welcome") };
        let ServerFrame::Welcome(welcome) = ServerFrame::decode(&frame).unwrap() else {
            panic!("no welcome")
        };
        (id, welcome)
    }

    /// The owner comes back.
    pub(crate) fn resume(&mut self, now: Duration, received: u64) -> Welcome {
        let (owner, welcome) = self.attach(now, &resume(received), Role::Owner);
        self.owner = owner;
        welcome
    }

    pub(crate) fn frame(&mut self, now: Duration, frame: &[u8]) {
        self.bridge.on_frame(now, self.owner, frame);
    }

    pub(crate) fn output(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(Limits::CHANNEL_BYTES_MAX) {
            self.bridge.on_channel(ZERO, chunk).unwrap();
        }
    }

    /// As much output as the bridge takes of a shell that never stops, sent as far as it goes.
    pub(crate) fn flood(&mut self) -> usize {
        let mut given = 0;
        while self.bridge.wants_channel_read() {
            self.output(&[b'y'; 32 << 10]);
            given += 32 << 10;
            self.drain();
        }
        given
    }

    /// What ended the session, if it is over.
    pub(crate) fn closed(&mut self) -> Option<CloseReason> {
        while let Some(action) = self.bridge.poll() {
            if let Action::Close(reason) = action {
                return Some(reason);
            }
        }
        None
    }

    /// The owner broke the protocol: its connection closes and says so, and the session lives on.
    pub(crate) fn assert_broken(&mut self, expected: &ProtocolError) {
        let (frames, closed) = self.drain();
        assert!(matches!(&closed, Some(CloseReason::Protocol(error)) if error == expected), "{closed:?}");
        assert_eq!(failure_code(&frames), Some(FailureCode::Protocol.number()));
        assert!(self.closed().is_none() && self.bridge.wake_at().is_some(), "the session lives on");
    }
}
