//! Cuts what a terminal is sent into characters, controls and whole sequences (ECMA-48, and xterm's control
//! sequences). It knows no meaning: who uses it decides what a sequence does.

/// The longest sequence that is reported; longer ones are swallowed.
const SEQUENCE_BYTES_MAX: usize = 256;

/// The cutter: characters go in one by one.
#[derive(Debug, Default)]
pub(crate) struct Vt {
    state: State,
    /// The sequence so far, with its introducer; of an operating system command, what it says.
    held: String,
    /// What is held has been reported, and goes before the next character.
    reported: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC and, perhaps, intermediate characters.
    Escape,
    /// After CSI.
    Csi,
    /// In a control sequence that is too long.
    CsiTooLong,
    /// In an operating system command.
    Osc,
    /// In a string that nobody needs: DCS, SOS, PM, APC, or the title of a screen(1).
    Other,
}

/// What a character completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A character to show.
    Print(char),
    /// A control: C0 without ESC, DEL, or a C1 that begins no sequence.
    Control(char),
    /// An escape sequence, from ESC to its last character.
    Escape(&'a str),
    /// A control sequence, from its introducer (`ESC [` or U+009B) to its last character.
    Csi(&'a str),
    /// What an operating system command says, without `ESC ]` and its end.
    Osc(&'a str),
}

impl Vt {
    /// Takes a character.
    pub(crate) fn step(&mut self, c: char) -> Option<Token<'_>> {
        if std::mem::take(&mut self.reported) {
            self.held.clear();
            if self.state == State::Escape {
                self.held.push('\u{1b}');
            }
        }
        match (self.state, c) {
            (_, '\u{1b}') => self.escape(),
            // Cancelled.
            (State::Ground, '\u{18}' | '\u{1a}') => Some(Token::Control(c)),
            (_, '\u{18}' | '\u{1a}') => self.ground(),
            (State::Osc, '\u{7}' | '\u{9c}') => self.end_of_osc(State::Ground),
            (State::Osc, _) => self.hold(c, State::Osc),
            (State::Other, '\u{9c}') => self.ground(),
            (State::Other, _) => None,
            (_, '\u{80}'..='\u{9f}') => self.c1(c),
            // Terminals act on these in the middle of a sequence.
            (_, '\0'..='\u{1f}') => Some(Token::Control(c)),
            (State::Ground, '\u{7f}') => Some(Token::Control(c)),
            (_, '\u{7f}') => None,
            (State::Ground, _) => Some(Token::Print(c)),
            (State::Escape, ' '..='~') => self.in_escape(c),
            (State::Csi, ' '..='?') => self.hold(c, State::CsiTooLong),
            (State::CsiTooLong, ' '..='?') => None,
            (State::Csi, '@'..='~') => {
                self.held.push(c);
                self.report(State::Ground);
                Some(Token::Csi(&self.held))
            }
            (State::CsiTooLong, '@'..='~') => self.ground(),
            // No character of a sequence: it is given up.
            (State::Escape | State::Csi | State::CsiTooLong, _) => {
                self.ground();
                Some(Token::Print(c))
            }
        }
    }

    fn escape(&mut self) -> Option<Token<'_>> {
        if self.state == State::Osc {
            // Either its end, ESC \, or something new; both end it.
            return self.end_of_osc(State::Escape);
        }
        self.state = State::Escape;
        self.held.clear();
        self.held.push('\u{1b}');
        None
    }

    fn in_escape(&mut self, c: char) -> Option<Token<'_>> {
        let first = self.held.len() == 1;
        match c {
            '[' if first => self.begin(State::Csi, "\u{1b}["),
            ']' if first => self.begin(State::Osc, ""),
            'P' | 'X' | '^' | '_' | 'k' if first => self.begin(State::Other, ""),
            ' '..='/' => self.hold(c, State::Other),
            _ => {
                self.held.push(c);
                self.report(State::Ground);
                Some(Token::Escape(&self.held))
            }
        }
    }

    fn c1(&mut self, c: char) -> Option<Token<'_>> {
        match c {
            '\u{9b}' => self.begin(State::Csi, "\u{9b}"),
            '\u{9d}' => self.begin(State::Osc, ""),
            '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => self.begin(State::Other, ""),
            _ => {
                self.ground();
                Some(Token::Control(c))
            }
        }
    }

    fn begin(&mut self, state: State, introducer: &str) -> Option<Token<'_>> {
        self.state = state;
        self.held.clear();
        self.held.push_str(introducer);
        None
    }

    fn ground(&mut self) -> Option<Token<'_>> {
        self.begin(State::Ground, "")
    }

    /// Holds a character of a sequence, or goes on in another state when there is no room.
    fn hold(&mut self, c: char, full: State) -> Option<Token<'_>> {
        if self.held.len() + c.len_utf8() <= SEQUENCE_BYTES_MAX {
            self.held.push(c);
        } else {
            self.state = full;
        }
        None
    }

    fn end_of_osc(&mut self, next: State) -> Option<Token<'_>> {
        self.report(next);
        Some(Token::Osc(&self.held))
    }

    fn report(&mut self, next: State) {
        self.state = next;
        self.reported = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut vt = Vt::default();
        text.chars().filter_map(|c| vt.step(c).map(|token| format!("{token:?}"))).collect()
    }

    #[test]
    fn sequences_end_where_a_terminal_ends_them() {
        let cut =
            tokens("a\x1b[1;31mb\x1b]0;title\x07c\x1b]8;;x\x1b\\d\x1bP+q\x1b\\\x1b(B\u{9b}5n\u{9d}t\u{9c}e");
        let expected = [
            "Print('a')",
            r#"Csi("\u{1b}[1;31m")"#,
            "Print('b')",
            r#"Osc("0;title")"#,
            "Print('c')",
            r#"Osc("8;;x")"#,
            r#"Escape("\u{1b}\\")"#,
            "Print('d')",
            r#"Escape("\u{1b}\\")"#,
            r#"Escape("\u{1b}(B")"#,
            r#"Csi("\u{9b}5n")"#,
            r#"Osc("t")"#,
            "Print('e')",
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn a_broken_sequence_hides_nothing_after_it() {
        assert_eq!(tokens("\x1b[12\u{18}3"), ["Print('3')"]);
        assert_eq!(tokens("\x1b[12\x1b[mx"), [r#"Csi("\u{1b}[m")"#, "Print('x')"]);
        assert_eq!(tokens("\x1b[1中"), ["Print('中')"]);
        assert_eq!(tokens("\x1b[1\r2K"), ["Control('\\r')", r#"Csi("\u{1b}[12K")"#]);
        assert_eq!(tokens(&format!("\x1b[{}mx", "1;".repeat(200))), ["Print('x')"]);
    }
}
