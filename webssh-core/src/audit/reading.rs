//! The line editor of the shell as seen from outside: keys and screen together tell the line.

use std::time::Duration;

use super::keys::Key;
use super::line::Line;
use super::prompt::Prompts;
use super::screen::{Place, Screen};
use super::terminal::{Mark, Terminal};
use crate::WinSize;

/// How long the shell has to be silent after a key whose effect only it knows: two such keys have two answers.
const QUIET: Duration = Duration::from_millis(50);

/// Blanks between a line and what a shell shows at the right edge.
const GUTTER: &str = "    ";

/// What is known about the line when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// There is no line: no prompt, or nothing was typed.
    Nothing,
    /// The screen does not show yet what was typed.
    Unclear,
    /// The line, as the screen shows it.
    Line { text: String, prompt: String, certain: bool },
}

/// How long the line has been waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is to be sent right now.
    Fresh,
    /// It has waited for the screen.
    Waiting,
    /// It waits no longer.
    Over,
}

/// The prompt, the line and the screen that they are on.
#[derive(Debug)]
pub(super) struct Editor {
    terminal: Terminal,
    marked: Marked,
    prompts: Prompts,
    line: Line,
    anchor: Option<Anchor>,
    cancelled: Option<Cancelled>,
    /// The line was sent after it was read.
    sent: bool,
    /// When the shell printed last.
    printed: Duration,
}

/// What the marks of the shell say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marked {
    /// It sends none.
    Never,
    Editing,
    Busy,
}

/// Where a line begins.
#[derive(Debug, Clone)]
struct Anchor {
    place: Place,
    prompt: String,
    /// It stands behind a prompt, not behind any text.
    trusted: bool,
}

/// The line that was cancelled last.
#[derive(Debug)]
struct Cancelled {
    anchor: Option<Anchor>,
    /// Where the cursor was.
    cursor: Place,
}

impl Editor {
    pub(super) fn new(size: WinSize) -> Self {
        Self {
            terminal: Terminal::new(size),
            marked: Marked::Never,
            prompts: Prompts::default(),
            line: Line::default(),
            anchor: None,
            cancelled: None,
            sent: false,
            printed: Duration::ZERO,
        }
    }

    pub(super) fn is_full_screen(&self) -> bool {
        self.terminal.is_alternate()
    }

    pub(super) fn is_bracketed(&self) -> bool {
        self.terminal.is_bracketed()
    }

    /// Takes output. `missed` is told of a line that ran without having been sent through here.
    pub(super) fn on_output(&mut self, now: Duration, bytes: &[u8], mut missed: impl FnMut(&str, &str)) {
        let Self { terminal, marked, line, anchor, sent, .. } = self;
        terminal.feed(bytes, |mark, screen| match mark {
            Mark::Prompt | Mark::Done => *marked = Marked::Busy,
            Mark::Input => {
                // Perhaps it is only drawn anew: the line stays, as does what was typed ahead.
                *sent = false;
                *marked = Marked::Editing;
                *anchor = Some(Anchor { place: screen.cursor(), prompt: screen.left(), trusted: true });
            }
            Mark::Run => {
                if let Some(anchor) = anchor.take().filter(|_| *marked == Marked::Editing && !*sent) {
                    *line = Line::default();
                    let text = screen.between(anchor.place, screen.cursor());
                    if !text.trim().is_empty() {
                        missed(&text, &anchor.prompt);
                    }
                }
                *marked = Marked::Busy;
                *sent = true;
            }
        });
        self.line.on_output();
        self.printed = now;
        if self.is_full_screen() {
            self.on_line_gone();
        }
    }

    pub(super) fn on_resize(&mut self, size: WinSize) {
        self.terminal.resize(size);
        if !self.line.is_untouched() {
            self.line.lose();
        }
        if self.marked == Marked::Never {
            self.anchor = None;
        }
    }

    /// A key that changes the line, before its effect is on the screen.
    pub(super) fn on_key(&mut self, key: Key, literal: bool) {
        match self.marked {
            Marked::Never if self.line.is_untouched() => self.anchor = self.anchor_here(),
            Marked::Never if key == Key::Redraw && !literal => self.anchor = None,
            _ => {}
        }
        let known_place =
            if self.marked == Marked::Never { self.anchor.is_some() } else { self.is_marked_editing() };
        if !known_place && self.line.is_known() {
            self.line.lose();
        }
        self.line.on_key(key, literal);
    }

