//! Which parts of a file to ask for, so that some are always under way. Pure: nothing is sent here.

use super::fault::Fault;

/// Short answers make later questions shorter, but not below this.
const LEN_MIN: u32 = 4 * 1024;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) offset: u64,
    /// Never 0.
    pub(super) len: u32,
    /// The rest of a part that came short: it goes before all that is under way.
    pub(super) again: bool,
}

/// What a part brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Bytes to hand on.
    Bytes,
    /// The file has grown over the limit.
    TooLarge,
}

/// The state of one download. Answers are told in the order of the file.
#[derive(Debug)]
pub(super) struct Reads {
    /// The first byte that nobody asked for.
    next: u64,
    /// The length of the file when it was opened. Beyond it is only asked when nothing else is under way.
    size: u64,
    len: u32,
    flight_bytes: u64,
    flight_bytes_max: u64,
    again: Option<Part>,
    bytes_max: u64,
}

impl Reads {
    pub(super) fn new(from: u64, size: u64, len: u32, flight_bytes_max: u32, bytes_max: u64) -> Self {
        let (len, flight_bytes_max) = (len.max(1), flight_bytes_max.into());
        Self { next: from, size, len, flight_bytes: 0, flight_bytes_max, again: None, bytes_max }
    }

    /// The part to ask for next, if there is room for it.
    pub(super) fn next(&self) -> Option<Part> {
        if self.again.is_some() {
            return self.again;
        }
        let left = self.size.saturating_sub(self.next);
        let len = u32::try_from(left).unwrap_or(u32::MAX).min(self.len);
        let fits = self.flight_bytes == 0
            || (left > 0 && self.flight_bytes.saturating_add(len.into()) <= self.flight_bytes_max);
        // Behind the known end there may be more: the file grows, or tells no length.
        let len = if left == 0 { self.len } else { len };
        fits.then_some(Part { offset: self.next, len, again: false })
    }

    /// That part was asked for.
    pub(super) fn asked(&mut self, part: Part) {
        self.flight_bytes = self.flight_bytes.saturating_add(part.len.into());
        if part.again {
            self.again = None;
        } else {
            self.next = part.offset.saturating_add(part.len.into());
        }
    }

    /// The first part that is under way brought so many bytes.
    pub(super) fn came(&mut self, part: Part, bytes: usize) -> Result<Came, Fault> {
        self.flight_bytes = self.flight_bytes.saturating_sub(part.len.into());
        let amount = Fault::Amount { bytes, bytes_max: part.len };
        // No bytes would be asked for again for ever.
        let Some(rest) =
            u32::try_from(bytes).ok().filter(|bytes| *bytes > 0).and_then(|n| part.len.checked_sub(n))
        else {
            return Err(amount);
        };
        let end = part.offset.saturating_add(u64::from(part.len - rest));
        if end > self.bytes_max {
            return Ok(Came::TooLarge);
        }
        if rest > 0 {
            self.again = Some(Part { offset: end, len: rest, again: true });
            if end < self.size {
                self.len = (part.len - rest).clamp(LEN_MIN.min(self.len), self.len);
            }
        }
        Ok(Came::Bytes)
    }
}
