//! A channel of one session as the connection of another: the way through a jump host.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::dial::Session;
use super::fault::Fault;
use super::line::Stage;
use crate::error::{Error, Inner};

/// What is asked of the jump host, for messages.
const DOING: &str = "opening a connection from the jump host";

/// The channel and the session that carries it. Dropping it ends both.
pub(super) struct Tunnel {
    session: Session,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Tunnel {
    /// Opens a `direct-tcpip` channel (RFC 4254, section 7.2) to the first of the addresses that answers.
    ///
    /// # Errors
    /// `Unavailable` when the jump host can reach none of them, or the session broke.
    pub(super) async fn open(
        mut session: Session,
        addrs: impl Iterator<Item = SocketAddr>,
    ) -> Result<Self, Error> {
        let mut last = Fault::Ended;
        for to in addrs {
            let (host, port) = (to.ip().to_string(), to.port().into());
            match session.handle.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await {
                Ok(channel) => {
                    session.line.opened();
                    // The writer keeps its own handle; what comes is read from the line.
                    let (_unread, writer) = channel.split();
                    return Ok(Self { session, writer: Box::pin(writer.make_writer()) });
                }
                Err(russh::Error::ChannelOpenFailure(reason)) => {
                    last = Fault::Ssh(russh::Error::ChannelOpenFailure(reason));
                }
                Err(error) => return Err(session.broken(error).await.during(DOING)),
            }
        }
        Err(Inner::NotForwarded { source: last.during(DOING) }.into())
    }

    fn end(&self) -> io::Result<()> {
        match self.session.line.take_fault() {
            None | Some(Fault::Ended) => Ok(()),
            Some(fault) => Err(io::Error::new(io::ErrorKind::ConnectionReset, fault)),
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let line = &self.session.line;
        loop {
            let bytes = line.take(buf.remaining());
            if !bytes.is_empty() {
                buf.put_slice(&bytes);
                return Poll::Ready(Ok(()));
            }
            if line.stage() != Stage::Open || line.has_failed() {
                return Poll::Ready(self.end());
            }
            if line.poll_changed(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().writer.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer.as_mut().poll_shutdown(cx)
    }
}
