//! The commands of a session, before the shell gets them: for a log, and to stop slips.
//!
//! Between the input of a user and the shell stands an [`Audit`]. It follows the keys and the screen, and when a line
//! is about to be sent it asks a [`CommandHook`], which allows it, denies it, or leaves it for review. It does no I/O
//! and reads no clock: bytes and the time go in, [`Step`]s come out.
//!
//! # Best effort
//!
//! A terminal carries keys and pictures, not commands. Prompts are found by the marks of shell integration (OSC 133)
//! where the shell sends them, otherwise by their looks. What a script, an editor or a program started by a command
//! does is not seen; nor is what a user types ahead of a prompt, unless the shell marks its commands. A user who
//! wants to deceive it can. It is a log for honest people and a rail against slips; what a user must not do has to be
//! impossible for the account behind the shell.
//!
//! A denied line is cancelled by Ctrl-C, and what is typed after that, or after a Ctrl-C of the user at a line, waits for
//! the prompt. If nothing comes, Ctrl-C is sent again: a readline that still draws the line can lose the first, keep the
//! line out of sight, and run it at the next Enter (seen with bash 5.2).
//!
//! What is typed without an echo, such as a password, is never in a [`Command`]: its text is only what the screen
//! shows. Nothing is looked at while a full-screen program has the alternate screen.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use webssh_core::WinSize;
//! use webssh_core::audit::{Audit, AuditRules, Step};
//!
//! let rules = AuditRules::new().deny("rm -rf /*", "that would be the end")?;
//! let mut audit = Audit::new(Arc::new(rules), WinSize::default());
//! let now = Duration::ZERO;
//! audit.on_output(now, b"$ ");
//! audit.on_input(now, b"rm -rf /");
//! assert!(matches!(audit.poll(), Some(Step::Forward(keys)) if keys == "rm -rf /"));
//! audit.on_output(now, b"rm -rf /"); // the echo
//! audit.on_input(now, b"\r");
//! assert!(matches!(audit.poll(), Some(Step::Show(_)))); // that would be the end
//! assert!(matches!(audit.poll(), Some(Step::Forward(keys)) if keys == "\x03")); // the line is cancelled
//! # Ok::<(), webssh_core::Error>(())
//! ```

mod command;
mod keys;
mod line;
mod prompt;
mod reading;
mod rules;
mod screen;
mod terminal;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use command::{Command, CommandHook, CommandId, Verdict};
pub use rules::AuditRules;

use crate::WinSize;
use command::message;
use keys::{Key, Keys};
use reading::{Editor, Patience, Reading};

/// How long an Enter waits for the echo of what was typed before it.
const ECHO_WAIT: Duration = Duration::from_millis(300);

/// How long the further lines of a paste wait for the next prompt.
const PROMPT_WAIT: Duration = Duration::from_secs(1);

/// How long a line that was cancelled may take to go, before it is cancelled once more.
const CANCEL_WAIT: Duration = Duration::from_secs(1);

/// How often a line is cancelled once more. A Ctrl-C that meets a readline while it draws is lost: the line stays, and
/// the next Enter would run it.
const CANCELS_MORE: u8 = 3;

/// The end of a line: Enter, Ctrl-J, and Ctrl-O, which readline takes as one.
const ENTERS: [u8; 3] = [b'\r', b'\n', 0x0f];

const INTERRUPT: u8 = 0x03;

/// One thing for the driver to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Type these bytes into the shell.
    Forward(Bytes),
    /// Show these bytes to the user, as if the shell had printed them.
    Show(Bytes),
    /// Have this command reviewed, and answer with [`Audit::verdict`]. The user can take it back by Ctrl-C.
    Ask(Command),
    /// The user took this command back: its review is void.
    Withdrawn(CommandId),
    /// End the session, and say why.
    End {
        /// For the user.
        text: String,
    },
}

/// The audit of one session. See the [module](self) for what it can do.
///
/// `now` is the time since any fixed moment and must not go back. Its memory is bounded: up to 64 KiB of held input, up
/// to 400 KB of screen, and the steps that were not polled.
pub struct Audit {
    hook: Arc<dyn CommandHook>,
    editor: Editor,
    keys: Keys,
    pasting: bool,
    stage: Stage,
    /// Input that waits, oldest first.
    held: VecDeque<u8>,
    /// Input on its way to the shell.
    run: BytesMut,
    steps: VecDeque<Step>,
    commands: u64,
}

/// What the held input waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Open,
    /// The Enter in front waits for the echo of its line, and looks at the screen when it may have settled.
    Echo { until: Duration, look_at: Duration },
    /// The next line waits for a prompt.
    Prompt { until: Duration },
    /// The Enter in front waits for a decision.
    Review(CommandId),
    /// The line was cancelled; the input waits for the prompt that tells that it is gone.
    Cancel { until: Duration, more: u8 },
    /// Nothing goes to the shell any more.
    Ended,
}

