//! A small world around one bridge: an honest client, observers and a shell, joined by connections that delay
//! frames and lose them when they are cut. Everything is drawn from one seed, and every byte is checked.

mod client;
mod observer;
mod plan;
mod random;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use webssh_core::frame::{Caps, ClientFrame, Hello, Role, ServerFrame};
use webssh_core::{
    Action, Bridge, ChannelEnd, CloseReason, ConnectionId, Limits, ResumeToken, Send, WinSize,
};

pub(crate) use client::{Client, Link};
pub(crate) use observer::Observer;
pub(crate) use plan::Plan;
use plan::{RING_BYTES, limits};
pub(crate) use random::Random;
pub(crate) use stream::{INPUT, OUTPUT, len64};

/// Frames that a transport holds in one direction.
pub(crate) const IN_FLIGHT_MAX: usize = 4;

pub(crate) struct World {
    pub(crate) bridge: Bridge,
    pub(crate) limits: Limits,
    pub(crate) random: Random,
    pub(crate) now: Duration,
    pub(crate) client: Client,
    pub(crate) observers: Vec<Observer>,
    /// Output that the shell wrote, input that it read.
    pub(crate) produced: u64,
    pub(crate) typed_through: u64,
    /// Input on its way to the shell.
    writing: Option<Bytes>,
    /// Connections whose cut the server has not noticed yet.
    half_open: Vec<ConnectionId>,
    pub(crate) cuts: usize,
    pub(crate) closed: Option<CloseReason>,
    plan: Plan,
}

