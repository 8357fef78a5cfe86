//! Sessions through their handle: connections come and go, and others listen in.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webssh_core::audit::{Audit, AuditRules, Command, Verdict};
use webssh_core::edge::duplex;
use webssh_core::frame::{ClientFrame, Failure, FailureCode, Hello, Role, ServerFrame};
use webssh_core::pump::{self, Reviewer, Session, SessionOptions};
use webssh_core::record::{RecordOptions, RecordPolicy, RecordSink, Recorder};
use webssh_core::ssh::{Shell, ShellPort};
use webssh_core::transcript::{Event, read};
use webssh_core::{BoxFuture, Bridge, ChannelEnd, CloseReason, Limits, ResumeToken, WinSize};

use crate::lab::{DEADLINE, Tab, eventually, reason};

/// A session over a shell that the test plays, and the task that drives it.
fn start(options: SessionOptions) -> (Session, ShellPort, JoinHandle<CloseReason>) {
    let (shell, port) = Shell::pair();
    let bridge = Bridge::new(Limits::default(), Duration::ZERO);
    let (session, driver) = pump::session(bridge, shell, options);
    (session, port, tokio::spawn(driver))
}

/// Attaches a tab; gives the server's side too.
async fn attach(session: &Session, role: Role) -> (Tab, JoinHandle<CloseReason>) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let served = tokio::spawn(serve(session.clone(), far, role));
    let mut tab = Tab::over(near);
    tab.welcome().await;
    (tab, served)
}

