//! Several devices at one session: the newest owner has it, and observers look on.

use webssh_core::frame::{Caps, FailureCode, Role, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::Purpose;
use webssh_core::{CloseReason, ProtocolError, ResumeToken};

use super::lab;
use crate::lab::{Lab, Tab, eventually, reason};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_device_has_the_session() {
    let lab = lab();
    let (mut laptop, laptop_served) = lab.open("alice", "echo").await;
    laptop.type_in(b"on the laptop, ").await;
    laptop.expect("on the laptop, ").await;

    let mut phone = Tab::new();
    let opening = lab.ticket("alice", Purpose::Attach(lab.only()));
    let phone_served = phone.connect(&lab, opening).await;
    let welcome = phone.welcome().await;
    assert_eq!(welcome.input_received, 15);
    assert_ne!(phone.token, laptop.token);
    phone.script = b"on the laptop, ".to_vec();
    phone.expect("on the laptop, ").await;
    phone.type_in(b"on the phone").await;
    phone.expect("on the laptop, on the phone").await;
    laptop.expect_failure(FailureCode::Replaced).await;
    assert!(matches!(reason(laptop_served).await, CloseReason::Replaced));

    // The laptop's token is worth nothing now, and it is told why.
    let opening = laptop.resume();
    let refused = laptop.connect(&lab, opening).await;
    laptop.expect_failure(FailureCode::Replaced).await;
    assert!(matches!(reason(refused).await, CloseReason::Replaced));

    // Somebody else's ticket does not take it.
    let mut stranger = Tab::new();
    let opening = lab.ticket("mallory", Purpose::Attach(lab.only()));
    stranger.connect(&lab, opening).await;
    stranger.expect_failure(FailureCode::NotAllowed).await;

    // Two tabs with the same token, as a duplicated tab has: the newest wins as well.
    let mut twin = Tab::new();
    twin.received = phone.received;
    let opening = phone.resume();
    twin.connect(&lab, opening).await;
    twin.welcome().await;
    phone.expect_failure(FailureCode::Replaced).await;
    assert!(matches!(reason(phone_served).await, CloseReason::Replaced));
    assert_eq!(lab.hub.list().len(), 1);
}

/// A browser that gave up an attempt and made another one: the first is still on its way, and comes last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_that_comes_too_late_takes_nothing() {
    let lab = lab();
    let (mut tab, served) = lab.open("alice", "echo").await;
    tab.type_in(b"x").await;
    tab.expect("x").await;
    let device = lab.ticket("alice", Purpose::Attach(lab.only()));
    for stale in [tab.resume(), device] {
        // Gone before it was read: nobody answers the ping.
        let mut ghost = Tab::new();
        let ghost_served = ghost.connect(&lab, stale).await;
        ghost.cut();
        let ended = reason(ghost_served).await;
        assert!(matches!(ended, CloseReason::PeerClosed | CloseReason::TransportFailed(_)), "{ended:?}");
    }
    tab.type_in(b"y").await;
    tab.expect("xy").await;

    // Two that are both there: the later one wins, also when it proves itself first.
    let mut first = Tab::new();
    first.received = tab.received;
    let opening = tab.resume();
    let first_served = first.connect(&lab, opening.clone()).await;
    let Some(ServerFrame::Ping { .. }) = first.hear().await else { panic!("it has to prove itself") };
    let mut second = Tab::new();
    second.received = tab.received;
    second.connect(&lab, opening).await;
    second.welcome().await;
    assert!(first.answer_ping().await);
    first.expect_failure(FailureCode::Replaced).await;
    assert!(matches!(reason(first_served).await, CloseReason::Replaced));
    assert!(matches!(reason(served).await, CloseReason::Replaced));
    second.script = b"xy".to_vec();
    second.type_in(b"z").await;
    second.expect("z").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_race_leave_one_owner_with_the_valid_token() {
    let lab = lab();
    let (mut first, _) = lab.open("alice", "echo").await;
    first.type_in(b"x").await;
    first.expect("x").await;
    let id = lab.only();
    for _ in 0..20 {
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let lab = lab.clone();
                tokio::spawn(async move {
                    let mut tab = Tab::new();
                    tab.script = b"x".to_vec();
                    let opening = lab.ticket("alice", Purpose::Attach(id));
                    let _served = tab.connect(&lab, opening).await;
                    // One that was replaced before it was welcomed hears only that.
                    while matches!(tab.next().await, Some(ServerFrame::Ping { .. })) {}
                    tab
                })
            })
            .collect();
        let mut tabs = Vec::new();
        for racer in racers {
            tabs.push(racer.await.unwrap());
        }
        let mut owners = 0;
        for mut tab in tabs {
            if tab.token == ResumeToken::none() {
                continue;
            }
            tab.cut();
            let opening = tab.resume();
            let _served = tab.connect(&lab, opening).await;
            let mut word = tab.next().await;
            while matches!(word, Some(ServerFrame::Ping { .. })) {
                word = tab.next().await;
            }
            owners += usize::from(matches!(word, Some(ServerFrame::Welcome(_))));
        }
        assert_eq!(owners, 1);
    }
    assert_eq!(lab.hub.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_looks_on_and_cannot_type() {
    let mut limits = HubLimits::default();
    limits.observers_per_session_max = 1;
    let lab = Lab::new(limits);
    let (mut owner, _) = lab.open("alice", "echo").await;
    owner.type_in(b"one ").await;
    owner.expect("one ").await;
    let id = lab.only();

    let mut teacher = Tab::new();
    let opening = lab.ticket("teacher", Purpose::Watch(id));
    let served = teacher.connect(&lab, opening).await;
    let welcome = teacher.welcome().await;
    assert_eq!((welcome.role, welcome.token), (Role::Observer, ResumeToken::none()));
    teacher.expect("one ").await;
    owner.type_in(b"two").await;
    owner.expect("one two").await;
    teacher.expect("one two").await;

    let mut second = Tab::new();
    let opening = lab.ticket("teacher", Purpose::Watch(id));
    second.connect(&lab, opening).await;
    second.expect_failure(FailureCode::Busy).await;

    teacher.script = b"one two".to_vec();
    teacher.type_in(b"rm").await;
    teacher.expect_failure(FailureCode::Protocol).await;
    let ended = reason(served).await;
    assert!(matches!(ended, CloseReason::Protocol(ProtocolError::ReadOnly)), "{ended:?}");
    owner.type_in(b" three").await;
    owner.expect("one two three").await;

    // Its place is free again.
    let one_left = || lab.hub.list().iter().all(|view| view.status.connections.len() == 1);
    eventually(one_left, "the observer is gone").await;
    let session_bytes = HubLimits::default().session_bytes();
    eventually(|| lab.hub.bytes_reserved() == session_bytes, "its bytes are back").await;
    let mut third = Tab::new();
    let opening = lab.ticket("teacher", Purpose::Watch(id));
    third.connect(&lab, opening).await;
    third.welcome().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_reaches_a_flood_past_a_stalled_owner_and_a_stalled_observer() {
    let lab = lab();
    let opening = lab.ticket("alice", Purpose::Open("floods"));
    let mut owner = Tab::new();
    // A pipe so small that the server's writer is stuck at once.
    owner.connect_with(&lab, opening, Caps::ALL, 256).await;
    let id = lab.only_once_open().await;
    let mut observer = Tab::new();
    let opening = lab.ticket("teacher", Purpose::Watch(id));
    observer.connect_with(&lab, opening, Caps::ALL, 256).await;
    let stuck = || lab.hub.list().iter().flat_map(|view| &view.status.connections).count() == 2;
    eventually(stuck, "both are attached").await;

    // Nothing is read here, and yet the key gets through.
    owner.type_in(&[3]).await;
    owner.acks = true;
    owner.expect("^C").await;
    assert!(owner.gaps.is_empty(), "nothing is lost for an owner who is only slow");
    assert!(owner.output[..owner.output.len() - 2].iter().all(|byte| *byte == b'y'));
    // And the observer, which still reads nothing, has cost the owner nothing: it is behind, or has a gap.
    owner.type_in(b"fine").await;
    owner.expect("^Cfine").await;
    observer.expect("^Cfine").await;
}
