//! Several connections of one session: two devices of the owner, and observers.

use webssh_core::frame::{Caps, ClientFrame, Failure, FailureCode, Hello, Role, ServerFrame};
use webssh_core::{
    Action, ChannelEnd, CloseReason, Limits, LimitsConfig, ProtocolError, ResumeToken, WinSize,
};

use crate::bridge_kit::{Kit, ZERO, ack, failure_code, input, resume, secs};
use crate::bridge_world::{OUTPUT, Observer};

fn plain() -> Hello {
    Hello::plain(WinSize::default())
}

fn output_of(frames: &[ServerFrame]) -> Vec<u8> {
    let of = |frame: &ServerFrame| match frame {
        ServerFrame::Data { bytes, .. } => bytes.to_vec(),
        _ => Vec::new(),
    };
    frames.iter().flat_map(of).collect()
}

#[test]
fn the_newest_device_wins_and_the_former_is_told() {
    let mut kit = Kit::open();
    let former = kit.owner;
    kit.frame(ZERO, &input(0, b"ab"));
    let (newer, welcome) = kit.attach(secs(1), &plain(), Role::Owner);
    assert_eq!(welcome.input_received, 2);
    // What the former device still had in flight does not count.
    kit.bridge.on_frame(secs(1), former, &input(2, b"XX"));
    kit.bridge.on_frame(secs(1), newer, &input(2, b"cd"));
    assert!(matches!(kit.bridge.poll(), Some(Action::WriteChannel(bytes)) if bytes == "abcd"));
    let (frames, closed) = kit.drain_of(former);
    assert_eq!(failure_code(&frames), Some(FailureCode::Replaced.number()));
    assert!(matches!(closed, Some(CloseReason::Replaced)));
    // That the former goes away now means nothing to the session.
    kit.bridge.on_cut(secs(2), former);
    kit.bridge.on_tick(secs(303));
    assert!(kit.closed().is_none());
    assert!(kit.drain_of(former).0.is_empty());
}

#[test]
fn two_devices_race_and_each_attach_leaves_one_owner() {
    let mut kit = Kit::open();
    for round in 0..100 {
        kit.output(b"x");
        let (id, _) = kit.attach(secs(round), &resume(0), Role::Owner);
        let open: Vec<_> = kit.bridge.connections().filter(|view| view.open).map(|view| view.id).collect();
        assert_eq!(open, [id]);
        assert_eq!(failure_code(&kit.drain().0), Some(FailureCode::Replaced.number()));
        kit.owner = id;
    }
    assert_eq!(kit.bridge.connections().count(), 1, "those that were told are forgotten");
}

#[test]
fn another_device_is_shown_the_tail() {
    let mut kit = Kit::with(LimitsConfig { replay_bytes: 100, ..LimitsConfig::default() });
    let text = "€".repeat(1000);
    kit.output(text.as_bytes());
    kit.drain();
    kit.frame(ZERO, &ack(3000));
    let (id, welcome) = kit.attach(ZERO, &plain(), Role::Owner);
    assert_eq!(welcome.output_from, 2901, "a hundred bytes, from the first whole character");
    assert_eq!(output_of(&kit.drain_of(id).0), "€".repeat(33).as_bytes());
}

#[test]
fn another_device_is_shown_all_that_nobody_has_consumed() {
    let mut kit = Kit::with(LimitsConfig { replay_bytes: 0, ..LimitsConfig::default() });
    kit.output(&[b'a'; 1000]);
    kit.drain();
    kit.frame(ZERO, &ack(1000));
    kit.output(&[b'b'; 5000]);
    kit.drain();
    let (id, welcome) = kit.attach(ZERO, &plain(), Role::Owner);
    assert_eq!(welcome.output_from, 1000);
    assert_eq!(output_of(&kit.drain_of(id).0), [b'b'; 5000]);
}

#[test]
fn consumed_output_is_kept_for_replay_and_given_up_for_new_output() {
    let mut kit = Kit::open();
    let mut total = 0;
    for _ in 0..40 {
        total += u64::try_from(kit.flood()).unwrap();
        kit.frame(ZERO, &ack(total - (16 << 10)));
        kit.drain();
    }
    kit.frame(ZERO, &ack(total));
    let (_, welcome) = kit.attach(ZERO, &plain(), Role::Owner);
    assert_eq!(welcome.output_from, total - (64 << 10));
}

