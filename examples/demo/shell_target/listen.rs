//! Connections: accepted up to a limit, logged in before a deadline, cut short when the target stops.

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use rustix::net::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::lab::Lab;
use super::visitor::Visitor;

/// A connection that has not logged in by then is closed.
const LOGIN_MAX: Duration = Duration::from_secs(20);
/// How long a client may take to leave after it was told to.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Pause after a failed `accept`, which mostly means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What russh is told. What is not named keeps its default.
pub(super) fn config(host_key: PrivateKey) -> Config {
    Config {
        methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
        keys: vec![host_key],
        // Clients probe with "none" first; that answer is no secret and need not be slow.
        auth_rejection_time_initial: Some(Duration::ZERO),
        auth_rejection_time: Duration::from_millis(250),
        max_auth_attempts: 3,
        window_size: 256 * 1024,
        keepalive_interval: Some(Duration::from_secs(15)),
        nodelay: true,
        ..Config::default()
    }
}

/// Accepts connections until the target stops, each in a task of its own that holds `alive`.
pub(super) async fn accept(
    listener: TcpListener,
    config: Arc<Config>,
    lab: Arc<Lab>,
    connections_max: usize,
    alive: mpsc::Sender<Infallible>,
) {
    let connections = Arc::new(Semaphore::new(connections_max));
    let mut stopped = lab.stopped.clone();
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "the shell target could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            tracing::warn!(connections_max, "the shell target refused a connection");
            continue;
        };
        let (config, lab, alive) = (Arc::clone(&config), Arc::clone(&lab), alive.clone());
        tokio::spawn(async move {
            if let Err(error) = connection(socket, config, lab).await {
                // Debug form: the text may hold bytes of the peer, which it escapes.
                tracing::debug!(?error, "a connection to the shell target ended");
            }
            drop((permit, alive));
        });
    }
}

/// Serves one connection to its end.
async fn connection(socket: TcpStream, config: Arc<Config>, lab: Arc<Lab>) -> Result<(), russh::Error> {
    // russh sets the option only on sockets that it accepted itself.
    socket.set_nodelay(true)?;
    // russh runs a session in a task of its own that cannot be aborted; a second handle on the socket can
    // always cut it short.
    let lifeline = socket.as_fd().try_clone_to_owned()?;
    let mut stopped = lab.stopped.clone();
    let (visitor, entered) = Visitor::new(lab);
    let greeted = tokio::select! {
        greeted = timeout(LOGIN_MAX, russh::server::run_stream(config, socket, visitor)) => greeted,
        _ = stopped.changed() => return Ok(()),
    };
    let mut session = greeted.map_err(|_| russh::Error::ConnectionTimeout)??;
    tokio::select! {
        ended = &mut session => return ended,
        () = overdue(entered) => {}
        _ = stopped.changed() => {
            let handle = session.handle();
            let goodbye = async {
                handle
                    .disconnect(russh::Disconnect::ByApplication, "the target stops".into(), "en".into())
                    .await?;
                (&mut session).await
            };
            if let Ok(ended) = timeout(GOODBYE_MAX, goodbye).await {
                return ended;
            }
        }
    }
    rustix::net::shutdown(&lifeline, Shutdown::Both).map_err(io::Error::from)?;
    session.await
}

/// Ends when a visitor has not logged in by the deadline, and never when it has.
async fn overdue(mut entered: watch::Receiver<bool>) {
    if timeout(LOGIN_MAX, entered.wait_for(|entered| *entered)).await.is_ok() {
        std::future::pending().await
    }
}
