//! The rules of a bridge one by one: numbering, credit, limits, heartbeat, farewell.

use webssh_core::frame::{Answer, Caps, ClientFrame, FailureCode, Hello, RTT_UNKNOWN, ServerFrame, VERSION};
use webssh_core::{
    Action, Bridge, ChannelEnd, CloseReason, ErrorKind, Limits, LimitsConfig, ProtocolError, Role, WinSize,
};

use crate::bridge_kit::{Kit, ZERO, ack, failure_code, input, secs, token};

#[test]
fn hello_is_answered_with_the_lower_version_and_the_limits() {
    let mut kit = Kit::open();
    let hello = Hello { version: 200, caps: Caps::from_bits(!0), ..Hello::plain(WinSize::default()) };
    let (_, welcome) = kit.attach(ZERO, &hello, Role::Owner);
    assert_eq!((welcome.version, welcome.caps), (VERSION, Caps::ALL));
    assert_eq!((welcome.input_bytes_max, welcome.unacked_bytes_max), (64 << 10, 128 << 10));
    assert_eq!((welcome.detached_secs_max, welcome.token), (300, token()));
}

#[test]
fn a_version_that_nobody_speaks_is_refused_and_replaces_nobody() {
    let mut kit = Kit::open();
    let hello = Hello { version: 0, ..Hello::plain(WinSize::default()) };
    let id = kit.bridge.attach(ZERO, &hello, Role::Owner, &token());
    let (frames, closed) = kit.drain_of(id);
    assert!(matches!(closed, Some(CloseReason::Protocol(ProtocolError::Version(0)))), "{closed:?}");
    assert_eq!(failure_code(&frames), Some(FailureCode::Version.number()));
    kit.output(b"still here");
    assert!(matches!(kit.drain(), (frames, None) if frames.len() == 1));
}

#[test]
fn what_is_not_expected_closes_the_connection_only() {
    let hello = ClientFrame::Hello(Hello::plain(WinSize::default())).encode();
    let answer = ClientFrame::Answer(Answer::new(1, vec![String::new()]).unwrap()).encode();
    let host_answer = ClientFrame::HostAnswer { id: 1, accept: true }.encode();
    let pong = ClientFrame::Pong { stamp: 1 }.encode();
    for (frame, error) in [
        (hello, ProtocolError::HelloTwice),
        (answer, ProtocolError::StrayAnswer),
        (host_answer, ProtocolError::StrayAnswer),
        (pong, ProtocolError::StrayPong),
    ] {
        let mut kit = Kit::open();
        kit.frame(ZERO, &frame);
        kit.assert_broken(&error);
    }
    let mut kit = Kit::open();
    kit.bridge.on_tick(secs(15));
    let (frames, _) = kit.drain();
    let [ServerFrame::Ping { stamp, .. }] = frames[..] else { panic!("{frames:?}") };
    kit.frame(secs(15), &ClientFrame::Pong { stamp: stamp + 1 }.encode());
    kit.assert_broken(&ProtocolError::StrayPong);
    let mut kit = Kit::open();
    kit.bridge.on_text(kit.owner);
    kit.assert_broken(&ProtocolError::Text);
}

#[test]
fn input_continues_and_stays_in_its_window() {
    let mut kit = Kit::open();
    kit.frame(ZERO, &input(0, b"0123456789"));
    kit.frame(ZERO, &input(11, b"b"));
    kit.assert_broken(&ProtocolError::InputOutOfOrder { expected: 10, found: 11 });
    let mut kit = Kit::open();
    for seq in (0..5).map(|n| n * 16_384) {
        kit.frame(ZERO, &input(seq, &[b'k'; 16_384]));
    }
    kit.assert_broken(&ProtocolError::InputOverrun);
}

#[test]
fn input_that_was_received_before_is_not_typed_again() {
    let mut kit = Kit::open();
    let mut typed = Vec::new();
    for (seq, text) in [(0, &b"abc"[..]), (1, b"bcd"), (0, b"abcd"), (2, b"cdefg")] {
        kit.frame(ZERO, &input(seq, text));
        while let Some(Action::WriteChannel(bytes)) = kit.bridge.poll() {
            typed.extend_from_slice(&bytes);
            kit.bridge.on_channel_written(bytes.len());
        }
    }
    assert_eq!(typed, b"abcdefg");
    kit.frame(ZERO, &input(3, b"def"));
    kit.assert_broken(&ProtocolError::InputOutOfOrder { expected: 7, found: 3 });
}

#[test]
fn one_piece_of_input_is_under_way_at_a_time() {
    let mut kit = Kit::open();
    kit.frame(ZERO, &input(0, b"a"));
    assert!(matches!(kit.bridge.poll(), Some(Action::WriteChannel(bytes)) if bytes == "a"));
    (1..=5000).for_each(|seq| kit.frame(ZERO, &input(seq, b"b")));
    assert!(kit.bridge.poll().is_none(), "the shell has not taken the first key yet");
    kit.bridge.on_channel_written(1);
    assert!(matches!(kit.bridge.poll(), Some(Action::WriteChannel(bytes)) if bytes.len() == 5000));
    let (frames, _) = kit.drain();
    assert_eq!(frames, [ServerFrame::InputAck { seq: 1 }]);
}

