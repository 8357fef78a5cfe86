//! What a hub refuses, and that every reservation comes back, whichever way a connection or session ends.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use webssh_core::frame::{Caps, ClientFrame, Failure, FailureCode, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::{Grant, Issue, Purpose};
use webssh_core::{CloseReason, ProtocolError};

use crate::lab::{Lab, Tab, eventually, reason};

/// Room for `sessions` sessions of one user.
fn narrow(sessions: u32) -> HubLimits {
    let mut limits = HubLimits::default();
    limits.sessions_per_user_max = sessions;
    limits
}

async fn busy(lab: &Lab, user: &str) -> Failure {
    let mut tab = Tab::new();
    let opening = lab.ticket(user, Purpose::Open("echo"));
    let served = tab.connect(lab, opening).await;
    tab.expect_failure(FailureCode::Busy).await;
    match reason(served).await {
        CloseReason::Refused(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_so_many_sessions_and_the_service_so_many() {
    let mut limits = narrow(2);
    limits.sessions_max = 3;
    let lab = Lab::new(limits);
    let (_one, _) = lab.open("alice", "echo").await;
    let (mut two, _) = lab.open("alice", "echo").await;
    assert!(busy(&lab, "alice").await.text().contains("close one"));
    let (_three, _) = lab.open("bob", "echo").await;
    assert!(!busy(&lab, "bob").await.text().contains("close one"));
    assert!(two.send(&ClientFrame::Leave).await);
    two.finish().await;
    eventually(|| lab.hub.list().len() == 2, "the session is gone").await;
    lab.open("alice", "echo").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_reserved_before_a_session_opens() {
    let mut limits = HubLimits::default();
    let each = limits.session_bytes();
    limits.bytes_max = 2 * each + each / 2;
    let lab = Lab::new(limits);
    let (_one, _) = lab.open("alice", "echo").await;
    assert_eq!(lab.hub.bytes_reserved(), each);
    // A login that is going on has its memory already.
    let mut asked = Tab::new();
    let opening = lab.ticket("bob", Purpose::Open("asks"));
    asked.connect(&lab, opening).await;
    assert!(matches!(asked.next().await, Some(ServerFrame::Prompt(_))));
    assert_eq!(lab.hub.bytes_reserved(), 2 * each);
    busy(&lab, "carol").await;
    asked.cut();
    eventually(|| lab.hub.bytes_reserved() == each, "the login is given up").await;
    lab.open("carol", "echo").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_and_strangers_have_limits_of_their_own() {
    let mut limits = HubLimits::default();
    limits.dialogues_max = 1;
    limits.handshakes_max = 2;
    let lab = Lab::new(limits);
    let mut asked = Tab::new();
    let opening = lab.ticket("alice", Purpose::Open("asks"));
    asked.connect(&lab, opening).await;
    assert!(matches!(asked.next().await, Some(ServerFrame::Prompt(_))));
    busy(&lab, "bob").await;
    asked.cut();
    eventually(|| lab.hub.bytes_reserved() == 0, "the login is given up").await;

    let (one, _) = lab.accept(64);
    let (two, _) = lab.accept(64);
    // Which of the three is last does not matter: the third finds no place.
    let (three, _) = lab.accept(1024);
    let mut tabs: Vec<Tab> = [one, two, three].into_iter().map(Tab::over).collect();
    let refused = first_word(&mut tabs).await;
    assert_eq!(refused, FailureCode::Busy.number());
}

/// The code that the first of some silent connections hears.
async fn first_word(tabs: &mut [Tab]) -> u16 {
    let [one, two, three] = tabs else { panic!("three tabs") };
    let heard = tokio::select! {
        frame = one.next() => frame,
        frame = two.next() => frame,
        frame = three.next() => frame,
    };
    match heard {
        Some(ServerFrame::Failure(failure)) => failure.code(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_out_gives_back_what_was_reserved() {
    let lab = Lab::new(narrow(1));
    let open = |target| lab.ticket("alice", Purpose::Open(target));

    // The opener says no.
    let mut tab = Tab::new();
    tab.connect(&lab, open("refused")).await;
    tab.expect_failure(FailureCode::Login).await;
    lab.all_given_back().await;

    // The browser leaves while the opener works: politely, by a cut, or by nonsense.
    for end in [Some(ClientFrame::Leave.encode()), None, Some(Bytes::from_static(&[0xff]))] {
        let mut tab = Tab::new();
        let served = tab.connect(&lab, open("hangs")).await;
        eventually(|| lab.hub.bytes_reserved() > 0, "the opener works").await;
        match end {
            Some(frame) => {
                assert!(tab.send_bytes(frame).await);
                tab.finish().await;
            }
            None => tab.cut(),
        }
        reason(served).await;
        lab.all_given_back().await;
    }

    // The opener panics.
    let mut tab = Tab::new();
    let served = tab.connect(&lab, open("panics")).await;
    assert!(served.await.unwrap_err().is_panic());
    lab.all_given_back().await;

    // The server's task is cancelled while the opener works: nothing is left.
    let mut tab = Tab::new();
    let served = tab.connect(&lab, open("hangs")).await;
    eventually(|| lab.hub.bytes_reserved() > 0, "the opener works").await;
    served.abort();
    lab.all_given_back().await;

    // The same while a session runs: it is detached, and can be resumed.
    let (mut tab, served) = lab.open("alice", "echo").await;
    served.abort();
    eventually(|| lab.hub.list()[0].status.connections.is_empty(), "it is detached").await;
    tab.reconnect(&lab).await;

    // The session is kicked.
    assert!(lab.hub.kick(lab.only(), Failure::new(FailureCode::Kicked)));
    tab.expect_failure(FailureCode::Kicked).await;
    lab.all_given_back().await;

    // The shell ends.
    let (mut tab, _) = lab.open("alice", "echo").await;
    tab.type_in(b"q").await;
    tab.finish().await;
    lab.all_given_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_messages_are_hellos() {
    let lab = Lab::new(HubLimits::default());
    let early = ClientFrame::Leave.encode();
    let long = Bytes::from(vec![2; 200_000]);
    for (frame, expected) in [
        (early, Some(ProtocolError::HelloExpected)),
        (Bytes::new(), None),
        (Bytes::from_static(b"GET / HTTP/1.1"), None),
        // Longer than any frame: the connection is given up before it is read.
        (long, None),
    ] {
        let (near, served) = lab.accept(1024);
        let (_reader, mut writer) = tokio::io::split(near);
        let len = u32::try_from(frame.len()).unwrap();
        writer.write_all(&len.to_be_bytes()).await.unwrap();
        // The server may have gone before all of it is written.
        let _written = writer.write_all(&frame).await;
        let ended = reason(served).await;
        match (&ended, expected) {
            (CloseReason::Protocol(error), Some(expected)) => assert_eq!(*error, expected),
            (CloseReason::Protocol(_) | CloseReason::TransportFailed(_), None) => {}
            other => panic!("{other:?}"),
        }
    }
    lab.all_given_back().await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_has_ten_seconds() {
    let lab = Lab::new(HubLimits::default());
    let (near, served) = lab.accept(1024);
    let started = tokio::time::Instant::now();
    assert!(matches!(reason(served).await, CloseReason::PeerSilent));
    assert_eq!(started.elapsed().as_secs(), 10);
    drop(near);
}

#[tokio::test(start_paused = true)]
async fn an_opener_has_its_time() {
    let lab = Lab::new(HubLimits::default());
    let mut tab = Tab::new();
    let opening = lab.ticket("alice", Purpose::Open("hangs"));
    let served = tab.connect_with(&lab, opening, Caps::NONE, 1024).await;
    let started = tokio::time::Instant::now();
    // The tab answers the pings in the meantime.
    tab.expect_failure(FailureCode::Unreachable).await;
    assert_eq!(started.elapsed().as_secs(), 300);
    assert!(matches!(reason(served).await, CloseReason::Refused(_)));
    lab.all_given_back().await;
}

#[tokio::test(start_paused = true)]
async fn tickets_expire_and_are_counted() {
    let mut limits = HubLimits::default();
    limits.tickets_max = 2;
    let lab = Lab::new(limits);
    let (old, new) = (lab.ticket("a", Purpose::Open("echo")), lab.ticket("b", Purpose::Open("echo")));
    let grant = Grant { user: "c".to_owned(), purpose: Purpose::Open("echo") };
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    match lab.hub.ticket(grant).unwrap() {
        Issue::Full { wait } => assert_eq!(wait.as_secs(), 20),
        Issue::Ticket(_) => panic!("there is no room"),
    }
    tokio::time::sleep(std::time::Duration::from_secs(19)).await;
    let mut tab = Tab::new();
    tab.connect(&lab, new).await;
    tab.welcome().await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut late = Tab::new();
    late.connect(&lab, old).await;
    late.expect_failure(FailureCode::Ticket).await;
    lab.ticket("c", Purpose::Open("echo"));
}
