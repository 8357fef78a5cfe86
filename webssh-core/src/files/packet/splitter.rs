//! Finds the packets in a stream of bytes.

use bytes::{Buf as _, Bytes, BytesMut};

use super::PacketError;

/// A stream of bytes, cut into the bodies of packets. It holds at most one packet more than was pushed.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    bytes_max: u32,
}

impl Splitter {
    /// For packets whose type and body have at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: u32) -> Self {
        Self { buffer: BytesMut::new(), bytes_max }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next packet without its length, if all of it is here.
    ///
    /// # Errors
    /// [`PacketError::Oversize`] for a packet that is too long; the stream is of no more use then.
    pub fn next_body(&mut self) -> Result<Option<Bytes>, PacketError> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let (bytes, bytes_max) = (u32::from_be_bytes(*prefix), self.bytes_max);
        let oversize = PacketError::Oversize { bytes, bytes_max };
        if bytes > bytes_max {
            return Err(oversize);
        }
        let len = usize::try_from(bytes).map_err(|_| oversize)?;
        if self.buffer.len() - prefix.len() < len {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    /// Bytes that wait for the rest of their packet.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.len()
    }
}
