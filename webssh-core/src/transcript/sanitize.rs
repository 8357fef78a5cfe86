//! Output that is safe to show in somebody else's terminal: no titles, no clipboard, no links, no questions to the
//! terminal, which would be answered as if typed.

use crate::vt::{Token, Vt};

/// Private modes that change only how the screen looks or keys are encoded: no mouse, focus or size reports.
const MODES: [&str; 13] = ["1", "3", "5", "6", "7", "8", "12", "25", "45", "47", "1047", "1048", "1049"];

/// Modes of a shell's line editor that are harmless too: bracketed paste, and drawing at once.
const EDITOR_MODES: [&str; 2] = ["2004", "2026"];

/// Takes the dangerous parts out of output that comes in pieces.
///
/// Text, colours, movements of the cursor, erasing, scrolling, character sets and the alternate screen stay as they
/// are, byte for byte. Everything else goes: operating system commands (titles, clipboard, links), DCS, APC, PM and SOS
/// strings, device and status queries, window operations, mouse and focus reports, answerback. What comes out does not
/// depend on where the pieces were cut.
///
/// ```
/// let mut sanitizer = webssh_core::transcript::Sanitizer::new();
/// let mut safe = String::new();
/// sanitizer.filter("\x1b[1mbold\x1b]52;c;cm0gLXJm", &mut safe);
/// sanitizer.filter("\x07\x1b[6n\x1b[0m", &mut safe);
/// assert_eq!(safe, "\x1b[1mbold\x1b[0m");
/// ```
#[derive(Debug, Default)]
pub struct Sanitizer {
    vt: Vt,
}

impl Sanitizer {
    /// For output from its start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what is harmless of `text`. A sequence that has begun comes out once it is whole.
    pub fn filter(&mut self, text: &str, safe: &mut String) {
        for c in text.chars() {
            match self.vt.step(c) {
                Some(Token::Print(c)) => safe.push(c),
                Some(Token::Control(c)) if harmless_control(c) => safe.push(c),
                Some(Token::Escape(sequence)) if harmless_escape(sequence) => safe.push_str(sequence),
                Some(Token::Csi(sequence)) if harmless_csi(sequence) => safe.push_str(sequence),
                _ => {}
            }
        }
    }
}

/// All C0 but ENQ, which a terminal answers; of C1 only the movements, tabs and single shifts.
fn harmless_control(c: char) -> bool {
    match c {
        '\u{5}' => false,
        '\u{80}'..='\u{9f}' => matches!(c, '\u{84}' | '\u{85}' | '\u{88}' | '\u{8d}'..='\u{8f}'),
        _ => true,
    }
}

/// Save and restore, keypad, reset, movements, shifts, character sets, line sizes.
fn harmless_escape(sequence: &str) -> bool {
    let mut chars = sequence.chars().skip(1);
    match (chars.next(), chars.next(), chars.next()) {
        (Some(last), None, _) => "78=>cDEHMNOno|}~".contains(last),
        (Some('('..='+' | '-' | '.'), Some('0'..='~'), None) => true,
        (Some('#'), Some('3'..='6' | '8'), None) => true,
        _ => false,
    }
}

fn harmless_csi(sequence: &str) -> bool {
    let body =
        sequence.strip_prefix("\u{1b}[").or_else(|| sequence.strip_prefix('\u{9b}')).unwrap_or_default();
    let mut chars = body.chars();
    let Some(last) = chars.next_back() else { return false };
    let rest = chars.as_str();
    let private = rest.strip_prefix('?');
    let rest = private.unwrap_or(rest);
    let between = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == ':');
    let params = rest.strip_suffix(between).unwrap_or_default();
    match (private, between, last) {
        (
            None,
            "",
            '@'..='M' | 'P' | 'S' | 'X' | 'Z' | '`' | 'a' | 'b' | 'd'..='g' | 'm' | 'r' | 's' | 'u',
        ) => true,
        // With more parameters it is about the mouse.
        (None, "", 'T') => !params.contains(';'),
        (None, "", 'h' | 'l') => params.split(';').all(|mode| mode == "4" || mode == "20"),
        (Some(_), "", 'h' | 'l') => {
            params.split(';').all(|mode| MODES.contains(&mode) || EDITOR_MODES.contains(&mode))
        }
        (Some(_), "", 'J' | 'K') | (None, "!", 'p') | (None, " ", '@' | 'A' | 'q') | (None, "\"", 'q') => {
            true
        }
        _ => false,
    }
}
