//! From a destination to a session that is logged in: the connection, the host key, the login.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fault::Fault;
use super::handler::{Handler, Question};
use super::line::{Hold, Line};
use super::login::{self, Login};
use super::own_bytes;
use super::prefer::{self, Ciphers};
use super::tunnel::Tunnel;
use super::wire::{Stream, Wire};
use crate::error::{Error, ErrorKind, Inner};
use crate::pump::BoxFuture;
use crate::ssh::patience::Patience;
use crate::ssh::{ConnectOptions, Connected, Dial, Terrapin};
use crate::{HostKey, HostVerdict};

/// What is done with a session that is logged in.
pub(super) type Open<'a, T> = dyn Fn(Session) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'a;

/// A session that is logged in. Dropping it ends it.
pub(super) struct Session {
    pub(super) handle: Handle<Handler>,
    pub(super) line: Hold,
}

/// What became of one attempt.
enum Attempt<T> {
    Over(Connected<T>),
    /// The server is not strict, and agreed on a cipher that needs it.
    NotStrict,
}

impl Session {
    /// Why something failed: the end of the session, if it has ended.
    pub(super) async fn broken(&mut self, error: russh::Error) -> Fault {
        if !self.handle.is_closed() {
            return error.into();
        }
        let joined = (&mut self.handle).await;
        self.line.take_fault().or(joined.err()).unwrap_or_else(|| error.into())
    }
}

/// Connects, through the host to jump from if there is one, and does `open` with the session.
pub(super) fn reach<'a, T: Send + 'a>(
    dial: &'a Dial<'a>,
    open: &'a Open<'a, T>,
) -> BoxFuture<'a, Result<Connected<T>, Error>> {
    Box::pin(async move {
        if let Attempt::Over(connected) = attempt(dial, Ciphers::All, open).await? {
            return Ok(connected);
        }
        match attempt(dial, Ciphers::Cautious, open).await {
            Ok(Attempt::Over(connected)) => Ok(connected),
            Err(error) if error.kind() != ErrorKind::PeerMisbehaved => Err(error),
            // Nothing that is safe is left.
            Ok(Attempt::NotStrict) | Err(_) => Err(Inner::NotStrict.into()),
        }
    })
}

async fn attempt<'a, T: Send + 'a>(
    dial: &'a Dial<'a>,
    ciphers: Ciphers,
    open: &'a Open<'a, T>,
) -> Result<Attempt<T>, Error> {
    let tunnel = match dial.jump {
        None => None,
        Some(jump) => match tunnel(jump, dial).await.map_err(named(jump))?.open() {
            Ok(tunnel) => Some(tunnel),
            Err(refusal) => {
                let target = jump.destination.target().clone();
                let refusal = Box::new(refusal);
                return Ok(Attempt::Over(Connected::JumpRefused { target, refusal }));
            }
        },
    };
    // The time on the way to the jump host is that host's.
    let patience = Patience::new(dial.dialogue, dial.options);
    let connected = async {
        let stream: Box<dyn Stream> = match tunnel {
            Some(tunnel) => Box::new(tunnel),
            None => Box::new(tcp(dial).await?),
        };
        let session = match session(dial, stream, ciphers, &patience).await? {
            Attempt::Over(session) => session,
            Attempt::NotStrict => return Ok(Attempt::NotStrict),
        };
        Ok(Attempt::Over(match session.open() {
            Ok(session) => Connected::Open(open(session).await?),
            Err(refusal) => refusal.of_any(),
        }))
    };
    patience.within(connected).await
}

/// Opens a connection to the destination of `dial` from the host of `jump`.
async fn tunnel<'a>(jump: &'a Dial<'a>, dial: &'a Dial<'a>) -> Result<Connected<Tunnel>, Error> {
    let open = |session| -> BoxFuture<'_, _> { Box::pin(Tunnel::open(session, dial.destination.addrs())) };
    reach(jump, &open).await
}

/// The error of a host on the way says so.
fn named(jump: &Dial<'_>) -> impl Fn(Error) -> Error {
    let target = jump.destination.target().to_string();
    move |source| Inner::Jump { target: target.clone(), source }.into()
}

/// Connects to the first address that answers; each has an equal part of the time.
async fn tcp(dial: &Dial<'_>) -> Result<TcpStream, Error> {
    let failed = |source| Inner::Socket { doing: "connecting", source }.into();
    let addrs: Vec<SocketAddr> = dial.destination.addrs().collect();
    let parts = u32::try_from(addrs.len()).unwrap_or(u32::MAX).max(1);
    let part = Duration::from_secs(dial.options.connect_secs_max.into()) / parts;
    let mut last = std::io::ErrorKind::AddrNotAvailable.into();
    for addr in addrs {
        match timeout(part, TcpStream::connect(addr)).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(socket) => return settle(socket, dial.options).map_err(failed),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// No waiting for more keys, and an end when nothing is acknowledged.
fn settle(socket: TcpStream, options: &ConnectOptions) -> std::io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(&socket).set_tcp_user_timeout(Some(options.unanswered_max()))?;
    #[cfg(not(target_os = "linux"))]
    SockRef::from(&socket)
        .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(options.unanswered_max()))?;
    Ok(socket)
}

/// Agrees on keys, has the host judged, and logs in.
async fn session(
    dial: &Dial<'_>,
    stream: Box<dyn Stream>,
    ciphers: Ciphers,
    patience: &Patience<'_>,
) -> Result<Attempt<Session>, Error> {
    let doing = "agreeing on keys";
    let target = dial.destination.target();
    let on_record = dial.hosts.on_record(target.host(), target.port()).await?;
    let config = Arc::new(prefer::config(dial.options, &on_record, ciphers));
    let line = Arc::new(Line::new(own_bytes(dial.options)));
    let hold = Hold::new(Arc::clone(&line));
    let (judge, question) = oneshot::channel();
    let handler = Handler::new(Arc::clone(&line), judge, dial.options.terrapin == Terrapin::Demand);
    let connecting = client::connect_stream(config, Wire::new(stream, line), handler);
    tokio::pin!(connecting);
    let question = tokio::select! {
        connected = &mut connecting => {
            let fault = connected.map_or_else(|fault| fault, |_unjudged| Fault::HostRefused);
            return Err(fault.during(doing));
        }
        Ok(question) = question => question,
    };
    let verdict = judged(dial, question, patience).await?;
    if !matches!(verdict, HostVerdict::Known) {
        return Ok(Attempt::Over(Connected::HostRefused(verdict)));
    }
    let handle = match connecting.await {
        Ok(handle) => handle,
        Err(Fault::NotStrict) => return Ok(Attempt::NotStrict),
        Err(fault) => return Err(fault.during(doing)),
    };
    let session = Session { handle, line: hold };
    Ok(Attempt::Over(match login::login(session, dial, patience).await? {
        Login::Accepted(session) => Connected::Open(session),
        Login::Refused { tried, offered } => Connected::LoginRefused { tried, offered },
    }))
}

/// Judges the key that the session task asks about, and tells it.
async fn judged(dial: &Dial<'_>, question: Question, patience: &Patience<'_>) -> Result<HostVerdict, Error> {
    let target = dial.destination.target();
    let key = HostKey::from_blob(&question.key)?;
    let verdict = dial.hosts.judge(target.host(), target.port(), &key, patience).await?;
    // If the session has ended meanwhile, whoever waits for it is told why.
    let _gone = question.answer.send(matches!(verdict, HostVerdict::Known));
    Ok(verdict)
}
