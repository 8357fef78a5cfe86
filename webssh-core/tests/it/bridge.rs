//! The bridge under random histories: whatever comes in which pieces, both streams come out whole.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use webssh_core::frame::{Caps, ClientFrame, Hello, InputChunk, ServerFrame, VERSION};
use webssh_core::{Action, Bridge, ChannelEnd, CloseReason, Limits, LimitsConfig, WinSize};

const RING_BYTES_MAX: u32 = 96 * 1024;
const UNACKED_BYTES_MAX: u32 = 24 * 1024;

/// One thing that happens to a session.
#[derive(Debug, Clone)]
enum Event {
    Output { len: usize },
    Type { len: usize },
    Poll { actions: usize },
    PollChannel,
    Ack { part: u8 },
    Resize(u16, u16),
    Wait { millis: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop_oneof![1..9_usize, 1..5000_usize, Just(Limits::CHANNEL_BYTES_MAX)].prop_map(|len| Event::Output { len }),
        2 => prop_oneof![1..9_usize, 1..9000_usize].prop_map(|len| Event::Type { len }),
        4 => (1..8_usize).prop_map(|actions| Event::Poll { actions }),
        1 => Just(Event::PollChannel),
        3 => any::<u8>().prop_map(|part| Event::Ack { part }),
        1 => (1..=1000_u16, 1..=1000_u16).prop_map(|(cols, rows)| Event::Resize(cols, rows)),
        1 => (0..900_u64).prop_map(|millis| Event::Wait { millis }),
    ]
}

/// A well-behaved browser and a shell around one bridge, and what each has seen.
struct World {
    bridge: Bridge,
    now: Duration,
    /// The output stream that the shell will produce, and how much of it was given in.
    output: Vec<u8>,
    given: usize,
    shown: Vec<u8>,
    acked: usize,
    typed: Vec<u8>,
    input_acked: u64,
    written: Vec<u8>,
    wanted_size: WinSize,
    size: Option<WinSize>,
    text: bool,
    closed: Option<CloseReason>,
}

