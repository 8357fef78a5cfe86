//! A libssh2 session on a non-blocking connection, and how to wait for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use libssh2_sys as raw;
use rustix::io::ioctl_fionread;
use socket2::SockRef;
use ssh2::{BlockDirections, ErrorCode, Session};
use tokio::io::Interest;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::greeting::{Greeting, Offer};
use super::relay::{Flooded, Relay};
use super::socket::Socket;
use crate::error::{Error, ErrorKind, Inner};

/// The pause before trying again when libssh2 would block and does not say on what.
const BLIND_WAIT: Duration = Duration::from_millis(5);

/// What a server may send until a login is done: keys, banners and prompts.
const LOGIN_BYTES_MAX: u64 = 1024 * 1024;

/// Attempts that would block before other tasks get a turn.
const ATTEMPTS_MAX: usize = 16;

/// A session and its connection. Dropping it cuts the connection.
pub(super) struct Link {
    session: Session,
    socket: Arc<Socket>,
    /// Between the two, until it is taken out.
    relay: Option<Relay>,
    /// Whether the relay stays.
    guarded: bool,
    /// The server has said its last; that stays known, so nobody waits for it again.
    ended: bool,
    /// The system gave the connection up, because nothing was acknowledged or taken for too long.
    timed_out: Option<io::Error>,
}

/// A session that would block waits for both directions. libssh2 names one, but forgets that a packet was
/// sent in part when it looks into a window that is closed. A direction in which nothing is to be done
/// costs one more attempt: then its readiness is forgotten until it comes again.
pub(super) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl Link {
    pub(super) fn new(socket: Socket, guarded: bool) -> Result<Self, Error> {
        let relay = Relay::new(LOGIN_BYTES_MAX).map_err(socket_error("setting up the connection"))?;
        let mut session = Session::new().map_err(session_error("starting"))?;
        session.set_tcp_stream(relay.near());
        session.set_blocking(false);
        let socket = Arc::new(socket);
        Ok(Self { session, socket, relay: Some(relay), guarded, ended: false, timed_out: None })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// The connection, while libssh2 reads and writes it directly.
    pub(super) fn socket(&self) -> Option<Arc<Socket>> {
        self.relay.is_none().then(|| Arc::clone(&self.socket))
    }

    /// All bytes that came from the server, while the session is guarded.
    pub(super) fn guarded_bytes(&self) -> u64 {
        self.relay.as_ref().filter(|_| self.guarded).map_or(0, Relay::received)
    }

    /// Ends the connection. Calls that are under way fail.
    pub(super) fn cut(&self) {
        self.socket.cut();
    }

    /// Exchanges keys. `agree` sees what the server offers before libssh2 does, and sets the algorithms.
    pub(super) async fn handshake(
        &mut self,
        agree: impl FnOnce(&Session, &Offer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let doing = "agreeing on keys";
        // `handshake` wants the session mutably; a second handle to it is as good.
        let mut session = self.session.clone();
        // The first call sends our identification, which some servers wait for before they offer anything.
        if let Err(error) = session.handshake()
            && !would_block(&error)
        {
            return Err(session_error(doing)(error));
        }
        let (starts_at, offer) = self.greeting(doing).await?;
        agree(&self.session, &offer)?;
        if let Some(relay) = &mut self.relay {
            relay.release(starts_at);
        }
        self.drive(doing, || session.handshake()).await
    }

    async fn greeting(&mut self, doing: &'static str) -> Result<(usize, Offer), Error> {
        let socket = Arc::clone(&self.socket);
        let Some(relay) = &mut self.relay else { return Err(Inner::Greeting("there was none").into()) };
        loop {
            match relay.greeting() {
                Greeting::Complete { starts_at, offer } => return Ok((starts_at, offer)),
                Greeting::Broken(reason) => return Err(Inner::Greeting(reason).into()),
                Greeting::Partial if relay.has_ended() => {
                    return Err(socket_error(doing)(io::ErrorKind::UnexpectedEof.into()));
                }
                Greeting::Partial => {
                    relay.wait(&socket, true).await.map_err(socket_error(doing))?;
                }
            }
        }
    }

    /// Repeats `call` until it no longer would block. `call` must be the same call each time.
    pub(super) async fn drive<T>(
        &mut self,
        doing: &'static str,
        mut call: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Error> {
        let blocked = |result: &Result<T, ssh2::Error>| result.as_ref().is_err_and(would_block);
        loop {
            let result = under(self.socket().as_deref(), &mut call, blocked);
            if !blocked(&result) {
                return result.map_err(session_error(doing));
            }
            self.wait(doing).await?;
        }
    }

    /// Waits until a call that would block may go on.
    pub(super) async fn wait(&mut self, doing: &'static str) -> Result<(), Error> {
        self.ready().await.map_err(socket_error(doing))
    }

    /// As [`wait`](Self::wait). May be dropped while waiting.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        // There are calls that would block on nothing at all.
        let blind = self.session.block_directions() == BlockDirections::None;
        let ready = async {
            match &mut self.relay {
                Some(relay) => relay.wait(&self.socket, true).await,
                None => {
                    let on = if self.ended { Interest::WRITABLE } else { BOTH };
                    self.ended |= self.socket.ready(on).await?.is_read_closed();
                    // A server that keeps the connection ready must not keep other tasks from their turn.
                    consume_budget().await;
                    Ok(())
                }
            }
        };
        if blind { timeout(BLIND_WAIT, ready).await.unwrap_or(Ok(())) } else { ready.await }
    }

    /// Hands on what is on its way, for as long as there is any; else waits for ever.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        match &mut self.relay {
            Some(relay) => relay.wait(&self.socket, false).await,
            None => std::future::pending().await,
        }
    }

    /// Whether a packet may have been sent in part.
    pub(super) fn is_full(&self) -> bool {
        matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }

    /// Looks whether the system has given the connection up. libssh2 would find it broken and not say why,
    /// and nobody can ask afterwards. What the server said before that can still be read.
    pub(super) fn watch(&mut self) -> io::Result<()> {
        let fault = SockRef::from(&*self.socket).take_error()?;
        self.timed_out =
            self.timed_out.take().or(fault.filter(|error| error.kind() == io::ErrorKind::TimedOut));
        Ok(())
    }

    /// Why the system gave the connection up, if it did.
    pub(super) fn take_timed_out(&mut self) -> Option<io::Error> {
        self.timed_out.take()
    }

    /// The login is done: the server may send without end, and unless the link is guarded the relay is
    /// taken out as soon as nothing is in it.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let Some(relay) = &mut self.relay else { return Ok(()) };
        relay.grant_all();
        let failed = socket_error("setting up the connection");
        if !self.guarded && relay.take_out(&self.socket).map_err(failed)? {
            self.relay = None;
        }
        Ok(())
    }
}