impl Audit {
    /// The most input that is held while an echo, a prompt or a decision is waited for; more of it is lost with a bell,
    /// as in any terminal.
    pub const HELD_BYTES_MAX: usize = 64 * 1024;

    /// An audit from the start of a session, of a terminal of this size.
    #[must_use]
    pub fn new(hook: Arc<dyn CommandHook>, size: WinSize) -> Self {
        Self {
            hook,
            editor: Editor::new(size),
            keys: Keys::default(),
            pasting: false,
            stage: Stage::Open,
            held: VecDeque::new(),
            run: BytesMut::new(),
            steps: VecDeque::new(),
            commands: 0,
        }
    }

    /// The user typed. Nothing goes to the shell but what [`poll`](Self::poll) says.
    pub fn on_input(&mut self, now: Duration, bytes: &[u8]) {
        let bytes = match bytes.iter().rposition(|byte| *byte == INTERRUPT) {
            Some(at) if self.stage != Stage::Open => {
                self.interrupt(now);
                bytes.get(at + 1..).unwrap_or_default()
            }
            _ => bytes,
        };
        if self.stage == Stage::Ended {
            return;
        }
        let room = Self::HELD_BYTES_MAX.saturating_sub(self.held.len());
        let (taken, lost) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.held.extend(taken);
        if !lost.is_empty() {
            self.steps.push_back(Step::Show(Bytes::from_static(b"\x07")));
        }
        self.advance(now);
    }

    /// The shell printed.
    pub fn on_output(&mut self, now: Duration, bytes: &[u8]) {
        let hook = &self.hook;
        let commands = &mut self.commands;
        self.editor.on_output(now, bytes, |text, prompt| {
            let id = next_id(commands);
            hook.missed(&Command::new(id, text, prompt, false));
        });
        self.pasting &= self.editor.is_bracketed();
        match self.stage {
            Stage::Echo { .. } if self.editor.is_full_screen() => self.release(now, None),
            Stage::Echo { until, .. } => self.look(now, until),
            Stage::Prompt { .. } if self.editor.is_at_prompt() => self.stage = Stage::Open,
            Stage::Cancel { .. } if self.editor.is_full_screen() => self.stage = Stage::Open,
            Stage::Cancel { .. } if self.editor.is_cancelled() => {
                self.editor.on_cancelled();
                self.stage = Stage::Open;
            }
            _ => {}
        }
        self.advance(now);
    }

    /// The terminal got another size.
    pub fn on_resize(&mut self, size: WinSize) {
        self.editor.on_resize(size);
    }

    /// Time has passed. Call it at [`wake_at`](Self::wake_at); calling it more often does no harm.
    pub fn on_tick(&mut self, now: Duration) {
        match self.stage {
            Stage::Echo { until, .. } if now >= until => {
                let reading = self.editor.reading(now, Patience::Over);
                self.release(now, Some(reading));
            }
            Stage::Echo { until, look_at } if now >= look_at => self.look(now, until),
            Stage::Prompt { until } if now >= until => self.stage = Stage::Open,
            Stage::Cancel { until, more } if now >= until => self.cancel_more(now, more),
            _ => {}
        }
        self.advance(now);
    }

