//! Bytes of the terminal stream: never none, never more than a frame carries.

use std::fmt;

use bytes::Bytes;

use super::wire::Reader;
use super::{DATA_FRAME_BYTES_MAX, FrameError, INPUT_FRAME_BYTES_MAX};

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

    /// All that is left of a frame.
    pub(super) fn read(body: Reader<'_>) -> Result<Self, FrameError> {
        body.payload(MAX).map(Self)
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
