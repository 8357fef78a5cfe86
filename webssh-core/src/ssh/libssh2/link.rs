//! A libssh2 session on a non-blocking socket, and how to wait for it.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use libssh2_sys as raw;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use ssh2::{BlockDirections, ErrorCode, Session};
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::socket_error;
use crate::error::{Error, ErrorKind, Inner};

/// The pause before trying again when libssh2 would block and does not say on what.
pub(super) const BLIND_WAIT: Duration = Duration::from_millis(5);

/// TCP_USER_TIMEOUT is a signed number of milliseconds, and 0 stands for the system's default.
const UNANSWERED_MIN: Duration = Duration::from_secs(1);
const UNANSWERED_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A session and its socket. Dropping it cuts the connection.
pub(super) struct Link {
    session: Session,
    socket: Arc<TcpStream>,
}

/// What a session that would block is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) interest: Interest,
    /// libssh2 named no direction: [`BLIND_WAIT`] has to end the wait as well.
    pub(super) blind: bool,
}

impl Link {
    pub(super) fn new(socket: TcpStream, unanswered_max: Duration) -> Result<Self, Error> {
        let failed = socket_error("setting up the connection");
        let unanswered_max = unanswered_max.clamp(UNANSWERED_MIN, UNANSWERED_MAX);
        socket.set_nodelay(true).map_err(&failed)?;
        #[cfg(target_os = "linux")]
        SockRef::from(&socket).set_tcp_user_timeout(Some(unanswered_max)).map_err(&failed)?;
        #[cfg(not(target_os = "linux"))]
        SockRef::from(&socket)
            .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(unanswered_max))
            .map_err(&failed)?;
        let socket = Arc::new(socket);
        let mut session = Session::new().map_err(session_error("starting"))?;
        session.set_tcp_stream(Arc::clone(&socket));
        session.set_blocking(false);
        Ok(Self { session, socket })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn socket(&self) -> Arc<TcpStream> {
        Arc::clone(&self.socket)
    }

    pub(super) async fn handshake(&mut self) -> Result<(), Error> {
        // `handshake` wants the session mutably; a second handle to it is as good.
        let mut session = self.session.clone();
        self.drive("agreeing on keys", || session.handshake()).await
    }

    /// Repeats `call` until it no longer would block. `call` must be the same call each time.
    pub(super) async fn drive<T>(
        &self,
        doing: &'static str,
        mut call: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Error> {
        let mut result = call();
        while result.as_ref().is_err_and(would_block) {
            let interest = self.wait(doing).await?;
            result =
                under(&self.socket, interest, &mut call, |result| result.as_ref().is_err_and(would_block));
        }
        result.map_err(session_error(doing))
    }

    /// Waits for the direction that libssh2 is blocked on, and says which it was.
    pub(super) async fn wait(&self, doing: &'static str) -> Result<Interest, Error> {
        let Blocked { interest, blind } = self.blocked();
        let ready = self.socket.ready(interest);
        let ready =
            if blind { timeout(BLIND_WAIT, ready).await.unwrap_or(Ok(Ready::EMPTY)) } else { ready.await };
        ready.map_err(socket_error(doing))?;
        Ok(interest)
    }

    pub(super) fn blocked(&self) -> Blocked {
        let both = Interest::READABLE | Interest::WRITABLE;
        let (interest, blind) = match self.session.block_directions() {
            BlockDirections::Inbound => (Interest::READABLE, false),
            BlockDirections::Outbound => (Interest::WRITABLE, false),
            BlockDirections::Both => (both, false),
            BlockDirections::None => (both, true),
        };
        Blocked { interest, blind }
    }

    /// Sends a keepalive if the socket has room now.
    ///
    /// The caller makes sure that no other call is half done: libssh2 hides the failure of a keepalive
    /// that did not fit, and everything after it would wait for ever. No reply is asked for, because
    /// libssh2 never frees such replies.
    pub(super) fn keepalive(&self) -> Result<(), Error> {
        let failed = socket_error("keeping the connection alive");
        let mut polled = [PollFd::new(self.socket.as_ref(), PollFlags::OUT)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&now)).map_err(|error| failed(error.into()))?;
        if polled.iter().any(|fd| fd.revents().contains(PollFlags::OUT)) {
            self.session.keepalive_send().map_err(session_error("keeping the connection alive"))?;
        }
        Ok(())
    }
}

/// With the socket shut down, libssh2 frees its memory at once instead of waiting to say goodbye.
impl Drop for Link {
    fn drop(&mut self) {
        // A connection that is gone already cannot be shut down, which is as good.
        let _gone = SockRef::from(self.socket.as_ref()).shutdown(Shutdown::Both);
    }
}

/// Makes an attempt on a socket that was ready; if it got nowhere, that readiness is forgotten.
///
/// Readiness that comes during the attempt is kept: nothing is lost between a failed attempt and the
/// next wait.
pub(super) fn under<T>(
    socket: &TcpStream,
    interest: Interest,
    mut attempt: impl FnMut() -> T,
    blocked: impl Fn(&T) -> bool,
) -> T {
    let mut outcome = None;
    let _kept_or_forgotten = socket.try_io(interest, || {
        let got_nowhere = blocked(outcome.insert(attempt()));
        if got_nowhere { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    // The wait ended without readiness: try all the same, libssh2 has buffers of its own.
    outcome.unwrap_or_else(attempt)
}

pub(super) fn would_block(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(raw::LIBSSH2_ERROR_EAGAIN)
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn any_timeout_is_a_usable_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (asked, set) in [(0, 1), (60, 60), (u32::MAX, 604_800)] {
            let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let link = Link::new(socket, Duration::from_secs(asked.into())).unwrap();
            let timeout = SockRef::from(link.socket().as_ref()).tcp_user_timeout().unwrap();
            assert_eq!(timeout, Some(Duration::from_secs(set)), "{asked} seconds");
        }
    }
}
