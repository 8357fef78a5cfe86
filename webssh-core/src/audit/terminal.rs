//! What the output of a shell tells: the screen, the marks of shell integration, the alternate screen.

use super::screen::Screen;
use crate::WinSize;
use crate::lossy::Lossy;
use crate::vt::{Token, Vt};

/// A mark of shell integration: OSC 133, as FinalTerm had it, or OSC 633.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A: a prompt begins.
    Prompt,
    /// B: the prompt is done, the user may type.
    Input,
    /// C: the command runs.
    Run,
    /// D: the command is done.
    Done,
}

/// A terminal that draws nothing.
#[derive(Debug)]
pub(super) struct Terminal {
    lossy: Lossy,
    vt: Vt,
    screen: Screen,
    alternate: bool,
    bracketed: bool,
}

impl Terminal {
    pub(super) fn new(size: WinSize) -> Self {
        Self {
            lossy: Lossy::default(),
            vt: Vt::default(),
            screen: Screen::new(size),
            alternate: false,
            bracketed: false,
        }
    }

    pub(super) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Whether a full-screen program has the alternate screen; the model keeps the other one.
    pub(super) fn is_alternate(&self) -> bool {
        self.alternate
    }

    /// Whether pastes are bracketed now.
    pub(super) fn is_bracketed(&self) -> bool {
        self.bracketed
    }

    pub(super) fn resize(&mut self, size: WinSize) {
        self.screen.resize(size);
    }

    /// Takes output; every mark is told with the screen as it was then.
    pub(super) fn feed(&mut self, bytes: &[u8], mut on_mark: impl FnMut(Mark, &Screen)) {
        let mut lossy = std::mem::take(&mut self.lossy);
        lossy.decode(bytes, |text| {
            for c in text.chars() {
                if let Some(mark) = self.step(c) {
                    on_mark(mark, &self.screen);
                }
            }
        });
        self.lossy = lossy;
    }

    fn step(&mut self, c: char) -> Option<Mark> {
        match self.vt.step(c)? {
            Token::Osc(text) => return mark(text),
            Token::Csi(sequence) => {
                if let Some((private, params, last)) = parse(sequence) {
                    if !private {
                        return self.draw(|screen| screen.csi(&params, last));
                    }
                    let on = last == 'h';
                    if on || last == 'l' {
                        params.into_iter().flatten().for_each(|mode| self.mode(mode, on));
                    }
                }
            }
            Token::Print(c) => return self.draw(|screen| screen.print(c)),
            Token::Control(c) => return self.draw(|screen| screen.control(c)),
            Token::Escape(sequence) => {
                let mut chars = sequence.chars().skip(1);
                if let (Some(last), None) = (chars.next(), chars.next()) {
                    return self.draw(|screen| screen.escape(last));
                }
            }
        }
        None
    }

    /// The alternate screen is not modelled.
    fn draw(&mut self, change: impl FnOnce(&mut Screen)) -> Option<Mark> {
        if !self.alternate {
            change(&mut self.screen);
        }
        None
    }

    fn mode(&mut self, mode: usize, on: bool) {
        match mode {
            47 | 1047 | 1049 => self.alternate = on,
            2004 => self.bracketed = on,
            _ => {}
        }
    }
}

fn mark(osc: &str) -> Option<Mark> {
    let rest = osc.strip_prefix("133;").or_else(|| osc.strip_prefix("633;"))?;
    match rest.split(';').next() {
        Some("A") => Some(Mark::Prompt),
        Some("B") => Some(Mark::Input),
        Some("C") => Some(Mark::Run),
        Some("D") => Some(Mark::Done),
        _ => None,
    }
}

/// Whether a control sequence is private, its numbers and its last character; `None` when it has anything else.
fn parse(sequence: &str) -> Option<(bool, Vec<Option<usize>>, char)> {
    let body = sequence.strip_prefix("\u{1b}[").or_else(|| sequence.strip_prefix('\u{9b}'))?;
    let mut chars = body.chars();
    let last = chars.next_back()?;
    let numbers = chars.as_str();
    let private = numbers.strip_prefix('?');
    let numbers = private.unwrap_or(numbers);
    let plain = numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b';');
    plain.then(|| (private.is_some(), numbers.split(';').map(|number| number.parse().ok()).collect(), last))
}