    /// When [`on_tick`](Self::on_tick) has to be called.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        match self.stage {
            Stage::Echo { until, look_at } => Some(until.min(look_at)),
            Stage::Prompt { until } | Stage::Cancel { until, .. } => Some(until),
            Stage::Open | Stage::Review(_) | Stage::Ended => None,
        }
    }

    /// A review is decided. A verdict on a command that was withdrawn, or decided before, does nothing; nor does
    /// another [`Verdict::Review`].
    pub fn verdict(&mut self, now: Duration, id: CommandId, verdict: Verdict) {
        if self.stage != Stage::Review(id) || verdict == Verdict::Review {
            return;
        }
        self.stage = Stage::Open;
        if let Some(enter) = self.held.pop_front() {
            self.decide(now, enter, verdict);
        }
        self.advance(now);
    }

    /// What to do next; call it until it says `None`.
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    fn advance(&mut self, now: Duration) {
        while self.stage == Stage::Open {
            let Some(byte) = self.held.pop_front() else { break };
            self.on_byte(now, byte);
        }
        self.flush();
    }

    fn on_byte(&mut self, now: Duration, byte: u8) {
        if self.editor.is_full_screen() {
            self.keys.reset();
            self.pasting = false;
        } else if self.pasting && ENTERS.contains(&byte) {
            self.editor.on_pasted_line_feed();
        } else if ENTERS.contains(&byte) {
            return self.on_enter(now, byte);
        } else if byte == INTERRUPT && !self.pasting {
            self.keys.reset();
            if self.editor.on_cancel(false) {
                self.stage = Stage::Cancel { until: now + CANCEL_WAIT, more: CANCELS_MORE };
            }
        } else {
            self.on_key(byte);
        }
        self.run.extend_from_slice(&[byte]);
    }

    fn on_key(&mut self, byte: u8) {
        let key = self.keys.step(byte);
        match key {
            // A shell that asked for no brackets takes them as keys, and so the lines in between as commands.
            Key::PasteStart => self.pasting = self.editor.is_bracketed(),
            Key::PasteEnd => self.pasting = false,
            Key::Nothing => {}
            _ => self.editor.on_key(key, self.pasting),
        }
    }

    fn on_enter(&mut self, now: Duration, enter: u8) {
        self.keys.reset();
        match self.editor.reading(now, Patience::Fresh) {
            Reading::Unclear => {
                self.held.push_front(enter);
                self.stage = self.echo(now, now + ECHO_WAIT);
            }
            reading => self.submit(now, enter, reading),
        }
    }

    /// Looks whether the line of the Enter in front can be told by now.
    fn look(&mut self, now: Duration, until: Duration) {
        match self.editor.reading(now, Patience::Waiting) {
            reading @ Reading::Line { .. } => self.release(now, Some(reading)),
            _ => self.stage = self.echo(now, until),
        }
    }

    fn echo(&self, now: Duration, until: Duration) -> Stage {
        let settles_at = self.editor.settles_at();
        Stage::Echo { until, look_at: if settles_at > now { settles_at } else { until } }
    }

    /// The Enter in front has waited for its line's echo.
    fn release(&mut self, now: Duration, reading: Option<Reading>) {
        self.stage = Stage::Open;
        if let Some(enter) = self.held.pop_front() {
            self.submit(now, enter, reading.unwrap_or(Reading::Nothing));
        }
    }

    fn submit(&mut self, now: Duration, enter: u8, reading: Reading) {
        let Reading::Line { text, prompt, certain } = reading else {
            return self.forward(now, enter);
        };
        let id = next_id(&mut self.commands);
        let command = Command::new(id, &text, &prompt, certain);
        let verdict = self.hook.judge(&command);
        if verdict == Verdict::Review {
            self.flush();
            self.held.push_front(enter);
            self.stage = Stage::Review(id);
            self.steps.push_back(Step::Ask(command));
        } else {
            self.decide(now, enter, verdict);
        }
    }

    fn decide(&mut self, now: Duration, enter: u8, verdict: Verdict) {
        match verdict {
            Verdict::Allow | Verdict::Review => self.forward(now, enter),
            Verdict::Deny { text } => {
                self.flush();
                let text = format!("\r\n{}\r\n", message(&text));
                self.steps.push_back(Step::Show(Bytes::from(text)));
                self.clear_line(now, true);
            }
            Verdict::End { text } => {
                self.flush();
                self.held.clear();
                self.stage = Stage::Ended;
                self.steps.push_back(Step::End { text: message(&text) });
            }
        }
    }

    fn forward(&mut self, now: Duration, enter: u8) {
        let at_prompt = self.editor.is_editing();
        self.editor.on_line_sent();
        self.run.extend_from_slice(&[enter]);
        if at_prompt && !self.held.is_empty() {
            self.stage = Stage::Prompt { until: now + PROMPT_WAIT };
        }
    }

    /// Ctrl-C while something is held: it always acts, and what is held is gone.
    fn interrupt(&mut self, now: Duration) {
        let was_read = match self.stage {
            Stage::Ended => return,
            Stage::Review(id) => {
                self.steps.push_back(Step::Withdrawn(id));
                true
            }
            _ => false,
        };
        self.clear_line(now, was_read);
    }

    /// Drops what is held and has the shell drop its line.
    fn clear_line(&mut self, now: Duration, was_read: bool) {
        self.held.clear();
        self.keys.reset();
        self.pasting = false;
        let had_line = self.editor.on_cancel(was_read) || matches!(self.stage, Stage::Cancel { .. });
        self.stage = if had_line {
            Stage::Cancel { until: now + CANCEL_WAIT, more: CANCELS_MORE }
        } else {
            Stage::Open
        };
        self.run.extend_from_slice(&[INTERRUPT]);
        self.flush();
    }

    /// No prompt has come since the line was cancelled.
    fn cancel_more(&mut self, now: Duration, more: u8) {
        if let Some(more) = more.checked_sub(1) {
            self.stage = Stage::Cancel { until: now + CANCEL_WAIT, more };
            // A shell that has left the line and is slow to show its prompt is not disturbed.
            if self.editor.is_cancel_unanswered() {
                self.run.extend_from_slice(&[INTERRUPT]);
            }
        } else {
            self.stage = Stage::Open;
            self.editor.on_cancel_unseen();
        }
    }

    fn flush(&mut self) {
        if !self.run.is_empty() {
            self.steps.push_back(Step::Forward(self.run.split().freeze()));
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The screen and the held input are a user's own.
        f.debug_struct("Audit")
            .field("stage", &self.stage)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

fn next_id(commands: &mut u64) -> CommandId {
    let id = CommandId(*commands);
    *commands = commands.saturating_add(1);
    id
}
