//! Who listens in on a session: the recording, and the audit of its commands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::SessionOptions;
use crate::audit::{Audit, Command, CommandId, Step, Verdict};
use crate::record::{Recorded, Recorder};
use crate::{BoxFuture, ChannelEnd, WinSize};

/// Remarks of the audit that wait for room on the terminal. A user who reads nothing misses the others.
const REMARKS_MAX: usize = 16;

/// Decides about commands that a [`CommandHook`](crate::audit::CommandHook) leaves for review: a teacher, or
/// somebody on duty.
pub trait Reviewer: Send + Sync {
    /// Decides about one command; the user's line is held until then. [`Verdict::Review`] counts as a denial.
    /// The future is dropped when the user takes the command back or the session ends.
    fn review(&self, command: Command) -> BoxFuture<'static, Verdict>;
}

/// What a session does beside its work.
#[derive(Debug)]
pub(super) struct Hooks {
    recorder: Option<Arc<Recorder>>,
    audit: Option<Audit>,
    reviewed: bool,
    review: Review,
    remarks: VecDeque<Bytes>,
    /// The recording failed, and is required.
    pub(super) failed: bool,
}

/// The one command that may be under review.
#[derive(Debug, Default)]
enum Review {
    #[default]
    None,
    /// The driver has to ask the reviewer.
    Asked(Command),
    /// It has asked.
    Waiting(CommandId),
}

impl Hooks {
    pub(super) fn new(options: SessionOptions) -> Self {
        Self {
            recorder: options.recorder.map(Arc::new),
            audit: options.audit,
            reviewed: options.reviewer.is_some(),
            review: Review::None,
            remarks: VecDeque::new(),
            failed: false,
        }
    }

    pub(super) fn recorder(&self) -> Option<Arc<Recorder>> {
        self.recorder.clone()
    }

    /// The shell printed.
    pub(super) fn on_output(&mut self, now: Duration, bytes: &[u8]) {
        self.record(|recorder| recorder.output(now, bytes));
        if let Some(audit) = &mut self.audit {
            audit.on_output(now, bytes);
        }
    }

    /// The audit had something shown, which is no output of the shell.
    pub(super) fn on_shown(&mut self, now: Duration, bytes: &[u8]) {
        self.record(|recorder| recorder.output(now, bytes));
    }

    /// The user typed. Without an audit, the bytes come back for the shell.
    pub(super) fn on_input(&mut self, now: Duration, bytes: Bytes) -> Option<Bytes> {
        match &mut self.audit {
            Some(audit) => {
                audit.on_input(now, &bytes);
                None
            }
            None => Some(bytes),
        }
    }

    /// The shell was given input.
    pub(super) fn on_typed(&mut self, now: Duration, bytes: &[u8]) {
        self.record(|recorder| recorder.input(now, bytes));
    }

    pub(super) fn on_resize(&mut self, now: Duration, size: WinSize) {
        self.record(|recorder| recorder.resize(now, size));
        if let Some(audit) = &mut self.audit {
            audit.on_resize(size);
        }
    }

    pub(super) fn on_end(&mut self, now: Duration, end: &ChannelEnd) {
        self.record(|recorder| recorder.exit(now, end));
    }

    pub(super) fn on_tick(&mut self, now: Duration) {
        if let Some(audit) = &mut self.audit {
            audit.on_tick(now);
        }
    }

    /// The reviewer has decided.
    pub(super) fn on_verdict(&mut self, now: Duration, id: CommandId, verdict: Verdict) {
        if !matches!(self.review, Review::Waiting(waiting) if waiting == id) {
            return;
        }
        self.review = Review::None;
        self.decide(now, id, verdict);
    }

    pub(super) fn wake_at(&self) -> Option<Duration> {
        self.audit.as_ref().and_then(Audit::wake_at)
    }

    /// What the audit wants done with the shell or the session; the rest is taken care of here.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Effect> {
        loop {
            match self.audit.as_mut()?.poll()? {
                Step::Forward(bytes) => return Some(Effect::Type(bytes)),
                Step::End { text } => return Some(Effect::End { text }),
                Step::Show(bytes) => {
                    if self.remarks.len() < REMARKS_MAX {
                        self.remarks.push_back(bytes);
                    }
                }
                Step::Ask(command) if self.reviewed => self.review = Review::Asked(command),
                Step::Ask(command) => self.decide(now, command.id, Verdict::Review),
                Step::Withdrawn(_) => self.review = Review::None,
            }
        }
    }

    /// The next remark for the terminal.
    pub(super) fn take_remark(&mut self) -> Option<Bytes> {
        self.remarks.pop_front()
    }

    /// The command for the reviewer, once.
    pub(super) fn take_asked(&mut self) -> Option<Command> {
        match std::mem::take(&mut self.review) {
            Review::Asked(command) => {
                self.review = Review::Waiting(command.id);
                Some(command)
            }
            other => {
                self.review = other;
                None
            }
        }
    }

    /// The command that the reviewer was asked about.
    pub(super) fn reviewing(&self) -> Option<CommandId> {
        match self.review {
            Review::Waiting(id) => Some(id),
            Review::None | Review::Asked(_) => None,
        }
    }

    pub(super) fn has_asked(&self) -> bool {
        matches!(self.review, Review::Asked(_))
    }

    /// The session is over: the recording ends when the driver lets go of it too.
    pub(super) fn finish(&mut self) {
        self.recorder = None;
        self.audit = None;
        self.review = Review::None;
        self.remarks.clear();
    }

    fn decide(&mut self, now: Duration, id: CommandId, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Review => Verdict::Deny { text: "nobody is here to review this command".to_owned() },
            other => other,
        };
        if let Some(audit) = &mut self.audit {
            audit.verdict(now, id, verdict);
        }
    }

    fn record(&mut self, event: impl FnOnce(&Recorder) -> Recorded) {
        if let Some(recorder) = &self.recorder
            && event(recorder) == Recorded::Failed
        {
            self.failed = true;
        }
    }
}

/// What the audit wants done.
#[derive(Debug)]
pub(super) enum Effect {
    /// Type this into the shell.
    Type(Bytes),
    /// End the session with these words.
    End { text: String },
}