#[test]
fn an_observer_looks_on_and_nothing_more() {
    for frame in
        [input(0, b"k"), ClientFrame::Resize(WinSize::default()).encode(), ClientFrame::Leave.encode()]
    {
        let mut kit = Kit::open();
        let (observer, welcome) = kit.attach(ZERO, &plain(), Role::Observer);
        assert_eq!(welcome.token, ResumeToken::none());
        kit.bridge.on_frame(ZERO, observer, &frame);
        let (frames, closed) = kit.drain_of(observer);
        assert_eq!(failure_code(&frames), Some(FailureCode::Protocol.number()));
        assert!(matches!(closed, Some(CloseReason::Protocol(ProtocolError::ReadOnly))));
        assert!(kit.closed().is_none() && kit.bridge.poll().is_none(), "the session does not notice");
    }
}

#[test]
fn owner_and_observers_hear_of_each_other() {
    let mut kit = Kit::open();
    let (first, welcome) = kit.attach(ZERO, &plain(), Role::Observer);
    assert_eq!(welcome.size, WinSize::default());
    kit.attach(ZERO, &plain(), Role::Observer);
    assert_eq!(kit.drain().0, [ServerFrame::Watchers { count: 2 }]);
    let wide = WinSize::new(200, 50).unwrap();
    kit.frame(ZERO, &ClientFrame::Resize(wide).encode());
    assert_eq!(kit.drain_of(first).0, [ServerFrame::Resized(wide)]);
    kit.bridge.on_cut(ZERO, first);
    assert_eq!(kit.drain().0, [ServerFrame::Watchers { count: 1 }]);
    let (_, welcome) = kit.attach(ZERO, &Hello::plain(WinSize::new(9, 9).unwrap()), Role::Observer);
    assert_eq!(welcome.size, wide, "an observer sees the terminal as it is");
}

#[test]
fn a_client_hears_only_what_it_knows() {
    let mut kit = Kit::open();
    let old = Hello { caps: Caps::NONE, ..plain() };
    let (owner, _) = kit.attach(ZERO, &old, Role::Owner);
    let (observer, _) = kit.attach(ZERO, &old, Role::Observer);
    let resize = ClientFrame::Resize(WinSize::new(200, 50).unwrap()).encode();
    kit.bridge.on_frame(ZERO, owner, &resize);
    assert!(kit.drain_of(owner).0.is_empty() && kit.drain_of(observer).0.is_empty());
}

#[test]
fn a_slow_observer_gets_gaps_and_no_flood() {
    let mut kit = Kit::open();
    let mut observer = Observer::attach(&mut kit.bridge, ZERO);
    let mut total = 0;
    for _ in 0..40 {
        kit.output(OUTPUT.at(total, 32 << 10));
        total += 32 << 10;
        kit.drain();
        // Characters may be cut at the end of what there is.
        let shown = kit.bridge.connections().find(|view| view.id == kit.owner).unwrap().unacked_bytes;
        kit.frame(ZERO, &ack(total - (32 << 10) + shown.min(32 << 10) - 3));
        observer.read(&mut kit.bridge, ZERO, 100);
    }
    assert_eq!(observer.gaps, 0, "a terminal that consumes nothing is sent no more, not even gaps");
    let view = kit.bridge.connections().find(|view| view.id == observer.id).unwrap();
    assert!(view.unacked_bytes <= 128 << 10);
    let received = observer.received.unwrap();
    kit.bridge.on_frame(ZERO, observer.id, &ack(received));
    observer.read(&mut kit.bridge, ZERO, 100);
    assert_eq!(observer.gaps, 1);
    assert!(observer.received.unwrap() > total - 4, "then it is where the owner is");
}

#[test]
fn an_observer_that_is_silent_is_cut_alone() {
    let mut kit = Kit::open();
    let (observer, _) = kit.attach(secs(1), &plain(), Role::Observer);
    kit.bridge.on_tick(secs(16));
    let pings = kit.drain().0;
    let Some(ServerFrame::Ping { stamp, .. }) = pings.first() else { panic!("{pings:?}") };
    kit.frame(secs(17), &ClientFrame::Pong { stamp: *stamp }.encode());
    kit.bridge.on_tick(secs(46));
    assert!(matches!(kit.drain_of(observer).1, Some(CloseReason::PeerSilent)));
    assert!(kit.drain().1.is_none() && kit.closed().is_none());
}

