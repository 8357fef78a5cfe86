//! The frames that a server sends.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::{Reader, number, start, win_size};
use super::{DataChunk, Failure, FrameError, HostKeyFrame, PromptFrame, SERVER_FRAME_BYTES_MAX, Welcome};
use crate::WinSize;

const WELCOME: u8 = 0x81;
const DATA: u8 = 0x82;
const INPUT_ACK: u8 = 0x83;
const PING: u8 = 0x84;
const EXIT: u8 = 0x85;
const FAILURE: u8 = 0x86;
const GAP: u8 = 0x87;
const PROMPT: u8 = 0x88;
const HOST_KEY: u8 = 0x89;
const RESIZED: u8 = 0x8a;
const WATCHERS: u8 = 0x8b;

/// Stands in a `Ping` for a round trip that was not measured yet.
pub const RTT_UNKNOWN: u32 = u32::MAX;

/// The bytes of a `Data` frame before its output.
pub(crate) const DATA_HEADER_BYTES: usize = 9;

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
        /// All input bytes handed over since the start of the session.
        seq: u64,
    },
    /// Are you there?
    Ping {
        /// To be sent back in a `Pong`.
        stamp: u64,
        /// The last round trip in milliseconds, or [`RTT_UNKNOWN`].
        rtt_ms: u32,
    },
    /// The shell ended by itself. The last frame.
    Exit {
        /// Its exit status (RFC 4254, section 6.10).
        status: u32,
    },
    /// The connection ends for another reason. The last frame.
    Failure(Failure),
    /// Output is gone; the next `Data` starts behind it, and the terminal is to be reset.
    Gap {
        /// The number of the first byte that is gone.
        from: u64,
        /// The number of the first byte that is not.
        to: u64,
    },
    /// Questions to the person, before `Welcome`.
    Prompt(PromptFrame),
    /// Whether to trust a host key, before `Welcome`.
    HostKey(HostKeyFrame),
    /// To an observer: the terminal has a new size.
    Resized(WinSize),
    /// To the owner: so many look on.
    Watchers {
        /// The number of observers.
        count: u16,
    },
}

impl ServerFrame {
    /// The bytes of one binary message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Welcome(welcome) => welcome.encode(WELCOME),
            Self::Data { seq, bytes } => {
                let mut frame = begin_data(*seq, bytes.len());
                frame.put_slice(bytes);
                frame.freeze()
            }
            Self::InputAck { seq } => number(INPUT_ACK, *seq),
            Self::Ping { stamp, rtt_ms } => numbers(PING, 12, *stamp, |frame| frame.put_u32(*rtt_ms)),
            Self::Exit { status } => {
                let mut frame = start(EXIT, 4);
                frame.put_u32(*status);
                frame.freeze()
            }
            Self::Failure(failure) => failure.encode(FAILURE),
            Self::Gap { from, to } => numbers(GAP, 16, *from, |frame| frame.put_u64(*to)),
            Self::Prompt(prompt) => prompt.encode(PROMPT),
            Self::HostKey(host_key) => host_key.encode(HOST_KEY),
            Self::Resized(size) => win_size(RESIZED, *size),
            Self::Watchers { count } => {
                let mut frame = start(WATCHERS, 2);
                frame.put_u16(*count);
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
        let frame = match kind {
            WELCOME => return Welcome::decode(body).map(Self::Welcome),
            DATA => {
                let seq = body.u64()?;
                return Ok(Self::Data { seq, bytes: DataChunk::read(body)? });
            }
            FAILURE => return Failure::decode(body).map(Self::Failure),
            PROMPT => return PromptFrame::decode(body).map(Self::Prompt),
            HOST_KEY => return HostKeyFrame::decode(body).map(Self::HostKey),
            INPUT_ACK => Self::InputAck { seq: body.u64()? },
            PING => Self::Ping { stamp: body.u64()?, rtt_ms: body.u32()? },
            EXIT => Self::Exit { status: body.u32()? },
            GAP => Self::Gap { from: body.u64()?, to: body.u64()? },
            RESIZED => Self::Resized(body.win_size()?),
            WATCHERS => Self::Watchers { count: body.u16()? },
            other => return Err(FrameError::UnknownType(other)),
        };
        body.end(frame)
    }
}

/// Starts a `Data` frame, so that output is copied once: from where it is kept to behind its number.
pub(crate) fn begin_data(seq: u64, len: usize) -> BytesMut {
    let mut frame = start(DATA, 8 + len);
    frame.put_u64(seq);
    frame
}

/// A frame of two numbers.
fn numbers(kind: u8, body: usize, first: u64, put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut frame = start(kind, body);
    frame.put_u64(first);
    put(&mut frame);
    frame.freeze()
}
