//! The rules of a bridge one by one: hello, numbering, credit, limits, heartbeat, farewell.

use std::time::Duration;

use bytes::Bytes;
use webssh_core::frame::{Caps, ClientFrame, FailureCode, Hello, InputChunk, ServerFrame, VERSION};
use webssh_core::{
    Action, Bridge, ChannelEnd, CloseReason, ErrorKind, Limits, LimitsConfig, ProtocolError, WinSize,
};

const ZERO: Duration = Duration::ZERO;

fn secs(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn hello(version: u8) -> Bytes {
    ClientFrame::Hello(Hello { version, caps: Caps::from_bits(!0), size: WinSize::default() }).encode()
}

fn input(seq: u64, len: usize) -> Bytes {
    let bytes = InputChunk::split_from(&mut Bytes::from(vec![b'k'; len])).unwrap();
    ClientFrame::Input { seq, bytes }.encode()
}

/// A bridge that has exchanged hello and welcome.
fn open() -> Bridge {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    bridge.on_frame(ZERO, &hello(VERSION));
    drain(&mut bridge);
    bridge
}

/// All actions that are due: the frames, and the reason if the bridge closed.
fn drain(bridge: &mut Bridge) -> (Vec<ServerFrame>, Option<CloseReason>) {
    let (mut frames, mut closed) = (Vec::new(), None);
    while let Some(action) = bridge.poll() {
        match action {
            Action::SendFrame(frame) => frames.push(ServerFrame::decode(&frame).unwrap()),
            Action::Close(reason) => closed = Some(reason),
            _ => {}
        }
    }
    (frames, closed)
}

fn failure_code(frames: &[ServerFrame]) -> Option<u16> {
    frames.iter().find_map(|frame| match frame {
        ServerFrame::Failure(failure) => Some(failure.code()),
        _ => None,
    })
}

/// The bridge must have closed for a broken protocol, and must have said so.
fn assert_broken(bridge: &mut Bridge, expected: &ProtocolError) {
    let (frames, closed) = drain(bridge);
    assert!(matches!(&closed, Some(CloseReason::Protocol(error)) if error == expected), "{closed:?}");
    let code = match expected {
        ProtocolError::Version(_) => FailureCode::Version,
        _ => FailureCode::Protocol,
    };
    assert_eq!(failure_code(&frames), Some(code.number()));
}

#[test]
fn hello_is_answered_with_the_lower_version_and_the_limits() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    bridge.on_frame(ZERO, &hello(200));
    let (frames, _) = drain(&mut bridge);
    let [ServerFrame::Welcome(welcome)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((welcome.version, welcome.caps), (VERSION, Caps::NONE));
    assert_eq!((welcome.input_bytes_max, welcome.unacked_bytes_max), (64 << 10, 128 << 10));
}

#[test]
fn the_first_frame_is_hello_and_there_is_one() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    bridge.on_frame(ZERO, &input(0, 1));
    assert_broken(&mut bridge, &ProtocolError::HelloExpected);
    let mut bridge = open();
    bridge.on_frame(ZERO, &hello(VERSION));
    assert_broken(&mut bridge, &ProtocolError::HelloTwice);
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    bridge.on_frame(ZERO, &hello(0));
    assert_broken(&mut bridge, &ProtocolError::Version(0));
}

#[test]
fn input_continues_and_stays_in_its_window() {
    let mut bridge = open();
    bridge.on_frame(ZERO, &input(0, 10));
    bridge.on_frame(ZERO, &input(9, 10));
    assert_broken(&mut bridge, &ProtocolError::InputOutOfOrder { expected: 10, found: 9 });
    let mut bridge = open();
    for seq in (0..5).map(|n| n * 16_384) {
        bridge.on_frame(ZERO, &input(seq, 16_384));
    }
    assert_broken(&mut bridge, &ProtocolError::InputOverrun);
}

#[test]
fn a_lying_acknowledgement_closes() {
    let mut bridge = open();
    bridge.on_channel(ZERO, b"12345").unwrap();
    drain(&mut bridge);
    bridge.on_frame(ZERO, &ClientFrame::Ack { consumed: 5 }.encode());
    bridge.on_frame(ZERO, &ClientFrame::Ack { consumed: 4 }.encode());
    assert_broken(&mut bridge, &ProtocolError::AckGoingBack);
    let mut bridge = open();
    bridge.on_channel(ZERO, b"12345").unwrap();
    bridge.on_frame(ZERO, &ClientFrame::Ack { consumed: 1 }.encode());
    assert_broken(&mut bridge, &ProtocolError::AckBeyondSent);
}

#[test]
fn text_and_stray_pongs_close() {
    let mut bridge = open();
    bridge.on_text();
    assert_broken(&mut bridge, &ProtocolError::Text);
    let mut bridge = open();
    bridge.on_frame(ZERO, &ClientFrame::Pong { stamp: 1 }.encode());
    assert_broken(&mut bridge, &ProtocolError::StrayPong);
}

#[test]
fn a_stalled_browser_pauses_reading_and_still_types() {
    let mut bridge = open();
    let mut given = 0;
    while bridge.wants_channel_read() {
        bridge.on_channel(ZERO, &[b'y'; 32_768]).unwrap();
        given += 32_768;
        drain(&mut bridge);
    }
    assert!(given <= 160 << 10, "{given} bytes were taken for a browser that consumes none");
    bridge.on_frame(ZERO, &input(0, 1));
    assert!(matches!(bridge.poll_channel(), Some(Action::WriteChannel(bytes)) if bytes == "k"));
    bridge.on_frame(ZERO, &ClientFrame::Ack { consumed: 100 << 10 }.encode());
    assert!(bridge.wants_channel_read(), "credit opens the shell again");
}

