//! Reading and writing the integers of a frame body. No frame is known here.

use bytes::{BufMut, Bytes, BytesMut};

use super::FrameError;
use crate::WinSize;

/// A cursor over the body of one frame; every shortage is an error that names the frame type.
pub(super) struct Reader<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the length of the whole frame, then splits off its type.
    pub(super) fn new(frame: &'a [u8], bytes_max: usize) -> Result<(u8, Self), FrameError> {
        if frame.len() > bytes_max {
            return Err(FrameError::Oversize { bytes: frame.len(), bytes_max });
        }
        let (&kind, rest) = frame.split_first().ok_or(FrameError::Empty)?;
        Ok((kind, Self { kind, rest }))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError::Short(self.kind))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        self.take().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FrameError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn win_size(&mut self) -> Result<WinSize, FrameError> {
        let (cols, rows) = (self.u16()?, self.u16()?);
        WinSize::new(cols, rows).map_err(|_| FrameError::WinSize)
    }

    /// All remaining bytes, which may be none.
    pub(super) fn tail(self) -> &'a [u8] {
        self.rest
    }

    /// All remaining bytes, at least one. The upper bound was checked with the frame.
    pub(super) fn payload(self) -> Result<Bytes, FrameError> {
        if self.rest.is_empty() {
            return Err(FrameError::Short(self.kind));
        }
        Ok(Bytes::copy_from_slice(self.rest))
    }

    /// Gives `value` back if nothing is left over.
    pub(super) fn end<T>(self, value: T) -> Result<T, FrameError> {
        if self.rest.is_empty() { Ok(value) } else { Err(FrameError::Trailing(self.kind)) }
    }
}

/// Starts a frame that will have `body` bytes after its type.
pub(super) fn start(kind: u8, body: usize) -> BytesMut {
    let mut frame = BytesMut::with_capacity(1 + body);
    frame.put_u8(kind);
    frame
}

/// Columns, then rows.
pub(super) fn put_win_size(frame: &mut BytesMut, size: WinSize) {
    frame.put_u16(size.cols());
    frame.put_u16(size.rows());
}

/// A frame whose body is one number.
pub(super) fn number(kind: u8, value: u64) -> Bytes {
    let mut frame = start(kind, 8);
    frame.put_u64(value);
    frame.freeze()
}