async fn serve(session: Session, far: DuplexStream, role: Role) -> CloseReason {
    let (mut source, mut sink) = duplex::split(far);
    let token = ResumeToken::from_bytes([1; 32]);
    session.attach(&Hello::plain(WinSize::default()), role, &token, &mut source, &mut sink).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_its_connections() {
    let (session, mut port, driver) = start(SessionOptions::default());
    let (mut tab, served) = attach(&session, Role::Owner).await;
    port.send_output(Bytes::from_static(b"one ")).await;
    tab.expect("one ").await;
    assert_eq!(session.status().connections.len(), 1);
    tab.cut();
    reason(served).await;
    assert!(session.status().connections.is_empty() && session.status().ended.is_none());
    port.send_output(Bytes::from_static(b"two")).await;
    let (mut tab, served) = attach(&session, Role::Owner).await;
    tab.expect("one two").await;

    // A task that is cancelled detaches too.
    served.abort();
    eventually(|| session.status().connections.is_empty(), "it is detached").await;
    let (mut tab, served) = attach(&session, Role::Owner).await;
    let id = session.status().connections[0].id;
    assert!(session.kick(id, Failure::new(FailureCode::Kicked)));
    assert!(!session.kick(id, Failure::new(FailureCode::Kicked)));
    tab.expect_failure(FailureCode::Kicked).await;
    assert!(matches!(reason(served).await, CloseReason::Kicked(_)));

    session.close(CloseReason::Shutdown);
    assert!(matches!(reason(driver).await, CloseReason::Shutdown));
    assert!(port.recv_input().await.is_none(), "the shell is told");
    let (near, far) = tokio::io::duplex(1024);
    let late = tokio::spawn(serve(session, far, Role::Owner));
    Tab::over(near).expect_failure(FailureCode::Gone).await;
    assert!(matches!(reason(late).await, CloseReason::Refused(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_is_dropped_ends_the_session() {
    let (session, mut port, driver) = start(SessionOptions::default());
    let (mut owner, owner_served) = attach(&session, Role::Owner).await;
    let (mut observer, observer_served) = attach(&session, Role::Observer).await;
    driver.abort();
    owner.expect_failure(FailureCode::Shutdown).await;
    observer.expect_failure(FailureCode::Shutdown).await;
    for served in [owner_served, observer_served] {
        assert!(matches!(reason(served).await, CloseReason::Shutdown));
    }
    assert!(timeout(DEADLINE, port.recv_input()).await.unwrap().is_none(), "the shell is told");

    // One that was never polled does so as well.
    let (shell, mut port) = Shell::pair();
    let bridge = Bridge::new(Limits::default(), Duration::ZERO);
    let (session, driver) = pump::session(bridge, shell, SessionOptions::default());
    drop(driver);
    assert!(matches!(session.status().ended, Some(CloseReason::Shutdown)));
    assert!(timeout(DEADLINE, port.recv_input()).await.unwrap().is_none());
}

/// Input counts as taken when the shell has it, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_shell_did_not_take_is_not_acknowledged() {
    let (session, mut port, _driver) = start(SessionOptions::default());
    let (mut tab, _served) = attach(&session, Role::Owner).await;
    // The queue of the shell takes four pieces; the bridge gives out one at a time.
    for _ in 0..4 {
        let before = tab.acked;
        tab.type_in(b"0123456789").await;
        while tab.acked == before {
            tab.next().await;
        }
    }
    tab.type_in(b"waits").await;
    tab.type_in(b" for room").await;
    port.send_output(Bytes::from_static(b"marker")).await;
    tab.expect("marker").await;
    assert_eq!(tab.acked, 40, "two frames are in the bridge, none of them with the shell");
    let mut taken = Vec::new();
    while taken.len() < 54 {
        taken.extend_from_slice(&timeout(DEADLINE, port.recv_input()).await.unwrap().unwrap());
    }
    while tab.acked < 54 {
        tab.next().await;
    }
    assert_eq!(taken, tab.script);
    // A shell that has ended takes nothing, and nothing is said to be taken.
    drop(port);
    tab.type_in(b"too late").await;
    tab.finish().await;
    assert_eq!(tab.acked, 54);
}

/// A recording that is kept in memory, or that fails.
#[derive(Clone, Default)]
struct Tape {
    lines: Arc<Mutex<Vec<u8>>>,
    finished: Arc<Mutex<bool>>,
    broken: bool,
}

impl RecordSink for Tape {
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            if self.broken {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.lines.lock().unwrap().extend_from_slice(&lines);
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            *self.finished.lock().unwrap() = true;
            Ok(())
        })
    }
}

fn recorded(tape: &Tape, policy: RecordPolicy, input: bool) -> SessionOptions {
    let mut record = RecordOptions::default();
    record.policy = policy;
    record.input = input;
    let (recorder, task) = Recorder::start(tape.clone(), record);
    tokio::spawn(task.run());
    let mut options = SessionOptions::default();
    options.recorder = Some(recorder);
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_recorded_to_its_end() {
    let tape = Tape::default();
    let (session, mut port, driver) = start(recorded(&tape, RecordPolicy::Required, true));
    let (mut tab, _served) = attach(&session, Role::Owner).await;
    port.send_output(Bytes::from_static("héllo".as_bytes())).await;
    tab.expect("héllo").await;
    tab.type_in(b"typed").await;
    tab.send(&ClientFrame::Resize(WinSize::new(100, 40).unwrap())).await;
    assert_eq!(timeout(DEADLINE, port.recv_input()).await.unwrap().unwrap(), "typed");
    while timeout(DEADLINE, port.recv_size()).await.unwrap() != Some(WinSize::new(100, 40).unwrap()) {}
    port.finish(ChannelEnd::Exited { status: 3 });
    tab.finish().await;
    reason(driver).await;
    eventually(|| *tape.finished.lock().unwrap(), "the recording is finished").await;
    let lines = tape.lines.lock().unwrap().clone();
    let events: Vec<Event> = read(&lines).unwrap().1.into_iter().map(|timed| timed.event).collect();
    let has = |wanted: &Event| events.contains(wanted);
    assert!(has(&Event::Output("héllo".into())), "{events:?}");
    assert!(has(&Event::Input("typed".into())), "{events:?}");
    assert!(has(&Event::Resize(WinSize::new(100, 40).unwrap())), "{events:?}");
    assert_eq!(events.last(), Some(&Event::Exit(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_recording_that_fails_ends_the_session() {
    let tape = Tape { broken: true, ..Tape::default() };
    let (session, mut port, driver) = start(recorded(&tape, RecordPolicy::Required, false));
    let (mut tab, _served) = attach(&session, Role::Owner).await;
    port.send_output(Bytes::from_static(b"x")).await;
    tab.expect_failure(FailureCode::Recording).await;
    assert!(matches!(reason(driver).await, CloseReason::Recording));
    assert!(timeout(DEADLINE, port.recv_input()).await.unwrap().is_none(), "the shell is told");

    let tape = Tape { broken: true, ..Tape::default() };
    let (session, mut port, _driver) = start(recorded(&tape, RecordPolicy::BestEffort, false));
    let (mut tab, _served) = attach(&session, Role::Owner).await;
    port.send_output(Bytes::from_static(b"x")).await;
    eventually(|| *tape.finished.lock().unwrap(), "the recording is given up").await;
    port.send_output(Bytes::from_static(b"y")).await;
    tab.expect("xy").await;
}

/// A reviewer whose decisions the test makes.
struct Desk(mpsc::UnboundedSender<(Command, oneshot::Sender<Verdict>)>);

impl Reviewer for Desk {
    fn review(&self, command: Command) -> BoxFuture<'static, Verdict> {
        let (decide, decision) = oneshot::channel();
        let laid = self.0.send((command, decide)).is_ok();
        Box::pin(async move {
            match decision.await {
                Ok(verdict) if laid => verdict,
                _ => Verdict::Deny { text: "the desk is closed".to_owned() },
            }
        })
    }
}

fn audited() -> SessionOptions {
    let rules = AuditRules::new().deny("rm *", "not here").unwrap().review("reboot").unwrap();
    let mut options = SessionOptions::default();
    options.audit = Some(Audit::new(Arc::new(rules), WinSize::default()));
    options
}

/// Types a line at the prompt of a shell that echoes, up to its Enter.
async fn type_line(tab: &mut Tab, port: &mut ShellPort, line: &str) {
    port.send_output(Bytes::from_static(b"\r\n$ ")).await;
    tab.expect("$ ").await;
    tab.type_in(line.as_bytes()).await;
    let mut echoed = String::new();
    while echoed != line {
        let bytes = timeout(DEADLINE, port.recv_input()).await.unwrap().unwrap();
        echoed.push_str(std::str::from_utf8(&bytes).unwrap());
        port.send_output(bytes).await;
    }
    tab.expect(line).await;
    tab.type_in(b"\r").await;
}

async fn taken(port: &mut ShellPort) -> Bytes {
    timeout(DEADLINE, port.recv_input()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_stands_between_keys_and_shell() {
    let (session, mut port, _driver) = start(audited());
    let (mut tab, _served) = attach(&session, Role::Owner).await;
    type_line(&mut tab, &mut port, "ls").await;
    assert_eq!(taken(&mut port).await, "\r");
    type_line(&mut tab, &mut port, "rm x").await;
    assert_eq!(taken(&mut port).await, "\x03", "the line is cancelled, the Enter never comes");
    tab.expect("\r\nnot here\r\n").await;
    // Nobody reviews here, so what would be reviewed is denied.
    type_line(&mut tab, &mut port, "reboot").await;
    assert_eq!(taken(&mut port).await, "\x03");
    tab.expect("nobody is here to review this command\r\n").await;
    let typed = u64::try_from(tab.script.len()).unwrap();
    while tab.acked < typed {
        tab.next().await;
    }
    assert_eq!(tab.acked, typed, "what the audit took is acknowledged, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewer_decides_and_a_user_takes_back() {
    let (desk, mut cases) = mpsc::unbounded_channel();
    let mut options = audited();
    options.reviewer = Some(Arc::new(Desk(desk)));
    let (session, mut port, driver) = start(options);
    let (mut tab, _served) = attach(&session, Role::Owner).await;

    type_line(&mut tab, &mut port, "reboot").await;
    let (command, decide) = timeout(DEADLINE, cases.recv()).await.unwrap().unwrap();
    assert_eq!(command.text, "reboot");
    decide.send(Verdict::Allow).unwrap();
    assert_eq!(taken(&mut port).await, "\r");

    type_line(&mut tab, &mut port, "reboot").await;
    let (_, decide) = timeout(DEADLINE, cases.recv()).await.unwrap().unwrap();
    tab.type_in(&[3]).await;
    assert_eq!(taken(&mut port).await, "\x03", "Ctrl-C acts while a command is held");
    eventually(|| decide.is_closed(), "the review is dropped").await;

    type_line(&mut tab, &mut port, "reboot").await;
    let (_, decide) = timeout(DEADLINE, cases.recv()).await.unwrap().unwrap();
    decide.send(Verdict::End { text: "enough".to_owned() }).unwrap();
    let frames = tab.finish().await;
    let failure = Failure::with_text(FailureCode::Denied, "enough");
    assert_eq!(frames.last(), Some(&ServerFrame::Failure(failure)));
    assert!(matches!(reason(driver).await, CloseReason::Kicked(_)));
}