#[test]
fn output_that_was_not_asked_for_is_misuse() {
    let mut bridge = open();
    let error = bridge.on_channel(ZERO, &vec![0; 300 << 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

#[test]
fn resizes_coalesce() {
    let mut bridge = open();
    for cols in 1..50 {
        bridge.on_frame(ZERO, &ClientFrame::Resize(WinSize::new(cols, 10).unwrap()).encode());
    }
    assert!(matches!(bridge.poll(), Some(Action::ResizeChannel(size)) if size.cols() == 49));
    assert!(bridge.poll().is_none());
}

#[test]
fn silence_ends_the_session_wherever_it_sits() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    assert_eq!(bridge.wake_at(), Some(secs(10)));
    bridge.on_tick(secs(10));
    assert!(matches!(drain(&mut bridge).1, Some(CloseReason::PeerSilent)), "no hello");

    let mut bridge = open();
    assert_eq!(bridge.wake_at(), Some(secs(15)));
    bridge.on_tick(secs(15));
    let (frames, _) = drain(&mut bridge);
    let [ServerFrame::Ping { stamp }] = frames[..] else { panic!("{frames:?}") };
    bridge.on_frame(secs(16), &ClientFrame::Pong { stamp }.encode());
    assert_eq!(bridge.wake_at(), Some(secs(31)), "the answer starts the next round");
    // The next ping cannot even leave, because the transport is stuck.
    bridge.on_tick(secs(31));
    bridge.on_tick(secs(61));
    assert!(matches!(drain(&mut bridge).1, Some(CloseReason::PeerSilent)), "no pong");
}

#[test]
fn only_user_input_keeps_a_session_from_idling() {
    let config = LimitsConfig { idle_secs_max: 5, heartbeat_secs: 3600, ..LimitsConfig::default() };
    let mut bridge = Bridge::new(Limits::new(config).unwrap(), ZERO);
    bridge.on_frame(ZERO, &hello(VERSION));
    bridge.on_frame(secs(3), &input(0, 1));
    bridge.on_channel(secs(7), b"a clock that ticks").unwrap();
    bridge.on_frame(secs(7), &ClientFrame::Resize(WinSize::default()).encode());
    bridge.on_tick(secs(7));
    assert!(drain(&mut bridge).1.is_none());
    bridge.on_tick(secs(8));
    let (frames, closed) = drain(&mut bridge);
    assert!(matches!(closed, Some(CloseReason::Idle)));
    assert_eq!(failure_code(&frames), Some(FailureCode::Idle.number()));
}

#[test]
fn the_absolute_limit_holds_for_a_busy_user() {
    let config = LimitsConfig { absolute_secs_max: 9, ..LimitsConfig::default() };
    let mut bridge = Bridge::new(Limits::new(config).unwrap(), ZERO);
    bridge.on_frame(ZERO, &hello(VERSION));
    for (seq, second) in (0..9).enumerate() {
        bridge.on_frame(secs(second), &input(u64::try_from(seq).unwrap(), 1));
        bridge.on_tick(secs(second));
        assert!(drain(&mut bridge).1.is_none());
    }
    bridge.on_tick(secs(9));
    assert!(matches!(drain(&mut bridge).1, Some(CloseReason::Expired)));
}

#[test]
fn the_last_output_comes_before_the_exit() {
    let mut bridge = open();
    bridge.on_channel(ZERO, b"bye\xe2\x82").unwrap();
    let (frames, _) = drain(&mut bridge);
    assert!(matches!(&frames[..], [ServerFrame::Data { bytes, .. }] if **bytes == *b"bye"), "{frames:?}");
    bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 2 });
    let (frames, closed) = drain(&mut bridge);
    let [ServerFrame::Data { seq: 3, bytes }, ServerFrame::Exit { status: 2 }] = &frames[..] else {
        panic!("{frames:?}")
    };
    assert_eq!(**bytes, *b"\xe2\x82", "half a character is better than none");
    assert!(matches!(closed, Some(CloseReason::Ended(_))));
}

#[test]
fn a_browser_that_does_not_take_the_last_output_is_left() {
    let mut bridge = open();
    while bridge.wants_channel_read() {
        bridge.on_channel(ZERO, &[b'y'; 32_768]).unwrap();
        drain(&mut bridge);
    }
    bridge.on_channel(ZERO, b"more").unwrap();
    bridge.on_channel_closed(ZERO, ChannelEnd::Killed { signal: "KILL".to_owned() });
    bridge.on_tick(secs(9));
    assert!(drain(&mut bridge).1.is_none());
    bridge.on_tick(secs(10));
    let (frames, closed) = drain(&mut bridge);
    assert!(matches!(closed, Some(CloseReason::Undrained(ChannelEnd::Killed { .. }))));
    assert_eq!(failure_code(&frames), Some(FailureCode::Killed.number()));
}

#[test]
fn input_after_the_end_is_dropped_and_not_acknowledged() {
    let mut bridge = open();
    while bridge.wants_channel_read() {
        bridge.on_channel(ZERO, &[b'y'; 32_768]).unwrap();
        drain(&mut bridge);
    }
    bridge.on_channel(ZERO, b"more").unwrap();
    bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    bridge.on_frame(ZERO, &input(0, 16 * 1024));
    let (frames, closed) = drain(&mut bridge);
    assert!(frames.is_empty() && closed.is_none(), "{frames:?} {closed:?}");
}
