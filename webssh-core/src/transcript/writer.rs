//! Turns what happens in a session into lines of a recording.

use std::time::Duration;

use super::escape::escape;
use super::{Event, Header, TEXT_BYTES_MAX, Version, cut};
use crate::lossy::Lossy;

/// The most bytes of a session in one line: escaped they are less than half of the longest line.
const EVENT_BYTES_MAX: usize = 64 * 1024;

/// Writes one recording into a buffer of the caller.
///
/// Characters that are torn apart between two calls are written with the second one; bytes that are no UTF-8 become
/// U+FFFD, one for each place as [`String::from_utf8_lossy`] does. Every line is whole and valid JSON, whatever the
/// bytes, and shows no control character. Times that go back count as the last one.
#[derive(Debug)]
pub struct Writer {
    version: Version,
    /// Of the last line, in microseconds.
    last: u64,
    output: Lossy,
    input: Lossy,
}

impl Writer {
    /// A recording that begins with this header, whose line is appended to `lines`.
    pub fn new(header: &Header, lines: &mut Vec<u8>) -> Self {
        header.write(lines);
        Self { version: header.version, last: 0, output: Lossy::default(), input: Lossy::default() }
    }

    /// The shell printed `bytes`, so long after the start.
    pub fn output(&mut self, at: Duration, bytes: &[u8], lines: &mut Vec<u8>) {
        for piece in bytes.chunks(EVENT_BYTES_MAX) {
            let mut line = self.begin(at, 'o', lines);
            self.output.decode(piece, |text| line.push(text, lines));
            self.end(&line, lines);
        }
    }

    /// The user typed `bytes`, so long after the start. Passwords are typed too.
    pub fn input(&mut self, at: Duration, bytes: &[u8], lines: &mut Vec<u8>) {
        for piece in bytes.chunks(EVENT_BYTES_MAX) {
            let mut line = self.begin(at, 'i', lines);
            self.input.decode(piece, |text| line.push(text, lines));
            self.end(&line, lines);
        }
    }

    /// An event that is known as such. Torn characters of the session are given up before an [`Event::Exit`].
    pub fn event(&mut self, at: Duration, event: &Event, lines: &mut Vec<u8>) {
        match event {
            Event::Output(text) => self.output(at, text.as_bytes(), lines),
            Event::Input(text) => self.input(at, text.as_bytes(), lines),
            Event::Resize(size) => self.line(at, 'r', &size.to_string(), lines),
            Event::Marker(text) => self.line(at, 'm', cut(text, TEXT_BYTES_MAX), lines),
            Event::Exit(status) => {
                self.tear(at, lines);
                match self.version {
                    Version::V2 => self.line(at, 'm', &format!("exit {status}"), lines),
                    Version::V3 => self.line(at, 'x', &status.to_string(), lines),
                }
            }
        }
    }

    /// `bytes` of the session were not recorded: a marker says so.
    pub fn gap(&mut self, at: Duration, bytes: u64, lines: &mut Vec<u8>) {
        self.tear(at, lines);
        self.line(at, 'm', &format!("gap: {bytes} bytes were not recorded"), lines);
    }

    /// There is no more: a character that is still torn apart is written as U+FFFD. Calling it twice does no harm.
    pub fn finish(&mut self, lines: &mut Vec<u8>) {
        self.tear(Duration::ZERO, lines);
    }

    fn tear(&mut self, at: Duration, lines: &mut Vec<u8>) {
        let mut line = self.begin(at, 'o', lines);
        self.output.finish(|text| line.push(text, lines));
        self.end(&line, lines);
        let mut line = self.begin(at, 'i', lines);
        self.input.finish(|text| line.push(text, lines));
        self.end(&line, lines);
    }

    fn line(&mut self, at: Duration, code: char, text: &str, lines: &mut Vec<u8>) {
        let mut line = self.begin(at, code, lines);
        line.push(text, lines);
        line.empty = false;
        self.end(&line, lines);
    }

    fn begin(&self, at: Duration, code: char, lines: &mut Vec<u8>) -> Line {
        let start = lines.len();
        let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX).max(self.last);
        // Differences of whole microseconds: rounding does not add up over a long session.
        let told = match self.version {
            Version::V2 => micros,
            Version::V3 => micros - self.last,
        };
        let (secs, fraction) = (told / 1_000_000, told % 1_000_000);
        lines.extend_from_slice(format!("[{secs}.{fraction:06}, \"{code}\", \"").as_bytes());
        Line { start, micros, empty: true }
    }

    /// Ends the line, or takes it back when nothing is in it.
    fn end(&mut self, line: &Line, lines: &mut Vec<u8>) {
        if line.empty {
            lines.truncate(line.start);
        } else {
            lines.extend_from_slice(b"\"]\n");
            self.last = line.micros;
        }
    }
}

/// A line that has begun.
struct Line {
    start: usize,
    micros: u64,
    empty: bool,
}

impl Line {
    fn push(&mut self, text: &str, lines: &mut Vec<u8>) {
        self.empty = false;
        escape(text, lines);
    }
}
