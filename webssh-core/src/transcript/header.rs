//! The first line of a recording.

use serde_json::Value;

use super::escape::escape;
use super::{TEXT_BYTES_MAX, cut};
use crate::WinSize;

/// Which asciicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "a further version would be another format")]
pub enum Version {
    /// Version 2: times since the start, no exit status. asciinema 2 reads it.
    V2,
    /// Version 3: times since the event before, with the exit status. asciinema 3 reads it.
    #[default]
    V3,
}

/// What is known at the start of a recording.
///
/// ```
/// use webssh_core::transcript::{Header, Version};
///
/// let mut header = Header::default();
/// header.version = Version::V2;
/// header.title = Some("exercise 3".to_owned());
/// # let mut lines = Vec::new();
/// webssh_core::transcript::Writer::new(&header, &mut lines);
/// assert_eq!(lines, b"{\"version\": 2, \"width\": 80, \"height\": 24, \"title\": \"exercise 3\"}\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Header {
    /// Which asciicast.
    pub version: Version,
    /// The first size of the terminal.
    pub size: WinSize,
    /// When the recording began, in seconds since 1970 (UTC).
    pub unix_secs: Option<u64>,
    /// What is recorded, for people. At most [`TEXT_BYTES_MAX`] bytes are written.
    pub title: Option<String>,
    /// The type of the terminal, as in `TERM`. At most [`TEXT_BYTES_MAX`] bytes are written.
    pub term: Option<String>,
}

impl Header {
    /// Appends the line.
    pub(super) fn write(&self, lines: &mut Vec<u8>) {
        let (cols, rows) = (self.size.cols(), self.size.rows());
        let term = self.term.as_deref();
        match self.version {
            Version::V2 => push(lines, &format!("{{\"version\": 2, \"width\": {cols}, \"height\": {rows}")),
            Version::V3 => {
                push(lines, &format!("{{\"version\": 3, \"term\": {{\"cols\": {cols}, \"rows\": {rows}"));
                term.inspect(|term| field(lines, ", \"type\": ", term));
                push(lines, "}");
            }
        }
        if let Some(secs) = self.unix_secs {
            push(lines, &format!(", \"timestamp\": {secs}"));
        }
        if let Some(title) = &self.title {
            field(lines, ", \"title\": ", title);
        }
        if let (Version::V2, Some(term)) = (self.version, term) {
            field(lines, ", \"env\": {\"TERM\": ", term);
            push(lines, "}");
        }
        push(lines, "}\n");
    }

    /// Reads the line. The error is the rule that it breaks.
    pub(super) fn parse(value: &Value) -> Result<Self, &'static str> {
        let version = match value.get("version").and_then(Value::as_u64) {
            Some(2) => Version::V2,
            Some(3) => Version::V3,
            _ => return Err("the header must say `version` 2 or 3"),
        };
        let (at, cols, rows) = match version {
            Version::V2 => (Some(value), "width", "height"),
            Version::V3 => (value.get("term"), "cols", "rows"),
        };
        let cells =
            |name| at?.get(name)?.as_u64().and_then(|cells| u16::try_from(cells).ok()).filter(|c| *c > 0);
        let size = cells(cols).zip(cells(rows)).and_then(|(cols, rows)| WinSize::new(cols, rows).ok());
        let term = match version {
            Version::V2 => value.get("env").and_then(|env| env.get("TERM")),
            Version::V3 => at.and_then(|term| term.get("type")),
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            version,
            size: size.ok_or("the header must say the size of the terminal, from 1 to 1000 each way")?,
            // Some recorders write fractions of a second; nobody needs them.
            unix_secs: value.get("timestamp").and_then(Value::as_u64),
            title: text(value.get("title")),
            term: text(term),
        })
    }
}

fn field(lines: &mut Vec<u8>, name: &str, text: &str) {
    push(lines, name);
    lines.push(b'"');
    escape(cut(text, TEXT_BYTES_MAX), lines);
    lines.push(b'"');
}

fn push(lines: &mut Vec<u8>, text: &str) {
    lines.extend_from_slice(text.as_bytes());
}
