//! Frames over any pair of byte streams: each frame has its length in front, four bytes, big-endian.
//!
//! For tests, for Unix sockets between processes, and for clients that are no browsers.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::BoxFuture;
use crate::frame::{CLIENT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use crate::pump::{FrameSink, FrameSource, Incoming};

/// The length in front of a frame.
const HEAD_BYTES: usize = 4;

/// The longest frame of either direction, so that both ends can use these halves.
const FRAME_BYTES_MAX: usize = if CLIENT_FRAME_BYTES_MAX > SERVER_FRAME_BYTES_MAX {
    CLIENT_FRAME_BYTES_MAX
} else {
    SERVER_FRAME_BYTES_MAX
};

/// The receiving half.
#[derive(Debug)]
pub struct DuplexSource<R> {
    reader: R,
    buffer: BytesMut,
}

/// The sending half.
#[derive(Debug)]
pub struct DuplexSink<W> {
    writer: W,
    buffer: BytesMut,
}

/// Splits a stream of bytes into both halves.
///
/// ```
/// use bytes::Bytes;
/// use webssh_core::edge::duplex;
/// use webssh_core::pump::{FrameSink, FrameSource, Incoming};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (near, far) = tokio::io::duplex(1024);
/// let (_source, mut sink) = duplex::split(near);
/// let (mut source, _sink) = duplex::split(far);
/// sink.send(Bytes::from_static(b"frame")).await?;
/// assert!(matches!(source.recv().await, Incoming::Frame(frame) if frame == "frame"));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn split<S: AsyncRead + AsyncWrite + Send>(
    stream: S,
) -> (DuplexSource<ReadHalf<S>>, DuplexSink<WriteHalf<S>>) {
    let (reader, writer) = tokio::io::split(stream);
    (DuplexSource::new(reader), DuplexSink::new(writer))
}

impl<R: AsyncRead + Send + Unpin> DuplexSource<R> {
    /// Reads frames from `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new() }
    }

    /// Reads on until a whole frame is there. What was read so far stays in the buffer when the future
    /// is dropped.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                let whole = self.buffer.is_empty();
                return if whole { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// The first frame of the buffer, if all of it has arrived. The length is checked before room is made.
fn take_frame(buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(head) = buffer.first_chunk::<HEAD_BYTES>() else {
        buffer.reserve(HEAD_BYTES);
        return Ok(None);
    };
    let len = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
    if len > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let missing = (HEAD_BYTES + len).saturating_sub(buffer.len());
    if missing > 0 {
        buffer.reserve(missing);
        return Ok(None);
    }
    buffer.advance(HEAD_BYTES);
    Ok(Some(buffer.split_to(len).freeze()))
}

impl<R: AsyncRead + Send + Unpin> FrameSource for DuplexSource<R> {
    fn recv(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            match self.next().await {
                Ok(Some(frame)) => Incoming::Frame(frame),
                Ok(None) => Incoming::Closed,
                Err(error) => Incoming::Failed(error),
            }
        })
    }
}

impl<W: AsyncWrite + Send + Unpin> DuplexSink<W> {
    /// Writes frames to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer, buffer: BytesMut::new() }
    }
}

impl<W: AsyncWrite + Send + Unpin> FrameSink for DuplexSink<W> {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let len = u32::try_from(frame.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            self.buffer.clear();
            self.buffer.put_u32(len);
            self.buffer.put_slice(&frame);
            self.writer.write_all(&self.buffer).await?;
            self.writer.flush().await
        })
    }
}
