//! What a user has typed since the prompt, as far as keys alone tell.

use super::keys::Key;
use super::screen::width;

/// More characters are not followed: the screen tells the rest.
const CHARS_MAX: usize = 4096;

/// The line being edited.
#[derive(Debug, Default)]
pub(super) struct Line {
    chars: Vec<char>,
    /// Position of the cursor, in characters.
    cursor: usize,
    /// A key changed the line in a way that only the shell knows: from then on `chars` is what was typed after it.
    lost: bool,
    /// The shell printed something since the last key.
    answered: bool,
    /// Anything was typed at all.
    touched: bool,
}

impl Line {
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// The shell printed something.
    pub(super) fn on_output(&mut self) {
        self.answered = true;
    }

    /// Whether the line is known without a look at the screen.
    pub(super) fn is_known(&self) -> bool {
        !self.lost
    }

    pub(super) fn was_answered(&self) -> bool {
        self.answered
    }

    pub(super) fn is_blank(&self) -> bool {
        self.chars.iter().all(|c| c.is_whitespace())
    }

    /// What is left of the cursor and what is right of it, as a screen shows them: without characters that take no
    /// cell.
    pub(super) fn shown(&self) -> (String, String) {
        let (left, right) = self.chars.split_at(self.cursor.min(self.chars.len()));
        let visible = |chars: &[char]| chars.iter().filter(|c| width(**c) > 0).collect();
        (visible(left), visible(right))
    }

    pub(super) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// From here on only the screen knows the line.
    pub(super) fn lose(&mut self) {
        *self = Self { lost: true, answered: self.answered, touched: true, ..Self::default() };
    }

    /// Takes a key; `literal` when it is part of a bracketed paste, in which no key has a meaning.
    pub(super) fn on_key(&mut self, key: Key, literal: bool) {
        if matches!(key, Key::Nothing | Key::PasteStart | Key::PasteEnd) {
            return;
        }
        self.answered = false;
        self.touched = true;
        let end = self.chars.len();
        match key {
            Key::Char(c) if end < CHARS_MAX => {
                self.chars.insert(self.cursor.min(end), c);
                self.cursor += 1;
            }
            // A pasted tab or control is shown in some other way.
            _ if literal => self.lose(),
            // After a loss the length of the line is not known, so neither is where such a key leads.
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            _ if self.lost => self.lose(),
            Key::Backspace => {}
            Key::Delete if self.cursor < end => drop(self.chars.remove(self.cursor)),
            Key::Delete => {}
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(end),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = end,
            Key::KillToStart => {
                self.chars.drain(..self.cursor);
                self.cursor = 0;
            }
            Key::KillToEnd => self.chars.truncate(self.cursor),
            Key::KillWord => self.kill_word(),
            _ => self.lose(),
        }
    }

    /// A line feed inside a bracketed paste.
    pub(super) fn on_pasted_line_feed(&mut self) {
        self.on_key(Key::Char('\n'), true);
    }

    fn kill_word(&mut self) {
        let left = self.chars.get(..self.cursor).unwrap_or_default();
        let word_end = left.iter().rposition(|c| !c.is_whitespace()).map_or(0, |at| at + 1);
        let word = left.get(..word_end).unwrap_or_default();
        let start = word.iter().rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1);
        self.chars.drain(start..self.cursor);
        self.cursor = start;
    }
}