    pub(super) fn on_pasted_line_feed(&mut self) {
        self.line.on_pasted_line_feed();
    }

    /// The line is with the shell.
    pub(super) fn on_line_sent(&mut self) {
        if let Some(anchor) = &self.anchor
            && matches!(self.read_at(anchor, Duration::MAX, Patience::Fresh), Reading::Line { .. })
        {
            self.prompts.on_line(&anchor.prompt);
        }
        if self.marked == Marked::Editing {
            self.marked = Marked::Busy;
        }
        self.sent = true;
        self.line = Line::default();
        self.anchor = None;
    }

    /// The line is about to be cancelled. Says whether there is one, which a prompt replaces: surely so if it was read.
    pub(super) fn on_cancel(&mut self, was_read: bool) -> bool {
        let has_line = was_read || (self.is_editing() && !self.line.is_untouched());
        if has_line {
            let anchor = self.anchor.clone().or_else(|| self.recovered());
            self.cancelled = Some(Cancelled { anchor, cursor: self.screen().cursor() });
        }
        self.on_line_gone();
        if has_line && self.marked == Marked::Editing {
            self.marked = Marked::Busy;
        }
        has_line
    }

    /// Whether there is a prompt in place of the line that was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        let Some(Cancelled { anchor: Some(anchor), cursor: before }) = &self.cancelled else {
            return self.is_at_prompt();
        };
        let screen = self.screen();
        let cursor = screen.cursor();
        // Some shells empty the line where it stands.
        let is_emptied = *before != cursor && cursor == anchor.place && screen.line_end() <= cursor;
        // A late echo of the line can look like a prompt.
        let is_echo = self.marked == Marked::Never
            && cursor.row == anchor.place.row
            && screen.left().trim_end() != anchor.prompt.trim_end();
        is_emptied || (self.is_at_prompt() && !is_echo)
    }

    /// Whether the cancelled line may still be there: nothing was printed below it.
    pub(super) fn is_cancel_unanswered(&self) -> bool {
        self.cancelled.as_ref().is_some_and(|cancelled| cancelled.cursor.row == self.screen().cursor().row)
    }

    /// There is a new line to edit.
    pub(super) fn on_cancelled(&mut self) {
        self.cancelled = None;
        if self.marked == Marked::Busy {
            self.marked = Marked::Editing;
        }
    }

    /// The line was cancelled and no prompt has come: only the screen tells what there is.
    pub(super) fn on_cancel_unseen(&mut self) {
        self.line.lose();
        if self.is_cancel_unanswered() && self.marked == Marked::Busy {
            self.marked = Marked::Editing;
        }
    }

    fn on_line_gone(&mut self) {
        self.line = Line::default();
        if self.marked == Marked::Never {
            self.anchor = None;
        }
    }

    /// Whether the user is at a prompt, with or without a line.
    pub(super) fn is_editing(&self) -> bool {
        match self.marked {
            Marked::Never => self.trusted_anchor().is_some() || self.is_at_prompt(),
            Marked::Editing => true,
            Marked::Busy => false,
        }
    }

    /// Whether there is a prompt and nothing behind it.
    pub(super) fn is_at_prompt(&self) -> bool {
        match self.marked {
            Marked::Never => self.prompts.is_prompt(&self.screen().left()),
            Marked::Editing => true,
            Marked::Busy => false,
        }
    }

    /// When the shell will have been silent for long enough.
    pub(super) fn settles_at(&self) -> Duration {
        self.printed + QUIET
    }

    /// The line, as far as keys and screen tell now.
    pub(super) fn reading(&self, now: Duration, patience: Patience) -> Reading {
        if self.is_full_screen() || self.line.is_untouched() || self.marked == Marked::Busy {
            return Reading::Nothing;
        }
        if let Some(anchor) = self.trusted_anchor() {
            return self.read_below(anchor, now).unwrap_or_else(|| self.read_at(anchor, now, patience));
        }
        match self.recovered() {
            Some(anchor) => self.read_from_screen(&anchor, now, patience),
            None => Reading::Nothing,
        }
    }

    /// The line behind the same prompt further down, where the shell has drawn it anew: what was typed, and all of it.
    fn read_below(&self, anchor: &Anchor, now: Duration) -> Option<Reading> {
        let is_anew = |new: &Anchor| {
            new.place.row > anchor.place.row && new.prompt.trim_end() == anchor.prompt.trim_end()
        };
        let anew = self.recovered().filter(|new| self.line.is_known() && is_anew(new))?;
        let reading = self.read_at(&anew, now, Patience::Waiting);
        matches!(reading, Reading::Line { .. }).then_some(reading)
    }

    fn read_at(&self, anchor: &Anchor, now: Duration, patience: Patience) -> Reading {
        if !self.line.is_known() {
            return self.read_from_screen(anchor, now, patience);
        }
        if self.line.is_blank() {
            return Reading::Nothing;
        }
        let screen = self.screen();
        let (cursor, end) = (screen.cursor(), screen.line_end());
        let shown =
            [(anchor.place, cursor), (cursor, end)].map(|(from, to)| inked(&screen.between(from, to)));
        let typed = self.line.shown();
        let [left, right] = shown;
        if left == inked(&typed.0) && right.starts_with(&inked(&typed.1)) {
            return Reading::Line { text: self.line.text(), prompt: anchor.prompt.clone(), certain: true };
        }
        if patience == Patience::Over {
            self.read_from_screen(anchor, now, patience)
        } else {
            Reading::Unclear
        }
    }

    /// The text on the screen behind the prompt.
    fn read_from_screen(&self, anchor: &Anchor, now: Duration, patience: Patience) -> Reading {
        let screen = self.screen();
        let (cursor, end) = (screen.cursor(), screen.line_end());
        let left = screen.between(anchor.place, cursor);
        let found = searched(&screen.between(Place { col: 0, ..anchor.place }, end));
        // What is typed into a search ends up in its term, not at the cursor.
        let typed_into = found.as_ref().map_or(&left, |(term, _)| term);
        let shown = self.line.is_known() || typed_into.ends_with(&self.line.shown().0);
        let settled = self.line.was_answered() && now >= self.settles_at();
        if patience != Patience::Over && !(settled && shown) {
            return Reading::Unclear;
        }
        let right = screen.between(cursor, end);
        let right = right.split(GUTTER).next().unwrap_or_default();
        let text = found.map_or_else(|| format!("{left}{right}"), |(_, text)| text);
        if text.trim().is_empty() {
            // Without an echo there is nothing to tell: this is how passwords are typed.
            return Reading::Nothing;
        }
        let certain = patience == Patience::Fresh && right.trim().is_empty() && self.anchor.is_some();
        Reading::Line { text, prompt: anchor.prompt.clone(), certain }
    }

    /// A line that begins where the cursor is now.
    fn anchor_here(&mut self) -> Option<Anchor> {
        let (place, prompt) = (self.screen().cursor(), self.screen().left());
        let trusted = self.prompts.is_prompt(&prompt);
        if trusted {
            self.prompts.on_prompt(&prompt);
        }
        (!prompt.trim().is_empty()).then_some(Anchor { place, prompt, trusted })
    }

    fn trusted_anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref().filter(|anchor| anchor.trusted && self.screen().holds(anchor.place))
    }

    /// The line began before its prompt was there: the prompt is looked for in its row.
    fn recovered(&self) -> Option<Anchor> {
        if self.marked != Marked::Never {
            return None;
        }
        let screen = self.screen();
        let row = Place { col: 0, ..screen.cursor() };
        let text = screen.between(row, screen.line_end());
        let col = self.prompts.length_in(&text)?;
        let prompt = text.chars().take(col).collect::<String>();
        // A prompt has cells that a wide character takes twice.
        let col = prompt.chars().map(super::screen::width).sum();
        Some(Anchor { place: Place { col, ..row }, prompt, trusted: true })
    }

    fn is_marked_editing(&self) -> bool {
        self.marked == Marked::Editing
    }

    fn screen(&self) -> &Screen {
        self.terminal.screen()
    }
}

/// What can be seen of a text. Where it is broken into rows, and how the rows are filled up, depends on who does it.
fn inked(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The term of an incremental search of bash and the command that it has found, in a row that shows one.
fn searched(row: &str) -> Option<(String, String)> {
    let (_, rest) = row.strip_prefix('(')?.split_once("i-search)`")?;
    let (term, text) = rest.split_once("': ")?;
    Some((term.to_owned(), text.to_owned()))
}
