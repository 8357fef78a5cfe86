//! Front ends of others, unchanged: the page of ttyd and the page of huashengdun/webssh, each of which speaks
//! its own protocol over a WebSocket.
//!
//! A [`Preset`] stands in between, without I/O: messages of the page go in, frames for the server come out, and
//! back. It says hello for the page, numbers its keys, acknowledges its output and passes the heartbeat on as
//! pings of the WebSocket, which every browser answers by itself. [`split`] (feature `pump`) makes halves of a
//! connection from it.
//!
//! What these pages lack stays lacking: no resume, no questions of a login, no credit by what the terminal has
//! consumed. ttyd's page asks for a pause when it is behind; the other one does not, and is held back by its
//! connection alone.

#[cfg(feature = "pump")]
mod bridged;
mod client;
mod form;
mod huashengdun;
mod ttyd;

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use serde_json::Value;

use crate::WinSize;
use crate::error::{Error, Inner};
use crate::frame::{Opening, ServerFrame};
#[cfg(feature = "pump")]
pub use bridged::{MessageSink, MessageSource, PresetSink, PresetSource, Received, split};
use client::Client;
#[cfg(feature = "pump")]
pub use form::FormDialogue;
pub use form::{Form, Reply};

/// The longest message of a page that is read, in bytes: a paste goes in one.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// The longest reason of a close message, in bytes (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;

/// A message of a WebSocket. Its text may be typed secrets, so it shows its length only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// The other side answers with a `Pong` of the same bytes, without its page's doing.
    Ping(Bytes),
    /// The answer to a `Ping`.
    Pong(Bytes),
    /// The last message.
    Close {
        /// RFC 6455, section 7.4.1.
        code: u16,
        /// Words for a person, at most 123 bytes.
        reason: String,
    },
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Ping(_) => f.write_str("Ping"),
            Self::Pong(_) => f.write_str("Pong"),
            Self::Close { code, reason } => write!(f, "Close({code}, {reason:?})"),
        }
    }
}

/// One connection of a foreign page.
///
/// ```
/// use webssh_core::frame::ClientFrame;
/// use webssh_core::preset::{Message, Preset};
///
/// let mut preset = Preset::ttyd("lab-7");
/// let hello = br#"{"AuthToken":"","columns":80,"rows":24}"#.as_slice();
/// preset.on_message(&Message::Binary(hello.into()))?;
/// let frame = preset.poll_frame().expect("the hello");
/// assert!(matches!(ClientFrame::decode(&frame)?, ClientFrame::Hello(hello) if hello.size.cols() == 80));
/// // ttyd's page expects a title and its settings first.
/// assert!(matches!(preset.poll_message(), Some(Message::Binary(title)) if title == "1lab-7"));
/// assert!(matches!(preset.poll_message(), Some(Message::Binary(settings)) if settings == "2{}"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Preset {
    page: Page,
    client: Client,
    messages: VecDeque<Message>,
    closed: bool,
}

/// Whose page it is.
#[derive(Debug)]
enum Page {
    Ttyd(ttyd::Page),
    Huashengdun,
}

impl Preset {
    /// The page of ttyd (tested with the page of 1.5 and the messages of 1.7), whose WebSocket asks for the
    /// subprotocol `tty`. What its server answers on `/token` (before 1.6: in `auth_token.js`) comes back as the
    /// ticket of the session; an empty token is none.
    #[must_use]
    pub fn ttyd(title: &str) -> Self {
        Self::new(Page::Ttyd(ttyd::Page::new(title)), Client::default())
    }

    /// The page of huashengdun/webssh. `opening` is what the `id` in the address of its WebSocket stands for: a
    /// ticket, which was answered to its [`Form`].
    #[must_use]
    pub fn huashengdun(opening: Opening) -> Self {
        let mut client = Client::default();
        client.hello(opening, WinSize::default());
        Self::new(Page::Huashengdun, client)
    }

    fn new(page: Page, client: Client) -> Self {
        Self { page, client, messages: VecDeque::new(), closed: false }
    }

    /// The settings that ttyd's page applies to its terminal and to itself: the text of a JSON object, such as
    /// `{"fontSize":14,"disableLeaveAlert":true}`.
    ///
    /// # Errors
    /// `InvalidInput` when it is no JSON object; `Misuse` for another page, which has none.
    pub fn settings(mut self, json: &str) -> Result<Self, Error> {
        let Page::Ttyd(page) = &mut self.page else {
            return Err(Inner::NoSettings.into());
        };
        page.set(json)?;
        Ok(self)
    }

    /// Takes a message of the page. What makes no sense is ignored, as the page's own server does it.
    ///
    /// # Errors
    /// `PeerMisbehaved` when more than [`MESSAGE_BYTES_MAX`] bytes of input wait for the shell: end the connection.
    pub fn on_message(&mut self, message: &Message) -> Result<(), Error> {
        if let Message::Pong(bytes) = message {
            if let Ok(stamp) = <[u8; 8]>::try_from(bytes.as_ref()) {
                self.client.pong(u64::from_be_bytes(stamp));
            }
            return Ok(());
        }
        match &mut self.page {
            Page::Ttyd(page) => page.on_message(message, &mut self.client, &mut self.messages),
            Page::Huashengdun => huashengdun::on_message(message, &mut self.client),
        }
    }

    /// The next frame for the server, if there is one.
    pub fn poll_frame(&mut self) -> Option<Bytes> {
        self.client.poll()
    }

    /// Takes a frame of the server.
    ///
    /// # Errors
    /// `Misuse` when it is no frame of a server.
    pub fn on_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let frame = ServerFrame::decode(frame).map_err(|source| Inner::NoServerFrame { source })?;
        let Some(event) = self.client.on_server(frame) else {
            return Ok(());
        };
        let message = match &self.page {
            Page::Ttyd(_) => ttyd::message(event, &mut self.messages),
            Page::Huashengdun => huashengdun::message(event),
        };
        self.messages.push_back(message);
        Ok(())
    }

    /// The next message for the page, if there is one. Nothing comes after a [`Message::Close`].
    pub fn poll_message(&mut self) -> Option<Message> {
        let message = self.messages.pop_front().filter(|_| !self.closed);
        self.closed |= matches!(message, Some(Message::Close { .. }));
        message
    }
}

/// The heartbeat of the wire as one of the WebSocket, which no page needs to know.
fn ping(stamp: u64) -> Message {
    Message::Ping(Bytes::copy_from_slice(&stamp.to_be_bytes()))
}

fn close(code: u16, reason: &str) -> Message {
    let mut reason: String = reason.chars().filter(|c| !c.is_control()).collect();
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    Message::Close { code, reason }
}

/// The nearest size that a terminal can have. Pages measure their windows, and a window may be tiny.
fn nearest(cols: &Value, rows: &Value) -> Option<WinSize> {
    let cells = |number: &Value| {
        let number = number.as_i64()?.clamp(1, WinSize::CELLS_MAX.into());
        u16::try_from(number).ok()
    };
    WinSize::new(cells(cols)?, cells(rows)?).ok()
}
