//! The frames that a browser sends.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, number, put_win_size, start};
use super::{CLIENT_FRAME_BYTES_MAX, Caps, Chunk, FrameError, InputChunk};
use crate::WinSize;

const HELLO: u8 = 0x01;
const INPUT: u8 = 0x02;
const RESIZE: u8 = 0x03;
const ACK: u8 = 0x04;
const PONG: u8 = 0x05;

/// A frame from the browser to the server.
///
/// ```
/// use webssh_core::frame::ClientFrame;
///
/// let bytes = ClientFrame::Ack { consumed: 4096 }.encode();
/// assert_eq!(&bytes[..], [0x04, 0, 0, 0, 0, 0, 0, 0x10, 0]);
/// assert_eq!(ClientFrame::decode(&bytes), Ok(ClientFrame::Ack { consumed: 4096 }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// Keys and pasted text.
    Input {
        /// The number of the first byte; the next frame continues where this one ends.
        seq: u64,
        /// What was typed.
        bytes: InputChunk,
    },
    /// The terminal has a new size.
    Resize(WinSize),
    /// The terminal has consumed output.
    Ack {
        /// All output bytes consumed since the start; never goes back.
        consumed: u64,
    },
    /// The answer to a `Ping`.
    Pong {
        /// The stamp of that `Ping`.
        stamp: u64,
    },
}

/// What a browser says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The newest wire version the client speaks, at least 1.
    pub version: u8,
    /// What the client can do beyond that version.
    pub caps: Caps,
    /// The size of its terminal.
    pub size: WinSize,
}

impl ClientFrame {
    /// The bytes of one binary message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Hello(hello) => {
                let mut frame = start(HELLO, 9);
                frame.put_u8(hello.version);
                frame.put_u32(hello.caps.bits());
                put_win_size(&mut frame, hello.size);
                frame.freeze()
            }
            Self::Input { seq, bytes } => {
                let mut frame = start(INPUT, 8 + bytes.len());
                frame.put_u64(*seq);
                frame.put_slice(bytes);
                frame.freeze()
            }
            Self::Resize(size) => {
                let mut frame = start(RESIZE, 4);
                put_win_size(&mut frame, *size);
                frame.freeze()
            }
            Self::Ack { consumed } => number(ACK, *consumed),
            Self::Pong { stamp } => number(PONG, *stamp),
        }
    }

    /// Reads the bytes of one binary message.
    ///
    /// # Errors
    /// Anything that [`encode`](Self::encode) cannot have written is a [`FrameError`].
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut body) = Reader::new(frame, CLIENT_FRAME_BYTES_MAX)?;
        match kind {
            HELLO => {
                let (version, caps) = (body.u8()?, Caps::from_bits(body.u32()?));
                let size = body.win_size()?;
                body.end(Self::Hello(Hello { version, caps, size }))
            }
            INPUT => {
                let seq = body.u64()?;
                Ok(Self::Input { seq, bytes: Chunk(body.payload()?) })
            }
            RESIZE => {
                let size = body.win_size()?;
                body.end(Self::Resize(size))
            }
            ACK => {
                let consumed = body.u64()?;
                body.end(Self::Ack { consumed })
            }
            PONG => {
                let stamp = body.u64()?;
                body.end(Self::Pong { stamp })
            }
            other => Err(FrameError::UnknownType(other)),
        }
    }
}
