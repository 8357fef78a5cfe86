//! The first frame of a connection: who speaks, and which session it is to be.

use std::fmt;

use bytes::{BufMut, Bytes};
use zeroize::Zeroizing;

use super::wire::{Reader, put_text, put_win_size, start};
use super::{Caps, FrameError, TICKET_BYTES_MAX, VERSION};
use crate::{ResumeToken, WinSize};

const PLAIN: u8 = 0;
const TICKET: u8 = 1;
const RESUME: u8 = 2;

/// What a browser says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The newest wire version the client speaks, at least 1.
    pub version: u8,
    /// What the client can do beyond that version.
    pub caps: Caps,
    /// The size of its terminal.
    pub size: WinSize,
    /// Which session it is to be.
    pub opening: Opening,
}

/// How a connection finds its session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// Nothing is shown: the application knows by other means.
    Plain,
    /// A one-use ticket, which the application gave to the page before.
    Ticket(TicketText),
    /// The token from the `Welcome` of a connection that was cut.
    Resume {
        /// That token.
        token: ResumeToken,
        /// All output bytes received so far; output goes on there.
        received: u64,
    },
}

/// A ticket as it stands on the wire: 1 to 512 bytes of visible ASCII. It redacts itself.
///
/// ```
/// use webssh_core::frame::TicketText;
///
/// let ticket = TicketText::new("Zm9v-YmFy_")?;
/// assert_eq!(ticket.as_str(), "Zm9v-YmFy_");
/// assert_eq!(format!("{ticket:?}"), "TicketText(…)");
/// assert!(TicketText::new("two words").is_err());
/// # Ok::<(), webssh_core::frame::FrameError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TicketText(Zeroizing<String>);

impl TicketText {
    /// Checks the text.
    ///
    /// # Errors
    /// [`FrameError::Ticket`] when it is empty, too long or has other characters.
    pub fn new(text: &str) -> Result<Self, FrameError> {
        let good = (1..=TICKET_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if good { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(FrameError::Ticket) }
    }

    /// The text; it is a secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TicketText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketText(…)")
    }
}

impl Hello {
    /// The hello of a client that can do all that this crate can, and shows nothing.
    #[must_use]
    pub fn plain(size: WinSize) -> Self {
        Self { version: VERSION, caps: Caps::ALL, size, opening: Opening::Plain }
    }

    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let mut frame = start(kind, 10 + self.opening.len());
        frame.put_u8(self.version);
        frame.put_u32(self.caps.bits());
        put_win_size(&mut frame, self.size);
        match &self.opening {
            Opening::Plain => frame.put_u8(PLAIN),
            Opening::Ticket(ticket) => {
                frame.put_u8(TICKET);
                put_text(&mut frame, ticket.as_str());
            }
            Opening::Resume { token, received } => {
                frame.put_u8(RESUME);
                frame.put_slice(token.as_bytes());
                frame.put_u64(*received);
            }
        }
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let (version, caps) = (body.u8()?, Caps::from_bits(body.u32()?));
        let size = body.win_size()?;
        let opening = match body.u8()? {
            PLAIN => Opening::Plain,
            TICKET => Opening::Ticket(TicketText::new(body.text(TICKET_BYTES_MAX)?)?),
            RESUME => {
                let token = ResumeToken::from_bytes(body.array()?);
                Opening::Resume { token, received: body.u64()? }
            }
            _ => return Err(body.no_choice()),
        };
        body.end(Self { version, caps, size, opening })
    }
}

impl Opening {
    /// The bytes on the wire after the kind.
    fn len(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Ticket(ticket) => 2 + ticket.as_str().len(),
            Self::Resume { .. } => ResumeToken::BYTES + 8,
        }
    }
}
