//! The input side of a session: numbered, bounded, handed to the shell once and in order.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::ProtocolError;
use crate::frame::INPUT_FRAME_BYTES_MAX;
use crate::ring::{count, grow};

/// A buffer larger than this is given back when it is empty.
const IDLE_BYTES_MAX: usize = 4096;

/// Totals of input bytes over the whole session, and those that wait for the shell.
#[derive(Debug)]
pub(super) struct InputQueue {
    received: u64,
    handed: u64,
    written: u64,
    waiting: VecDeque<u8>,
    bytes_max: u32,
}

impl InputQueue {
    pub(super) fn new(bytes_max: u32) -> Self {
        Self { received: 0, handed: 0, written: 0, waiting: VecDeque::new(), bytes_max }
    }

    /// Checks the number and the window of a frame, counts what is new in it and says how many bytes at
    /// its front are not: a client that came back sends again what it cannot know to have arrived.
    pub(super) fn accept(&mut self, seq: u64, len: usize) -> Result<usize, ProtocolError> {
        let end = seq.saturating_add(count(len));
        if seq > self.received || end < self.received {
            return Err(ProtocolError::InputOutOfOrder { expected: self.received, found: seq });
        }
        if end - self.written > self.bytes_max.into() {
            return Err(ProtocolError::InputOverrun);
        }
        let known = usize::try_from(self.received - seq).unwrap_or(len);
        self.received = end;
        Ok(known)
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        let bytes_max = usize::try_from(self.bytes_max).unwrap_or(usize::MAX);
        grow(&mut self.waiting, bytes.len(), bytes_max);
        self.waiting.extend(bytes);
    }

    /// The next piece for the shell, once it has the one before: keys that wait are few large pieces then,
    /// not many small ones.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let len = self.waiting.len().min(INPUT_FRAME_BYTES_MAX);
        if len == 0 || self.handed > self.written {
            return None;
        }
        let mut piece = BytesMut::with_capacity(len);
        let (front, back) = self.waiting.as_slices();
        let front = front.get(..len).unwrap_or(front);
        piece.extend_from_slice(front);
        piece.extend_from_slice(back.get(..len - front.len()).unwrap_or_default());
        self.waiting.drain(..len);
        if self.waiting.is_empty() && self.waiting.capacity() > IDLE_BYTES_MAX {
            self.waiting = VecDeque::new();
        }
        self.handed = self.handed.saturating_add(count(len));
        Some(piece.freeze())
    }

    /// The shell took `len` bytes of what was given out.
    pub(super) fn on_written(&mut self, len: usize) {
        self.written = self.written.saturating_add(count(len)).min(self.handed);
    }

    /// Nobody is left to take what waits.
    pub(super) fn discard(&mut self) {
        self.waiting = VecDeque::new();
    }

    /// All bytes received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// All bytes that the shell took.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The bytes of memory behind this queue, with the piece that is on its way.
    pub(super) fn memory(&self) -> u64 {
        count(self.waiting.capacity()) + (self.handed - self.written)
    }
}
