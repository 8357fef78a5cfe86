//! What a user's keys mean to a shell's line editor (readline and zle with their usual bindings).

use crate::lossy::Lossy;

/// The longest sequence of a key.
const SEQUENCE_CHARS_MAX: usize = 32;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    /// Ctrl-U.
    KillToStart,
    /// Ctrl-K.
    KillToEnd,
    /// Ctrl-W.
    KillWord,
    /// Ctrl-L.
    Redraw,
    /// Changes the line in a way that only the shell knows: history, completion, anything else.
    Unknown,
    /// Nothing yet, or nothing that changes the line.
    Nothing,
    /// A bracketed paste begins.
    PasteStart,
    /// A bracketed paste ends.
    PasteEnd,
}

/// Puts keys together from bytes.
#[derive(Debug, Default)]
pub(super) struct Keys {
    lossy: Lossy,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// Before the one character after ESC O.
    Single,
    /// After ESC [.
    Sequence(String),
}

impl Keys {
    /// Takes one byte that is no Enter.
    pub(super) fn step(&mut self, byte: u8) -> Key {
        let mut c = None;
        // One byte gives at most one character, or a replacement and what comes after it.
        self.lossy.decode(&[byte], |text| c = text.chars().next_back().or(c));
        c.map_or(Key::Nothing, |c| self.character(c))
    }

    /// Forgets what has begun.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    fn character(&mut self, c: char) -> Key {
        match (std::mem::take(&mut self.state), c) {
            (_, '\u{1b}') => self.begin(State::Escape),
            (State::Ground, _) => plain(c),
            (State::Escape, '[') => self.begin(State::Sequence(String::new())),
            (State::Escape, 'O') => self.begin(State::Single),
            // Alt with a key.
            (State::Escape, _) => Key::Unknown,
            (State::Single, _) => named(&c.to_string()),
            (State::Sequence(mut held), ' '..='?') if held.len() < SEQUENCE_CHARS_MAX => {
                held.push(c);
                self.begin(State::Sequence(held))
            }
            (State::Sequence(mut held), _) => {
                held.push(c);
                named(&held)
            }
        }
    }

    fn begin(&mut self, state: State) -> Key {
        self.state = state;
        Key::Nothing
    }
}

fn plain(c: char) -> Key {
    match c {
        '\u{8}' | '\u{7f}' => Key::Backspace,
        '\u{1}' => Key::Home,
        '\u{2}' => Key::Left,
        '\u{4}' => Key::Delete,
        '\u{5}' => Key::End,
        '\u{6}' => Key::Right,
        '\u{b}' => Key::KillToEnd,
        '\u{c}' => Key::Redraw,
        '\u{15}' => Key::KillToStart,
        '\u{17}' => Key::KillWord,
        _ if c.is_control() => Key::Unknown,
        _ => Key::Char(c),
    }
}

/// The key of a sequence, without `ESC [` or `ESC O`.
fn named(sequence: &str) -> Key {
    match sequence {
        "C" => Key::Right,
        "D" => Key::Left,
        "H" | "1~" | "7~" => Key::Home,
        "F" | "4~" | "8~" => Key::End,
        "3~" => Key::Delete,
        "200~" => Key::PasteStart,
        "201~" => Key::PasteEnd,
        // The window got or lost the focus.
        "I" | "O" => Key::Nothing,
        _ => Key::Unknown,
    }
}
