//! A hub with shells in memory, and the tabs that attach to it.

mod tab;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webssh_core::edge::duplex::{self};
use webssh_core::frame::{Failure, FailureCode, Opening, TicketText};
use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
use webssh_core::ssh::{Shell, ShellPort};
use webssh_core::ticket::{Grant, Issue, Purpose, SessionId};
use webssh_core::{BoxFuture, ChannelEnd, CloseReason, Dialogue, Prompts, WinSize};

pub(crate) use tab::Tab;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What an SSH server would say when it asks for a one-time code.
pub(crate) fn round() -> Prompts {
    Prompts::new("login", "two steps", [("Password: ", false), ("Code: ", true)]).unwrap()
}

/// Opens shells in memory. The target names the kind.
pub(crate) struct Shells;

impl Opener<&'static str> for Shells {
    fn open<'a>(
        &'a self,
        _user: &'a str,
        target: &'a &'static str,
        _size: WinSize,
        dialogue: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async move {
            match *target {
                "refused" => return Err(Failure::new(FailureCode::Login)),
                "hangs" => std::future::pending().await,
                "panics" => panic!("this opener is meant to fail"),
                "asks" => {
                    let answers = dialogue.ask(&round()).await.ok_or(Failure::new(FailureCode::Login))?;
                    if answers.len() != 2 {
                        return Err(Failure::new(FailureCode::Login));
                    }
                }
                // Whoever is not answered goes on without.
                "asks in vain" if dialogue.ask(&round()).await.is_some() => {
                    return Err(Failure::new(FailureCode::Login));
                }
                _ => {}
            }
            let (shell, port) = Shell::pair();
            match *target {
                "floods" => drop(tokio::spawn(flood(port))),
                "eight" => drop(tokio::spawn(eightfold(port))),
                _ => drop(tokio::spawn(echo(port))),
            }
            Ok(shell.into())
        })
    }
}

/// Repeats what is typed. `q` ends it.
async fn echo(mut port: ShellPort) {
    while let Some(bytes) = port.recv_input().await {
        if bytes.ends_with(b"q") {
            return port.finish(ChannelEnd::Exited { status: 4 });
        }
        port.send_output(bytes).await;
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}

/// Repeats each byte eight times.
async fn eightfold(mut port: ShellPort) {
    while let Some(bytes) = port.recv_input().await {
        port.send_output(bytes.iter().flat_map(|byte| [*byte; 8]).collect()).await;
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}

/// Writes for ever, also while nobody takes it, until Ctrl-C is typed; then says `^C`.
async fn flood(mut port: ShellPort) {
    let chunk = Bytes::from_static(&[b'y'; 4096]);
    loop {
        match timeout(Duration::ZERO, port.recv_input()).await {
            Ok(Some(bytes)) if bytes.contains(&3) => break,
            Ok(None) => return port.finish(ChannelEnd::Exited { status: 0 }),
            Ok(Some(_)) | Err(_) => {}
        }
        // What does not fit now is given up: one chunk of `y` is as good as the next.
        let _fits = timeout(Duration::from_millis(2), port.send_output(chunk.clone())).await;
    }
    port.send_output(Bytes::from_static(b"^C")).await;
    echo(port).await;
}

/// The hub of a test.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) hub: Hub<&'static str>,
}

/// The server's side of one connection.
pub(crate) type Served = JoinHandle<CloseReason>;

impl Lab {
    pub(crate) fn new(limits: HubLimits) -> Self {
        Self { hub: Hub::new(limits) }
    }

    /// A ticket, as text.
    pub(crate) fn ticket(&self, user: &str, purpose: Purpose<&'static str>) -> Opening {
        let grant = Grant { user: user.to_owned(), purpose };
        let Issue::Ticket(ticket) = self.hub.ticket(grant).unwrap() else { panic!("no room for a ticket") };
        Opening::Ticket(TicketText::new(ticket.as_str()).unwrap())
    }

    /// Serves the far end of a new connection, whose pipe holds so many bytes.
    pub(crate) fn accept(&self, pipe_bytes: usize) -> (DuplexStream, Served) {
        self.accept_as(None, pipe_bytes)
    }

    /// The same for a user whom the application knows.
    fn accept_as(&self, user: Option<&'static str>, pipe_bytes: usize) -> (DuplexStream, Served) {
        let (near, far) = tokio::io::duplex(pipe_bytes);
        let hub = self.hub.clone();
        let served = tokio::spawn(async move {
            let (mut source, mut sink) = duplex::split(far);
            match user {
                Some(user) => hub.serve_user(user, &mut source, &mut sink, &Shells).await,
                None => hub.serve(&mut source, &mut sink, &Shells).await,
            }
        });
        (near, served)
    }

    /// A tab of `user` with a new session, and the server's side of it.
    pub(crate) async fn open(&self, user: &str, target: &'static str) -> (Tab, Served) {
        let opening = self.ticket(user, Purpose::Open(target));
        let mut tab = Tab::new();
        let served = tab.connect(self, opening).await;
        tab.welcome().await;
        (tab, served)
    }

    /// The number of the only session.
    pub(crate) fn only(&self) -> SessionId {
        let list = self.hub.list();
        assert_eq!(list.len(), 1, "{list:?}");
        list[0].id
    }

    /// The number of the only session, as soon as there is one.
    pub(crate) async fn only_once_open(&self) -> SessionId {
        eventually(|| !self.hub.list().is_empty(), "a session opens").await;
        self.only()
    }

    /// Waits until everything that was reserved has been given back.
    pub(crate) async fn all_given_back(&self) {
        let back = || self.hub.bytes_reserved() == 0 && self.hub.list().is_empty();
        eventually(back, "every reservation is given back").await;
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(holds: impl Fn() -> bool, what: &str) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(DEADLINE, wait).await.is_ok(), "not in time: {what}");
}

/// The reason why the server ended a connection.
pub(crate) async fn reason(served: Served) -> CloseReason {
    timeout(DEADLINE, served).await.expect("the server lets go in time").expect("the server does not panic")
}

/// A shared hub is what a server holds.
#[test]
fn a_hub_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Arc::new(Lab::new(HubLimits::default()).hub));
}
