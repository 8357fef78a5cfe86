//! The server of the figure about many WebSockets: axum, with a hub behind it or with nothing.

use std::future::Future;

use axum::Router;
use axum::extract::Path;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use webssh_core::edge::axum::{prepare, split};
use webssh_core::frame::Failure;
use webssh_core::hub::{Hub, HubLimits, Opened, Opener};
use webssh_core::ssh::{Shell, ShellPort};
use webssh_core::ticket::{Grant, Issue, Purpose};
use webssh_core::{BoxFuture, ChannelEnd, Dialogue, Limits, LimitsConfig, WinSize};

use super::crowd::Served;
use crate::Error;

/// Where both kinds have their WebSocket.
pub(crate) const TERMINAL: &str = "/terminal";

/// More than any figure asks for.
const SESSIONS_MAX: u32 = 100_000;

/// Starts to listen; gives the port and what has to run for it to answer.
pub(crate) async fn listen(
    served: Served,
    heartbeat_secs: u32,
) -> Result<(u16, impl Future<Output = Result<(), Error>>), Error> {
    let router = match served {
        Served::Hub => hub(heartbeat_secs)?,
        Served::Bare => {
            Router::new().route(TERMINAL, get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(bare)))
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    Ok((port, async { Ok(axum::serve(listener, router).await?) }))
}

/// Sessions of a hub, as an application has them: a ticket for a user, then a WebSocket.
fn hub(heartbeat_secs: u32) -> Result<Router, Error> {
    let mut limits = HubLimits::default();
    limits.session = Limits::new(LimitsConfig { heartbeat_secs, ..LimitsConfig::default() })?;
    limits.sessions_max = SESSIONS_MAX;
    limits.bytes_max = u64::from(SESSIONS_MAX) * limits.session_bytes();
    let hub = Hub::new(limits);
    let tickets = hub.clone();
    let ticket = async move |Path(user): Path<String>| {
        let issue = tickets.ticket(Grant { user, purpose: Purpose::Open(()) });
        match issue {
            Ok(Issue::Ticket(ticket)) => Ok(ticket.as_str().to_owned()),
            Ok(Issue::Full { .. }) | Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
        }
    };
    let terminal = async move |upgrade: WebSocketUpgrade| {
        prepare(upgrade).on_upgrade(async move |socket| {
            let (mut source, mut sink) = split(socket);
            let reason = hub.serve(&mut source, &mut sink, &Shells).await;
            sink.close(&reason).await;
        })
    };
    Ok(Router::new().route("/ticket/{user}", get(ticket)).route(TERMINAL, get(terminal)))
}

/// Repeats every message, and knows nothing else.
async fn bare(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Opens shells in memory.
struct Shells;

impl Opener<()> for Shells {
    fn open<'a>(
        &'a self,
        _user: &'a str,
        _target: &'a (),
        _size: WinSize,
        _dialogue: &'a dyn Dialogue,
    ) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async {
            let (shell, port) = Shell::pair();
            tokio::spawn(echo(port));
            Ok(shell.into())
        })
    }
}

/// Repeats what is typed.
async fn echo(mut port: ShellPort) {
    while let Some(bytes) = port.recv_input().await {
        if !port.send_output(bytes).await {
            break;
        }
    }
    port.finish(ChannelEnd::Exited { status: 0 });
}