#[test]
fn a_lying_acknowledgement_closes() {
    let mut kit = Kit::open();
    kit.output(b"12345");
    kit.drain();
    kit.frame(ZERO, &ack(5));
    kit.frame(ZERO, &ack(4));
    kit.assert_broken(&ProtocolError::AckGoingBack);
    let mut kit = Kit::open();
    kit.output(b"12345");
    kit.frame(ZERO, &ack(1));
    kit.assert_broken(&ProtocolError::AckBeyondSent);
}

#[test]
fn a_stalled_browser_pauses_reading_and_still_types() {
    let mut kit = Kit::open();
    let given = kit.flood();
    assert!(given <= 160 << 10, "{given} bytes were taken for a browser that consumes none");
    kit.frame(ZERO, &input(0, b"\x03"));
    assert!(matches!(kit.bridge.poll(), Some(Action::WriteChannel(bytes)) if bytes == "\x03"));
    kit.frame(ZERO, &ack(100 << 10));
    assert!(kit.bridge.wants_channel_read(), "credit opens the shell again");
}

#[test]
fn output_that_was_not_asked_for_is_misuse() {
    let mut kit = Kit::open();
    let error = kit.bridge.on_channel(ZERO, &vec![0; 300 << 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
}

#[test]
fn resizes_coalesce_and_the_same_size_is_no_news() {
    let mut kit = Kit::open();
    kit.frame(ZERO, &ClientFrame::Resize(WinSize::default()).encode());
    assert!(kit.bridge.poll().is_none());
    for cols in 1..50 {
        kit.frame(ZERO, &ClientFrame::Resize(WinSize::new(cols, 10).unwrap()).encode());
    }
    assert!(matches!(kit.bridge.poll(), Some(Action::ResizeChannel(size)) if size.cols() == 49));
    assert!(kit.bridge.poll().is_none());
}

#[test]
fn nobody_comes() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    assert_eq!(bridge.wake_at(), Some(secs(10)));
    bridge.on_tick(secs(9));
    assert!(bridge.poll().is_none());
    bridge.on_tick(secs(10));
    assert!(matches!(bridge.poll(), Some(Action::Close(CloseReason::PeerSilent))));
    assert!(bridge.poll().is_none() && bridge.wake_at().is_none());
}

#[test]
fn silence_cuts_the_connection_wherever_it_sits() {
    let mut kit = Kit::open();
    assert_eq!(kit.bridge.wake_at(), Some(secs(15)));
    kit.bridge.on_tick(secs(15));
    let (frames, _) = kit.drain();
    let [ServerFrame::Ping { stamp, rtt_ms: RTT_UNKNOWN }] = frames[..] else { panic!("{frames:?}") };
    kit.frame(secs(16), &ClientFrame::Pong { stamp }.encode());
    assert_eq!(kit.bridge.wake_at(), Some(secs(31)), "the answer starts the next round");
    kit.bridge.on_tick(secs(31));
    let (frames, _) = kit.drain();
    assert!(matches!(frames[..], [ServerFrame::Ping { rtt_ms: 1000, .. }]), "{frames:?}");
    let [view] = kit.bridge.connections().collect::<Vec<_>>()[..] else { panic!("one connection") };
    assert_eq!(view.rtt, Some(secs(1)));
    // The answer does not come, be it that the ping cannot even leave a transport that is stuck.
    kit.bridge.on_tick(secs(60));
    assert!(kit.drain().1.is_none());
    kit.bridge.on_tick(secs(61));
    let (frames, closed) = kit.drain();
    assert!(matches!(closed, Some(CloseReason::PeerSilent)), "{closed:?}");
    assert_eq!(failure_code(&frames), Some(FailureCode::Silent.number()));
    assert!(kit.closed().is_none(), "the session waits");
}

#[test]
fn only_user_input_keeps_a_session_from_idling() {
    let config = LimitsConfig { idle_secs_max: 5, heartbeat_secs: 3600, ..LimitsConfig::default() };
    let mut kit = Kit::with(config);
    kit.frame(secs(3), &input(0, b"k"));
    kit.bridge.on_channel(secs(7), b"a clock that ticks").unwrap();
    kit.frame(secs(7), &ClientFrame::Resize(WinSize::default()).encode());
    kit.frame(secs(7), &input(0, b"k"));
    kit.bridge.on_cut(secs(7), kit.owner);
    kit.resume(secs(7), 0);
    kit.bridge.on_tick(secs(7));
    assert!(kit.closed().is_none());
    kit.bridge.on_tick(secs(8));
    assert!(matches!(kit.closed(), Some(CloseReason::Idle)));
    assert_eq!(failure_code(&kit.drain().0), Some(FailureCode::Idle.number()));
}

#[test]
fn the_absolute_limit_holds_for_a_busy_user() {
    let mut kit = Kit::with(LimitsConfig { absolute_secs_max: 9, ..LimitsConfig::default() });
    for second in 0..9 {
        kit.frame(secs(second), &input(second, b"k"));
        kit.bridge.on_tick(secs(second));
        assert!(kit.closed().is_none());
    }
    kit.bridge.on_tick(secs(9));
    assert!(matches!(kit.closed(), Some(CloseReason::Expired)));
}

#[test]
fn the_last_output_is_taken_before_the_exit_is_told() {
    let mut kit = Kit::open();
    kit.output(b"bye\xe2\x82");
    let (frames, _) = kit.drain();
    assert!(matches!(&frames[..], [ServerFrame::Data { bytes, .. }] if **bytes == *b"bye"), "{frames:?}");
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 2 });
    let (frames, closed) = kit.drain();
    let [ServerFrame::Data { seq: 3, bytes }] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(**bytes, *b"\xe2\x82", "half a character is better than none");
    assert!(closed.is_none() && kit.closed().is_none());
    kit.frame(ZERO, &ack(5));
    let (frames, closed) = kit.drain();
    assert_eq!(frames, [ServerFrame::Exit { status: 2 }]);
    assert!(matches!(closed, Some(CloseReason::Ended(_))));
    assert!(matches!(kit.closed(), Some(CloseReason::Ended(_))));
}

