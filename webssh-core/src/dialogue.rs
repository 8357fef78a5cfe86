//! Questions that a login puts to a person: prompts of a server, and whether a host is to be trusted.

#[cfg(feature = "pump")]
mod ask;

use crate::error::{Error, Inner};
use crate::known_hosts::Fingerprint;
#[cfg(feature = "pump")]
pub use ask::{Dialogue, NoDialogue};

/// The most prompts of one round.
const PROMPTS_MAX: usize = 16;

/// The longest text of a round, in bytes of UTF-8.
const TEXT_BYTES_MAX: usize = 1024;

/// One round of keyboard-interactive prompts (RFC 4256, section 3.2), fit to be shown.
///
/// The words are the server's. Control characters and characters that turn the direction of writing are
/// gone; long texts are cut.
///
/// ```
/// use webssh_core::Prompts;
///
/// let round = Prompts::new("", "Two steps", [("Password:\u{1b}[2J ", false), ("Code: ", true)])?;
/// assert_eq!(round.prompts[0].text, "Password:[2J ");
/// assert!(round.prompts[1].echo);
/// # Ok::<(), webssh_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompts {
    /// A title; often empty.
    pub name: String,
    /// Words above the prompts; often empty. It may have several lines.
    pub instruction: String,
    /// What is asked, in order. There may be nothing: then an empty answer is due.
    pub prompts: Vec<Prompt>,
}

/// One thing that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// The words in front of the answer.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}

/// A host that is not on record: is it to be trusted?
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostQuestion {
    /// The host that is connected to.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The algorithm of its key, such as `ssh-ed25519`.
    pub algorithm: String,
    /// What a person compares with what the host's owner says.
    pub fingerprint: Fingerprint,
}

impl Prompts {
    /// A round, from the words of a server. `true` stands beside what may be seen while it is typed.
    ///
    /// # Errors
    /// `PeerMisbehaved` for more than 16 prompts.
    pub fn new<S: AsRef<str>>(
        name: &str,
        instruction: &str,
        prompts: impl IntoIterator<Item = (S, bool)>,
    ) -> Result<Self, Error> {
        let asked = |(text, echo): (S, bool)| Prompt { text: shown(text.as_ref(), false), echo };
        let prompts: Vec<Prompt> = prompts.into_iter().take(PROMPTS_MAX + 1).map(asked).collect();
        if prompts.len() > PROMPTS_MAX {
            return Err(Inner::TooManyPrompts { prompts_max: PROMPTS_MAX }.into());
        }
        Ok(Self { name: shown(name, false), instruction: shown(instruction, true), prompts })
    }
}

/// What of a text may be shown; cut at a character.
fn shown(text: &str, lines: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = match c {
            '\n' if lines => c,
            '\n' | '\t' => ' ',
            _ if c.is_control() || turns(c) => continue,
            _ => c,
        };
        if out.len() + c.len_utf8() > TEXT_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    out
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9), which make a text
/// read as another one.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn words_of_a_server_are_made_harmless() {
        let round = Prompts::new("a\0b\u{202e}c", "one\ntwo\r\u{9b}3", [("x\ny", true)]).unwrap();
        assert_eq!((round.name.as_str(), round.instruction.as_str()), ("abc", "one\ntwo3"));
        assert_eq!(round.prompts[0].text, "x y");
        let long = Prompts::new("é".repeat(2000).as_str(), "", [("", false); 0]).unwrap();
        assert_eq!(long.name.len(), 1024);
    }

    #[test]
    fn rounds_have_an_end() {
        assert!(Prompts::new("", "", vec![("x", false); 16]).is_ok());
        let endless = std::iter::repeat(("x", false));
        assert_eq!(Prompts::new("", "", endless).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    }
}
