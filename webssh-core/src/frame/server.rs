//! The frames that a server sends.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, number, start};
use super::{Caps, Chunk, DataChunk, Failure, FrameError, SERVER_FRAME_BYTES_MAX};

const WELCOME: u8 = 0x81;
const DATA: u8 = 0x82;
const INPUT_ACK: u8 = 0x83;
const PING: u8 = 0x84;
const EXIT: u8 = 0x85;
const FAILURE: u8 = 0x86;

/// A frame from the server to the browser.
///
/// ```
/// use webssh_core::frame::{Failure, FailureCode, ServerFrame};
///
/// // A server that has no shell to offer says so and closes the connection.
/// let bytes = ServerFrame::Failure(Failure::new(FailureCode::NotAllowed)).encode();
/// assert_eq!(&bytes[..3], [0x86, 0, 11]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerFrame {
    /// The answer to `Hello`.
    Welcome(Welcome),
    /// Output of the shell.
    Data {
        /// The number of the first byte.
        seq: u64,
        /// The output, cut between characters where it is UTF-8.
        bytes: DataChunk,
    },
    /// Input was handed to the shell.
    InputAck {
        /// All input bytes handed over since the start.
        seq: u64,
    },
    /// Are you there?
    Ping {
        /// To be sent back in a `Pong`.
        stamp: u64,
    },
    /// The shell ended by itself. The last frame.
    Exit {
        /// Its exit status (RFC 4254, section 6.10).
        status: u32,
    },
    /// The session ends for another reason. The last frame.
    Failure(Failure),
}

/// What a server answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The wire version of this connection.
    pub version: u8,
    /// What both sides can do.
    pub caps: Caps,
    /// The most input bytes that may be sent without an `InputAck`.
    pub input_bytes_max: u32,
    /// The most output bytes that the server sends without an `Ack`.
    pub unacked_bytes_max: u32,
    /// The session ends after this many seconds without input.
    pub idle_secs_max: u32,
    /// The session ends after this many seconds.
    pub absolute_secs_max: u32,
}

impl ServerFrame {
    /// The bytes of one binary message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Welcome(welcome) => welcome.encode(),
            Self::Data { seq, bytes } => {
                let mut frame = start(DATA, 8 + bytes.len());
                frame.put_u64(*seq);
                frame.put_slice(bytes);
                frame.freeze()
            }
            Self::InputAck { seq } => number(INPUT_ACK, *seq),
            Self::Ping { stamp } => number(PING, *stamp),
            Self::Exit { status } => {
                let mut frame = start(EXIT, 4);
                frame.put_u32(*status);
                frame.freeze()
            }
            Self::Failure(failure) => {
                let mut frame = start(FAILURE, 2 + failure.text().len());
                frame.put_u16(failure.code());
                frame.put_slice(failure.text().as_bytes());
                frame.freeze()
            }
        }
    }

    /// Reads the bytes of one binary message.
    ///
    /// # Errors
    /// Anything that [`encode`](Self::encode) cannot have written is a [`FrameError`].
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut body) = Reader::new(frame, SERVER_FRAME_BYTES_MAX)?;
        match kind {
            WELCOME => Welcome::decode(body).map(Self::Welcome),
            DATA => {
                let seq = body.u64()?;
                Ok(Self::Data { seq, bytes: Chunk(body.payload()?) })
            }
            INPUT_ACK => {
                let seq = body.u64()?;
                body.end(Self::InputAck { seq })
            }
            PING => {
                let stamp = body.u64()?;
                body.end(Self::Ping { stamp })
            }
            EXIT => {
                let status = body.u32()?;
                body.end(Self::Exit { status })
            }
            FAILURE => Failure::decode(body).map(Self::Failure),
            other => Err(FrameError::UnknownType(other)),
        }
    }
}

impl Welcome {
    fn encode(&self) -> Bytes {
        let mut frame = start(WELCOME, 21);
        frame.put_u8(self.version);
        frame.put_u32(self.caps.bits());
        frame.put_u32(self.input_bytes_max);
        frame.put_u32(self.unacked_bytes_max);
        frame.put_u32(self.idle_secs_max);
        frame.put_u32(self.absolute_secs_max);
        frame.freeze()
    }

    fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let welcome = Self {
            version: body.u8()?,
            caps: Caps::from_bits(body.u32()?),
            input_bytes_max: body.u32()?,
            unacked_bytes_max: body.u32()?,
            idle_secs_max: body.u32()?,
            absolute_secs_max: body.u32()?,
        };
        body.end(welcome)
    }
}
