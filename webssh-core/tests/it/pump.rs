//! The pump between a browser in memory and a shell in memory.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use webssh_core::frame::{ClientFrame, FailureCode, Hello, ServerFrame};
use webssh_core::pump::{self, BoxFuture, FrameSink, Incoming};
use webssh_core::ssh::Shell;
use webssh_core::{Bridge, ChannelEnd, CloseReason, Limits, ProtocolError, WinSize};

use crate::browser::{Browser, DEADLINE, Source};

/// A shell that repeats what is typed and ends with status 0 when nobody types any more.
fn echo() -> Shell {
    let (shell, mut port) = Shell::pair();
    tokio::spawn(async move {
        while let Some(bytes) = port.recv_input().await {
            if bytes == "q" {
                return port.finish(ChannelEnd::Exited { status: 4 });
            }
            port.send_output(bytes).await;
        }
        port.finish(ChannelEnd::Exited { status: 0 });
    });
    shell
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_go_in_and_output_comes_out() {
    let mut browser = Browser::start(echo(), WinSize::default()).await;
    browser.type_in("héllo").await;
    browser.expect("héllo").await;
    browser.type_in("q").await;
    let (reason, frames) = browser.finish().await;
    assert!(matches!(reason, CloseReason::Ended(ChannelEnd::Exited { status: 4 })), "{reason:?}");
    assert_eq!(frames.last(), Some(&ServerFrame::Exit { status: 4 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_size_reaches_the_shell() {
    let (shell, mut port) = Shell::pair();
    let size = WinSize::new(132, 43).unwrap();
    let browser = Browser::start(shell, size).await;
    assert_eq!(timeout(DEADLINE, port.recv_size()).await.unwrap(), Some(size));
    let wide = WinSize::new(200, 50).unwrap();
    browser.send(&ClientFrame::Resize(wide)).await;
    assert_eq!(timeout(DEADLINE, port.recv_size()).await.unwrap(), Some(wide));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_is_acknowledged_when_the_shell_has_room() {
    let (shell, mut port) = Shell::pair();
    let mut browser = Browser::start(shell, WinSize::default()).await;
    for _ in 0..10 {
        browser.type_in("0123456789").await;
    }
    let mut taken = 0;
    while browser.input_acked < 100 {
        tokio::select! {
            bytes = port.recv_input() => taken += bytes.expect("the pump types").len(),
            frame = browser.next() => assert!(frame.is_some()),
        }
    }
    while taken < 100 {
        taken += timeout(DEADLINE, port.recv_input()).await.unwrap().expect("the pump types").len();
    }
    assert_eq!(taken, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_of_the_browser_has_its_reason() {
    let browser = Browser::start(echo(), WinSize::default()).await;
    browser.to_server.send(Incoming::Closed).await.unwrap();
    assert!(matches!(browser.finish().await.0, CloseReason::PeerClosed));

    let browser = Browser::start(echo(), WinSize::default()).await;
    browser.to_server.send(Incoming::Failed(io::ErrorKind::ConnectionReset.into())).await.unwrap();
    let reason = browser.finish().await.0;
    assert!(matches!(reason, CloseReason::TransportFailed(io::ErrorKind::ConnectionReset)));

    let browser = Browser::start(echo(), WinSize::default()).await;
    browser.to_server.send(Incoming::Text).await.unwrap();
    let (reason, frames) = browser.finish().await;
    assert!(matches!(reason, CloseReason::Protocol(ProtocolError::Text)));
    let told = matches!(frames.last(), Some(ServerFrame::Failure(failure)) if failure.code() == FailureCode::Protocol.number());
    assert!(told, "{frames:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_ends_the_shell() {
    let (shell, mut port) = Shell::pair();
    let mut browser = Browser::start(shell, WinSize::default()).await;
    browser.from_server.close();
    browser.from_server.recv().await;
    port.send_output("nobody reads this".into()).await;
    let reason = timeout(DEADLINE, browser.pump).await.unwrap().unwrap();
    assert!(matches!(reason, CloseReason::TransportFailed(io::ErrorKind::BrokenPipe)), "{reason:?}");
    while timeout(DEADLINE, port.recv_input()).await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_that_vanishes_is_lost() {
    let (shell, port) = Shell::pair();
    let browser = Browser::start(shell, WinSize::default()).await;
    drop(port);
    let reason = browser.finish().await.0;
    assert!(matches!(reason, CloseReason::Ended(ChannelEnd::Lost(_))), "{reason:?}");
}

/// A transport that takes nothing before a moment.
struct StuckSink {
    until: Instant,
    taken: mpsc::UnboundedSender<Bytes>,
}

impl FrameSink for StuckSink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async {
            sleep_until(self.until).await;
            self.taken.send(frame).map_err(|_| io::ErrorKind::BrokenPipe.into())
        })
    }
}

/// Floods a transport that is stuck for `secs`; gives the reason, the seconds it took and what arrived.
async fn flood_a_stuck_transport(secs: u64) -> (CloseReason, u64, Vec<ServerFrame>) {
    let (shell, mut port) = Shell::pair();
    let flood =
        tokio::spawn(async move { while port.send_output(Bytes::from_static(&[b'y'; 4096])).await {} });
    let (to_server, inbox) = mpsc::channel(1);
    let hello = Hello::plain(WinSize::default());
    to_server.send(Incoming::Frame(ClientFrame::Hello(hello).encode())).await.unwrap();
    let (taken, mut arrived) = mpsc::unbounded_channel();
    let started = Instant::now();
    let mut sink = StuckSink { until: started + Duration::from_secs(secs), taken };
    let mut source = Source(inbox);
    let session = pump::run(Bridge::new(Limits::default(), Duration::ZERO), &mut source, &mut sink, shell);
    let reason = timeout(Duration::from_secs(3600), session).await.expect("the session ends");
    let took = started.elapsed().as_secs();
    flood.await.unwrap();
    let mut frames = Vec::new();
    while let Ok(frame) = arrived.try_recv() {
        frames.push(ServerFrame::decode(&frame).unwrap());
    }
    (reason, took, frames)
}

/// The clock is the test's own: 15 seconds to the ping, 30 for its answer, 5 for the last frames.
#[tokio::test(start_paused = true)]
async fn a_transport_that_is_stuck_for_ever_does_not_keep_the_session() {
    let (reason, took, frames) = flood_a_stuck_transport(86_400).await;
    assert!(matches!(reason, CloseReason::PeerSilent), "{reason:?}");
    assert_eq!((took, frames), (50, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_comes_back_in_time_still_gets_the_farewell() {
    let (reason, took, frames) = flood_a_stuck_transport(47).await;
    assert!(matches!(reason, CloseReason::PeerSilent), "{reason:?}");
    assert_eq!(took, 47);
    // What waited is not sent any more: frames are made when the transport can take them.
    let [ServerFrame::Welcome(_), ServerFrame::Failure(failure)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(failure.code(), FailureCode::Silent.number());
}
