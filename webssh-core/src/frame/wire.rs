//! Reading and writing the fields of a frame body. No frame is known here.

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
        fits(frame.len(), bytes_max)?;
        let (&kind, rest) = frame.split_first().ok_or(FrameError::Empty)?;
        Ok((kind, Self { kind, rest }))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError::Short(self.kind))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_be_bytes)
    }

    /// No is 0, yes is 1, and there is nothing else.
    pub(super) fn flag(&mut self) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.no_choice()),
        }
    }

    pub(super) fn win_size(&mut self) -> Result<WinSize, FrameError> {
        let (cols, rows) = (self.u16()?, self.u16()?);
        WinSize::new(cols, rows).map_err(|_| FrameError::WinSize)
    }

    /// A text with its length before it.
    pub(super) fn text(&mut self, bytes_max: usize) -> Result<&'a str, FrameError> {
        let len = usize::from(self.u16()?);
        fits(len, bytes_max)?;
        let (text, rest) = self.rest.split_at_checked(len).ok_or(FrameError::Short(self.kind))?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| FrameError::Text)
    }

    /// How many of something follow.
    pub(super) fn count(&mut self, count_max: usize) -> Result<usize, FrameError> {
        let count = usize::from(self.u8()?);
        if count > count_max { Err(FrameError::TooMany { count, count_max }) } else { Ok(count) }
    }

    /// All remaining bytes, which may be none.
    pub(super) fn tail(self, bytes_max: usize) -> Result<&'a [u8], FrameError> {
        fits(self.rest.len(), bytes_max)?;
        Ok(self.rest)
    }

    /// All remaining bytes, at least one.
    pub(super) fn payload(self, bytes_max: usize) -> Result<Bytes, FrameError> {
        if self.rest.is_empty() {
            return Err(FrameError::Short(self.kind));
        }
        self.tail(bytes_max).map(Bytes::copy_from_slice)
    }

    /// Gives `value` back if nothing is left over.
    pub(super) fn end<T>(self, value: T) -> Result<T, FrameError> {
        if self.rest.is_empty() { Ok(value) } else { Err(FrameError::Trailing(self.kind)) }
    }

    /// A number that stands for a choice stands for none.
    pub(super) fn no_choice(&self) -> FrameError {
        FrameError::Choice(self.kind)
    }
}

fn fits(bytes: usize, bytes_max: usize) -> Result<(), FrameError> {
    if bytes > bytes_max { Err(FrameError::Oversize { bytes, bytes_max }) } else { Ok(()) }
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

/// A text with its length before it. Every text of a frame is far shorter than a length can say.
pub(super) fn put_text(frame: &mut BytesMut, text: &str) {
    let text = cut(text, usize::from(u16::MAX));
    frame.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
    frame.put_slice(text.as_bytes());
}

/// A number of things, each of which the frame bounds far below what a byte can say.
pub(super) fn put_count(frame: &mut BytesMut, count: usize) {
    frame.put_u8(u8::try_from(count).unwrap_or(u8::MAX));
}

/// The front of a text: whole characters, at most `bytes_max` bytes.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

/// A frame whose body is one number.
pub(super) fn number(kind: u8, value: u64) -> Bytes {
    let mut frame = start(kind, 8);
    frame.put_u64(value);
    frame.freeze()
}

/// A frame whose body is a size.
pub(super) fn win_size(kind: u8, size: WinSize) -> Bytes {
    let mut frame = start(kind, 4);
    put_win_size(&mut frame, size);
    frame.freeze()
}
