//! The bytes between russh and the server: read ahead while the channel is held back, counted, and cut when
//! the owner is gone.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::line::{Gate, Line};

/// What is read at once when russh asks for less.
const READ_BYTES: usize = 16 * 1024;

/// What is read ahead while the channel is held back: all that an honest server has under way then, so
/// that its answers to probes are still heard. More than this waits in the kernel.
const AHEAD_BYTES_MAX: usize = 256 * 1024;

/// A connection that carries SSH: a socket, or a channel of another session.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream whose reader can be held and whose both ends can be cut.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    line: Arc<Line>,
    ahead: BytesMut,
    /// What comes after the bytes that were read ahead.
    end: Option<End>,
    /// The last write did not fit.
    stuck: bool,
}

/// How a stream ended.
enum End {
    Eof,
    Failed(io::Error),
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, line: Arc<Line>) -> Self {
        Self { stream, line, ahead: BytesMut::new(), end: None, stuck: false }
    }

    /// Reads once into `buf`, which has room.
    fn receive(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf)).map_err(|error| self.noted(error))?;
        let bytes = buf.filled().len().saturating_sub(before);
        if bytes > 0 && !self.line.heard(bytes) {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sends on and on before anything is open",
            )));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once into the bytes ahead. While it waits, no memory waits with it.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buf = ReadBuf::uninit(&mut scratch);
        match ready!(self.receive(cx, &mut buf)) {
            Ok(()) if buf.filled().is_empty() => self.end = Some(End::Eof),
            Ok(()) => self.ahead.extend_from_slice(buf.filled()),
            Err(error) => self.end = Some(End::Failed(error)),
        }
        Poll::Ready(())
    }

    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        while self.ahead.len() < AHEAD_BYTES_MAX && self.end.is_none() {
            if self.fill(cx).is_pending() {
                return;
            }
        }
        self.line.deafen();
    }

    /// Keeps an error that says that nobody answers: russh may meet another one before this one.
    fn noted(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        if kind != io::ErrorKind::TimedOut {
            return error;
        }
        self.line.timed_out(error);
        kind.into()
    }

    /// What comes when no byte is left. A failure is told once, and is an end from then on.
    fn poll_end(&mut self) -> Poll<io::Result<()>> {
        match self.end.replace(End::Eof) {
            Some(End::Failed(error)) => Poll::Ready(Err(error)),
            Some(End::Eof) | None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.line.gate(cx) {
            Gate::Open => {}
            Gate::Cut => return Poll::Ready(Err(cut())),
            Gate::Held => {
                this.read_ahead(cx);
                return Poll::Pending;
            }
        }
        if this.ahead.is_empty() {
            if this.end.is_some() {
                return this.poll_end();
            }
            if buf.remaining() >= READ_BYTES {
                return this.receive(cx, buf);
            }
            ready!(this.fill(cx));
        }
        if this.ahead.is_empty() {
            return this.poll_end();
        }
        let len = this.ahead.len().min(buf.remaining());
        buf.put_slice(&this.ahead.split_to(len));
        if this.ahead.is_empty() && this.ahead.capacity() > 2 * READ_BYTES {
            this.ahead = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.line.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, buf).map_err(|error| this.noted(error));
        let was_stuck = std::mem::replace(&mut this.stuck, written.is_pending());
        if let Poll::Ready(Ok(bytes)) = written {
            this.line.wrote(bytes, was_stuck);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.line.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.line.is_cut(cx) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;
    use crate::ssh::russh::line::Hold;

    /// A wire whose channel is held back from `hold_bytes` on, and the server's end of it.
    fn wire(hold_bytes: u32) -> (Wire, Arc<Line>, DuplexStream) {
        let (near, far) = duplex(1 << 20);
        let line = Arc::new(Line::new(hold_bytes));
        (Wire::new(Box::new(near), Arc::clone(&line)), line, far)
    }

    async fn waits(wire: &mut Wire, buf: &mut [u8]) -> bool {
        timeout(Duration::from_millis(50), wire.read(buf)).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_wire_reads_ahead_and_hands_over_later() {
        let (mut wire, line, mut far) = wire(3);
        let mut buf = [0; 8];
        far.write_all(b"first").await.unwrap();
        assert_eq!(wire.read(&mut buf).await.unwrap(), 5);
        line.output(b"out");
        far.write_all(b"second").await.unwrap();
        drop(far);
        assert!(waits(&mut wire, &mut buf).await, "there is enough output");
        assert_eq!(line.take(1), "o");
        assert_eq!(wire.read(&mut buf).await.unwrap(), 6, "what was read ahead comes first");
        assert_eq!(&buf[..6], b"second");
        assert_eq!(wire.read(&mut buf).await.unwrap(), 0, "and then the end");
        assert_eq!(wire.read(&mut buf).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_wire_hears_the_server_until_it_is_full() {
        let (mut wire, line, mut far) = wire(1);
        line.opened();
        line.output(b"x");
        let mut buf = [0; 8];
        let mut sent = 0;
        while line.heard_at().is_some() {
            far.write_all(&[7; 32 * 1024]).await.unwrap();
            sent += 32 * 1024;
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(waits(&mut wire, &mut buf).await);
            assert!(line.heard_at().is_none() || line.silence() < Duration::from_secs(1), "{sent}");
        }
        assert!((AHEAD_BYTES_MAX..=AHEAD_BYTES_MAX + 32 * 1024).contains(&sent), "{sent}");
        assert!(wire.ahead.len() < AHEAD_BYTES_MAX + READ_BYTES);
        assert_eq!(line.take(1), "x");
        assert!(line.heard_at().is_some(), "it can be heard again");
        let mut all = vec![0; sent];
        wire.read_exact(&mut all).await.unwrap();
        assert!(all.iter().all(|byte| *byte == 7));
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_owner_both_directions_end_at_once() {
        let (wire, line, _far) = wire(1);
        let hold = Hold::new(Arc::clone(&line));
        line.output(b"x");
        let (mut reader, mut writer) = tokio::io::split(wire);
        let reading = tokio::spawn(async move { reader.read(&mut [0; 8]).await });
        tokio::task::yield_now().await;
        drop(hold);
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        let error = writer.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    /// A connection as the system leaves it when it gives up: one call is told why, the next ones are not.
    struct GivenUp;

    impl AsyncRead for GivenUp {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        }
    }

    impl AsyncWrite for GivenUp {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn why_the_system_gave_up_is_kept_also_while_held() {
        let line = Arc::new(Line::new(1));
        let mut wire = Wire::new(Box::new(GivenUp), Arc::clone(&line));
        line.output(b"x");
        assert!(waits(&mut wire, &mut [0; 8]).await, "there is enough output");
        assert_eq!(wire.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let kept = line.take_timed_out().map(|error| error.kind());
        assert_eq!(kept, Some(io::ErrorKind::TimedOut));
    }

    #[tokio::test]
    async fn a_preface_has_an_end() {
        let (mut wire, line, mut far) = wire(1 << 20);
        far.write_all(&[0; 300 * 1024]).await.unwrap();
        let mut all = vec![0; 300 * 1024];
        let error = wire.read_exact(&mut all).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        line.opened();
        far.write_all(&[0; 300 * 1024]).await.unwrap();
    }
}
