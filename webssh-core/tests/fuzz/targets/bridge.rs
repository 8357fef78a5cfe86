//! The bridge under arbitrary commands from several connections, some of them hostile: nothing panics, nothing grows
//! over its limit, there is one owner, and what each browser is sent fits together.

use std::time::Duration;

use webssh_core::frame::{
    Caps, ClientFrame, Failure, FailureCode, Hello, Opening, Role, ServerFrame, VERSION,
};
use webssh_core::{
    Action, Bridge, ChannelEnd, CloseReason, ConnectionId, Limits, LimitsConfig, ResumeToken, Send, WinSize,
};

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![Target {
        name: "bridge",
        seeds: SEEDS.iter().map(|seed| seed.to_vec()).collect(),
        words: &[
            "o",
            "w",
            "p\0",
            "p\u{1}",
            "P",
            "f\u{7f}",
            "t\u{20}",
            "c\0",
            "r\0\0",
            "a\0\0\u{1}",
            "i\0\0\u{3}",
            "W",
        ],
        bytes_max: 400,
        run: |input| World::new().run(input),
        reaches: &[
            "runs",
            "closed: the shell ended",
            "closed: the owner ended the session",
            "closed: there was no input for too long",
        ],
    }]
}

/// One letter a command, and its arguments.
const SEEDS: &[&[u8]] = &[
    b"of\x7fp\0a\0\x01\0Pi\0\0\x05PW",
    b"of\x20p\0c\0f\x20r\0\x10p\0a\0\x00\x20p\0",
    b"owof\x7fp\0p\x01p\x02a\x01\x01\0p\x01",
    b"of\x05ep\0a\0\x02\x80Pp\0",
    b"ol\0p\0",
    b"ot\xfft\xfft\xfft\xfft\xffg\0t\xff",
    b"oh\0\x05\x02\0\0\0\0T\0p\0k\0p\0",
    b"oooof\xfff\xfff\xfff\xfff\xfff\xfff\xfff\xffp\x03a\x03\x40\0p\x03a\x03\x80\0",
];

/// A connection as its browser sees it.
struct Seen {
    id: ConnectionId,
    next: Option<u64>,
    stamp: u64,
}

struct World {
    bridge: Bridge,
    now: Duration,
    seen: Vec<Seen>,
    writing: usize,
    closed: Option<CloseReason>,
}

impl World {
    fn new() -> Self {
        let limits = Limits::new(LimitsConfig {
            ring_bytes_max: 96 << 10,
            unacked_bytes_max: 20 << 10,
            resume_bytes: 16 << 10,
            replay_bytes: 4096,
            idle_secs_max: 600,
            ..LimitsConfig::default()
        });
        let bridge = Bridge::new(limits.unwrap(), Duration::ZERO);
        Self { bridge, now: Duration::ZERO, seen: Vec::new(), writing: 0, closed: None }
    }

    fn run(mut self, input: &[u8]) -> String {
        let mut rest = input.iter().copied();
        while let Some(command) = rest.next() {
            self.apply(command, &mut rest);
            self.check();
        }
        self.poll();
        match self.closed {
            Some(reason) => format!("closed: {reason}"),
            None => "runs".to_owned(),
        }
    }

    fn check(&self) {
        assert!(self.bridge.memory() <= self.bridge.memory_max(), "{} bytes are held", self.bridge.memory());
        let owners = self.bridge.connections().filter(|view| view.open && view.role == Role::Owner);
        assert!(owners.count() <= 1, "two owners");
    }

