//! Recordings of terminal sessions as asciicast, versions 2 and 3: what is in one, how it is written, read and made
//! safe to pass on. Nothing in here does I/O or reads a clock.
//!
//! A recording is a text file: a [`Header`] line, then one line for each [`Event`]
//! (<https://docs.asciinema.org/manual/asciicast/v3/>). [`Writer`] turns bytes into lines, [`Reader`] turns lines into
//! events, [`Exporter`] takes out what could harm whoever replays it, [`SeekIndex`] finds a moment in it.
//!
//! ```
//! use std::time::Duration;
//! use webssh_core::transcript::{Event, Header, Writer, read};
//!
//! let mut lines = Vec::new();
//! let mut writer = Writer::new(&Header::default(), &mut lines);
//! writer.output(Duration::from_millis(250), b"caf\xc3", &mut lines); // a character that is torn apart
//! writer.output(Duration::from_millis(300), b"\xa9\r\n", &mut lines);
//! writer.event(Duration::from_secs(2), &Event::Exit(0), &mut lines);
//! writer.finish(&mut lines);
//!
//! assert!(lines.ends_with(b"[1.700000, \"x\", \"0\"]\n"));
//! let (header, events) = read(&lines)?;
//! assert_eq!(header.size.to_string(), "80x24");
//! assert_eq!(events[1].event, Event::Output("é\r\n".to_owned()));
//! assert_eq!(events[2].at, Duration::from_secs(2));
//! # Ok::<(), webssh_core::Error>(())
//! ```

mod escape;
mod export;
mod header;
mod index;
mod reader;
mod sanitize;
mod writer;

use std::time::Duration;

pub use export::{Exporter, export};
pub use header::{Header, Version};
pub use index::{SeekIndex, SeekPoint, flatten};
pub use reader::{Item, Reader, read};
pub use sanitize::Sanitizer;
pub use writer::Writer;

use crate::WinSize;

/// The longest line that is read. What [`Writer`] writes is always shorter.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The longest title, terminal type or marker that is written, in bytes; longer ones are cut at a character.
pub const TEXT_BYTES_MAX: usize = 4096;

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The shell printed (code `o`).
    Output(String),
    /// The user typed (code `i`).
    Input(String),
    /// The terminal got another size (code `r`).
    Resize(WinSize),
    /// A remark, such as a gap in the recording (code `m`).
    Marker(String),
    /// The shell ended with this status (code `x`; a marker in version 2, which has no such code).
    Exit(u32),
}

/// An [`Event`] and when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a moment and an event; there is nothing to add")]
pub struct TimedEvent {
    /// Since the start of the recording, in both versions, to the microsecond.
    pub at: Duration,
    /// What happened.
    pub event: Event,
}

/// Cuts a text to so many bytes, at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}
