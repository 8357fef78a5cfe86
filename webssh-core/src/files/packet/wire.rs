//! Reading and writing the fields of a packet. No packet is known here.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::{HANDLE_BYTES_MAX, PacketError};

/// A cursor over the body of one packet; every shortage is an error that names the type.
pub(super) struct Reader {
    kind: u8,
    rest: Bytes,
}

impl Reader {
    /// Splits the type off.
    pub(super) fn new(mut body: Bytes) -> Result<(u8, Self), PacketError> {
        let kind = body.try_get_u8().map_err(|_| PacketError::Empty)?;
        Ok((kind, Self { kind, rest: body }))
    }

    pub(super) fn u32(&mut self) -> Result<u32, PacketError> {
        self.rest.try_get_u32().map_err(|_| self.short())
    }

    pub(super) fn u64(&mut self) -> Result<u64, PacketError> {
        self.rest.try_get_u64().map_err(|_| self.short())
    }

    /// Bytes with their length before them.
    pub(super) fn string(&mut self) -> Result<Bytes, PacketError> {
        let len = usize::try_from(self.u32()?).map_err(|_| self.short())?;
        if len > self.rest.len() {
            return Err(self.short());
        }
        Ok(self.rest.split_to(len))
    }

    /// A handle, in memory of its own: it lives longer than its packet.
    pub(super) fn handle(&mut self) -> Result<Bytes, PacketError> {
        let handle = self.string()?;
        if handle.is_empty() || handle.len() > HANDLE_BYTES_MAX {
            return Err(PacketError::Handle(self.kind));
        }
        Ok(Bytes::copy_from_slice(&handle))
    }

    /// All that is left.
    pub(super) fn tail(self) -> Bytes {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Gives `value` back if nothing is left over.
    pub(super) fn end<T>(self, value: T) -> Result<T, PacketError> {
        if self.rest.is_empty() { Ok(value) } else { Err(PacketError::Trailing(self.kind)) }
    }

    pub(super) fn short(&self) -> PacketError {
        PacketError::Short(self.kind)
    }
}

/// Writes one packet: its length, its type, and what `body` writes.
pub(super) fn packet(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_u8(kind);
    body(out);
    let len = length(out.len().saturating_sub(start).saturating_sub(4));
    if let Some(prefix) = out.get_mut(start..).and_then(|packet| packet.first_chunk_mut::<4>()) {
        *prefix = len.to_be_bytes();
    }
}

/// Bytes with their length before them.
pub(super) fn put_string(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(length(bytes.len()));
    out.put_slice(bytes);
}

/// A length as it is written. Nothing that is written here comes near what a length can say.
pub(super) fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
