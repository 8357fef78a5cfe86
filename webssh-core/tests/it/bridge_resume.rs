//! An owner that was cut: what it is given when it comes back, and what happens while it is away.

use webssh_core::frame::{FailureCode, Hello, ServerFrame};
use webssh_core::{
    Action, Bridge, ChannelEnd, CloseReason, ErrorKind, Limits, LimitsConfig, ProtocolError, Role, WinSize,
};

use crate::bridge_kit::{Kit, ZERO, ack, failure_code, input, resume, secs, token};

fn data(frames: &[ServerFrame]) -> Vec<(u64, Vec<u8>)> {
    let of = |frame: &ServerFrame| match frame {
        ServerFrame::Data { seq, bytes } => Some((*seq, bytes.to_vec())),
        _ => None,
    };
    frames.iter().filter_map(of).collect()
}

#[test]
fn output_goes_on_where_it_was() {
    let mut kit = Kit::open();
    kit.output(b"0123456789");
    kit.drain();
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.output(b"abc");
    let welcome = kit.resume(secs(1), 4);
    assert_eq!(welcome.output_from, 4);
    assert_eq!(data(&kit.drain().0), [(4, b"456789abc".to_vec())]);
}

#[test]
fn input_that_was_accepted_survives_and_the_rest_is_sent_again() {
    let mut kit = Kit::open();
    kit.frame(ZERO, &input(0, b"abc"));
    kit.bridge.on_cut(ZERO, kit.owner);
    let welcome = kit.resume(secs(1), 0);
    assert_eq!(welcome.input_received, 3);
    assert_eq!(kit.drain().0, [ServerFrame::InputAck { seq: 0 }], "the shell has taken nothing yet");
    kit.frame(secs(1), &input(3, b"def"));
    assert!(matches!(kit.bridge.poll(), Some(Action::WriteChannel(bytes)) if bytes == "abcdef"));
    kit.bridge.on_channel_written(6);
    assert_eq!(kit.drain().0, [ServerFrame::InputAck { seq: 6 }]);
}

#[test]
fn the_window_counts_from_what_the_shell_took() {
    let mut kit = Kit::open();
    for seq in 0..4 {
        kit.frame(ZERO, &input(seq << 14, &[b'k'; 16 << 10]));
    }
    kit.bridge.on_cut(ZERO, kit.owner);
    assert_eq!(kit.resume(secs(1), 0).input_received, 64 << 10);
    kit.frame(secs(1), &input(64 << 10, b"k"));
    kit.drain();
    assert!(kit.bridge.connections().next().is_none(), "the window was full, and the client was told");
}

#[test]
fn a_ring_that_was_overrun_leaves_a_gap_with_its_numbers() {
    let mut kit = Kit::open();
    kit.output(b"seen");
    kit.drain();
    kit.bridge.on_cut(ZERO, kit.owner);
    // The euro sign has three bytes and 262,144 is no multiple of three: the oldest byte held is inside one.
    let flood = "€".repeat(200_000);
    kit.output(flood.as_bytes());
    let end = 4 + 600_000;
    let welcome = kit.resume(secs(1), 4);
    assert_eq!(welcome.output_from, 4, "the welcome says where the client stands");
    let (frames, _) = kit.drain();
    let Some(ServerFrame::Gap { from: 4, to }) = frames.first() else { panic!("{:?}", frames.first()) };
    let oldest = end - (256 << 10);
    assert!((oldest..oldest + 3).contains(to) && (to - 4) % 3 == 0, "{to} is the first whole character");
    let data = data(&frames);
    assert_eq!(data[0].0, *to);
    assert!(data.iter().all(|(_, bytes)| std::str::from_utf8(bytes).is_ok()));
}

