//! A recording for somebody else: without input, and without what could harm whoever replays it.

use super::{Event, Header, Item, LINE_BYTES_MAX, Reader, Sanitizer, TimedEvent, Writer};
use crate::error::Error;

/// Rewrites one recording, in pieces of any size.
///
/// Output goes through a [`Sanitizer`]. Input is left out, because passwords are typed. Titles, terminal types and
/// markers lose their control characters.
#[derive(Debug, Default)]
pub struct Exporter {
    reader: Reader,
    writer: Option<Writer>,
    sanitizer: Sanitizer,
}

/// Rewrites a whole recording.
///
/// ```
/// let recording = "{\"version\": 2, \"width\": 80, \"height\": 24}\n\
///     [0.5, \"o\", \"\\u001b]0;owned\\u0007ls\\r\\n\"]\n[0.6, \"i\", \"secret\"]\n";
/// let safe = webssh_core::transcript::export(recording.as_bytes())?;
/// assert!(safe.ends_with(b"\n[0.500000, \"o\", \"ls\\r\\n\"]\n"));
/// # Ok::<(), webssh_core::Error>(())
/// ```
///
/// # Errors
/// `Corrupt` names the first line that is not as it should be.
pub fn export(recording: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut exporter, mut lines) = (Exporter::new(), Vec::new());
    for piece in recording.chunks(LINE_BYTES_MAX) {
        exporter.push(piece, &mut lines)?;
    }
    exporter.finish(&mut lines)?;
    Ok(lines)
}

impl Exporter {
    /// For a recording from its start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// More of the recording; the lines that are done are appended.
    ///
    /// # Errors
    /// `Corrupt` names a line that is not as it should be. The next call goes on after it.
    pub fn push(&mut self, recording: &[u8], lines: &mut Vec<u8>) -> Result<(), Error> {
        self.reader.push(recording);
        while let Some(item) = self.reader.poll()? {
            self.take(item, lines);
        }
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// `Corrupt` when the recording was cut off inside a line, or holds no header.
    pub fn finish(&mut self, lines: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(item) = self.reader.finish()? {
            self.take(item, lines);
        }
        match &mut self.writer {
            Some(writer) => {
                writer.finish(lines);
                Ok(())
            }
            None => super::read(b"").map(drop),
        }
    }

    fn take(&mut self, item: Item, lines: &mut Vec<u8>) {
        match item {
            Item::Header(header) => {
                let plain = |text: Option<String>| text.map(|text| without_controls(&text));
                let header = Header { title: plain(header.title), term: plain(header.term), ..header };
                self.writer = Some(Writer::new(&header, lines));
            }
            Item::Event(TimedEvent { at, event }) => {
                let event = match event {
                    Event::Output(text) => {
                        let mut safe = String::with_capacity(text.len());
                        self.sanitizer.filter(&text, &mut safe);
                        Event::Output(safe)
                    }
                    Event::Marker(text) => Event::Marker(without_controls(&text)),
                    Event::Input(_) => return,
                    other => other,
                };
                if let Some(writer) = &mut self.writer {
                    writer.event(at, &event, lines);
                }
            }
        }
    }
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
