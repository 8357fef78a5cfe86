//! The binary wire between browser and server, version 1: one frame is one binary WebSocket message.
//!
//! The first byte is the type. Integers are unsigned and big-endian. A frame has exactly the bytes of
//! its row: an unknown type, a missing byte and a byte too many are errors, and lengths are checked
//! before anything is copied.
//!
//! | type | frame | direction | body |
//! |---|---|---|---|
//! | `0x01` | [`Hello`](ClientFrame::Hello) | client to server | version `u8`, caps `u32`, cols `u16`, rows `u16` |
//! | `0x02` | [`Input`](ClientFrame::Input) | client to server | seq `u64`, 1 to 16384 bytes |
//! | `0x03` | [`Resize`](ClientFrame::Resize) | client to server | cols `u16`, rows `u16` |
//! | `0x04` | [`Ack`](ClientFrame::Ack) | client to server | consumed `u64` |
//! | `0x05` | [`Pong`](ClientFrame::Pong) | client to server | stamp `u64` |
//! | `0x81` | [`Welcome`](ServerFrame::Welcome) | server to client | version `u8`, caps `u32`, input bytes max `u32`, unacked bytes max `u32`, idle seconds max `u32`, absolute seconds max `u32` |
//! | `0x82` | [`Data`](ServerFrame::Data) | server to client | seq `u64`, 1 to 32768 bytes |
//! | `0x83` | [`InputAck`](ServerFrame::InputAck) | server to client | seq `u64` |
//! | `0x84` | [`Ping`](ServerFrame::Ping) | server to client | stamp `u64` |
//! | `0x85` | [`Exit`](ServerFrame::Exit) | server to client | status `u32` |
//! | `0x86` | [`Failure`](ServerFrame::Failure) | server to client | code `u16`, 0 to 512 bytes of UTF-8 |
//!
//! Both byte streams are numbered from 0, as in TCP: `seq` of `Input` and `Data` is the number of the
//! frame's first byte; `seq` of `InputAck` and `consumed` of `Ack` count all bytes taken so far.
//! The client speaks first, with `Hello`; the server answers `Welcome` with the lower of both versions
//! and the capabilities that both have.

mod client;
mod failure;
mod server;
mod wire;

use std::fmt;

use bytes::Bytes;

pub use client::{ClientFrame, Hello};
pub use failure::{Failure, FailureCode};
pub use server::{ServerFrame, Welcome};

/// The newest wire version that this crate speaks.
pub const VERSION: u8 = 1;

/// The most input bytes in one `Input` frame.
pub const INPUT_FRAME_BYTES_MAX: usize = 16 * 1024;

/// The most output bytes in one `Data` frame.
pub const DATA_FRAME_BYTES_MAX: usize = 32 * 1024;

/// The longest frame a server must accept: a full `Input`. A WebSocket layer can refuse longer ones.
pub const CLIENT_FRAME_BYTES_MAX: usize = 1 + 8 + INPUT_FRAME_BYTES_MAX;

/// The longest frame a client must accept: a full `Data`.
pub const SERVER_FRAME_BYTES_MAX: usize = 1 + 8 + DATA_FRAME_BYTES_MAX;

/// The longest text of a `Failure`, in bytes of UTF-8.
pub const FAILURE_TEXT_BYTES_MAX: usize = 512;

/// Bytes of the terminal stream: at least one, at most `MAX`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Chunk<const MAX: usize>(Bytes);

/// The payload of an `Input` frame.
pub type InputChunk = Chunk<INPUT_FRAME_BYTES_MAX>;

/// The payload of a `Data` frame.
pub type DataChunk = Chunk<DATA_FRAME_BYTES_MAX>;

impl<const MAX: usize> Chunk<MAX> {
    /// Takes up to `MAX` bytes off the front of `bytes`; `None` when `bytes` is empty.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use webssh_core::frame::InputChunk;
    ///
    /// let mut paste = Bytes::from(vec![b'x'; 20_000]);
    /// assert_eq!(InputChunk::split_from(&mut paste).unwrap().len(), 16_384);
    /// assert_eq!(InputChunk::split_from(&mut paste).unwrap().len(), 3_616);
    /// assert!(InputChunk::split_from(&mut paste).is_none());
    /// ```
    pub fn split_from(bytes: &mut Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let len = bytes.len().min(MAX);
        Some(Self(bytes.split_to(len)))
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl<const MAX: usize> std::ops::Deref for Chunk<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length only: what a user types may be a password.
impl<const MAX: usize> fmt::Debug for Chunk<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.0.len())
    }
}

/// Optional parts of the protocol, one bit each. Version 1 has none yet; unknown bits are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caps(u32);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// Takes the bits as they came over the wire.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits for the wire.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// What both sides have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Why bytes are not a frame. Neither the message nor the value holds any of the bytes but the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A message without even a type byte.
    #[error("the frame is empty")]
    Empty,
    /// The first byte names no frame of this direction.
    #[error("frame type {0:#04x} is unknown")]
    UnknownType(u8),
    /// Fewer bytes than the type needs.
    #[error("the frame of type {0:#04x} is too short")]
    Short(u8),
    /// More bytes than the type has.
    #[error("the frame of type {0:#04x} has trailing bytes")]
    Trailing(u8),
    /// More bytes than any frame of this direction may have.
    #[error("the frame has {bytes} bytes, over the limit of {bytes_max}")]
    Oversize {
        /// The length that came.
        bytes: usize,
        /// The longest length allowed.
        bytes_max: usize,
    },
    /// Columns or rows are not from 1 to 1000.
    #[error("the terminal size is out of range: both numbers must be from 1 to 1000")]
    WinSize,
    /// The text of a failure is not UTF-8.
    #[error("the text of the frame is not utf-8")]
    Text,
}
