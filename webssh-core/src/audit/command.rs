//! A command line, and what is decided about it.

use std::fmt;

/// The longest command text, in characters; longer ones are cut.
const CHARS_MAX: usize = 4096;

/// The longest prompt or message, in characters.
const TEXT_CHARS_MAX: usize = 512;

/// Which command of a session: they are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(super) u64);

/// A line that a user is about to send to a shell, or to anything else that prompts.
///
/// Its text has no control characters but line feeds; where it is displayed, these and everything else that could
/// forge a log are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// Which one.
    pub id: CommandId,
    /// What the screen shows after the prompt: at most 4096 characters. What is typed without an echo is never here.
    pub text: String,
    /// What stands before it in its row: at most 512 characters.
    pub prompt: String,
    /// Whether keys and screen agree about the text. Where they do not (history, completion, a shell that draws in an
    /// unusual way) the text is what the screen shows.
    pub certain: bool,
}

impl Command {
    pub(super) fn new(id: CommandId, text: &str, prompt: &str, certain: bool) -> Self {
        let plain = |text: &str, max| -> String {
            text.trim().chars().filter(|c| *c == '\n' || !c.is_control()).take(max).collect()
        };
        let whole = text.chars().count() <= CHARS_MAX;
        let (text, prompt) = (plain(text, CHARS_MAX), plain(prompt, TEXT_CHARS_MAX));
        Self { id, text, prompt, certain: certain && whole }
    }
}

/// One line, fit for a log.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.text.chars() {
            // Characters that turn the direction of text could hide what it says.
            let turns =
                matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c == '\\' || c.is_control() || turns {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// What is decided about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes to the shell.
    Allow,
    /// It does not; the line is cancelled and the user reads why.
    Deny {
        /// For the user: at most 512 characters, without controls.
        text: String,
    },
    /// Somebody else decides later. Until then the line and what is typed after it are held.
    Review,
    /// The session ends.
    End {
        /// For the user: at most 512 characters, without controls.
        text: String,
    },
}

/// Decides about commands. It is asked between two keys of a user, so it must not wait: what takes longer is a
/// [`Verdict::Review`].
///
/// It sees every command before the shell does, so this is also the place to log them.
pub trait CommandHook: Send + Sync {
    /// Decides about one command.
    fn judge(&self, command: &Command) -> Verdict;

    /// A command ran that was not judged before, because it was typed ahead of its prompt. Only shells that mark their
    /// commands tell.
    fn missed(&self, _command: &Command) {}
}

/// A message without controls, cut.
pub(super) fn message(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_of_a_log() {
        let command = Command::new(CommandId(0), " echo a\nb\u{1b}[2J\u{202e}c\\ 中 ", "$ ", true);
        assert_eq!(command.text, "echo a\nb[2J\u{202e}c\\ 中");
        assert_eq!(command.to_string(), "echo a\\nb[2J\\u{202e}c\\\\ 中");
        assert!(!Command::new(CommandId(0), &"x".repeat(5000), "", true).certain);
    }
}
