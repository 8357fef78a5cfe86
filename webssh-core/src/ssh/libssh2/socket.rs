//! The connection under a session: TCP, or a socket pair whose other end leads through a jump host.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

/// A connected stream that does not block.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects to the first of `addrs` that answers.
    pub(super) async fn connect(addrs: &[SocketAddr], unanswered_max: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(addrs).await?;
        stream.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        SockRef::from(&stream).set_tcp_user_timeout(Some(unanswered_max))?;
        #[cfg(not(target_os = "linux"))]
        SockRef::from(&stream).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(unanswered_max))?;
        Ok(Self::Tcp(stream))
    }

    /// Waits until it may be ready.
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await,
            Self::Unix(stream) => stream.ready(interest).await,
        }
    }

    /// Runs `attempt` if the socket may be ready. When it would block, that readiness is forgotten.
    pub(super) fn try_io<T>(
        &self,
        interest: Interest,
        attempt: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        match self {
            Self::Tcp(stream) => stream.try_io(interest, attempt),
            Self::Unix(stream) => stream.try_io(interest, attempt),
        }
    }

    /// Receives into `buffer`; 0 at the end.
    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_io(Interest::READABLE, || Ok(recv(self, &mut *buffer, RecvFlags::empty())?.1))
    }

    /// Sends the beginning of `bytes`.
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || Ok(send(self, bytes, SendFlags::NOSIGNAL)?))
    }

    /// Ends both directions. A connection that is gone already cannot be shut down, which is as good.
    pub(super) fn cut(&self) {
        let _gone = SockRef::from(self).shutdown(Shutdown::Both);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::ssh::ConnectOptions;

    #[tokio::test]
    async fn any_timeout_is_a_usable_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        for (asked, set) in [(0, 1), (60, 60), (u32::MAX, 604_800)] {
            let options = ConnectOptions { unanswered_secs_max: asked, ..ConnectOptions::default() };
            let socket = Socket::connect(&[addr], options.unanswered_max()).await.unwrap();
            let timeout = SockRef::from(&socket).tcp_user_timeout().unwrap();
            assert_eq!(timeout, Some(Duration::from_secs(set)), "{asked} seconds");
        }
    }
}
