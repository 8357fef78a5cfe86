//! The hub: tickets, resumption, devices, observers and the end of sessions.

use std::time::Duration;

use webssh_core::frame::{Caps, ClientFrame, Failure, FailureCode, Opening, Role, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::{Purpose, SessionId};
use webssh_core::{ChannelEnd, CloseReason, Limits, LimitsConfig, ProtocolError, ResumeToken};

use crate::lab::{Lab, Tab, eventually, reason};

fn lab() -> Lab {
    Lab::new(HubLimits::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_session() {
    let lab = lab();
    let opening = lab.ticket("alice", Purpose::Open("echo"));
    let mut tab = Tab::new();
    let served = tab.connect(&lab, opening.clone()).await;
    let welcome = tab.welcome().await;
    assert_eq!((welcome.role, welcome.output_from, welcome.input_received), (Role::Owner, 0, 0));
    assert_ne!(welcome.token, ResumeToken::none());
    tab.type_in(b"hello").await;
    tab.expect("hello").await;

    let mut thief = Tab::new();
    let refused = thief.connect(&lab, opening).await;
    thief.expect_failure(FailureCode::Ticket).await;
    assert!(matches!(reason(refused).await, CloseReason::Refused(_)));

    tab.type_in(b"q").await;
    let frames = tab.finish().await;
    assert_eq!(frames.last(), Some(&ServerFrame::Exit { status: 4 }));
    let ended = reason(served).await;
    assert!(matches!(ended, CloseReason::Ended(ChannelEnd::Exited { status: 4 })), "{ended:?}");
    lab.all_given_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_without_showing_something() {
    let lab = lab();
    let token = ResumeToken::from_bytes([7; 32]);
    for (opening, code) in [
        (Opening::Plain, FailureCode::Ticket),
        (Opening::Resume { token, received: 0 }, FailureCode::Gone),
        (Opening::Resume { token: ResumeToken::none(), received: 0 }, FailureCode::Gone),
        (lab.ticket("alice", Purpose::Attach(SessionId::new(7))), FailureCode::Gone),
        (lab.ticket("alice", Purpose::Watch(SessionId::new(7))), FailureCode::Gone),
    ] {
        let mut tab = Tab::new();
        let served = tab.connect(&lab, opening).await;
        tab.expect_failure(code).await;
        let ended = reason(served).await;
        assert!(
            matches!(&ended, CloseReason::Refused(failure) if failure.code() == code.number()),
            "{ended:?}"
        );
    }
    lab.all_given_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_user_was_given_is_worth_nothing_to_another() {
    let lab = lab();
    let (mut tab, served) = lab.open("alice", "echo").await;
    let id = lab.only();
    for opening in [
        lab.ticket("alice", Purpose::Open("echo")),
        lab.ticket("alice", Purpose::Attach(id)),
        lab.ticket("alice", Purpose::Watch(id)),
        tab.resume(),
    ] {
        let mut thief = Tab::new();
        let refused = thief.connect_as(&lab, "mallory", opening).await;
        thief.expect_failure(FailureCode::NotAllowed).await;
        assert!(matches!(reason(refused).await, CloseReason::Refused(_)));
    }
    tab.type_in(b"not disturbed").await;
    tab.expect("not disturbed").await;

    // What is her own is as good as before.
    tab.cut();
    reason(served).await;
    let opening = tab.resume();
    let _served = tab.connect_as(&lab, "alice", opening).await;
    assert_eq!(tab.welcome().await.output_from, 13);
    let mut phone = Tab::new();
    let opening = lab.ticket("alice", Purpose::Attach(id));
    let _served = phone.connect_as(&lab, "alice", opening).await;
    phone.expect("not disturbed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_race_with_one_ticket_one_wins() {
    let lab = lab();
    let opening = lab.ticket("alice", Purpose::Open("echo"));
    let racers: Vec<_> = (0..64)
        .map(|_| {
            let (lab, opening) = (lab.clone(), opening.clone());
            tokio::spawn(async move {
                let mut tab = Tab::new();
                let _served = tab.connect(&lab, opening).await;
                let won = matches!(tab.next().await, Some(ServerFrame::Welcome(_)));
                (won, tab)
            })
        })
        .collect();
    let mut tabs = Vec::new();
    let mut winners = 0;
    for racer in racers {
        let (won, tab) = racer.await.unwrap();
        winners += usize::from(won);
        tabs.push(tab);
    }
    assert_eq!((winners, lab.hub.list().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_comes_back_after_a_cut() {
    let lab = lab();
    let (mut tab, served) = lab.open("alice", "echo").await;
    tab.type_in(b"before ").await;
    tab.expect("before ").await;
    let (token, id) = (tab.token.clone(), lab.only());
    tab.cut();
    assert!(matches!(reason(served).await, CloseReason::PeerClosed | CloseReason::TransportFailed(_)));
    let served = tab.reconnect(&lab).await;
    assert_eq!((tab.token.clone(), lab.only()), (token, id));
    tab.type_in(b"after").await;
    tab.expect("before after").await;
    assert!(tab.send(&ClientFrame::Leave).await);
    tab.finish().await;
    assert!(matches!(reason(served).await, CloseReason::Left));
    lab.all_given_back().await;

    let mut late = Tab::new();
    let opening = tab.resume();
    late.connect(&lab, opening).await;
    late.expect_failure(FailureCode::Gone).await;
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_ends_sessions_and_connections() {
    let lab = lab();
    let (mut alice, alice_served) = lab.open("alice", "echo").await;
    let (mut bob, bob_served) = lab.open("bob", "echo").await;
    let list = lab.hub.list_of("alice");
    let [view] = &list[..] else { panic!("{list:?}") };
    assert_eq!((view.user.as_str(), *view.target, lab.hub.list().len()), ("alice", "echo", 2));
    let connection = view.status.connections[0].id;

    let words = Failure::with_text(FailureCode::Kicked, "the lesson is over");
    assert!(lab.hub.kick_connection(view.id, connection, words.clone()));
    let frames = alice.finish().await;
    assert_eq!(frames.last(), Some(&ServerFrame::Failure(words.clone())));
    assert!(matches!(reason(alice_served).await, CloseReason::Kicked(_)));
    // Its token is void, but the session waits for a new ticket.
    let opening = alice.resume();
    alice.connect(&lab, opening).await;
    alice.expect_failure(FailureCode::Gone).await;
    let mut again = Tab::new();
    let opening = lab.ticket("alice", Purpose::Attach(view.id));
    again.connect(&lab, opening).await;
    again.welcome().await;
    assert!(!lab.hub.kick_connection(view.id, connection, words.clone()), "it is gone already");

    let id = lab.hub.list_of("bob")[0].id;
    assert!(lab.hub.kick(id, words.clone()));
    assert_eq!(bob.finish().await.last(), Some(&ServerFrame::Failure(words.clone())));
    assert!(matches!(reason(bob_served).await, CloseReason::Kicked(_)));
    eventually(|| lab.hub.list_of("bob").is_empty(), "the session is gone").await;
    assert!(!lab.hub.kick(id, words));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_comes_back_to_ends() {
    let mut limits = HubLimits::default();
    let config = LimitsConfig { detached_secs_max: 60, ..LimitsConfig::default() };
    limits.session = Limits::new(config).unwrap();
    let lab = Lab::new(limits);
    let (mut tab, _) = lab.open("alice", "echo").await;
    tab.cut();
    tokio::time::sleep(Duration::from_secs(59)).await;
    tab.reconnect(&lab).await;
    tab.cut();
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(lab.hub.list().len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    lab.all_given_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_tells_everybody_and_leaves_nothing() {
    let lab = lab();
    let (mut attached, attached_served) = lab.open("alice", "echo").await;
    let (mut detached, _) = lab.open("alice", "floods").await;
    detached.cut();
    let mut asked = Tab::new();
    let opening = lab.ticket("bob", Purpose::Open("asks"));
    let asked_served = asked.connect(&lab, opening).await;
    assert!(matches!(asked.next().await, Some(ServerFrame::Prompt(_))));
    let (silent, silent_served) = lab.accept(1024);

    let hub = lab.hub.clone();
    let shutdown = tokio::spawn(async move { hub.shutdown().await });
    attached.expect_failure(FailureCode::Shutdown).await;
    asked.expect_failure(FailureCode::Shutdown).await;
    tokio::time::timeout(crate::lab::DEADLINE, shutdown).await.expect("in time").unwrap();
    for served in [attached_served, asked_served, silent_served] {
        let ended = reason(served).await;
        assert!(matches!(ended, CloseReason::Shutdown), "{ended:?}");
    }
    assert_eq!((lab.hub.list().len(), lab.hub.bytes_reserved()), (0, 0));
    drop(silent);

    // Whoever comes now is sent away before anything is read.
    let (near, _served) = lab.accept(1024);
    Tab::over(near).expect_failure(FailureCode::Shutdown).await;
}