impl World {
    fn new(output: Vec<u8>, text: bool) -> Self {
        let limits = Limits::new(LimitsConfig {
            ring_bytes_max: RING_BYTES_MAX,
            unacked_bytes_max: UNACKED_BYTES_MAX,
            resume_bytes: 16 * 1024,
            heartbeat_secs: 1,
            ..LimitsConfig::default()
        });
        let mut bridge = Bridge::new(limits.unwrap(), Duration::ZERO);
        let size = WinSize::default();
        let hello = Hello { version: VERSION, caps: Caps::NONE, size };
        bridge.on_frame(Duration::ZERO, &ClientFrame::Hello(hello).encode());
        Self {
            bridge,
            now: Duration::ZERO,
            output,
            given: 0,
            shown: Vec::new(),
            acked: 0,
            typed: Vec::new(),
            input_acked: 0,
            written: Vec::new(),
            wanted_size: size,
            size: None,
            text,
            closed: None,
        }
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Output { len } => self.produce(len),
            Event::Type { len } => self.type_in(len),
            Event::Poll { actions } => (0..actions).for_each(|_| {
                let action = self.bridge.poll();
                self.perform(action);
            }),
            Event::PollChannel => {
                let action = self.bridge.poll_channel();
                assert!(!matches!(action, Some(Action::SendFrame(_) | Action::Close(_))));
                self.perform(action);
            }
            Event::Ack { part } => {
                self.acked += (self.shown.len() - self.acked) * usize::from(part) / 255;
                self.send(&ClientFrame::Ack { consumed: u64::try_from(self.acked).unwrap() });
            }
            Event::Resize(cols, rows) => {
                self.wanted_size = WinSize::new(cols, rows).unwrap();
                self.send(&ClientFrame::Resize(self.wanted_size));
            }
            Event::Wait { millis } => {
                self.now += Duration::from_millis(millis);
                self.bridge.on_tick(self.now);
            }
        }
    }

    fn send(&mut self, frame: &ClientFrame) {
        self.bridge.on_frame(self.now, &frame.encode());
    }

    fn produce(&mut self, len: usize) {
        let end = (self.given + len).min(self.output.len());
        if self.bridge.wants_channel_read() {
            self.bridge.on_channel(self.now, &self.output[self.given..end]).unwrap();
            self.given = end;
        }
        assert!(
            self.given - self.acked <= usize::try_from(RING_BYTES_MAX).unwrap(),
            "the ring holds more than it may"
        );
    }

    fn type_in(&mut self, len: usize) {
        let seq = u64::try_from(self.typed.len()).unwrap();
        let window = Limits::default().config().input_bytes_max;
        if seq - self.input_acked + u64::try_from(len).unwrap() > u64::from(window) {
            return;
        }
        let keys: Vec<u8> = (0..len).map(|i| u8::try_from((self.typed.len() + i) % 251).unwrap()).collect();
        self.typed.extend(&keys);
        let bytes = InputChunk::split_from(&mut Bytes::from(keys)).unwrap();
        self.send(&ClientFrame::Input { seq, bytes });
    }

    fn perform(&mut self, action: Option<Action>) {
        match action {
            Some(Action::WriteChannel(bytes)) => {
                self.written.extend(&bytes);
                self.bridge.on_channel_written(bytes.len());
            }
            Some(Action::ResizeChannel(size)) => self.size = Some(size),
            Some(Action::SendFrame(frame)) => self.show(ServerFrame::decode(&frame).unwrap()),
            Some(Action::Close(reason)) => self.closed = Some(reason),
            Some(other) => panic!("unknown action {other:?}"),
            None => {}
        }
    }

    fn show(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Data { seq, bytes } => {
                assert_eq!(seq, u64::try_from(self.shown.len()).unwrap(), "output is numbered without a gap");
                assert!(!self.text || std::str::from_utf8(&bytes).is_ok(), "a character was torn apart");
                self.shown.extend(&*bytes);
                let unacked = self.shown.len() - self.acked;
                assert!(
                    unacked <= usize::try_from(UNACKED_BYTES_MAX).unwrap(),
                    "{unacked} bytes exceed the credit"
                );
            }
            ServerFrame::InputAck { seq } => {
                assert!(seq >= self.input_acked && seq <= u64::try_from(self.written.len()).unwrap());
                self.input_acked = seq;
            }
            ServerFrame::Ping { stamp } => self.send(&ClientFrame::Pong { stamp }),
            ServerFrame::Welcome(_) | ServerFrame::Exit { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Everything that is still under way arrives, then the shell ends.
    fn settle(&mut self) {
        while self.given < self.output.len() || self.shown.len() < self.given {
            let before = (self.given, self.shown.len(), self.acked);
            self.apply(&Event::Output { len: Limits::CHANNEL_BYTES_MAX });
            self.apply(&Event::Poll { actions: 40 });
            self.apply(&Event::Ack { part: 255 });
            if self.given == self.output.len() && before == (self.given, self.shown.len(), self.acked) {
                break; // only an unfinished character can be left
            }
        }
        self.apply(&Event::Poll { actions: 100 });
        self.bridge.on_channel_closed(self.now, ChannelEnd::Exited { status: 3 });
        self.apply(&Event::Ack { part: 255 });
        self.apply(&Event::Poll { actions: 100 });
    }
}

fn check(output: Vec<u8>, text: bool, events: &[Event]) {
    let mut world = World::new(output, text);
    for event in events {
        world.apply(event);
    }
    world.settle();
    assert!(world.shown == world.output, "the output arrives once, whole and in order");
    assert!(world.written == world.typed, "so does the input");
    assert_eq!(world.input_acked, u64::try_from(world.typed.len()).unwrap());
    assert_eq!(world.size, Some(world.wanted_size), "the last size counts");
    let closed = world.closed.expect("the session is over");
    assert!(matches!(closed, CloseReason::Ended(ChannelEnd::Exited { status: 3 })), "{closed:?}");
    assert!(world.bridge.poll().is_none() && world.bridge.wake_at().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn text_arrives_whole_and_in_whole_characters(
        text in "[a-z€😀é\n]{0,30}",
        times in 1..3000_usize,
        events in prop::collection::vec(event(), 0..120),
    ) {
        check(text.repeat(times).into_bytes(), true, &events);
    }

    #[test]
    fn any_bytes_arrive_whole(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        times in 1..30_usize,
        events in prop::collection::vec(event(), 0..120),
    ) {
        check(bytes.repeat(times), false, &events);
    }

    /// Whatever a hostile browser sends, nothing breaks and the bridge says when it is over.
    #[test]
    fn hostile_frames_do_no_harm(frames in prop::collection::vec(prop::collection::vec(0..8_u8, 0..14), 0..40)) {
        let mut bridge = Bridge::new(Limits::default(), Duration::ZERO);
        bridge.on_channel(Duration::ZERO, b"prompt").unwrap();
        let mut closed = 0;
        for (second, frame) in (0..).zip(frames) {
            let now = Duration::from_secs(second);
            bridge.on_frame(now, &frame);
            bridge.on_tick(now);
            while let Some(action) = bridge.poll() {
                closed += u32::from(matches!(action, Action::Close(_)));
            }
        }
        prop_assert!(closed <= 1);
        prop_assert_eq!(closed == 1, bridge.wake_at().is_none());
    }
}