pub(crate) fn token() -> ResumeToken {
    ResumeToken::from_bytes([9; 32])
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let limits = limits();
        let mut world = Self {
            bridge: Bridge::new(limits, Duration::ZERO),
            limits,
            random: Random::new(seed),
            now: Duration::ZERO,
            client: Client::new(Caps::RESUME),
            observers: Vec::new(),
            produced: 0,
            typed_through: 0,
            writing: None,
            half_open: Vec::new(),
            cuts: 0,
            closed: None,
            plan,
        };
        for _ in 0..plan.dead_observers {
            let hello = Hello::plain(WinSize::default());
            world.bridge.attach(world.now, &hello, Role::Observer, &token());
        }
        world.client.dial();
        world
    }

    pub(crate) fn steps(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            let most = self.limits.memory_max();
            assert!(self.bridge.memory() <= most, "{} bytes are held, {most} allowed", self.bridge.memory());
        }
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) {
        if self.one_in(self.plan.cut_in) {
            self.cut();
        }
        if self.one_in(self.plan.device_in) {
            self.change_device();
        }
        match self.random.below(12) {
            0 | 1 => self.shell_writes(),
            2 => self.shell_reads(),
            3 => self.client_types(),
            4 | 5 => self.client.consume(&mut self.random),
            6 | 7 => self.deliver_to_server(),
            8 => self.deliver_to_client(),
            9 => self.server_sends(),
            10 => self.notice_cuts(),
            _ => self.wait(),
        }
        if self.plan.observers > 0 {
            self.step_observers();
        }
    }

    fn one_in(&mut self, steps: usize) -> bool {
        steps > 0 && self.random.below(steps) == 0
    }

    pub(crate) fn shell_writes(&mut self) {
        // A shell that nobody looks at waits, unless the world is one in which output may be lost.
        let unseen = self.produced - self.client.received.min(self.produced);
        if !self.plan.overrun && unseen + len64(Limits::CHANNEL_BYTES_MAX) > 90 << 10 {
            return;
        }
        if self.bridge.wants_channel_read() {
            let len = self.random.size(Limits::CHANNEL_BYTES_MAX);
            self.bridge.on_channel(self.now, OUTPUT.at(self.produced, len)).unwrap();
            self.produced += len64(len);
        }
    }

    /// The shell takes input now and then, and it must be the next that was typed.
    pub(crate) fn shell_reads(&mut self) {
        if let Some(bytes) = self.writing.take() {
            assert!(
                bytes == INPUT.at(self.typed_through, bytes.len()),
                "a key was lost, repeated or changed"
            );
            self.typed_through += len64(bytes.len());
            self.bridge.on_channel_written(bytes.len());
        }
        while self.writing.is_none() {
            match self.bridge.poll() {
                Some(Action::WriteChannel(bytes)) => self.writing = Some(bytes),
                Some(Action::ResizeChannel(_)) => {}
                Some(Action::Close(reason)) => self.closed = Some(reason),
                Some(other) => panic!("unknown action {other:?}"),
                None => return,
            }
        }
    }

    fn client_types(&mut self) {
        let len = self.random.size(6000);
        self.client.type_in(len64(len));
    }

    pub(crate) fn deliver_to_server(&mut self) {
        let Some(link) = &mut self.client.link else { return };
        let Some(frame) = link.to_server.pop_front() else { return };
        match link.id {
            Some(id) => self.bridge.on_frame(self.now, id, &frame),
            None => {
                let ClientFrame::Hello(hello) = ClientFrame::decode(&frame).unwrap() else {
                    panic!("a client says hello first")
                };
                link.id = Some(self.bridge.attach(self.now, &hello, Role::Owner, &token()));
            }
        }
    }

    pub(crate) fn deliver_to_client(&mut self) {
        if self.client.link.is_none() {
            self.client.dial();
        }
        self.client.take_one();
    }

    pub(crate) fn server_sends(&mut self) {
        for _ in 0..IN_FLIGHT_MAX {
            let Some(Link { id: Some(id), to_client, .. }) = &mut self.client.link else { return };
            if to_client.len() >= IN_FLIGHT_MAX {
                return;
            }
            match self.bridge.poll_connection(*id) {
                Some(Send::Frame(frame)) => {
                    check_gap(&frame, self.produced);
                    to_client.push_back(frame);
                }
                Some(Send::Close(reason)) => {
                    assert!(self.closed.is_some(), "an honest client was thrown out: {reason}");
                    return;
                }
                None => return,
            }
        }
    }

    /// The connection is gone, with every frame in flight. The server may notice at once, later, or never.
    pub(crate) fn cut(&mut self) {
        let Some(link) = self.client.link.take() else { return };
        self.cuts += 1;
        let Some(id) = link.id else { return };
        match self.random.below(2) {
            0 => self.bridge.on_cut(self.now, id),
            _ => self.half_open.push(id),
        }
    }

    fn notice_cuts(&mut self) {
        for id in self.half_open.split_off(0) {
            self.bridge.on_cut(self.now, id);
        }
    }

    /// Another tab opens the session with nothing but its number. What the former had not sent is lost with it.
    fn change_device(&mut self) {
        if let Some(Link { id: Some(id), .. }) = self.client.link.take() {
            self.half_open.push(id);
        }
        self.client = Client::new(Caps::RESUME);
        self.client.dial();
    }

    fn wait(&mut self) {
        self.now += Duration::from_millis(len64(self.random.below(400)));
        self.bridge.on_tick(self.now);
    }

    fn step_observers(&mut self) {
        if self.observers.len() < self.plan.observers && self.one_in(200) {
            self.observers.push(Observer::attach(&mut self.bridge, self.now));
        }
        if self.one_in(400)
            && let Some(observer) = self.observers.pop()
        {
            self.bridge.on_cut(self.now, observer.id);
        }
        let chosen = self.random.below(self.observers.len().max(1));
        if let Some(observer) = self.observers.get_mut(chosen) {
            observer.step(&mut self.bridge, self.now, &mut self.random);
        }
    }

    /// Everything that is under way arrives, without further cuts; then the shell ends.
    pub(crate) fn settle(&mut self) {
        self.plan = Plan { cut_in: 0, device_in: 0, ..self.plan };
        for _ in 0..200_000 {
            self.end_character();
            let client = &self.client;
            let output_done = client.received == self.produced && client.consumed == client.received;
            if output_done && client.opened && self.typed_through == client.typed {
                break;
            }
            match self.random.below(6) {
                0 => self.shell_reads(),
                1 => self.client.consume(&mut self.random),
                2 => self.deliver_to_server(),
                3 => self.deliver_to_client(),
                4 => self.notice_cuts(),
                _ => self.server_sends(),
            }
        }
        assert_eq!(self.client.received, self.produced, "the output arrives to its end");
        assert_eq!(self.typed_through, self.client.typed, "so does the input");
        self.bridge.on_channel_closed(self.now, ChannelEnd::Exited { status: 3 });
        for _ in 0..100 {
            self.client.consume(&mut self.random);
            self.deliver_to_server();
            self.shell_reads();
            self.server_sends();
            self.client.take_one();
        }
        assert_eq!(self.client.exit, Some(3));
        let closed = self.closed.take().expect("the session is over");
        assert!(matches!(closed, CloseReason::Ended(ChannelEnd::Exited { status: 3 })), "{closed:?}");
        assert!(self.bridge.poll().is_none() && self.bridge.wake_at().is_none());
    }

    /// The shell ends the character that it began: half of one is held back until then.
    fn end_character(&mut self) {
        while OUTPUT.at(self.produced, 1)[0] & 0b1100_0000 == 0b1000_0000
            && self.bridge.on_channel(self.now, OUTPUT.at(self.produced, 1)).is_ok()
        {
            self.produced += 1;
        }
    }
}

/// Output is only lost when the ring is full, and then no more of it than has to be.
fn check_gap(frame: &[u8], produced: u64) {
    if let ServerFrame::Gap { to, .. } = ServerFrame::decode(frame).unwrap() {
        let held = produced - to;
        assert!((RING_BYTES - 3..=RING_BYTES).contains(&held), "{held} bytes are held after a gap");
    }
}
