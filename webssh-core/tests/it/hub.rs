//! The hub: tickets, resumption and the end of sessions.

mod devices;

use std::time::Duration;

use webssh_core::frame::{ClientFrame, Failure, FailureCode, Opening, Role, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::{Purpose, SessionId};
use webssh_core::{ChannelEnd, CloseReason, Limits, LimitsConfig, ResumeToken};

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
