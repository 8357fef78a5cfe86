//! Turns the lines of a recording into events, as they arrive.

use std::time::Duration;

use serde_json::Value;

use super::header::{Header, Version};
use super::{Event, LINE_BYTES_MAX, SeekPoint, TimedEvent};
use crate::WinSize;
use crate::error::{Error, Inner};

/// The latest moment that is read: about thirty years.
const SECS_MAX: f64 = 1e9;

/// Reads one recording in pieces of any size. Lines with codes that are not known are left out, as the format asks.
///
/// ```
/// use webssh_core::transcript::{Event, Item, Reader};
///
/// let mut reader = Reader::new();
/// reader.push(b"{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24}}\n[0.5, \"o\", \"$ \"]\n[0.5, \"o");
/// assert!(matches!(reader.poll()?, Some(Item::Header(_))));
/// assert!(matches!(reader.poll()?, Some(Item::Event(event)) if event.event == Event::Output("$ ".to_owned())));
/// assert!(reader.poll()?.is_none()); // more bytes are needed
/// assert!(reader.finish().unwrap_err().to_string().contains("line 3")); // the recorder was stopped in it
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    read: usize,
    /// Where the buffer begins in the recording.
    base: u64,
    /// The number of the last line that was read.
    line: u64,
    version: Option<Version>,
    /// Of the last event.
    micros: u64,
    /// Inside a line that is too long.
    skipping: bool,
}

/// What a [`Reader`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a recording is a header and events")]
pub enum Item {
    /// The first line.
    Header(Header),
    /// Any later line.
    Event(TimedEvent),
}

/// Reads a whole recording.
///
/// # Errors
/// `Corrupt` names the first line that is not as it should be. A recording that was cut off in the middle of a line
/// is read to its last whole line by a [`Reader`].
pub fn read(recording: &[u8]) -> Result<(Header, Vec<TimedEvent>), Error> {
    let mut reader = Reader::new();
    let (mut header, mut events) = (None, Vec::new());
    let mut take = |item| match item {
        Item::Header(first) => header = Some(first),
        Item::Event(event) => events.push(event),
    };
    for piece in recording.chunks(LINE_BYTES_MAX) {
        reader.push(piece);
        while let Some(item) = reader.poll()? {
            take(item);
        }
    }
    reader.finish()?.map(take);
    let header = header.ok_or_else(|| corrupt(1, "it is the header, and there is none", None))?;
    Ok((header, events))
}

impl Reader {
    /// A reader at the start of a recording.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that goes on at a point of the recording with this header: push what comes from
    /// [`line_offset`](SeekPoint::line_offset) on. Lines are counted from there.
    #[must_use]
    pub fn resume(header: &Header, point: &SeekPoint) -> Self {
        let micros = u64::try_from(point.at.as_micros()).unwrap_or(u64::MAX);
        Self { version: Some(header.version), micros, base: point.line_offset, ..Self::default() }
    }

    /// More of the recording. Call [`poll`](Self::poll) until it says `None` before the next piece: the buffer then
    /// holds at most one line.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.base = self.offset();
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next item; `None` when the rest of its line has not been pushed yet.
    ///
    /// # Errors
    /// `Corrupt` with the number of the line and what is wrong with it. The next call goes on after that line.
    pub fn poll(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let rest = self.buffer.get(self.read..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                return self.unfinished(rest.len());
            };
            let line = rest.get(..end).unwrap_or_default().to_vec();
            self.read += end + 1;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if let Some(item) = self.line(&line)? {
                return Ok(Some(item));
            }
        }
    }

    /// There is no more. A last line without its end is read if it is whole.
    ///
    /// # Errors
    /// `Corrupt` when the recording was cut off inside a line, or in its header.
    pub fn finish(&mut self) -> Result<Option<Item>, Error> {
        let line = self.buffer.get(self.read..).unwrap_or_default().to_vec();
        self.read = self.buffer.len();
        if std::mem::take(&mut self.skipping) || line.is_empty() {
            return Ok(None);
        }
        self.line(&line)
    }

    /// Where the next line begins in the recording, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(u64::try_from(self.read).unwrap_or(u64::MAX))
    }

    fn unfinished(&mut self, held: usize) -> Result<Option<Item>, Error> {
        if self.skipping || held > LINE_BYTES_MAX {
            self.read = self.buffer.len();
        }
        if held > LINE_BYTES_MAX && !std::mem::replace(&mut self.skipping, true) {
            self.line += 1;
            return Err(corrupt(self.line, "it is longer than 1 MiB", None));
        }
        Ok(None)
    }

    /// Reads one line. Comments, empty lines and unknown codes give nothing.
    fn line(&mut self, line: &[u8]) -> Result<Option<Item>, Error> {
        self.line += 1;
        let number = self.line;
        if line.len() > LINE_BYTES_MAX {
            return Err(corrupt(number, "it is longer than 1 MiB", None));
        }
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if self.version.is_some() && (blank || line.starts_with(b"#")) {
            return Ok(None);
        }
        let value: Value = serde_json::from_slice(line)
            .map_err(|error| corrupt(number, "it must be one value of JSON", Some(error)))?;
        let Some(version) = self.version else {
            let header = Header::parse(&value).map_err(|rule| corrupt(number, rule, None))?;
            self.version = Some(header.version);
            return Ok(Some(Item::Header(header)));
        };
        let rule = "it must be an array of a time, a code and a text";
        let Some([time, code, text]) = value.as_array().map(Vec::as_slice) else {
            return Err(corrupt(number, rule, None));
        };
        let (Some(secs), Some(code), Some(text)) = (time.as_f64(), code.as_str(), text.as_str()) else {
            return Err(corrupt(number, rule, None));
        };
        self.advance(version, secs).map_err(|rule| corrupt(number, rule, None))?;
        let event = event(code, text).map_err(|rule| corrupt(number, rule, None))?;
        let at = Duration::from_micros(self.micros);
        Ok(event.map(|event| Item::Event(TimedEvent { at, event })))
    }

    fn advance(&mut self, version: Version, secs: f64) -> Result<(), &'static str> {
        if !(0.0..=SECS_MAX).contains(&secs) {
            return Err("its time must be from 0 to 1000000000 seconds");
        }
        let time = Duration::try_from_secs_f64(secs).map_err(|_| "its time must be a number of seconds")?;
        // The nearest microsecond: 0.3 is a little less than 300000 of them.
        let micros = u64::try_from((time.as_nanos() + 500) / 1000).unwrap_or(u64::MAX);
        self.micros = match version {
            Version::V2 => self.micros.max(micros),
            Version::V3 => self.micros.saturating_add(micros),
        };
        Ok(())
    }
}

/// The event of a code; `None` for a code of the future.
fn event(code: &str, text: &str) -> Result<Option<Event>, &'static str> {
    Ok(Some(match code {
        "o" => Event::Output(text.to_owned()),
        "i" => Event::Input(text.to_owned()),
        "m" => Event::Marker(text.to_owned()),
        "r" => {
            let numbers =
                text.split_once('x').and_then(|(cols, rows)| cols.parse().ok().zip(rows.parse().ok()));
            let size = numbers.and_then(|(cols, rows)| WinSize::new(cols, rows).ok());
            Event::Resize(size.ok_or("its size must be like `80x24`, from 1 to 1000 each way")?)
        }
        "x" => Event::Exit(text.parse().map_err(|_| "its exit status must be a number")?),
        _ => return Ok(None),
    }))
}

fn corrupt(line: u64, rule: &'static str, source: Option<serde_json::Error>) -> Error {
    Inner::Recording { line, rule, source }.into()
}