#[test]
fn output_that_is_on_its_way_is_not_taken_yet() {
    let mut kit = Kit::open();
    kit.output(b"bye");
    kit.drain();
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    assert!(kit.closed().is_none(), "a cut now would lose it");
    kit.frame(ZERO, &ack(3));
    assert!(matches!(kit.closed(), Some(CloseReason::Ended(_))));
}

#[test]
fn the_last_output_is_cut_between_characters_too() {
    let mut kit = Kit::open();
    let text = "€".repeat(20_000);
    kit.output(text.as_bytes());
    kit.output(b"\xe2");
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    let (frames, _) = kit.drain();
    let [whole, ServerFrame::Data { bytes: last, .. }] = &frames[..] else { panic!("{frames:?}") };
    let ServerFrame::Data { bytes, .. } = whole else { panic!("{whole:?}") };
    assert!(std::str::from_utf8(bytes).is_ok(), "there is more to come");
    assert_eq!(last.last(), Some(&0xe2), "half a character at the very end");
}

#[test]
fn a_browser_that_does_not_take_the_last_output_is_left() {
    let mut kit = Kit::open();
    kit.flood();
    kit.output(b"more");
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Killed { signal: "KILL".to_owned() });
    kit.bridge.on_tick(secs(9));
    assert!(kit.closed().is_none());
    kit.bridge.on_tick(secs(10));
    assert!(matches!(kit.closed(), Some(CloseReason::Undrained(ChannelEnd::Killed { .. }))));
    let (frames, closed) = kit.drain();
    assert!(matches!(closed, Some(CloseReason::Undrained(ChannelEnd::Killed { .. }))));
    assert_eq!(failure_code(&frames), Some(FailureCode::Killed.number()));
}

#[test]
fn input_after_the_end_is_dropped_and_not_acknowledged() {
    let mut kit = Kit::open();
    kit.flood();
    kit.output(b"more");
    let before = kit.bridge.memory();
    kit.frame(ZERO, &input(0, b"too late"));
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    assert_eq!(kit.bridge.memory(), before, "nobody is left to take it");
    kit.frame(ZERO, &input(8, &[b'k'; 16 << 10]));
    let (frames, closed) = kit.drain();
    assert!(frames.is_empty() && closed.is_none(), "{frames:?} {closed:?}");
    assert!(kit.bridge.poll().is_none());
}

#[test]
fn leaving_ends_the_session() {
    let mut kit = Kit::open();
    kit.frame(ZERO, &ClientFrame::Leave.encode());
    assert!(matches!(kit.closed(), Some(CloseReason::Left)));
    assert!(matches!(kit.drain(), (frames, Some(CloseReason::Left)) if frames.is_empty()));
    // Who comes too late is told so.
    let id = kit.bridge.attach(ZERO, &Hello::plain(WinSize::default()), Role::Owner, &token());
    let (frames, closed) = kit.drain_of(id);
    assert_eq!(failure_code(&frames), Some(FailureCode::Gone.number()));
    assert!(matches!(closed, Some(CloseReason::Left)));
}

#[test]
fn an_idle_session_costs_little() {
    let mut kit = Kit::open();
    assert_eq!(kit.bridge.memory(), 0);
    let given = u64::try_from(kit.flood()).unwrap();
    kit.frame(ZERO, &input(0, &[b'k'; 16 << 10]));
    assert!(kit.bridge.memory() > 128 << 10);
    assert!(kit.bridge.memory() <= kit.bridge.memory_max());
    let Some(Action::WriteChannel(piece)) = kit.bridge.poll() else { panic!("input is due") };
    kit.bridge.on_channel_written(piece.len());
    kit.drain();
    kit.frame(ZERO, &ack(100 << 10));
    kit.drain();
    kit.frame(ZERO, &ack(given));
    for second in [15, 30] {
        kit.bridge.on_tick(secs(second));
    }
    assert!(kit.bridge.memory() <= 65 << 10, "{} bytes stay beside the replay", kit.bridge.memory());
}