/// The gap itself is no debt: the credit is for what was sent.
#[test]
fn a_gap_is_acknowledged_like_output() {
    let mut kit = Kit::open();
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.output(&vec![b'y'; 1 << 20]);
    kit.resume(secs(1), 0);
    let (frames, _) = kit.drain();
    let sent = |frames: &[ServerFrame]| data(frames).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    assert_eq!(sent(&frames), 128 << 10, "the credit is full");
    kit.frame(secs(1), &ack((1 << 20) - (256 << 10)));
    assert!(kit.drain().0.is_empty(), "an acknowledged gap is no credit");
    kit.frame(secs(1), &ack((1 << 20) - (128 << 10)));
    assert_eq!(sent(&kit.drain().0), 128 << 10);
    assert!(!kit.bridge.wants_channel_read(), "paused again");
}

#[test]
fn a_client_that_resumes_ahead_of_the_output_is_refused() {
    let mut kit = Kit::open();
    kit.output(b"12345");
    let id = kit.bridge.attach(ZERO, &resume(6), Role::Owner, &token());
    let (frames, closed) = kit.drain_of(id);
    assert_eq!(failure_code(&frames), Some(FailureCode::Protocol.number()));
    assert!(matches!(closed, Some(CloseReason::Protocol(ProtocolError::ResumeBeyondSent))));
    assert_eq!(data(&kit.drain().0).len(), 1, "the owner is still the owner");
}

#[test]
fn acknowledgements_of_the_former_connection_are_no_lies() {
    let mut kit = Kit::open();
    kit.output(b"0123456789");
    kit.drain();
    kit.frame(ZERO, &ack(2));
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.resume(ZERO, 10);
    kit.frame(ZERO, &ack(5));
    assert!(kit.drain().1.is_none(), "what was received had not all been shown");
    kit.frame(ZERO, &ack(4));
    kit.assert_broken(&ProtocolError::AckGoingBack);
}

#[test]
fn nothing_waits_for_an_owner_that_is_away() {
    let mut kit = Kit::open();
    kit.flood();
    assert!(!kit.bridge.wants_channel_read());
    kit.bridge.on_cut(ZERO, kit.owner);
    for _ in 0..100 {
        assert!(kit.bridge.wants_channel_read(), "the shell runs on");
        kit.output(&[b'z'; 32 << 10]);
        assert!(kit.bridge.memory() <= kit.bridge.memory_max());
    }
}

#[test]
fn nothing_is_evicted_once_the_owner_is_back() {
    let mut kit = Kit::open();
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.output(&[b'a'; 256 << 10]);
    kit.resume(ZERO, 0);
    assert!(!kit.bridge.wants_channel_read(), "the ring is full of what the owner has yet to see");
    assert_eq!(kit.bridge.on_channel(ZERO, b"b").unwrap_err().kind(), ErrorKind::Misuse);
    let mut shown = 0;
    while shown < 256 << 10 {
        let bytes: usize = data(&kit.drain().0).iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes > 0, "the session stalls at {shown}");
        shown += u64::try_from(bytes).unwrap();
        kit.frame(ZERO, &ack(shown));
    }
    assert!(kit.bridge.wants_channel_read());
}

#[test]
fn output_before_the_first_owner_waits_and_is_not_lost() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    let mut given = 0;
    while bridge.wants_channel_read() {
        bridge.on_channel(ZERO, &[b'm'; 32 << 10]).unwrap();
        given += 32 << 10;
    }
    assert_eq!(given, 256 << 10);
    let owner = bridge.attach(ZERO, &Hello::plain(WinSize::default()), Role::Owner, &token());
    let mut kit = Kit { bridge, owner };
    let frames = kit.drain().0;
    let ServerFrame::Welcome(welcome) = &frames[0] else { panic!("{frames:?}") };
    assert_eq!((welcome.output_from, data(&frames)[0].0), (0, 0));
}

#[test]
fn an_owner_that_stays_away_loses_the_session() {
    let mut kit = Kit::open();
    kit.bridge.on_cut(secs(5), kit.owner);
    assert_eq!(kit.bridge.wake_at(), Some(secs(305)));
    kit.bridge.on_tick(secs(304));
    kit.resume(secs(304), 0);
    kit.bridge.on_cut(secs(310), kit.owner);
    kit.bridge.on_tick(secs(609));
    assert!(kit.closed().is_none(), "each absence counts for itself");
    kit.bridge.on_tick(secs(610));
    assert!(matches!(kit.closed(), Some(CloseReason::Detached)));
}

