//! The input side of a bridge: numbered, bounded, handed to the shell once and in order.

use bytes::{Bytes, BytesMut};

use super::ProtocolError;
use crate::frame::INPUT_FRAME_BYTES_MAX;
use crate::ring::count;

/// Totals of input bytes, and those that wait for the shell.
#[derive(Debug)]
pub(super) struct InputQueue {
    received: u64,
    written: u64,
    waiting: BytesMut,
    bytes_max: u64,
}

impl InputQueue {
    pub(super) fn new(bytes_max: u32) -> Self {
        Self { received: 0, written: 0, waiting: BytesMut::new(), bytes_max: bytes_max.into() }
    }

    /// Checks the number and the window of a frame and counts it.
    pub(super) fn accept(&mut self, seq: u64, len: usize) -> Result<(), ProtocolError> {
        if seq != self.received {
            return Err(ProtocolError::InputOutOfOrder { expected: self.received, found: seq });
        }
        let received = self.received.saturating_add(count(len));
        if received - self.written > self.bytes_max {
            return Err(ProtocolError::InputOverrun);
        }
        self.received = received;
        Ok(())
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next piece for the shell.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let len = self.waiting.len().min(INPUT_FRAME_BYTES_MAX);
        (len > 0).then(|| self.waiting.split_to(len).freeze())
    }

    /// The shell took `len` bytes of what was given out.
    pub(super) fn on_written(&mut self, len: usize) {
        self.written = self.written.saturating_add(count(len)).min(self.received);
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }
}
