//! The questions of a login, on their way to a browser that waits for its shell.

use std::time::Duration;

use webssh_core::frame::{Answer, Caps, ClientFrame, FailureCode, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::Purpose;
use webssh_core::{CloseReason, ProtocolError, WinSize};

use crate::lab::{Lab, Served, Tab, reason, round};

/// A tab that was asked two things, and the number of the question.
async fn asked(lab: &Lab, target: &'static str) -> (Tab, Served, u32) {
    let mut tab = Tab::new();
    let opening = lab.ticket("alice", Purpose::Open(target));
    let served = tab.connect(lab, opening).await;
    let frame = tab.next().await;
    let Some(ServerFrame::Prompt(prompt)) = frame else { panic!("{frame:?}") };
    assert_eq!((prompt.name(), prompt.instruction()), ("login", "two steps"));
    let fields: Vec<_> = prompt.fields().iter().map(|field| (field.text(), field.echo())).collect();
    let round = round();
    let expected: Vec<_> = round.prompts.iter().map(|prompt| (prompt.text.as_str(), prompt.echo)).collect();
    assert_eq!(fields, expected);
    (tab, served, prompt.id())
}

/// What a browser says to a question, and what that is.
type Case = (fn(u32) -> ClientFrame, ProtocolError);

fn answer(id: u32, count: usize) -> ClientFrame {
    ClientFrame::Answer(Answer::new(id, vec!["secret".to_owned(); count]).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_reach_the_opener() {
    let lab = Lab::new(HubLimits::default());
    let (mut tab, _served, id) = asked(&lab, "asks").await;
    assert!(tab.send(&answer(id, 2)).await);
    tab.welcome().await;
    tab.type_in(b"in").await;
    tab.expect("in").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_knows_no_questions_is_not_asked() {
    let lab = Lab::new(HubLimits::default());
    let mut tab = Tab::new();
    let opening = lab.ticket("alice", Purpose::Open("asks"));
    tab.connect_with(&lab, opening, Caps::RESUME, 1024).await;
    let frames = tab.finish().await;
    assert!(
        matches!(&frames[..], [ServerFrame::Failure(failure)] if failure.code() == FailureCode::Login.number())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_answers_end_the_connection() {
    let lab = Lab::new(HubLimits::default());
    let cases: [Case; 6] = [
        (|id| answer(id, 1), ProtocolError::StrayAnswer),
        (|id| answer(id + 1, 2), ProtocolError::StrayAnswer),
        (|id| ClientFrame::HostAnswer { id, accept: true }, ProtocolError::StrayAnswer),
        (|_| ClientFrame::Pong { stamp: 1 }, ProtocolError::StrayPong),
        (|_| ClientFrame::Resize(WinSize::default()), ProtocolError::WelcomeExpected),
        (|_| ClientFrame::Ack { consumed: 0 }, ProtocolError::WelcomeExpected),
    ];
    for (frame_of, expected) in cases {
        let (mut tab, served, id) = asked(&lab, "asks").await;
        assert!(tab.send(&frame_of(id)).await);
        tab.expect_failure(FailureCode::Protocol).await;
        let ended = reason(served).await;
        assert!(matches!(&ended, CloseReason::Protocol(error) if *error == expected), "{ended:?}");
    }
    let (mut tab, served, _) = asked(&lab, "asks").await;
    assert!(tab.send(&ClientFrame::Leave).await);
    tab.finish().await;
    assert!(matches!(reason(served).await, CloseReason::Left));
    lab.all_given_back().await;
}

/// The clock is the test's own: a ping after 15 seconds, and two minutes for the answer.
#[tokio::test(start_paused = true)]
async fn a_question_has_its_time_and_its_answer_may_come_too_late() {
    let lab = Lab::new(HubLimits::default());
    let (mut tab, _served, id) = asked(&lab, "asks in vain").await;
    let mut pings = 0;
    let welcome = loop {
        match tab.next().await.expect("the connection lives") {
            ServerFrame::Ping { .. } => pings += 1,
            ServerFrame::Welcome(welcome) => break welcome,
            other => panic!("{other:?}"),
        }
    };
    assert!((7..=8).contains(&pings), "{pings} pings in two minutes");
    assert_eq!(welcome.input_received, 0);
    // The person typed while the time ran out. That is no offence.
    assert!(tab.send(&answer(id, 2)).await);
    tab.type_in(b"still here").await;
    tab.expect("still here").await;
    // But an answer to what was never asked is.
    assert!(tab.send(&answer(id + 1, 2)).await);
    tab.expect_failure(FailureCode::Protocol).await;
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_answers_no_ping_is_given_up() {
    let lab = Lab::new(HubLimits::default());
    let (tab, served, _) = asked(&lab, "asks").await;
    let started = tokio::time::Instant::now();
    let reason = tokio::time::timeout(Duration::from_secs(3600), served).await.unwrap().unwrap();
    assert!(matches!(reason, CloseReason::PeerSilent));
    assert_eq!(started.elapsed().as_secs(), 45);
    drop(tab);
    lab.all_given_back().await;
}