/// With the connection cut, libssh2 frees its memory at once instead of waiting to say goodbye.
impl Drop for Link {
    fn drop(&mut self) {
        self.relay = None;
        self.cut();
    }
}

/// Makes an attempt; if it got nowhere, it is forgotten that the connection was ready.
///
/// Readiness that comes during the attempt is kept: nothing is lost between a failed attempt and the
/// next wait. Behind a relay there is no readiness to forget.
pub(super) fn under<T>(
    socket: Option<&Socket>,
    mut attempt: impl FnMut() -> T,
    blocked: impl Fn(&T) -> bool,
) -> T {
    let Some(socket) = socket else { return attempt() };
    let mut outcome = None;
    let mut run = |outcome: &mut Option<T>| {
        let (tried, got_nowhere) = exhaust(socket, &mut attempt, &blocked);
        *outcome = Some(tried);
        if got_nowhere { Err(io::Error::from(io::ErrorKind::WouldBlock)) } else { Ok(()) }
    };
    // tokio forgets one direction at a time, and runs nothing for a direction that is not ready.
    let mut writing = |outcome: &mut Option<T>| {
        let tried = socket.try_io(Interest::WRITABLE, || run(outcome));
        if outcome.is_none() { run(outcome) } else { tried }
    };
    let mut tried = socket.try_io(Interest::READABLE, || writing(&mut outcome));
    if outcome.is_none() {
        tried = writing(&mut outcome);
    }
    debug_assert!(tried.is_ok() || outcome.as_ref().is_some_and(&blocked), "an attempt has one outcome");
    outcome.unwrap_or_else(attempt)
}