#[test]
fn a_kicked_connection_hears_why_and_the_session_goes_on() {
    let mut kit = Kit::open();
    let (observer, _) = kit.attach(ZERO, &plain(), Role::Observer);
    assert_eq!(kit.drain().0, [ServerFrame::Watchers { count: 1 }]);
    kit.bridge.kick(observer, Failure::new(FailureCode::Kicked));
    assert_eq!(kit.drain().0, [ServerFrame::Watchers { count: 0 }], "before its farewell is taken");
    kit.drain_of(observer);
    let (observer, _) = kit.attach(ZERO, &plain(), Role::Observer);
    for id in [observer, kit.owner] {
        kit.bridge.kick(id, Failure::with_text(FailureCode::Kicked, "the lesson is over"));
        let (frames, closed) = kit.drain_of(id);
        let told =
            |frame: &ServerFrame| matches!(frame, ServerFrame::Failure(it) if it.text().contains("lesson"));
        assert!(frames.iter().any(told), "{frames:?}");
        assert!(matches!(closed, Some(CloseReason::Kicked(_))));
    }
    assert!(kit.closed().is_none());
    assert_eq!(kit.bridge.wake_at(), Some(secs(300)), "without an owner it waits");
}

#[test]
fn everyone_hears_how_the_session_ended() {
    for (reason, owner_hears, observer_hears) in [
        (CloseReason::Shutdown, Some(FailureCode::Shutdown), FailureCode::Shutdown),
        (CloseReason::Recording, Some(FailureCode::Recording), FailureCode::Recording),
        (CloseReason::Denied, Some(FailureCode::Denied), FailureCode::Denied),
        (CloseReason::Left, None, FailureCode::Gone),
        (CloseReason::Detached, None, FailureCode::Gone),
    ] {
        let mut kit = Kit::open();
        let (observer, _) = kit.attach(ZERO, &plain(), Role::Observer);
        kit.bridge.close(reason);
        assert!(kit.closed().is_some() && kit.closed().is_none(), "it is said once");
        let (frames, closed) = kit.drain();
        assert_eq!(failure_code(&frames), owner_hears.map(FailureCode::number));
        assert!(closed.is_some());
        assert_eq!(failure_code(&kit.drain_of(observer).0), Some(observer_hears.number()));
        assert_eq!(kit.bridge.connections().count(), 0);
    }
}

#[test]
fn an_observer_is_given_the_last_output_that_its_credit_carries() {
    let mut kit = Kit::open();
    let (observer, _) = kit.attach(ZERO, &plain(), Role::Observer);
    kit.output(b"the end\xe2");
    kit.bridge.on_channel_closed(ZERO, ChannelEnd::Exited { status: 0 });
    kit.drain();
    kit.frame(ZERO, &ack(8));
    let (frames, closed) = kit.drain_of(observer);
    assert_eq!(output_of(&frames), b"the end\xe2");
    assert_eq!(frames.last(), Some(&ServerFrame::Exit { status: 0 }));
    assert!(matches!(closed, Some(CloseReason::Ended(_))));
}

#[test]
fn observers_hold_no_memory_of_the_ring() {
    let mut kit = Kit::with(LimitsConfig { replay_bytes: 0, ..LimitsConfig::default() });
    let observers: Vec<_> = (0..20).map(|_| kit.attach(ZERO, &plain(), Role::Observer).0).collect();
    let mut total = 0;
    for _ in 0..50 {
        kit.output(&[b'y'; Limits::CHANNEL_BYTES_MAX]);
        total += 32 << 10;
        kit.drain();
        kit.frame(ZERO, &ack(total));
        assert!(kit.bridge.wants_channel_read(), "dead observers do not pause the shell");
        assert!(kit.bridge.memory() <= 64 << 10);
    }
    for observer in observers {
        let (frames, closed) = kit.drain_of(observer);
        assert!(matches!(frames[..], [ServerFrame::Gap { from: 0, to }] if to == total), "{frames:?}");
        assert!(closed.is_none());
        kit.bridge.on_frame(ZERO, observer, &ack(total));
    }
}