    fn apply(&mut self, command: u8, rest: &mut impl Iterator<Item = u8>) {
        let mut byte = || rest.next().unwrap_or(0);
        match command {
            b'o' => self.attach(Role::Owner, Opening::Plain),
            b'w' => self.attach(Role::Observer, Opening::Plain),
            b'r' => {
                let received = u64::from(byte()) << 8 | u64::from(byte());
                let opening = Opening::Resume { token: ResumeToken::none(), received };
                self.attach(Role::Owner, opening);
            }
            b'f' => self.output(usize::from(byte()) << 7),
            b'p' => self.read(byte()),
            b'P' => self.poll(),
            b'W' => self.bridge.on_channel_written(std::mem::take(&mut self.writing)),
            b'a' => {
                let (from, consumed) = (byte(), u64::from(byte()) << 8 | u64::from(byte()));
                self.say(from, &ClientFrame::Ack { consumed }.encode());
            }
            b'i' => {
                let (from, seq, len) = (byte(), byte(), usize::from(byte()));
                let frame = [&[2, 0, 0, 0, 0, 0, 0, 0, seq][..], &vec![b'k'; len * 64]].concat();
                self.say(from, &frame);
            }
            b'h' => {
                let (from, len) = (byte(), byte());
                let frame: Vec<u8> = (0..len).map(|_| byte()).collect();
                self.say(from, &frame);
            }
            b'g' => self.pong(byte()),
            b'l' => self.say(byte(), &ClientFrame::Leave.encode()),
            b't' => {
                self.now += Duration::from_secs(byte().into());
                self.bridge.on_tick(self.now);
            }
            b'c' => self.with(byte(), |bridge, now, id| bridge.on_cut(now, id)),
            b'T' => self.with(byte(), |bridge, _, id| bridge.on_text(id)),
            b'k' => self.with(byte(), |bridge, _, id| bridge.kick(id, Failure::new(FailureCode::Kicked))),
            b'e' => self.bridge.on_channel_closed(self.now, ChannelEnd::Exited { status: 0 }),
            _ => {}
        }
    }

    fn attach(&mut self, role: Role, opening: Opening) {
        let hello = Hello { version: VERSION, caps: Caps::ALL, size: WinSize::default(), opening };
        let id = self.bridge.attach(self.now, &hello, role, &ResumeToken::from_bytes([1; 32]));
        self.seen.push(Seen { id, next: None, stamp: 0 });
    }

    fn output(&mut self, len: usize) {
        if self.bridge.wants_channel_read() {
            self.bridge.on_channel(self.now, &vec![b'y'; len]).unwrap();
        }
    }

    fn with(&mut self, which: u8, act: impl FnOnce(&mut Bridge, Duration, ConnectionId)) {
        if let Some(seen) = self.seen.get(usize::from(which)) {
            act(&mut self.bridge, self.now, seen.id);
        }
    }

    fn say(&mut self, from: u8, frame: &[u8]) {
        self.with(from, |bridge, now, id| bridge.on_frame(now, id, frame));
    }

    fn pong(&mut self, from: u8) {
        if let Some(seen) = self.seen.get(usize::from(from)) {
            let frame = ClientFrame::Pong { stamp: seen.stamp }.encode();
            self.bridge.on_frame(self.now, seen.id, &frame);
        }
    }

    fn poll(&mut self) {
        while let Some(action) = self.bridge.poll() {
            assert!(self.closed.is_none(), "an action after the last");
            match action {
                Action::WriteChannel(bytes) => {
                    assert_eq!(self.writing, 0, "two pieces of input under way");
                    self.writing = bytes.len();
                }
                Action::Close(reason) => {
                    assert!(self.bridge.wake_at().is_none() && !self.bridge.wants_channel_read());
                    self.closed = Some(reason);
                }
                _ => {}
            }
        }
    }

    fn read(&mut self, which: u8) {
        let Some(seen) = self.seen.get_mut(usize::from(which)) else { return };
        while let Some(send) = self.bridge.poll_connection(seen.id) {
            let Send::Frame(frame) = send else {
                assert!(self.bridge.poll_connection(seen.id).is_none(), "a closed connection is forgotten");
                return;
            };
            match ServerFrame::decode(&frame).unwrap() {
                ServerFrame::Welcome(welcome) => {
                    assert!(seen.next.is_none(), "a second welcome");
                    seen.next = Some(welcome.output_from);
                }
                ServerFrame::Data { seq, bytes } => {
                    assert_eq!(Some(seq), seen.next, "output that does not follow");
                    seen.next = Some(seq + u64::try_from(bytes.len()).unwrap());
                }
                ServerFrame::Gap { from, to } => {
                    assert!(Some(from) == seen.next && to > from, "a gap that does not follow");
                    seen.next = Some(to);
                }
                ServerFrame::Ping { stamp, .. } => seen.stamp = stamp,
                _ => {}
            }
        }
    }
}
