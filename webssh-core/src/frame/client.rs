//! The frames that a browser sends.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, number, start, win_size};
use super::{Answer, CLIENT_FRAME_BYTES_MAX, FrameError, Hello, InputChunk};
use crate::WinSize;

const HELLO: u8 = 0x01;
const INPUT: u8 = 0x02;
const RESIZE: u8 = 0x03;
const ACK: u8 = 0x04;
const PONG: u8 = 0x05;
const ANSWER: u8 = 0x06;
const HOST_ANSWER: u8 = 0x07;
const LEAVE: u8 = 0x08;

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
        /// Everything before this byte of output is consumed, or gone in a `Gap`; never goes back.
        consumed: u64,
    },
    /// The answer to a `Ping`.
    Pong {
        /// The stamp of that `Ping`.
        stamp: u64,
    },
    /// The answers to a `Prompt`.
    Answer(Answer),
    /// The answer to a `HostKey`.
    HostAnswer {
        /// The number of the `HostKey`.
        id: u32,
        /// Whether the key is to be trusted.
        accept: bool,
    },
    /// The session is to end. A connection that is only closed leaves it waiting.
    Leave,
}

impl ClientFrame {
    /// The bytes of one binary message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Hello(hello) => hello.encode(HELLO),
            Self::Input { seq, bytes } => {
                let mut frame = start(INPUT, 8 + bytes.len());
                frame.put_u64(*seq);
                frame.put_slice(bytes);
                frame.freeze()
            }
            Self::Resize(size) => win_size(RESIZE, *size),
            Self::Ack { consumed } => number(ACK, *consumed),
            Self::Pong { stamp } => number(PONG, *stamp),
            Self::Answer(answer) => answer.encode(ANSWER),
            Self::HostAnswer { id, accept } => {
                let mut frame = start(HOST_ANSWER, 5);
                frame.put_u32(*id);
                frame.put_u8((*accept).into());
                frame.freeze()
            }
            Self::Leave => start(LEAVE, 0).freeze(),
        }
    }

    /// Reads the bytes of one binary message.
    ///
    /// # Errors
    /// Anything that [`encode`](Self::encode) cannot have written is a [`FrameError`].
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut body) = Reader::new(frame, CLIENT_FRAME_BYTES_MAX)?;
        let frame = match kind {
            HELLO => return Hello::decode(body).map(Self::Hello),
            INPUT => {
                let seq = body.u64()?;
                return Ok(Self::Input { seq, bytes: InputChunk::read(body)? });
            }
            ANSWER => return Answer::decode(body).map(Self::Answer),
            RESIZE => Self::Resize(body.win_size()?),
            ACK => Self::Ack { consumed: body.u64()? },
            PONG => Self::Pong { stamp: body.u64()? },
            HOST_ANSWER => Self::HostAnswer { id: body.u32()?, accept: body.flag()? },
            LEAVE => Self::Leave,
            other => return Err(FrameError::UnknownType(other)),
        };
        body.end(frame)
    }
}