#[test]
fn a_session_can_end_with_its_connection() {
    let mut kit = Kit::with(LimitsConfig { detached_secs_max: 0, ..LimitsConfig::default() });
    kit.bridge.on_cut(ZERO, kit.owner);
    assert!(matches!(kit.closed(), Some(CloseReason::Detached)));
}

#[test]
fn idle_and_absolute_limits_run_on_while_nobody_is_there() {
    let config = LimitsConfig { idle_secs_max: 60, ..LimitsConfig::default() };
    let mut kit = Kit::with(config);
    kit.frame(secs(10), &input(0, b"k"));
    kit.bridge.on_cut(secs(20), kit.owner);
    kit.bridge.on_tick(secs(69));
    assert!(kit.closed().is_none());
    kit.bridge.on_tick(secs(70));
    assert!(matches!(kit.closed(), Some(CloseReason::Idle)));
    let mut kit = Kit::with(LimitsConfig { absolute_secs_max: 60, ..LimitsConfig::default() });
    kit.bridge.on_cut(secs(20), kit.owner);
    kit.bridge.on_tick(secs(60));
    assert!(matches!(kit.closed(), Some(CloseReason::Expired)));
}

#[test]
fn a_shell_that_ended_meanwhile_is_told_with_its_last_output() {
    let mut kit = Kit::open();
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.output(b"done");
    kit.bridge.on_channel_closed(secs(1), ChannelEnd::Exited { status: 4 });
    kit.bridge.on_tick(secs(200));
    assert!(kit.closed().is_none(), "it waits as long as a shell that runs");
    kit.resume(secs(200), 0);
    assert_eq!(data(&kit.drain().0), [(0, b"done".to_vec())]);
    // The drain limit counts from the attach, and a cut in the middle is one more absence.
    kit.bridge.on_tick(secs(209));
    kit.bridge.on_cut(secs(209), kit.owner);
    kit.bridge.on_tick(secs(300));
    kit.resume(secs(300), 2);
    assert_eq!(data(&kit.drain().0), [(2, b"ne".to_vec())]);
    kit.frame(secs(301), &ack(4));
    assert_eq!(kit.drain().0, [ServerFrame::Exit { status: 4 }]);
    assert!(matches!(kit.closed(), Some(CloseReason::Ended(_))));
}

#[test]
fn a_shell_that_ended_unseen_does_not_wait_for_ever() {
    let mut kit = Kit::open();
    kit.output(b"done");
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.bridge.on_channel_closed(secs(1), ChannelEnd::Exited { status: 4 });
    kit.bridge.on_tick(secs(300));
    assert!(matches!(kit.closed(), Some(CloseReason::Undrained(ChannelEnd::Exited { status: 4 }))));
}

#[test]
fn a_shell_that_ended_with_nothing_left_is_told_at_once() {
    let mut kit = Kit::open();
    kit.output(b"bye");
    kit.drain();
    kit.bridge.on_cut(ZERO, kit.owner);
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    let id = kit.bridge.attach(secs(1), &resume(3), Role::Owner, &token());
    let (frames, closed) = kit.drain_of(id);
    assert!(matches!(frames[..], [ServerFrame::Welcome(_), ServerFrame::Exit { status: 0 }]), "{frames:?}");
    assert!(matches!(closed, Some(CloseReason::Ended(_))));
}

#[test]
fn a_shell_that_ended_before_anybody_came_waits_for_its_first_owner() {
    let mut bridge = Bridge::new(Limits::default(), ZERO);
    bridge.on_channel(ZERO, b"motd").unwrap();
    bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 1 });
    bridge.on_tick(secs(9));
    let owner = bridge.attach(secs(9), &Hello::plain(WinSize::default()), Role::Owner, &token());
    let mut kit = Kit { bridge, owner };
    assert_eq!(data(&kit.drain().0), [(0, b"motd".to_vec())]);
    kit.bridge.on_tick(secs(18));
    assert!(kit.closed().is_none());
    kit.bridge.on_tick(secs(19));
    assert!(matches!(kit.closed(), Some(CloseReason::Undrained(_))));
}