/// Repeats an attempt that would block while it changes how much waits on the connection, and says whether
/// it got nowhere.
///
/// With a part of a packet at hand libssh2 says "would block" before it has read on. As what waits already
/// makes no connection ready again, it would stay there. An attempt that leaves it alone twice cannot
/// read: then there is a packet that has to leave first.
fn exhaust<T>(socket: &Socket, mut attempt: impl FnMut() -> T, blocked: impl Fn(&T) -> bool) -> (T, bool) {
    let mut left = 0;
    for _ in 0..ATTEMPTS_MAX {
        let outcome = attempt();
        if !blocked(&outcome) {
            return (outcome, false);
        }
        // A connection that cannot tell is broken, which the next attempt finds.
        let unread = ioctl_fionread(socket).unwrap_or(0);
        if unread == left {
            return (outcome, true);
        }
        left = unread;
    }
    (attempt(), false)
}

pub(super) fn would_block(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(raw::LIBSSH2_ERROR_EAGAIN)
}

/// An error of the connection. A flood is the server's doing.
pub(super) fn socket_error(doing: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| {
        if source.get_ref().is_some_and(|source| source.is::<Flooded>()) {
            let kind = ErrorKind::PeerMisbehaved;
            return Inner::Session { doing, kind, source: source.into() }.into();
        }
        Inner::Socket { doing, source }.into()
    }
}

/// An error of libssh2, with the culprit read from its code.
pub(super) fn session_error(doing: &'static str) -> impl Fn(ssh2::Error) -> Error {
    move |source| {
        let kind = match source.code() {
            ErrorCode::Session(
                raw::LIBSSH2_ERROR_SOCKET_SEND
                | raw::LIBSSH2_ERROR_SOCKET_RECV
                | raw::LIBSSH2_ERROR_SOCKET_DISCONNECT
                | raw::LIBSSH2_ERROR_SOCKET_TIMEOUT
                | raw::LIBSSH2_ERROR_TIMEOUT
                | raw::LIBSSH2_ERROR_ALLOC,
            ) => ErrorKind::Unavailable,
            _ => ErrorKind::PeerMisbehaved,
        };
        Inner::Session { doing, kind, source: Box::new(source) }.into()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::*;

    /// As libssh2 does with a part of a packet at hand: it stops without having read.
    #[tokio::test]
    async fn what_waits_is_read_before_the_next_wait() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let socket = Socket::Unix(near);
        far.write_all(&[7; 100]).await.unwrap();
        socket.ready(Interest::READABLE).await.unwrap();
        let (calls, taken) = (Cell::new(0), Cell::new(0));
        let attempt = || {
            calls.set(calls.get() + 1);
            if calls.get() > 1 {
                let read = socket.try_recv(&mut [0; 30]);
                taken.set(taken.get() + read.unwrap_or(0));
            }
        };
        under(Some(&socket), attempt, |()| true);
        assert_eq!(taken.get(), 100);
        let waits = timeout(Duration::ZERO, socket.ready(BOTH)).await;
        assert!(waits.is_err(), "there is nothing to do in either direction");
    }

    /// What cannot be read for now makes nobody spin, and does not hide what comes later.
    #[tokio::test]
    async fn what_cannot_be_read_is_left_alone() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let socket = Socket::Unix(near);
        far.write_all(b"later").await.unwrap();
        socket.ready(Interest::READABLE).await.unwrap();
        let calls = Cell::new(0);
        under(Some(&socket), || calls.set(calls.get() + 1), |()| true);
        assert_eq!(calls.get(), 2);
        assert!(timeout(Duration::ZERO, socket.ready(BOTH)).await.is_err());
        far.write_all(b"more").await.unwrap();
        assert!(timeout(Duration::from_secs(60), socket.ready(BOTH)).await.is_ok());
    }

    /// A server that has said its last, and takes nothing, makes nobody spin.
    #[tokio::test]
    async fn the_end_of_the_server_is_waited_for_once() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (session, socket) = (Session::new().unwrap(), Arc::new(Socket::Unix(near)));
        let mut link = Link { session, socket, relay: None, guarded: false, ended: false, timed_out: None };
        far.shutdown().await.unwrap();
        while !link.ended {
            under(link.socket().as_deref(), || (), |()| true);
            link.ready().await.unwrap();
        }
        under(link.socket().as_deref(), || (), |()| true);
        tokio::select! {
            biased;
            ready = link.ready() => panic!("{ready:?}"),
            () = async {} => {}
        }
    }
}
